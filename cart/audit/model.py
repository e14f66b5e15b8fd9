"""Words of the audit log, and the chain that its entries make. Pure: no database, no clock.

An entry names people and things by their ids only; nothing of a shopper stands in it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Final

from cart.kernel.errors import InvalidInput

ORIGIN: Final = "0" * 64  # what the first entry comes after
DONE: Final = "done"  # any other outcome is the code of a refusal


class Action(StrEnum):
    """What can be noted. The names are stable: other systems may search for them."""

    SIGN_IN = "staff.sign_in"
    SIGN_OUT = "staff.sign_out"
    LOCK = "staff.lock"
    RESUME = "staff.resume"
    STAFF_ADD = "staff.add"
    STAFF_NEW_PIN = "staff.new_pin"
    STAFF_DEACTIVATE = "staff.deactivate"
    STAFF_GRANT = "staff.grant"
    STAFF_TAKE_BACK = "staff.take_back"
    STAFF_ROLE = "staff.role"
    SECOND_ENROL = "staff.second_enrol"
    SECOND_RECOVERY = "staff.second_recovery"
    SECOND_CODES = "staff.second_codes"
    SECOND_RESET = "staff.second_reset"
    END_OTHERS = "staff.end_others"
    SECOND_PASSKEY = "staff.second_passkey"
    SECOND_PASSKEY_REMOVE = "staff.second_passkey_remove"
    TASK_CLAIM = "task.claim"
    TASK_TAKE_OVER = "task.take_over"
    TASK_RELEASE = "task.release"
    TASK_GIVE = "task.give"
    TASK_STAGE = "task.stage"
    LINE_PICK = "line.pick"
    LINE_UNPICK = "line.unpick"
    LINE_SHORT = "line.short"
    ORDER_SEE = "order.see"
    ORDER_HAND_OVER = "order.hand_over"
    ORDER_SHIP = "order.ship"
    ORDER_RESEND = "order.resend"
    ORDER_LATER = "order.later"
    ORDER_RETURN = "order.return"
    REFUND_RETRY = "refund.retry"
    BAND_PAY = "band.pay"
    BAND_PAY_OPEN = "band.pay_open"
    LETTER_SEE = "letter.see"
    LETTER_REPLAY = "letter.replay"
    DEVICE_ENROL = "device.enrol"
    DEVICE_TOKEN = "device.token"  # noqa: S105 - a name
    DEVICE_REVOKE = "device.revoke"
    DEVICE_ROTATE = "device.rotate"
    FINDING_LOOKED_AT = "finding.looked_at"
    DEVICE_DESIRE = "device.desire"
    FLOOR_DRAW = "floor.draw"
    BAND_MAKE = "band.make"
    BAND_SET_UP = "band.set_up"
    BAND_HAND_OUT = "band.hand_out"
    BAND_HAND_BACK = "band.hand_back"
    BAND_LOST = "band.lost"
    BAND_RETIRE = "band.retire"
    BAND_TRUST = "band.trust"
    TURN_CALL = "turn.call"
    TURN_CAME = "turn.came"
    TURN_NOT_HERE = "turn.not_here"
    BOOKING_SEE = "booking.see"
    BOOKING_ARRIVED = "booking.arrived"
    BOOKING_SERVED = "booking.served"
    BOOKING_NO_SHOW = "booking.no_show"
    SIZE_TAKE = "size.take"
    SIZE_COMING = "size.coming"
    SIZE_INSTEAD = "size.instead"
    SIZE_NOT_HERE = "size.not_here"
    SIZE_BROUGHT = "size.brought"
    SEGMENT_MAKE = "segment.make"
    SEGMENT_CHANGE = "segment.change"
    SEGMENT_BEGIN = "segment.begin"
    SEGMENT_END = "segment.end"
    SEGMENT_ASK = "segment.ask"
    AUDIENCE_BEGIN = "audience.begin"
    AUDIENCE_END = "audience.end"
    STOCK_MOVE = "stock.move"
    STOCK_COUNT = "stock.count"
    STOCK_RECOUNT = "stock.recount"
    FEED_IMPORT = "feed.import"
    TERMS_SET = "terms.set"
    VOUCHER_ISSUE = "voucher.issue"
    VOUCHER_SEE = "voucher.see"
    TOPIC_MAKE = "topic.make"
    TOPIC_CLOSE = "topic.close"
    ISSUE_WRITE = "issue.write"
    LETTERS_IMPORT = "letters.import"
    LETTERS_EXPORT = "letters.export"
    ERASURE_ASK = "erasure.ask"
    EXPORT = "customer.export"
    STORY_SEE = "story.see"
    CDP_REPLAY = "cdp.replay"
    AUDIT_SEE = "audit.see"
    JOURNEY_LOAD = "journey.load"
    JOURNEY_ON = "journey.on"
    JOURNEY_OFF = "journey.off"
    JOURNEY_TRY = "journey.try"


class WhoKind(StrEnum):
    """What kind of somebody acts."""

    STAFF = "staff"
    TERMINAL = "terminal"  # a command line; the id is the name of the system's user
    NOBODY = "nobody"  # not signed in: a sign-in that was refused


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who sees or does something. ``role``: as it was then."""

    kind: WhoKind
    id: str = ""
    role: str = ""
    location_id: str = ""


@dataclass(frozen=True, slots=True)
class On:
    """What it was done to: ``order``, ``staff``, ``device`` … and its id."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``hash`` covers every other field, and by ``previous`` all entries before it."""

    seq: int
    at_us: int
    who_kind: str
    who_id: str
    role: str
    location_id: str
    action: str
    on_kind: str
    on_id: str
    outcome: str
    previous: str
    hash: str

    @property
    def sealed(self) -> str:
        """Return what ``hash`` has to be."""
        facts = asdict(self)
        del facts["hash"]
        return seal(facts)


FIELDS: Final = tuple(one.name for one in fields(Entry))


def seal(facts: dict[str, object]) -> str:
    """Return SHA-256 over canonical JSON: keys sorted, no spaces, UTF-8 (RFC 8785 for our types).

    ``facts``: strings and whole numbers within 53 bits.
    """
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry. Written down elsewhere, it shows whether the end was cut off."""

    seq: int = 0
    hash: str = ORIGIN

    def __str__(self) -> str:
        """Return it as ``seq:hash``, which :meth:`parse` reads."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read ``seq:hash``.

        Raises:
            InvalidInput: it is something else.
        """
        seq, _, digest = text.strip().partition(":")
        known = set(digest) <= set("0123456789abcdef")
        if not (seq.isascii() and seq.isdecimal() and len(digest) == len(ORIGIN) and known):
            msg = "a head is NUMBER:HASH, as `audit verify` prints it"
            raise InvalidInput(msg)
        return cls(int(seq), digest)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``head``: through where all is as it was written. ``fault``: what does not fit, if any."""

    head: Head
    fault: str = ""


def examined(entries: Iterable[Entry], kept: Head | None = None) -> Verdict:
    """Walk the chain from its first entry, in order of ``seq``; stop at what does not fit.

    ``kept``: a head that was written down elsewhere. Without one nobody can tell that
    the newest entries are missing, nor that everything was written anew.
    """
    head = Head()
    for one in entries:
        if fault := _fault(one, head):
            return Verdict(head, fault)
        head = Head(one.seq, one.hash)
        if kept is not None and kept.seq == head.seq and kept.hash != head.hash:
            return Verdict(
                Head(one.seq - 1, one.previous),
                f"entry {one.seq} is not the one whose hash was kept: it and perhaps"
                " others before it were written anew",
            )
    if kept is not None and kept.seq > head.seq:
        missing = f"entries {head.seq + 1} to {kept.seq} are missing at the end"
        return Verdict(head, missing)
    return Verdict(head)


def _fault(one: Entry, before: Head) -> str:
    if one.seq > before.seq + 1:
        return f"entry {before.seq + 1} is missing: {one.seq} follows {before.seq}"
    if one.seq <= before.seq:
        return f"entry {one.seq} is out of order: it follows {before.seq}"
    if one.hash != one.sealed:
        return f"entry {one.seq} was altered: its hash is of something else"
    if one.previous != before.hash:
        return f"entry {one.seq} was not written after {before.seq}: one of them was put there"
    return ""
