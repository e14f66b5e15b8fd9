"""What an e-mail says and how an attempt to send it can end. Pure."""

import hashlib
from dataclasses import dataclass
from email.policy import SMTP
from enum import StrEnum
from typing import Final

from cart.kernel.money import Money
from mobile_api.carts.basket import ShownLine
from mobile_api.look.words import Words

# Grey-listing ends within minutes; a server that is down is back within hours. About nine hours.
WAITS_S: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 18_000)
FAILURE_LENGTH_MAX: Final = 500
# RFC 5322, 2.1.1: 998 at most. At the usual 78, Python writes a link that is longer as an encoded
# word, which no mail program reads as one: List-Unsubscribe would be without effect.
LONG_LINES: Final = SMTP.clone(max_line_length=998)


class Outcome(StrEnum):
    """How one attempt ended."""

    SENT = "sent"
    LATER = "later"  # 4xx, or no connection: try again
    FAILED = "failed"  # 5xx: trying again would be a nuisance
    UNKNOWN = "unknown"  # all of it was sent, and no answer came: it may have been taken
    NOTHING = "nothing"  # the row is settled or gone: nothing to do


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome, and the server's words if it refused.

    ``status``: why it refused this recipient (RFC 3463, or the code alone); "" if it refused
    something else.
    """

    outcome: Outcome
    reason: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of one list e-mail, in the reader's words."""

    words: Words
    title: str
    lines: tuple[ShownLine, ...]
    pieces: int
    totals: tuple[Money, ...]
    link: str
    place: str

    @property
    def subject(self) -> str:
        """The subject line."""
        w = self.words
        many = w.ngettext("%(num)s thing", "%(num)s things", self.pieces)
        if self.place:
            return w.gettext("Your list from %(shop)s: %(many)s") % {
                "shop": self.place,
                "many": many,
            }
        return w.gettext("Your list: %(many)s") % {"many": many}


def message_id(request_id: str, domain: str, kind: str = "list") -> str:
    """Return the Message-ID of a wish: the same for every attempt, so a second can be known."""
    digest = hashlib.sha256(request_id.encode()).hexdigest()[:32]
    return f"<{kind}-{digest}@{domain}>"
