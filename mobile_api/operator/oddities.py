"""What was found odd about a device, in an operator's words, and that she has looked at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.findings.service import findings, is_open
from gateway.findings.tables import FindingKind
from mobile_api.edge.problems import N_
from mobile_api.operator.looking import Moment, OperatorLooking

# What it is, and what to do.
MEANINGS: Final[Mapping[FindingKind, tuple[str, str]]] = {
    FindingKind.FLOODING: (
        N_("It floods"),
        N_("It says far more than a device may. Nothing is lost; look at its software."),
    ),
    FindingKind.CLONED: (
        N_("Perhaps cloned"),
        N_("Two devices use its credential in turns. Rotate it, and find the other."),
    ),
    FindingKind.FORKED: (
        N_("Numbers given twice"),
        N_("Old numbers came with new events: a copy of it, or somebody who sends old messages."),
    ),
    FindingKind.ELSEWHERE: (
        N_("Speaks elsewhere"),
        N_("It speaks where it is not enrolled. Moved to another shop it is enrolled there anew."),
    ),
    FindingKind.LOST_BAND: (
        N_("A lost wristband was here"),
        N_("A wristband that was reported lost was held to it. Whoever has it stood there."),
    ),
    FindingKind.COPIED_BAND: (
        N_("A copied wristband"),
        N_("Two wristbands say that they are one. It opens nothing until the desk has looked."),
    ),
}


@dataclass(frozen=True, slots=True)
class FindingShown:
    """One kind of oddity; ``open``: nobody has looked since it was seen last."""

    kind: str
    title: str
    meaning: str
    detail: str
    count: str
    first: Moment | None
    last: Moment | None
    open: bool


def oddities(look: OperatorLooking, device_id: str) -> tuple[FindingShown, ...]:
    """Return what was found of a device, the latest first."""
    gettext = look.spoken.gettext
    return tuple(
        FindingShown(
            kind=row.kind,
            title=gettext(MEANINGS[FindingKind(row.kind)][0]),
            meaning=gettext(MEANINGS[FindingKind(row.kind)][1]),
            detail=row.detail,
            count=look.spoken.number(row.count),
            first=look.moment_us(row.first_seen_us),
            last=look.moment_us(row.last_seen_us),
            open=is_open(row),
        )
        for row in findings(look.db, device_id)
    )
