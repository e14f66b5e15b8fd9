"""Rules of mailing lists: states, times, and when bounces are enough. Pure; no database.

A topic is something that a marketer writes about. Whoever wants its letters proves by a mail
that the address is hers (double opt-in), and allows news by e-mail in the consent ledger.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cart.profile.model import Limit

CONFIRM_FOR: Final = timedelta(days=7)  # a mail is read within a week, or not at all
# Complaints come weeks later, by a mail program's button; then letter and address are forgotten.
LETTERS_KEPT: Final = timedelta(days=90)
UNDO_FOR: Final = timedelta(
    hours=1
)  # a slip is seen at once; a forwarded mail's reader comes later
TOPICS_MAX: Final = 50  # of a shop; a page of more is read by nobody
TOPIC_ID_LENGTH_MAX: Final = 40
SUBJECT_LENGTH_MAX: Final = 120  # characters; mail programs show half of it
TEXT_LENGTH_MAX: Final = 10_000  # characters of a letter
FAN_OUT_MAX: Final = 500  # letters of an issue written in one transaction
# Five letters that could not be delivered one after the other: the mailbox is given up.
SOFT_IN_A_ROW_MAX: Final = 5
# A mail server tries for up to five days before it says so (RFC 5321, 4.5.4.1).
SOFT_SETTLES: Final = timedelta(days=6)
LETTERS_LOOKED_AT_MAX: Final = 50
MARK_LENGTH: Final = 32  # hex: 128 bits in a Message-ID and a return path, beyond guessing

# Whoever types strangers' addresses may fill their mailboxes no faster than this.
ASKS_PER_ADDRESS: Final = (
    Limit("letters:address:hour", 3, 3_600),
    Limit("letters:address:day", 6, 86_400),
)
ASKS_PER_NETWORK: Final = (Limit("letters:network:hour", 60, 3_600),)
MINUTE_S: Final = 60


class State(StrEnum):
    """Of a subscription."""

    PENDING = "pending"  # asked for; the mail that asks back is not answered yet
    CONFIRMED = "confirmed"
    LEFT = "left"


class Source(StrEnum):
    """Where a subscription came from."""

    PAGE = "page"  # an address typed by anybody, confirmed by mail
    ACCOUNT = "account"  # by a customer who was signed in
    MAIL = "mail"  # by the link in a letter
    IMPORT = "import"


class Reason(StrEnum):
    """Why nobody may write to an address."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    ASKED = "asked"
    IMPORTED = "imported"


class Bounce(StrEnum):
    """What came back for a letter."""

    SOFT = "soft"
    HARD = "hard"
    COMPLAINT = "complaint"


class LetterKind(StrEnum):
    """What a letter is."""

    CONFIRM = "confirm"  # asks whether the address is hers
    ISSUE = "issue"  # something that a marketer wrote about a topic


@dataclass(frozen=True, slots=True)
class SentLetter:
    """A letter to an address: when it was taken by the mail server, and whether it came back."""

    sent_at: datetime
    bounced: bool


def soft_in_a_row(letters: Iterable[SentLetter], now: datetime) -> int:
    """Return how many of the newest letters to an address came back one after the other.

    Letters that may still come back say nothing yet. ``letters``: the newest first.
    """
    row = 0
    for one in letters:
        if one.bounced:
            row += 1
        elif one.sent_at < now - SOFT_SETTLES:
            break
    return row


def mark_of(letter_id: str) -> str:
    """Return what a letter is known by outside: in its Message-ID and its return path.

    As :func:`mobile_api.mail.model.message_id` has it.
    """
    return hashlib.sha256(letter_id.encode()).hexdigest()[:MARK_LENGTH]


def address_hash(secret: bytes, address: str) -> str:
    """Return what an address is remembered by that nobody may write to: it names nobody."""
    return hmac.new(secret, f"suppressed\0{address}".encode(), hashlib.sha256).hexdigest()


def domain_of(address: str) -> str:
    """Return where mail to an address goes."""
    return address.rpartition("@")[2]


# Only these say that there is no such mailbox: what is full, too large or blocked may pass.
GONE: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
# By an SMTP code alone: RFC 5321, 4.2.3. 550 is said of policies too, so it counts as passing.
GONE_WITHOUT_STATUS: Final = frozenset({"551", "553"})


def bounce_of(status: str) -> Bounce:
    """Return what a status of RFC 3463 (``5.1.1``), or an SMTP code, says of the mailbox."""
    gone = status in GONE or status in GONE_WITHOUT_STATUS
    return Bounce.HARD if gone else Bounce.SOFT
