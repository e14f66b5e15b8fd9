"""Commands on a checkout that is open: what the shopper chooses. Nothing is promised yet.

She decides, and nothing changes behind her back: a command changes what it names.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, col, select, text, update

from cart.carts.tables import CartLineRow, CartRow
from cart.db.guarded import insert_new, insert_or_change
from cart.kernel.clock import Clock
from cart.kernel.email import address as email_address
from cart.kernel.errors import (
    CheckoutChanged,
    CheckoutClosed,
    InvalidInput,
    UnknownCart,
    UnknownGtin,
    VoucherRefused,
)
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.orders import vouchers
from cart.orders.model import CheckoutState, Method
from cart.orders.slots import floor_quarter
from cart.orders.tables import AgreedPriceRow, CheckoutRow
from cart.orders.view import ADDRESS_FIELDS, CheckoutView, load, view
from cart.ports import Shop

__all__ = ["OPEN", "CheckoutView", "view"]

ADDRESS_PART_LENGTH_MAX: Final = 200  # the longest street is shorter, and a label holds no more
OPEN: Final = text("state IN ('open', 'paying')")  # as in the index that keeps it to one


@dataclass(frozen=True, slots=True)
class Choice:
    """What a shopper chose; None: she said nothing about it. ``soonest``: no slot any more."""

    location_id: str | None = None
    method: Method | None = None
    slot_at: datetime | None = None
    soonest: bool = False
    email: str | None = None
    address: dict[str, str] | None = None


def open_checkout(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    cart_id: str,
    session_id: str,
    locale: str,
    location_id: str | None = None,
) -> str:
    """Open a cart's checkout, or find the one that is open; return its id.

    ``location_id`` None: where the newest line was scanned.

    Raises:
        UnknownCart, UnknownLocation: there is none of this id.
        InvalidInput: no location is given, and no line was scanned at one.
    """
    if (known := _open_id(db, cart_id)) is not None:
        return known
    currency = db.exec(select(CartRow.currency).where(CartRow.id == cart_id)).first()
    if currency is None:
        msg = f"there is no cart {cart_id}"
        raise UnknownCart(msg, cart_id=cart_id)
    place = shop.locations.facts(db, location_id or _newest_location(db, cart_id))
    checkout_id, now = ids.new("checkout"), clock.now()
    values: dict[str, Any] = {
        "id": checkout_id,
        "cart_id": cart_id,
        "session_id": session_id,
        "location_id": place.id,
        "currency": currency,
        "state": CheckoutState.OPEN.value,
        "method": Method.COLLECT.value,
        "email": "",
        "locale": locale,
        "address": {},
        "version": 1,
        "created_at": now,
        "changed_at": now,
    }
    if insert_new(db, CheckoutRow, values, keys=["cart_id"], where=OPEN):
        return checkout_id
    found = _open_id(db, cart_id)  # a rival was faster: it is the same checkout
    if found is None:
        msg = "another request closed the checkout at this moment"
        raise CheckoutClosed(msg)
    return found


def choose(db: Session, clock: Clock, shop: Shop, *, checkout_id: str, choice: Choice) -> None:
    """Set what was chosen. Another location has other slots, so it takes the slot chosen away.

    Raises:
        UnknownCheckout, UnknownLocation: there is none of this id.
        InvalidEmail, InvalidInput: an address that cannot be one, or no quarter hour.
        CheckoutClosed: paid, cancelled, or being paid.
    """
    values: dict[str, Any] = {}
    if choice.location_id is not None:
        values["location_id"] = shop.locations.facts(db, choice.location_id).id
    if choice.method is not None:
        values["method"] = Method(choice.method).value
    if choice.soonest or choice.location_id is not None:
        values["slot_at"] = None
    if choice.slot_at is not None:
        if floor_quarter(choice.slot_at) != choice.slot_at:
            msg = "a slot begins at a quarter hour"
            raise InvalidInput(msg)
        values["slot_at"] = choice.slot_at
    if choice.email is not None:
        values["email"] = email_address(choice.email) if choice.email.strip() else ""
    if choice.address is not None:
        values["address"] = _address(choice.address)
    change(db, clock, checkout_id, **values)


def accept_price(
    db: Session, clock: Clock, shop: Shop, *, checkout_id: str, gtin: Gtin, price_minor: int
) -> None:
    """Agree to the price of a line that is another than the one she was shown.

    Raises:
        UnknownCheckout: no such checkout.
        CheckoutChanged: it is not today's price; nothing was agreed to.
        CheckoutClosed: paid, cancelled, or being paid.
        UnknownGtin: not in the catalogue.
    """
    checkout = load(db, checkout_id)
    known = shop.lookup(db, [gtin], currency=checkout.currency).get(gtin)
    if known is None:
        msg = f"no article in the catalogue has the code {gtin.shortest}"
        raise UnknownGtin(msg, gtin=gtin)
    if known.price_minor != price_minor:
        msg = "the price has changed once more"
        raise CheckoutChanged(msg, gtin=gtin)
    change(db, clock, checkout_id)
    insert_or_change(
        db,
        AgreedPriceRow,
        {"checkout_id": checkout_id, "gtin": gtin, "price_minor": price_minor},
        keys=["checkout_id", "gtin"],
        change={"price_minor": price_minor},
    )


def use_voucher(db: Session, clock: Clock, *, checkout_id: str, code: str) -> None:
    """Lay a voucher on the checkout; its balance is touched only when it is paid.

    Raises:
        UnknownCheckout, UnknownVoucher: there is none.
        VoucherRefused: used up, too old, or in another currency.
        CheckoutClosed: paid, cancelled, or being paid.
    """
    checkout, voucher = load(db, checkout_id), vouchers.find(db, code)
    if not vouchers.good(voucher, checkout.currency, clock.now()):
        msg = "the voucher is used up, too old, or in another currency"
        raise VoucherRefused(msg, ending=voucher.ending)
    change(db, clock, checkout_id, voucher_id=voucher.id)


def drop_voucher(db: Session, clock: Clock, *, checkout_id: str) -> None:
    """Take the voucher off again.

    Raises:
        UnknownCheckout: no such checkout.
        CheckoutClosed: paid, cancelled, or being paid.
    """
    change(db, clock, checkout_id, voucher_id=None)


def close(db: Session, clock: Clock, *, checkout_id: str) -> None:
    """Give a checkout up; its cart stays as it is. Once more changes nothing.

    Raises:
        UnknownCheckout: no such checkout.
        CheckoutClosed: paid, or being paid: the attempt has to be ended first.
    """
    if load(db, checkout_id).state != CheckoutState.CANCELLED:
        change(db, clock, checkout_id, state=CheckoutState.CANCELLED.value)


def change(db: Session, clock: Clock, checkout_id: str, **values: object) -> None:
    """Change a checkout if it is open: one guarded UPDATE.

    Raises:
        UnknownCheckout: no such checkout.
        CheckoutClosed: paid, cancelled, or being paid.
    """
    done = db.exec(
        update(CheckoutRow)
        .where(col(CheckoutRow.id) == checkout_id, col(CheckoutRow.state) == CheckoutState.OPEN)
        .values(version=CheckoutRow.version + 1, changed_at=clock.now(), **values)
    )
    if done.rowcount == 1:
        return
    state = load(db, checkout_id).state
    msg = f"the checkout is {state}"
    raise CheckoutClosed(msg, checkout_id=checkout_id, state=state)


def _open_id(db: Session, cart_id: str) -> str | None:
    return db.exec(select(CheckoutRow.id).where(CheckoutRow.cart_id == cart_id, OPEN)).first()


def _newest_location(db: Session, cart_id: str) -> str:
    found = db.exec(
        select(CartLineRow.location_id)
        .where(
            CartLineRow.cart_id == cart_id,
            CartLineRow.quantity > 0,
            col(CartLineRow.location_id).is_not(None),
        )
        .order_by(col(CartLineRow.added_at_us).desc())
        .limit(1)
    ).first()
    if found is None:
        msg = "say at which location; no line of the cart was scanned at one"
        raise InvalidInput(msg, cart_id=cart_id)
    return found


def _address(given: dict[str, str]) -> dict[str, str]:
    kept = {name: part.strip() for name, part in given.items() if part.strip()}
    for name, part in kept.items():
        if name not in ADDRESS_FIELDS or len(part) > ADDRESS_PART_LENGTH_MAX:
            msg = f"an address has parts of at most {ADDRESS_PART_LENGTH_MAX} characters"
            raise InvalidInput(msg, field=name[:ADDRESS_PART_LENGTH_MAX])
    return kept
