"""The whole state of a checkout, every time: lines, problems, times, totals.

Loads the facts, and lets the pure rules decide. Writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, select

from cart.kernel.clock import Clock
from cart.kernel.errors import UnknownCheckout
from cart.orders import facts, vouchers
from cart.orders.facts import Estimate, Facts
from cart.orders.model import (
    CheckoutState,
    Method,
    Problem,
    ProblemKind,
    TenderKind,
)
from cart.orders.pricing import CheckoutLine, Totals, line_of, totals_of
from cart.orders.slots import Calendar, Promise, Slot
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow, VoucherRow
from cart.orders.terms import Terms
from cart.orders.wanted import Wanted
from cart.ports import LocationFacts, Shop

ADDRESS_NEEDED: Final = ("name", "street", "postcode", "city", "country")
ADDRESS_FIELDS: Final = (*ADDRESS_NEEDED, "street2", "region", "phone")


@dataclass(frozen=True, slots=True)
class VoucherPart:
    """The voucher laid on a checkout, and what it gives to it."""

    ending: str
    balance_minor: int
    part_minor: int


@dataclass(frozen=True, slots=True)
class CheckoutView:
    """A checkout as it is now. With a problem it cannot be paid.

    ``promise``: when it will be ready; None: at no time that was asked for.
    ``redirect_url``: the provider's page while one is open.
    """

    id: str
    cart_id: str
    session_id: str
    state: CheckoutState
    version: int
    place: LocationFacts
    currency: str
    method: Method
    email: str
    locale: str
    address: dict[str, str]
    lines: tuple[CheckoutLine, ...]
    totals: Totals
    problems: tuple[Problem, ...] = ()
    ships: bool = False
    voucher: VoucherPart | None = None
    slot_at: datetime | None = None
    calendar: Calendar | None = None  # while it is open
    soonest: datetime | None = None
    promise: Promise | None = None
    attempt_id: str | None = None
    reserved_until: datetime | None = None
    redirect_url: str = ""
    order_id: str | None = None
    terms: Terms | None = None  # while it is open

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The quarter hours that can be chosen. Made when asked for: to pay, nobody asks."""
        return self.calendar.offered() if self.calendar else ()


def view(
    db: Session,
    clock: Clock,
    shop: Shop,
    checkout_id: str,
    *,
    ready_estimate: timedelta | None = None,
) -> CheckoutView:
    """Return a checkout as it is now; while it is being paid, what is being bought.

    ``ready_estimate``: how long the desk would need for a new order, where it knows.

    Raises:
        UnknownCheckout: no such checkout.
        UnknownLocation: its location is gone.
    """
    checkout = load(db, checkout_id)
    if checkout.attempt_id is not None:
        attempt = db.get_one(AttemptRow, checkout.attempt_id, populate_existing=True)
        return _frozen(db, shop, checkout, attempt)
    return open_view(db, clock, shop, checkout, ready_estimate=ready_estimate)


def load(db: Session, checkout_id: str, *, lock: bool = False) -> CheckoutRow:
    """Return a checkout's row; with ``lock`` nobody else changes it until the commit.

    Raises:
        UnknownCheckout: no such checkout.
    """
    statement = select(CheckoutRow).where(CheckoutRow.id == checkout_id)
    if lock:
        statement = statement.with_for_update()
    found = db.exec(statement.execution_options(populate_existing=True)).first()
    if found is None:
        msg = f"there is no checkout {checkout_id}"
        raise UnknownCheckout(msg, checkout_id=checkout_id)
    return found


def open_view(
    db: Session,
    clock: Clock,
    shop: Shop,
    checkout: CheckoutRow,
    *,
    ready_estimate: timedelta | None = None,
) -> CheckoutView:
    """Return a checkout whose lines follow the cart."""
    views = open_views(db, clock, shop, [checkout], estimate=lambda *_: ready_estimate)
    return views[checkout.id]


def open_views(
    db: Session,
    clock: Clock,
    shop: Shop,
    checkouts: Sequence[CheckoutRow],
    *,
    estimate: Estimate,
) -> dict[str, CheckoutView]:
    """Return checkouts whose lines follow their carts, by id; as many statements as for one."""
    known = facts.load(db, shop, checkouts, estimate=estimate, now=clock.now())
    return {one.id: _opened(one, known[one.id], clock.now()) for one in checkouts}


def _opened(checkout: CheckoutRow, known: Facts, now: datetime) -> CheckoutView:
    terms_here = known.terms
    priced = [line_of(one) for one in known.lines]
    lines = tuple(line for line, _ in priced)
    voucher = known.voucher
    usable = voucher if voucher and vouchers.good(voucher, checkout.currency, now) else None
    ships = checkout.method == Method.SHIP
    totals = totals_of(
        lines,
        shipping_minor=terms_here.shipping_minor if ships and lines else 0,
        shipping_rate_bp=terms_here.tax_rate_bp,
        voucher_left_minor=usable.balance_minor if usable else 0,
    )
    ready_at, calendar = known.calendar.ready_at, known.calendar
    soonest = calendar.soonest()
    promise = Promise(ready_at, ready_at) if ships else calendar.promise(checkout.slot_at)
    problems = [problem for _, found in priced for problem in found]
    for wrong, kind in (
        (not lines, ProblemKind.EMPTY),
        (not terms_here.takes_orders, ProblemKind.CLOSED),
        (promise is None, ProblemKind.NO_SLOT),
        (ships and not terms_here.ships, ProblemKind.NO_SHIPPING),
        (ships and not _complete(checkout.address), ProblemKind.ADDRESS_MISSING),
        (voucher is not None and usable is None, ProblemKind.VOUCHER),
    ):
        if wrong:
            problems.append(Problem(kind))
    return CheckoutView(
        id=checkout.id,
        cart_id=checkout.cart_id,
        session_id=checkout.session_id,
        state=CheckoutState(checkout.state),
        version=checkout.version,
        place=known.place,
        currency=checkout.currency,
        method=Method(checkout.method),
        email=checkout.email,
        locale=checkout.locale,
        address=checkout.address,
        lines=lines,
        totals=totals,
        problems=tuple(problems),
        ships=terms_here.ships,
        voucher=_part(voucher, totals.voucher_minor),
        slot_at=checkout.slot_at,
        calendar=calendar,
        soonest=soonest.at if soonest else None,
        promise=promise,
        terms=terms_here,
    )


def _voucher(db: Session, voucher_id: str | None) -> VoucherRow | None:
    if voucher_id is None:
        return None
    return db.get_one(VoucherRow, voucher_id, populate_existing=True)


def _frozen(db: Session, shop: Shop, checkout: CheckoutRow, attempt: AttemptRow) -> CheckoutView:
    """Return what is being paid, or was: the cart may be another by now."""
    wanted = Wanted.read(attempt.wanted)
    tenders = db.exec(
        select(TenderRow)
        .where(TenderRow.attempt_id == attempt.id)
        .execution_options(populate_existing=True)
    ).all()
    by_kind = {TenderKind(tender.kind): tender for tender in tenders}
    paid_by = by_kind.get(TenderKind.PROVIDER)
    covered = by_kind.get(TenderKind.VOUCHER)
    voucher = _voucher(db, covered.voucher_id) if covered else None
    lines = tuple(
        CheckoutLine(
            gtin=line.gtin,
            sku=line.sku,
            quantity=line.quantity,
            price_minor=line.price_minor,
            now_minor=line.price_minor,
            left=line.quantity,
            tax_rate_bp=line.tax_rate_bp,
            name=line.name,
            name_i18n=line.name_i18n,
            colour=line.colour,
            colour_i18n=line.colour_i18n,
            size=line.size,
            picture=line.picture,
        )
        for line in wanted.lines
    )
    totals = totals_of(
        lines,
        shipping_minor=attempt.shipping_minor,
        shipping_rate_bp=wanted.shipping_rate_bp,
        voucher_left_minor=covered.amount_minor if covered else 0,
    )
    paying = checkout.state == CheckoutState.PAYING
    return CheckoutView(
        id=checkout.id,
        cart_id=checkout.cart_id,
        session_id=checkout.session_id,
        state=CheckoutState(checkout.state),
        version=checkout.version,
        place=shop.locations.facts(db, wanted.location_id),
        currency=checkout.currency,
        method=Method(wanted.method),
        email=wanted.email,
        locale=wanted.locale,
        address=wanted.address,
        lines=lines,
        totals=totals,
        ships=wanted.method == Method.SHIP,
        voucher=_part(voucher, totals.voucher_minor),
        slot_at=checkout.slot_at,
        soonest=attempt.promise_at,
        promise=Promise(attempt.promise_at, attempt.slot_at or attempt.promise_at),
        attempt_id=attempt.id,
        reserved_until=attempt.reserved_until if paying else None,
        redirect_url=paid_by.redirect_url if paid_by and paying else "",
        order_id=checkout.order_id,
    )


def held(seen: CheckoutView, attempt: AttemptRow, version: int) -> CheckoutView:
    """Return what an open checkout is once ``attempt`` holds all of it, without asking anew.

    ``version``: the checkout's, by then. As :func:`view` has it, of what no voucher pays for.
    """
    return replace(
        seen,
        state=CheckoutState.PAYING,
        version=version,
        ships=seen.method == Method.SHIP,
        calendar=None,
        soonest=attempt.promise_at,
        promise=Promise(attempt.promise_at, attempt.slot_at or attempt.promise_at),
        attempt_id=attempt.id,
        reserved_until=attempt.reserved_until,
        terms=None,
    )


def _complete(address: dict[str, str]) -> bool:
    return all(address.get(name, "").strip() for name in ADDRESS_NEEDED)


def _part(voucher: VoucherRow | None, part_minor: int) -> VoucherPart | None:
    if voucher is None:
        return None
    return VoucherPart(voucher.ending, voucher.balance_minor, part_minor)
