"""What the checkout's API takes and gives."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.email import EMAIL_LENGTH_MAX
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from cart.orders.checkout import ADDRESS_PART_LENGTH_MAX
from cart.orders.model import CheckoutState, Method, ProblemKind
from cart.orders.pricing import CheckoutLine
from cart.orders.slots import Slot
from cart.orders.view import ADDRESS_FIELDS
from mobile_api.carts.schemas import MoneyOut, Taken, money_out
from mobile_api.checkouts.shown import ShownCheckout, ShownLine
from mobile_api.look.words import Words

CODE_LENGTH_MAX = 64  # of a voucher as somebody types it, with spaces and dashes
MINOR_MAX = 2**53 - 1  # what JSON carries exactly everywhere
LocationId = Annotated[str, Field(max_length=ID_LENGTH_MAX)]
AddressPart = Annotated[str, Field(max_length=ADDRESS_PART_LENGTH_MAX)]


class OpenCheckout(Taken):
    """Open the checkout of this phone's cart; no location: where the newest line was scanned."""

    location_id: LocationId | None = None


class Choices(Taken):
    """What was chosen; what is not named stays. ``slot_at`` null: as soon as it is ready."""

    location_id: LocationId | None = None
    method: Method | None = None
    slot_at: AwareDatetime | None = None
    email: Annotated[str, Field(max_length=EMAIL_LENGTH_MAX)] | None = None
    address: Annotated[
        dict[str, AddressPart] | None,
        Field(max_length=len(ADDRESS_FIELDS), description=f"Of: {', '.join(ADDRESS_FIELDS)}."),
    ] = None


class AcceptPrice(Taken):
    """Agree to today's price of a line."""

    gtin: Gtin
    price_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)]


class UseVoucher(Taken):
    """Lay a gift card or voucher on the checkout."""

    code: Annotated[str, Field(min_length=1, max_length=CODE_LENGTH_MAX)]


class ProblemOut(BaseModel):
    """What the shopper has to decide; of a line where ``gtin`` is given."""

    kind: ProblemKind
    text: str
    gtin: str | None = None
    left: int | None = None
    was_minor: int | None = None
    now_minor: int | None = None


class CheckoutLineOut(BaseModel):
    """A line. ``each`` and ``price``: as agreed to, tax included."""

    gtin: str
    sku: str
    name: str
    variant: str
    quantity: int
    each: MoneyOut | None
    price: MoneyOut | None
    picture: str | None
    tax_rate_bp: int


class SlotOut(BaseModel):
    """A quarter hour; ``left`` null: without limit, 0: full, stated but not to be chosen."""

    starts_at: datetime
    left: int | None


class PlaceOut(BaseModel):
    """Where it is bought."""

    id: str
    name: str
    timezone: str


class TaxOut(BaseModel):
    """The tax included at one rate (basis points)."""

    rate_bp: int
    gross: MoneyOut
    tax: MoneyOut


class TotalsOut(BaseModel):
    """What it comes to. ``total``: what `pay` has to name; ``to_pay``: what the voucher leaves."""

    goods: MoneyOut
    shipping: MoneyOut
    voucher: MoneyOut
    total: MoneyOut
    to_pay: MoneyOut
    taxes: list[TaxOut]


class VoucherOut(BaseModel):
    """The voucher laid on it: the end of its code, what it holds, what it gives."""

    ending: str
    balance: MoneyOut
    part: MoneyOut


class CheckoutOut(BaseModel):
    """The whole checkout, in every answer. With problems it cannot be paid.

    ``trouble``: how the last try to pay ended, if badly. ``html``: the page's
    part, when asked for.
    """

    id: str
    state: CheckoutState
    version: int
    location: PlaceOut
    method: Method
    ships: bool
    slot_at: datetime | None
    slots: list[SlotOut]
    promise_at: datetime | None
    email: str
    address: dict[str, str]
    lines: list[CheckoutLineOut]
    problems: list[ProblemOut]
    totals: TotalsOut
    voucher: VoucherOut | None
    can_pay: bool
    trouble: str
    reserved_until: datetime | None
    redirect_url: str
    order_id: str | None
    html: str | None = None


def checkout_out(c: ShownCheckout, w: Words, html: str | None = None) -> CheckoutOut:
    """Return a checkout for the API."""
    view, totals = c.view, c.view.totals

    def money(minor: int) -> MoneyOut:
        text = w.money(Money(minor, view.currency))
        return MoneyOut(minor=minor, currency=view.currency, text=text)

    return CheckoutOut(
        id=view.id,
        state=view.state,
        version=view.version,
        location=PlaceOut(id=view.place.id, name=c.place, timezone=view.place.timezone),
        method=view.method,
        ships=view.ships,
        slot_at=view.slot_at,
        slots=_slots(view.slots),
        promise_at=view.promise.at if view.promise else None,
        email=view.email,
        address=view.address,
        lines=[_line(line, shown, w) for line, shown in zip(view.lines, c.lines, strict=True)],
        problems=_problems(c),
        totals=TotalsOut(
            goods=money(totals.goods_minor),
            shipping=money(totals.shipping_minor),
            voucher=money(totals.voucher_minor),
            total=money(totals.total_minor),
            to_pay=money(totals.rest_minor),
            taxes=[
                TaxOut(rate_bp=one.rate_bp, gross=money(one.gross_minor), tax=money(one.tax_minor))
                for one in totals.taxes
            ],
        ),
        voucher=VoucherOut(
            ending=view.voucher.ending,
            balance=money(view.voucher.balance_minor),
            part=money(view.voucher.part_minor),
        )
        if view.voucher
        else None,
        can_pay=c.can_pay,
        trouble=c.trouble,
        reserved_until=view.reserved_until,
        redirect_url=view.redirect_url,
        order_id=view.order_id,
        html=html,
    )


@lru_cache(maxsize=64)
def _slots(slots: tuple[Slot, ...]) -> list[SlotOut]:
    """Return the slots that can be chosen: the same for all who look within a quarter hour."""
    return [SlotOut(starts_at=one.starts_at, left=one.left) for one in slots]


def _line(line: CheckoutLine, shown: ShownLine, w: Words) -> CheckoutLineOut:
    return CheckoutLineOut(
        gtin=line.gtin,
        sku=line.sku,
        name=shown.name,
        variant=shown.variant,
        quantity=line.quantity,
        each=money_out(shown.each, w),
        price=money_out(shown.price, w),
        picture=f"/pictures/{shown.picture}" if shown.picture else None,
        tax_rate_bp=line.tax_rate_bp,
    )


def _problems(c: ShownCheckout) -> list[ProblemOut]:
    """Return the problems with their words, lines' first."""
    texts: dict[tuple[str | None, ProblemKind], str] = {
        (line.gtin, one.kind): one.text for line in c.lines for one in line.problems
    }
    texts |= {(None, one.kind): one.text for one in c.problems}
    return [
        ProblemOut(
            kind=one.kind,
            text=texts.get((one.gtin, one.kind), ""),
            gtin=one.gtin,
            left=one.left,
            was_minor=one.was_minor,
            now_minor=one.now_minor,
        )
        for one in c.view.problems
    ]
