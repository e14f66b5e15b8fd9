"""Dead letters as an operator sees them: why, from whom, what stands in them, and once more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sqlmodel import Session

from cart.kernel.errors import CarryoverError
from gateway.dead_letters import service
from gateway.dead_letters.replay import replay
from gateway.dead_letters.tables import DeadLetterRow
from gateway.ingest.batch import Domain
from mobile_api.edge.problems import N_
from mobile_api.operator import queries
from mobile_api.operator.fleet import Choice
from mobile_api.operator.looking import Moment, OperatorLooking
from mobile_api.wiring import Parts

PATH: Final = "/operator/letters"
SHOWN_MAX: Final = 200
# What an operator is told of a reason; others show their code.
REASON_WORDS: Final[Mapping[str, str]] = {
    "unknown_gtin": N_("The article is not in the catalogue. Import it, then send it again."),
    "invalid_payload": N_("The device speaks another contract. Update it."),
    "invalid_gtin": N_("The code in it is none."),
    "payload_too_large": N_("The message is larger than any of ours."),
    "unknown_device": N_("A device that is not enrolled. Enrol it, or find it."),
    "device_revoked": N_("A device that was revoked still speaks. Find it."),
    "source_mismatch": N_("One device speaks for another. Look at it."),
    "event_not_allowed": N_("This kind of device may not say that."),
    "internal_error": N_("Our fault. Keep it, and send it again after the update."),
}


@dataclass(frozen=True, slots=True)
class LetterShown:
    """One row."""

    id: str
    reason: str
    meaning: str
    detail: str
    device_id: str
    times: int
    last: Moment | None
    tried: Moment | None


@dataclass(frozen=True, slots=True)
class Letters:
    """What waits; ``more``: how many are not shown."""

    choices: tuple[Choice, ...]
    rows: tuple[LetterShown, ...]
    more: int


@dataclass(frozen=True, slots=True)
class LetterPage:
    """One letter. ``payload``: its text, laid out where it is JSON."""

    letter: LetterShown
    received: Moment | None
    topic: str
    payload: str
    done: bool


def letters(look: OperatorLooking, reason: str = "") -> Letters:
    """Return the letters that wait, or those for one reason, the newest first."""
    counts = queries.letters_by_reason(look.db)
    rows = service.listed(look.db, limit=SHOWN_MAX, reason=reason or None)
    total = counts.get(reason, 0) if reason else sum(counts.values())
    choices = [Choice(PATH, look.spoken.gettext("all"), sum(counts.values()), reason == "")]
    choices += [
        Choice(f"{PATH}?reason={quote(one)}", one, count, one == reason)
        for one, count in counts.items()
    ]
    return Letters(
        tuple(choices),
        tuple(_shown(look, row) for row in rows),
        total - len(rows),
    )


def letter(look: OperatorLooking, letter_id: str) -> LetterPage:
    """Return one letter whole.

    Raises:
        NotFound: there is none with this id.
    """
    row = service.letter(look.db, letter_id)
    return LetterPage(
        _shown(look, row),
        look.moment(row.received_at),
        row.topic,
        _laid_out(row.payload),
        row.outcome == service.OUTCOME_DONE,
    )


def send_again(parts: Parts, db: Session, letter_id: str) -> CarryoverError | None:
    """Try a letter again in this unit of work; return what is still wrong with it.

    What it changes is told to whoever shows it once that is committed.

    Raises:
        NotFound: there is none with this id.
    """
    domain = Domain(parts.clock, parts.ids, parts.lookup)
    error, outcome = replay(db, domain, letter_id)
    if outcome is not None:
        for notice in outcome.notices:
            parts.tell(db, notice)
    return error


def _shown(look: OperatorLooking, row: DeadLetterRow) -> LetterShown:
    return LetterShown(
        row.id,
        row.reason,
        look.spoken.gettext(REASON_WORDS[row.reason]) if row.reason in REASON_WORDS else "",
        row.detail,
        row.device_id,
        row.times,
        look.moment(row.last_at),
        look.moment(row.replayed_at),
    )


def _laid_out(payload: bytes) -> str:
    text = payload.decode("utf-8", errors="backslashreplace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
