"""What the cart's API takes and gives."""

from functools import lru_cache
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cart.carts.model import QUANTITY_MAX
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from mobile_api.carts.basket import Basket, ShownLine
from mobile_api.look.words import Words, words

# A busy API's lines in each language, half a kilobyte each; of a cart that changes, all lines
# but one are as they were.
LINES_KEPT: Final = 8_192
_NO_LINES: Final = '"lines":[]'


class Taken(BaseModel):
    """Base of request bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _without_nul(cls, value: object) -> object:
        """PostgreSQL takes no NUL in a text, and no person types one."""
        if isinstance(value, str) and "\0" in value:
            msg = "a NUL character is not allowed"
            raise ValueError(msg)
        return value


class AddLine(Taken):
    """Put pieces of an article into the cart."""

    gtin: Gtin
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)] = 1
    location_id: Annotated[
        str | None,
        Field(
            max_length=64,
            description="The shop where the shopper stands; empty: where the last line was added.",
        ),
    ] = None


class SetQuantity(Taken):
    """How many pieces the line shall have; 0 takes it off."""

    quantity: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]


class MoneyOut(BaseModel):
    """An amount in minor units, and as the reader's language writes it."""

    minor: int
    currency: str
    text: str


class StockOut(BaseModel):
    """What is left, in words; ``tone``: good, few or out."""

    text: str
    tone: str


class LineOut(BaseModel):
    """A line of the cart. ``available``: pieces by location id, the nearest shops only."""

    gtin: str
    sku: str
    product_id: str
    name: str
    variant: str
    quantity: int
    each: MoneyOut | None
    price: MoneyOut | None
    picture: str | None
    stock: StockOut
    available: dict[str, int]


class CartOut(BaseModel):
    """The cart after ``version`` operations. ``html``: its page parts, when asked for."""

    version: int
    pieces: int
    location_id: str | None
    totals: list[MoneyOut]
    lines: list[LineOut]
    html: str | None = None


class OperationOut(BaseModel):
    """One operation, as the live stream tells it to a phone that was away."""

    id: str
    version: int
    kind: str
    gtin: str
    quantity: int
    source: str
    at_us: int


class StockEvent(BaseModel):
    """Stock of one article at one shop; ``words`` when the stream was asked for page parts."""

    product_id: str
    sku: str
    gtin: str
    location_id: str
    available: int
    version: int
    as_of: str
    words: StockOut | None = None


class DeviceEvent(BaseModel):
    """A shop's device holds this cart (``held``), or does no longer (``put_down``)."""

    device_id: str
    state: str
    claimed: bool


def money_out(money: Money | None, w: Words) -> MoneyOut | None:
    """Return an amount for the API."""
    return None if money is None else _amount(money, w)


def _amount(money: Money, w: Words) -> MoneyOut:
    return MoneyOut(minor=money.minor, currency=money.currency, text=w.money(money))


def line_out(line: ShownLine, w: Words) -> LineOut:
    """Return a line for the API."""
    return LineOut(
        gtin=line.gtin,
        sku=line.sku,
        product_id=line.product_id,
        name=line.name,
        variant=line.variant,
        quantity=line.quantity,
        each=money_out(line.each, w),
        price=money_out(line.price, w),
        picture=f"/pictures/{line.picture}" if line.picture else None,
        stock=StockOut(text=line.stock.text, tone=line.stock.tone),
        available=dict(line.available),
    )


def cart_out(basket: Basket, w: Words, html: str | None = None) -> CartOut:
    """Return a cart for the API."""
    return _cart_of(basket, [line_out(line, w) for line in basket.lines], w, html)


def _cart_of(basket: Basket, lines: list[LineOut], w: Words, html: str | None) -> CartOut:
    return CartOut(
        version=basket.version,
        pieces=basket.pieces,
        location_id=basket.here.id if basket.here else None,
        totals=[_amount(one, w) for one in basket.totals],
        lines=lines,
        html=html,
    )


def cart_json(basket: Basket, w: Words, html: str | None = None, *, with_null: bool = True) -> str:
    """Return :func:`cart_out` as JSON, its lines from memory; ``with_null``: nulls are written."""
    text = _cart_of(basket, [], w, html).model_dump_json(exclude_none=not with_null)
    # Inside a JSON string its quotes would be escaped: this is the field.
    before, _, after = text.partition(_NO_LINES)
    lines = ",".join(_line_json(line, w.locale, with_null) for line in basket.lines)
    return f'{before}"lines":[{lines}]{after}'


@lru_cache(maxsize=LINES_KEPT)
def _line_json(line: ShownLine, locale: str, with_null: bool) -> str:  # noqa: FBT001 - a key
    return line_out(line, words(locale)).model_dump_json(exclude_none=not with_null)
