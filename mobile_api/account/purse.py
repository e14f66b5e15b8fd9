"""Paying with her wristband, as a customer sets it up: PIN, limits, balance, what was paid.

Plain forms, as on the account page. Whatever lets somebody pay, or takes money out, wants a
sign-in of lately: the phone may have changed hands. Switching off wants none.
"""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from cart.carts import keys
from cart.carts.tables import CartRow, ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError, InvalidInput, InvalidMoney, SignInNeeded
from cart.kernel.money import Money
from cart.orders.purse import queries, service
from cart.orders.purse.model import WRONG_PINS_MAX, Limits, checked_limits, pin_hash
from cart.orders.vouchers import CODE_LENGTH_MAX
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.edge.sessions import CurrentVisitor, Visitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/account/purse", dependencies=[allow(Role.CUSTOMER)], include_in_schema=False
)
HERE: Final = "/account/purse"
PAYMENTS_SHOWN_MAX: Final = 20  # a page that a person reads; all of them are in her orders
FAULT_LENGTH_MAX: Final = 40
PIN_LENGTH_MAX: Final = 16
AMOUNT_LENGTH_MAX: Final = 16
Pin = Annotated[str, Form(max_length=PIN_LENGTH_MAX)]
Amount = Annotated[str, Form(max_length=AMOUNT_LENGTH_MAX)]


def _to(fault: str = "") -> RedirectResponse:
    return RedirectResponse(f"{HERE}?fault={fault}" if fault else HERE, 303, NO_STORE)


def _plain(minor: int, currency: str) -> str:
    return str(Money(minor, currency).amount)


@router.get("")
def purse_page(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    fault: Annotated[str, Query(max_length=FAULT_LENGTH_MAX)] = "",
) -> Response:
    """Show her purse, or what it would be; ``fault``: why the last form was refused."""
    try:
        return _page(request, wired, visitor, fault)
    except SignInNeeded:
        return RedirectResponse("/sign-in", 303, NO_STORE)


def _page(
    request: Request, wired: Parts, visitor: Visitor, fault: str = "", code: str = ""
) -> Response:
    spoken = words(locale_of(request))
    most = _most(wired)
    with reading(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        purse = queries.of_customer(db, me.customer_id or "")
        currency = purse.currency if purse else _currency(db, me)
        limits = (
            Limits(purse.limit_payment_minor, purse.limit_day_minor)
            if purse
            else Limits(most.payment_minor // 4, most.day_minor // 4)
        )
        paid = queries.payments(db, purse, PAYMENTS_SHOWN_MAX) if purse else []
        context = {
            "purse": purse,
            "locked": purse is not None and purse.wrong_pins >= WRONG_PINS_MAX,
            "balance": Money(queries.balance_minor(db, purse), currency) if purse else None,
            "limit_payment": _plain(limits.payment_minor, currency),
            "limit_day": _plain(limits.day_minor, currency),
            "most_payment": Money(most.payment_minor, currency),
            "most_day": Money(most.day_minor, currency),
            "paid": [
                (
                    one.order_id,
                    one.ticket,
                    Money(one.amount_minor - one.refunded_minor, currency),
                    spoken.day(one.at.date()),
                )
                for one in paid
            ],
            "fresh": keys.fresh(db, wired.clock, visitor.token or ""),
            "fault": spoken.gettext(TITLES[fault]) if fault in TITLES else "",
            "code": code,
            "page_id": "account",
        }
    return page(request, "account_purse.html", context, headers=NO_STORE)


@router.post("/set-up")
def set_up(
    wired: Wired, visitor: CurrentVisitor, pin: Pin = "", payment: Amount = "", day: Amount = ""
) -> Response:
    """Begin to pay with the wristband, by this PIN and within these limits; again: as they are."""

    def act(db: Session, me: ShopperSessionRow) -> None:
        currency = _currency(db, me)
        service.set_up(
            db,
            wired.clock,
            wired.ids,
            customer_id=me.customer_id or "",
            currency=currency,
            pin_hash=hashed,
            limits=_limits(wired, payment, day, currency),
        )

    try:
        with reading(wired.engine) as db:
            visitor.fresh_customer(db, wired.clock)
        hashed = pin_hash(wired.ids, pin)
    except SignInNeeded:
        raise
    except CarryoverError as refusal:
        return _to(refusal.code)
    return _done(wired, visitor, act)


@router.post("/limits")
def change_limits(
    wired: Wired, visitor: CurrentVisitor, payment: Amount = "", day: Amount = ""
) -> Response:
    """Let payments and days be as large as this."""

    def act(db: Session, me: ShopperSessionRow) -> None:
        limits = _limits(wired, payment, day, _currency(db, me))
        service.change_limits(db, wired.clock, customer_id=me.customer_id or "", limits=limits)

    return _done(wired, visitor, act)


@router.post("/unlock")
def unlock(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Forget the wrong PINs."""

    def act(db: Session, me: ShopperSessionRow) -> None:
        service.unlock(db, wired.clock, customer_id=me.customer_id or "")

    return _done(wired, visitor, act)


@router.post("/load")
def load(
    wired: Wired, visitor: CurrentVisitor, code: Annotated[str, Form(max_length=CODE_LENGTH_MAX)]
) -> Response:
    """Put a gift card's balance into the purse."""

    def act(db: Session, me: ShopperSessionRow) -> None:
        service.load(db, wired.clock, wired.ids, customer_id=me.customer_id or "", code=code)

    return _done(wired, visitor, act, fresh=False)


@router.post("/take-out")
def take_out(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Put the balance onto a new gift card, whose code is shown this once."""
    try:
        with unit_of_work(wired.engine) as db:
            me = visitor.fresh_customer(db, wired.clock)
            code = service.take_out(db, wired.clock, wired.ids, customer_id=me.customer_id or "")
    except SignInNeeded:
        raise
    except CarryoverError as refusal:
        return _to(refusal.code)
    return _page(request, wired, visitor, code=code)


@router.post("/off")
def switch_off(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Pay with no wristband any more."""

    def act(db: Session, me: ShopperSessionRow) -> None:
        service.switch_off(db, wired.clock, customer_id=me.customer_id or "")

    return _done(wired, visitor, act, fresh=False)


def _done(
    wired: Parts,
    visitor: Visitor,
    act: Callable[[Session, ShopperSessionRow], None],
    *,
    fresh: bool = True,
) -> Response:
    """Do it in one transaction, and show the page; a refusal is said there in words."""
    try:
        with unit_of_work(wired.engine) as db:
            wanted = visitor.fresh_customer if fresh else visitor.customer
            act(db, wanted(db, wired.clock))
    except SignInNeeded:
        raise
    except CarryoverError as refusal:
        return _to(refusal.code)
    return _to()


def _most(wired: Parts) -> Limits:
    settings = wired.settings
    return Limits(settings.wristband_payment_max_minor, settings.wristband_day_max_minor)


def _limits(wired: Parts, payment: str, day: str, currency: str) -> Limits:
    try:
        one, all_day = (
            Money.parse(typed.strip().replace(",", "."), currency).minor for typed in (payment, day)
        )
    except InvalidMoney as error:
        raise InvalidInput(error.message, field="payment") from error
    return checked_limits(Limits(one, all_day), _most(wired))


def _currency(db: Session, me: ShopperSessionRow) -> str:
    return db.get_one(CartRow, me.cart_id).currency
