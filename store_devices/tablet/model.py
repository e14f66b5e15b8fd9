"""One person's visit at the tablet, as pure rules: no clock, no file, no network.

Owns what the list shows: the cart as the server last had it, and on top of it
what this tablet has said since. A visit knows nothing of the one before it.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from cart.kernel.gtin import Gtin
from gateway.wire.downlink import (
    CameraData,
    CartData,
    GreetData,
    NextStop,
    RejectedData,
    ShownLine,
    VeilData,
)
from gateway.wire.events import (
    QUANTITY_MAX,
    DeviceEvent,
    ItemScanned,
    LineRemoved,
    QuantityData,
    QuantitySet,
    RemovedData,
    VisitId,
)
from store_devices import wishes
from store_devices.wishes import SizeWish

Locale = Literal["en", "he", "pl"]

# Why the server's wish was not done; said in the answer to it.
OVER: Final = "that visit is over here"
TOO_LATE: Final = "it came too late"
UNKEPT: Final = "it cannot be kept"
NO_WISH: Final = "that is no wish any more"
ANOTHER: Final = "another visit goes on here"

# Who is hidden from her own screen touches it at once. Whoever does so later may be anybody.
LIFTED_WITHIN: Final = timedelta(seconds=3)

UNDO_MAX: Final = 20  # steps back; nobody remembers more of what she tapped

Sheet = Literal["", "take", "mail"]
"""What lies over the list: nothing, the large QR code, or the form for an address."""

NoticeKind = Literal[
    "unknown",
    "unknown_to_shop",
    "rejected",
    "not_a_code",
    "full",
    "broken",
    "mailed",
    "bad_address",
]


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Notice(_Kept):
    """One sentence for the person, chosen by ``kind``; ``code`` is what it is about."""

    kind: NoticeKind
    code: str = ""


class Op(_Kept):
    """What this tablet said about a line, and is not yet in the server's cart."""

    event_id: str
    sequence: int
    gtin: Gtin
    quantity: int
    adds: bool  # quantity more pieces; otherwise exactly that many


class Step(_Kept):
    """How to take a step back: set ``gtin`` to ``quantity`` again."""

    gtin: Gtin
    quantity: int


class Line(_Kept):
    """A line of the list; ``shown`` is how the server last described it."""

    gtin: Gtin
    quantity: int
    shown: ShownLine | None = None


class Visit(_Kept):
    """Everything the tablet knows of the person who holds it. Forgotten as a whole."""

    id: VisitId
    secret: str | None
    locale: Locale
    seen_at: datetime
    base: tuple[ShownLine, ...] = ()
    base_through: int = 0
    base_at: datetime | None = None
    ops: tuple[Op, ...] = ()
    steps: tuple[Step, ...] = ()
    product: Gtin | None = None
    claimed: bool = False
    greeting: str | None = None  # the name of whoever held her band here; empty: she gave none
    sheet: Sheet = ""
    notice: Notice | None = None
    wishes: tuple[SizeWish, ...] = ()  # what she asked to be brought; of a mirror
    next_stop: NextStop | None = None  # of the plan that she made at home; on no disk
    veiled_at: datetime | None = None  # since when nothing of her is shown
    veil_said_at: datetime | None = None  # the time of the last word on that
    camera_off: bool = False  # she wants no camera to look at her; of a mirror
    camera_said_at: datetime | None = None  # the time of the last word on that


def lines(visit: Visit) -> tuple[Line, ...]:
    """Return the list: the server's cart, then what was said since; the newest line last."""
    described = {line.gtin: line for line in visit.base}
    quantities: dict[Gtin, int] = {line.gtin: line.quantity for line in visit.base}
    for op in visit.ops:
        if op.sequence <= visit.base_through:
            continue
        wanted = quantities.get(op.gtin, 0) + op.quantity if op.adds else op.quantity
        if wanted > 0:
            quantities[op.gtin] = min(wanted, QUANTITY_MAX)
        else:
            quantities.pop(op.gtin, None)
    return tuple(
        Line(gtin=gtin, quantity=quantity, shown=described.get(gtin))
        for gtin, quantity in quantities.items()
    )


def quantity_of(visit: Visit, gtin: Gtin) -> int:
    """Return how many pieces of ``gtin`` are on the list."""
    return next((line.quantity for line in lines(visit) if line.gtin == gtin), 0)


def pieces(visit: Visit) -> int:
    """Return how many pieces are on the list."""
    return sum(line.quantity for line in lines(visit))


def said(visit: Visit, event: DeviceEvent, *, step: bool = True) -> Visit:
    """Return the visit after this tablet said ``event``; ``step``: it can be undone."""
    match event:
        case ItemScanned(data=data):
            op = _op(event, data.gtin, data.quantity, adds=True)
        case LineRemoved(data=data):
            op = _op(event, data.gtin, 0, adds=False)
        case QuantitySet(data=data):
            op = _op(event, data.gtin, data.quantity, adds=False)
        case _:
            return visit
    before = Step(gtin=op.gtin, quantity=quantity_of(visit, op.gtin))
    steps = (*visit.steps, before)[-UNDO_MAX:] if step else visit.steps
    return visit.model_copy(update={"ops": (*visit.ops, op), "steps": steps, "notice": None})


def _op(event: DeviceEvent, gtin: Gtin, quantity: int, *, adds: bool) -> Op:
    return Op(event_id=event.id, sequence=event.sequence, gtin=gtin, quantity=quantity, adds=adds)


def wanting(visit: Visit, gtin: Gtin, quantity: int) -> QuantityData | RemovedData:
    """Return what to say so that ``quantity`` pieces of ``gtin`` are on the list."""
    if quantity <= 0:
        return RemovedData(visit=visit.id, gtin=gtin)
    return QuantityData(visit=visit.id, gtin=gtin, quantity=min(quantity, QUANTITY_MAX))


def step_back(visit: Visit) -> tuple[Visit, Step] | None:
    """Return the visit without its last step and the step to take back, None if there is none."""
    if not visit.steps:
        return None
    return visit.model_copy(update={"steps": visit.steps[:-1]}), visit.steps[-1]


def shown_cart(visit: Visit, data: CartData, at: datetime, spool: str) -> Visit:
    """Return the visit with the server's cart under it; an older one changes nothing.

    ``at`` is the command's time. A cart that names another spool than ours
    holds none of what we said.
    """
    if visit.base_at is not None and at < visit.base_at:
        return visit
    through = data.stored_through if data.spool == spool else 0
    return visit.model_copy(
        update={
            "base": data.lines,
            "base_through": through,
            "base_at": at,
            "ops": tuple(op for op in visit.ops if op.sequence > through),
        }
    )


def rejected(visit: Visit, data: RejectedData) -> Visit:
    """Return the visit without what the server refused, and with a sentence about it."""
    if (told := wishes.rejected(visit.wishes, data.event_id, data.code)) is not None:
        return visit.model_copy(update={"wishes": told})
    refused = next((op for op in visit.ops if op.event_id == data.event_id), None)
    kind: NoticeKind = "unknown_to_shop" if data.code == "unknown_gtin" else "rejected"
    return visit.model_copy(
        update={
            "ops": tuple(op for op in visit.ops if op.event_id != data.event_id),
            "notice": Notice(kind=kind, code=refused.gtin.shortest if refused else ""),
        }
    )


def claimed(visit: Visit) -> Visit:
    """Return the visit after a phone took the list along: the link is used up and forgotten."""
    return visit.model_copy(update={"claimed": True, "secret": None, "sheet": ""})


def greeted(visit: Visit, data: GreetData) -> Visit:
    """Return the visit after she held her band here: it is hers, as if a phone had taken it along.

    Her language is spoken from the first greeting on; what she chooses afterwards stays.
    """
    locale = data.locale if visit.greeting is None else visit.locale
    known = {"greeting": data.greeting, "locale": locale, "notice": None, "veiled_at": None}
    return claimed(visit).model_copy(update=known)


def going_to(visit: Visit, stop: NextStop | None) -> Visit:
    """Return the visit in which she goes there next; None: nobody knows of a next stop."""
    return visit.model_copy(update={"next_stop": stop})


def camera_switched(visit: Visit, data: CameraData, said_at: datetime) -> Visit:
    """Return the visit with the camera off, or on again; an older word changes nothing.

    ``said_at``: the command's time.
    """
    if visit.camera_said_at is not None and said_at < visit.camera_said_at:
        return visit
    return visit.model_copy(update={"camera_off": data.off, "camera_said_at": said_at})


def veiled(visit: Visit, data: VeilData, said_at: datetime, now: datetime) -> Visit:
    """Return the visit with nothing of her on the screen, or with it again.

    ``said_at``: the command's time; one that came before, or again, changes nothing.
    """
    if visit.veil_said_at is not None and said_at <= visit.veil_said_at:
        return visit
    veiled_at = now if data.drawn and now <= data.until else None
    return visit.model_copy(update={"veiled_at": veiled_at, "veil_said_at": said_at})


def lifted(visit: Visit, now: datetime) -> Visit:
    """Return the visit after a touch: a veil that was drawn just now is lifted by it."""
    if visit.veiled_at is None or not timedelta(0) <= now - visit.veiled_at <= LIFTED_WITHIN:
        return visit
    return visit.model_copy(update={"veiled_at": None})


def welcomed(data: GreetData, at: datetime) -> Visit:
    """Return the visit that begins for who held her band here at this moment."""
    return greeted(Visit(id=data.visit, secret=None, locale=data.locale, seen_at=at), data)


def not_welcome(data: GreetData, now: datetime, present: str | None, *, begun: bool) -> str:
    """Return why this visit does not begin or go on, empty if it does.

    ``present``: the visit that goes on. ``begun``: the command was carried out before, so that
    the visit it named is over if it is not the present one.
    """
    if present == data.visit:
        return ""
    if begun:
        return OVER
    if now > data.until:
        return TOO_LATE
    return ANOTHER if present is not None else ""


def too_long_ago(visit: Visit, now: datetime, idle_after_s: int) -> bool:
    """Say whether nobody can be there any more who was seen last as the visit says.

    A clock that went backwards cannot say how long it was: then it was too long.
    """
    return not timedelta(0) <= now - visit.seen_at <= timedelta(seconds=idle_after_s)
