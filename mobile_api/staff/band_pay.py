"""Taking a payment by wristband at a desk: she taps, types her PIN, and it is paid.

The PIN is counted as wrong in a transaction of its own, then compared, then everything that is
bought is promised, paid and ordered in one transaction, which asks at its end whether the band
is still hers and still at this desk. So a crash leaves an order that is paid once, or nothing.
"""

from datetime import date
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import Session

from cart.audit import service as audit
from cart.audit.model import Action, On
from cart.db import reading, unit_of_work
from cart.kernel.errors import (
    BandAway,
    CarryoverError,
    CheckoutChanged,
    PurseLocked,
    PurseOff,
    PursePinRefused,
    SeveralBands,
    TooManyAttempts,
)
from cart.kernel.pin_hash import matches, renewed
from cart.orders import checkout, paying
from cart.orders.checkout import Choice
from cart.orders.model import AttemptState, Method
from cart.orders.purse import service as purses
from cart.orders.purse.model import Limits, PurseUse
from cart.orders.tables import AttemptRow, CheckoutRow
from cart.personal.erasing import under_way
from cart.picking.model import Staff
from cart.picking.staff import as_who
from cart.profile.queries import addresses_of
from gateway.desks import queries as desks
from gateway.desks import service as desk_service
from gateway.desks.model import Standing
from gateway.desks.queries import Payer
from gateway.fanout import DeskChanged
from mobile_api.checkouts import service as checkouts
from mobile_api.payment.schemas import MINOR_MAX
from mobile_api.payment.settling import finish
from mobile_api.staff.schemas import ID_LENGTH_MAX
from mobile_api.wiring import Parts

KEY_LENGTH_MAX: Final = 64
PIN_LENGTH_MAX: Final = 16


class PayForm(BaseModel):
    """What the pad sends. ``loan_id`` to ``promise_at``: as the page showed it."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=16, max_length=KEY_LENGTH_MAX)]
    loan_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)]
    checkout_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)]
    total_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)]
    rest_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)]
    promise_at: AwareDatetime | None = None
    pin: Annotated[str, Field(max_length=PIN_LENGTH_MAX)] = ""


def standing(wired: Parts, db: Session, me: Staff, desk: str, loan_id: str = "") -> Payer:
    """Return who may pay at a desk now. ``loan_id``: who is meant, if somebody was seen before.

    Raises:
        SeveralBands: nobody can say whose band it is.
        BandAway: none was held there lately, it is nobody's, or another's by now.
        PurseOff: an anonymous band, or one of a customer whose erasure was asked for.
    """
    found = desks.at_desk(db, me.location_id, desk, wired.clock.now())
    if found is not None and found.standing is Standing.SEVERAL:
        msg = f"several bands are near desk {desk}"
        raise SeveralBands(msg)
    payer = desks.payer(db, found.loan_id) if found else None
    if payer is None or loan_id not in {"", payer.loan_id}:
        msg = f"nobody's band is at desk {desk}"
        raise BandAway(msg)
    if payer.customer_id is None or under_way(db, payer.customer_id):
        msg = "an anonymous band pays nothing, nor one of somebody who is being erased"
        raise PurseOff(msg)
    return payer


def open_here(wired: Parts, db: Session, me: Staff, payer: Payer) -> str:
    """Open the checkout of her cart, or take the one that is open, to be collected here, now.

    Raises:
        CheckoutClosed: she is paying it on her phone at this moment.
        InvalidInput: nothing is in her cart that could be.
    """
    checkout_id = checkout.open_checkout(
        db,
        wired.clock,
        wired.ids,
        wired.shop,
        cart_id=payer.cart_id,
        session_id=payer.session_id,
        locale=payer.locale,
        location_id=me.location_id,
    )
    row = db.get_one(CheckoutRow, checkout_id, populate_existing=True)
    addresses = addresses_of(db, payer.customer_id or "")
    choice = Choice(
        location_id=me.location_id,
        method=Method.COLLECT,
        soonest=True,
        email=None if row.email or not addresses else addresses[0],
    )
    checkout.choose(db, wired.clock, wired.shop, checkout_id=checkout_id, choice=choice)
    db.refresh(row)
    checkouts.tell(wired, db, checkout_id, row.version)
    return checkout_id


def take(wired: Parts, me: Staff, desk: str, form: PayForm) -> str:
    """Take the payment; return the order. The same key again is the same payment.

    Raises:
        BandAway, SeveralBands, PurseOff: nobody who may pay stands there.
        TooManyAttempts, PurseLocked: no PIN is taken at this desk, or for this band.
        PursePinRefused: a wrong one.
        PurseLimit, PurseShort, CheckoutChanged, CheckoutClosed: it was not paid.
    """
    attempt_id = paying.attempt_id_of(f"{me.id} {form.key}")
    try:
        return _taken(wired, me, desk, form, attempt_id)
    except CarryoverError as refusal:
        with unit_of_work(wired.engine) as db:
            on = On("checkout", form.checkout_id)
            audit.note(db, wired.clock, as_who(me), Action.BAND_PAY, on, outcome=refusal.code)
        raise


def _taken(wired: Parts, me: Staff, desk: str, form: PayForm, attempt_id: str) -> str:
    with reading(wired.engine) as db:
        if (known := _bought(db, attempt_id)) is not None:
            return known
    with unit_of_work(wired.engine) as db:
        payer = standing(wired, db, me, desk, form.loan_id)
        customer_id = payer.customer_id or ""
        # The purse before the desk, everywhere: so does what is bought, which ends with the desk.
        tried = purses.take_try(db, customer_id=customer_id)
        if not desk_service.take_try(db, wired.clock, location_id=me.location_id, desk=desk):
            msg = f"too many wrong PINs at desk {desk}"
            raise TooManyAttempts(msg)
    if tried is None:
        msg = "too many wrong PINs"
        raise PurseLocked(msg)
    wired.marked("pin counted")
    if not matches(form.pin, tried.pin_hash):
        if tried.left == 0:
            msg = "that was the last try"
            raise PurseLocked(msg)
        msg = "wrong PIN"
        raise PursePinRefused(msg, left=tried.left)
    keep = renewed(form.pin, tried.pin_hash)
    with unit_of_work(wired.engine) as db:
        purses.was_right(db, customer_id=customer_id, pin_hash=tried.pin_hash, keep=keep)
        desk_service.was_right(db, location_id=me.location_id, desk=desk)
    wired.marked("pin right")
    settings = wired.settings
    most = Limits(settings.wristband_payment_max_minor, settings.wristband_day_max_minor)
    with unit_of_work(wired.engine) as db:
        use = PurseUse(customer_id, keep, _today(wired, db, me.location_id), most)
        order_id = _buy(wired, db, me, desk, form, attempt_id, payer, use)
        wired.marked("band paying")
    wired.marked("band paid")
    return order_id


def _buy(  # noqa: PLR0917 - who, where, what, and from which purse
    wired: Parts,
    db: Session,
    me: Staff,
    desk: str,
    form: PayForm,
    attempt_id: str,
    payer: Payer,
    use: PurseUse,
) -> str:
    row = db.get(CheckoutRow, form.checkout_id)
    if row is None or (row.cart_id, row.location_id) != (payer.cart_id, me.location_id):
        msg = "this is not the checkout of whoever stands there"
        raise CheckoutChanged(msg)
    begun = paying.begin(
        db,
        wired.clock,
        wired.ids,
        wired.shop,
        checkout_id=row.id,
        attempt_id=attempt_id,
        total_minor=form.total_minor,
        rest_minor=form.rest_minor,
        promise_at=form.promise_at,
        ready_estimate=checkouts.ready_estimate(wired, db, row.id),
        purse=use,
    )
    if begun.settled is None:  # pressed twice at once: the other one has paid it
        order_id = _bought(db, attempt_id)
        assert order_id is not None  # noqa: S101 - a purse pays at once, or nothing is there
        return order_id
    # Last, as the locks are: she may have said that it is lost while the PIN was compared.
    now = desks.payer(db, payer.loan_id, lock=True)
    here = desk_service.leave(
        db, wired.clock, location_id=me.location_id, desk=desk, loan_id=payer.loan_id
    )
    if now != payer or not here:
        msg = "the band is hers no more, or at the desk no more"
        raise BandAway(msg)
    finish(wired, db, begun.settled)
    wired.tell(db, DeskChanged(me.location_id))
    order_id = begun.settled.order_id or ""
    audit.note(db, wired.clock, as_who(me), Action.BAND_PAY, On("order", order_id))
    return order_id


def _bought(db: Session, attempt_id: str) -> str | None:
    attempt = db.get(AttemptRow, attempt_id, populate_existing=True)
    if attempt is None or attempt.state != AttemptState.SUCCEEDED:
        return None
    return db.get_one(CheckoutRow, attempt.checkout_id, populate_existing=True).order_id


def _today(wired: Parts, db: Session, location_id: str) -> date:
    zone = wired.shop.locations.facts(db, location_id).timezone
    return wired.clock.now().astimezone(ZoneInfo(zone)).date()
