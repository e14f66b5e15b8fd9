"""What goes in and out of the API of staff. What comes in is checked: no field that we do not know.

Every answer is the whole state of what the page shows. ``html`` comes along
only for our own pages, which ask for it.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cart.orders.model import Method, OrderState, RefundState
from cart.picking.handover import CARRIER_LENGTH_MAX, TRACKING_LENGTH_MAX
from cart.picking.model import WALK_TASKS_MAX, ReturnReason, ShortReason
from cart.picking.roles import Role
from mobile_api.carts.schemas import Taken

CODE_LENGTH_MAX = 2_048  # a Digital Link with every attribute
ID_LENGTH_MAX = 64
QUANTITY_MAX = 999
Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX)]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
Reason = Annotated[str, Field(max_length=200)]


class SignIn(Taken):
    """The form of the sign-in page. ``back``: where she wanted to go."""

    location_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)] = ""
    number: Annotated[str, Field(max_length=40)] = ""
    pin: Annotated[str, Field(max_length=40)] = ""
    back: Annotated[str, Field(max_length=200)] = ""


class Leave(Taken):
    """The form that locks a device. ``back``: where she was."""

    back: Annotated[str, Field(max_length=200)] = ""


class GoOn(Leave):
    """The form of a locked device."""

    pin: Annotated[str, Field(max_length=40)] = ""


class TypeCode(Leave):
    """A code of an authenticator app, or a recovery code."""

    code: Annotated[str, Field(max_length=64)] = ""


class RemovePasskey(TypeCode):
    """The form that takes a passkey away, with a code of her app."""

    passkey_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)] = ""


class TakeOn(Taken):
    """Somebody to be taken on. ``location_id``: empty for one's own."""

    location_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)] = ""
    number: Annotated[str, Field(max_length=40)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    role: Role = Role.ASSOCIATE


class Nothing(Taken):
    """A body without a field."""


class ClaimTasks(Taken):
    """Tasks to be picked in one walk. ``take_over``: also from a colleague; for leads."""

    tasks: Annotated[list[Id], Field(min_length=1, max_length=WALK_TASKS_MAX)]
    take_over: StrictBool = False


class GiveTask(Taken):
    """Who is to pick it."""

    staff_id: Id


class Pick(Taken):
    """Pieces of a line; ``code`` as scanned. Without one: more of what was scanned before."""

    line_id: Id
    code: Annotated[str, Field(min_length=1, max_length=CODE_LENGTH_MAX)] | None = None
    quantity: Quantity = 1


class UndoPick(Taken):
    """Pieces to be put back."""

    line_id: Id
    quantity: Quantity = 1


class ShortPick(Taken):
    """Pieces that are missing, why, and what the shopper is offered for them (a GTIN)."""

    line_id: Id
    quantity: Quantity
    reason: ShortReason
    offer: Annotated[str, Field(max_length=14)] | None = None


class StageTask(Taken):
    """The shelf at the desk on which an order lies now."""

    task_id: Id
    shelf: Annotated[str, Field(min_length=1, max_length=32)]


class FindOrder(Taken):
    """A scanned code, a ticket or an order's number. ``anywhere``: also of another location."""

    text: Annotated[str, Field(min_length=1, max_length=300)]
    anywhere: bool = False


class HandOver(Taken):
    """The shopper's code as scanned or said; without one a lead's reason."""

    proof: Annotated[str, Field(max_length=300)] = ""
    reason: Reason = ""


class Ship(Taken):
    """Who carries the parcel, and the carrier's number of it where there is one."""

    carrier: Annotated[str, Field(min_length=1, max_length=CARRIER_LENGTH_MAX)]
    tracking: Annotated[str, Field(max_length=TRACKING_LENGTH_MAX)] = ""


class CollectLater(Taken):
    """Why it is not collected now, and when it will be; it is kept until then, and from then on.

    ``promise_at`` without an offset is the shop's own time. Left out: when the shop opens
    on its next opening day. It may be 30 days off.
    """

    reason: Annotated[str, Field(min_length=1, max_length=200)]
    promise_at: datetime | None = None


class TakeBack(Taken):
    """Pieces of one line that come back; ``restocked`` false: they are written off."""

    line_id: Id
    quantity: Quantity
    reason: ReturnReason
    restocked: bool


class Answer(BaseModel):
    """An answer, made from what the page shows."""

    model_config = ConfigDict(from_attributes=True)


class TaskOut(Answer):
    """An order to be picked. ``share``: percent left of the half hour before the promise."""

    task_id: str
    order_id: str
    ticket: str
    promise_at: datetime
    share: int
    tone: Literal["fine", "soon", "late"]
    pieces: int
    here: bool
    ships: bool
    holder: str
    mine: bool
    free: bool


class QueueOut(Answer):
    """The queue of a location, each list by promise."""

    waiting: list[TaskOut]
    mine: list[TaskOut]
    others: list[TaskOut]
    html: str | None = None


class OfferOut(Answer):
    """A replacement that the shopper was offered."""

    id: str
    state: str
    name: str
    expires_at: datetime | None


class StepOut(Answer):
    """A line to fetch. Pieces: ``quantity`` = open + picked + short."""

    line_id: str
    task_id: str
    order_id: str
    ticket: str
    gtin: str
    sku: str
    name: str
    variant: str
    picture: str | None
    zone: str
    bay: str
    quantity: int
    picked: int
    short: int
    open: int
    offers: list[OfferOut]


class ToteOut(Answer):
    """One order of the walk."""

    task_id: str
    order_id: str
    ticket: str
    here: bool
    open: int
    picked: int
    waits: bool


class WalkOut(Answer):
    """One's own walk, in walking order."""

    steps: list[StepOut]
    totes: list[ToteOut]
    done: int
    total: int
    html: str | None = None


class CandidateOut(BaseModel):
    """What could be offered instead. ``price``, ``left_words``: in the reader's language."""

    gtin: str
    name: str
    variant: str
    picture: str | None
    left: int
    left_words: str
    price_minor: int
    price: str


class CandidatesOut(BaseModel):
    """Replacements for a line; ``nothing``: the words for offering none."""

    candidates: list[CandidateOut]
    nothing: str


class ShelfOut(Answer):
    """An order that waits at the desk; ``ships``: for a carrier."""

    order_id: str
    ticket: str
    shelf: str
    pieces: int
    here: bool
    ships: bool


class MoneyOut(Answer):
    """An amount."""

    minor: int
    currency: str


class FailedRefundOut(Answer):
    """A refund at this location that the provider refused, or that came back.

    `order_id` null and `ticket` empty: of money that bought nothing.
    """

    refund_id: str
    order_id: str | None
    ticket: str
    failure: str
    amount: MoneyOut


class DeskOut(Answer):
    """What waits at the desk, who is here first; and refunds that failed, oldest first."""

    ready: list[ShelfOut]
    failed_refunds: list[FailedRefundOut]
    html: str | None = None


class FoundOut(BaseModel):
    """An order that was found. ``by_code``: the text proves whose it is."""

    order_id: str
    by_code: bool


class LineOut(Answer):
    """A line of an order. ``held``: with us or the shopper; ``returnable``: can come back."""

    line_id: str
    name: str
    variant: str
    picture: str | None
    held: int
    missing: int
    returned: int
    returnable: int


class EntryOut(Answer):
    """An entry of an order's history, in words."""

    at: datetime
    words: str
    who: str
    note: str


class RefundOut(Answer):
    """A refund of an order. ``failure``: what the provider said, in its words."""

    refund_id: str
    amount: MoneyOut
    state: RefundState
    failure: str


class OrderOut(Answer):
    """An order as the desk sees it. ``reachable``: it has an e-mail address to write to."""

    order_id: str
    location_id: str
    ticket: str
    state: OrderState
    method: Method
    shelf: str
    here: bool
    reachable: bool
    address: str
    carrier: str
    tracking: str
    lines: list[LineOut]
    paid: MoneyOut
    refunded: MoneyOut
    refunds: list[RefundOut]
    history: list[EntryOut]
    html: str | None = None
