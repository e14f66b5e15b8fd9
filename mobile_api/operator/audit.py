"""The newest of the audit log as an operator reads it; nothing here changes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cart.audit import service
from cart.audit.model import DONE, Head
from mobile_api.operator.audit_words import ACTION_WORDS, OUTCOME_WORDS, ROLE_WORDS
from mobile_api.operator.looking import Moment, OperatorLooking
from mobile_api.staff.queries import names

SHOWN_MAX: Final = 200  # older ones: `mobile_api audit show`


@dataclass(frozen=True, slots=True)
class EntryShown:
    """One row, in words. ``name``: of one of the staff; ``refusal``: empty when it was done."""

    seq: int
    at: Moment | None
    who_id: str
    name: str
    role: str
    location_id: str
    action: str
    on_id: str
    on_name: str
    refusal: str


@dataclass(frozen=True, slots=True)
class Log:
    """The newest entries. ``of``: whose they are, by name, empty for everybody's."""

    rows: tuple[EntryShown, ...]
    staff_id: str
    of: str
    head: Head


def _words(look: OperatorLooking, of: Mapping[str, str], code: str) -> str:
    return look.spoken.gettext(of[code]) if code in of else code


def log(look: OperatorLooking, staff_id: str = "") -> Log:
    """Return the newest entries, or those of one of the staff."""
    rows = service.newest(look.db, who_id=staff_id, limit=SHOWN_MAX)
    on_staff = {row.on_id for row in rows if row.on_kind == "staff"}
    people = names(look.db, {row.who_id for row in rows} | on_staff | {staff_id})
    gettext = look.spoken.gettext
    shown = tuple(
        EntryShown(
            seq=row.seq,
            at=look.moment_us(row.at_us),
            who_id=row.who_id,
            name=people.get(row.who_id, ""),
            role=_words(look, ROLE_WORDS, row.role or row.who_kind),
            location_id=row.location_id,
            action=_words(look, ACTION_WORDS, row.action),
            on_id=row.on_id,
            on_name=people.get(row.on_id, ""),
            refusal=""
            if row.outcome == DONE
            else gettext(OUTCOME_WORDS.get(row.outcome, OUTCOME_WORDS["error"])),
        )
        for row in rows
    )
    return Log(shown, staff_id, people.get(staff_id, staff_id), service.head(look.db))
