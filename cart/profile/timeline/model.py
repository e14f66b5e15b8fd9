"""Words of the timeline. Pure; no database.

An interaction is one touch of a person with the shop: a fact that stands elsewhere too (an
operation on a cart, an order, a mail) and is told here in one shape. It is written under the
session in which it happened and is never rewritten: whose it is follows from who the session is.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

REF_LENGTH_MAX: Final = 160
ID_LENGTH_MAX: Final = 200  # a word for its sort, and the id of the fact


class Kind(StrEnum):
    """What happened."""

    SCANNED = "scanned"  # a barcode was read, or a product put on the list
    REMOVED = "removed"  # taken off the list again
    TRIED = "tried"  # brought into a fitting room, or tried on before a mirror
    SIZE_ASKED = "size_asked"
    LOOK_KEPT = "look_kept"
    LISTED = "listed"  # a list was saved
    LIST_MAILED = "list_mailed"
    CHECKOUT_OPENED = "checkout_opened"
    ORDERED = "ordered"
    COLLECTED = "collected"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    MAIL_SENT = "mail_sent"
    # Somebody moved on the page that its link leads to. No pixel, and no scanner's visit, tells it.
    MAIL_OPENED = "mail_opened"
    SIGNED_IN = "signed_in"
    READY = "ready"  # at the desk, to be collected
    MESSAGE_SENT = "message_sent"  # a notification or a text
    # By the button of the page that its link leads to: a scanner opens links, and presses nothing.
    CAME_BACK = "came_back"


class Channel(StrEnum):
    """Where it happened."""

    TABLET = "tablet"
    MIRROR = "mirror"
    BAND = "band"
    PHONE = "phone"  # the pages, wherever she opens them
    DESK = "desk"
    MAIL = "mail"
    SHOP = "shop"  # by somebody of the staff, or the server itself
    PUSH = "push"  # a notification on a phone
    SMS = "sms"
    WHATSAPP = "whatsapp"


@dataclass(frozen=True, slots=True)
class Interaction:
    """One touch. ``id``: of the fact, so that telling it twice is telling it once.

    ``gtin`` (14 digits), ``sku``, ``quantity``: of the article, where there is one; one
    interaction per article. ``amount_minor``, ``currency``: what its pieces were bought for.
    ``ref``: of the order, list, look or mail. ``device_id``: of the shop's device.
    """

    id: str
    session_id: str
    kind: Kind
    channel: Channel
    at: datetime
    gtin: str = ""
    sku: str = ""
    quantity: int = 0
    amount_minor: int = 0
    currency: str = ""
    location_id: str = ""
    device_id: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """An interaction with its ``position``: larger than that of all that were kept before it."""

    position: int
    interaction: Interaction
