"""Commands on purses: set up, load, spend, switch off; each limit is guarded by one UPDATE.

A wrong PIN is counted before it is compared, so that of many guesses at once no more than
WRONG_PINS_MAX are made. Money stays in the ledger of vouchers: what comes in was on a gift
card, what is taken out goes onto a new one.
"""

from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, case, col, literal, update

from cart.db.guarded import insert_new, write
from cart.kernel.clock import Clock
from cart.kernel.errors import PurseLimit, PurseOff, PurseShort, VoucherRefused
from cart.kernel.ids import Ids
from cart.orders import vouchers
from cart.orders.purse import queries
from cart.orders.purse.model import WRONG_PINS_MAX, Limits, PurseUse
from cart.orders.purse.tables import PurseRow
from cart.orders.vouchers import MOVED


@dataclass(frozen=True, slots=True)
class Try:
    """A try of a PIN that may be made. ``left``: how many more after it, if it is wrong."""

    pin_hash: str
    left: int


def set_up(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    customer_id: str,
    currency: str,
    pin_hash: str,
    limits: Limits,
) -> None:
    """Let a customer pay with her wristband; once more: with this PIN and these limits.

    What was paid today still counts for the day.
    """
    now = clock.now()
    if queries.of_customer(db, customer_id) is None:
        voucher_id, _ = vouchers.opened(db, clock, ids, currency=currency)
        values = {
            "customer_id": customer_id,
            "voucher_id": voucher_id,
            "currency": currency,
            "pin_hash": pin_hash,
            "limit_payment_minor": limits.payment_minor,
            "limit_day_minor": limits.day_minor,
            "spent_on": "",
            "spent_minor": 0,
            "wrong_pins": 0,
            "active": True,
            "created_at": now,
            "changed_at": now,
        }
        if insert_new(db, PurseRow, values, keys=["customer_id"]):
            return
    _change(
        db,
        clock,
        customer_id,
        pin_hash=pin_hash,
        limit_payment_minor=limits.payment_minor,
        limit_day_minor=limits.day_minor,
        wrong_pins=0,
        active=True,
    )


def change_limits(db: Session, clock: Clock, *, customer_id: str, limits: Limits) -> None:
    """Let payments and days be as large as this.

    Raises:
        PurseOff: she has no purse.
    """
    _change(
        db,
        clock,
        customer_id,
        limit_payment_minor=limits.payment_minor,
        limit_day_minor=limits.day_minor,
    )


def change_pin(db: Session, clock: Clock, *, customer_id: str, pin_hash: str) -> None:
    """Take another PIN; wrong ones that were tried are forgotten.

    Raises:
        PurseOff: she has no purse.
    """
    _change(db, clock, customer_id, pin_hash=pin_hash, wrong_pins=0)


def unlock(db: Session, clock: Clock, *, customer_id: str) -> None:
    """Forget wrong PINs: she says from her phone that it is hers to use.

    Raises:
        PurseOff: she has no purse.
    """
    _change(db, clock, customer_id, wrong_pins=0)


def switch_off(db: Session, clock: Clock, *, customer_id: str) -> None:
    """Pay with no wristband from the commit on; the balance stays hers. Twice is as good as once.

    Raises:
        PurseOff: she never had a purse.
    """
    _change(db, clock, customer_id, active=False)


def load(db: Session, clock: Clock, ids: Ids, *, customer_id: str, code: str) -> int:
    """Put all that is left on a gift card into the purse; return how much, in minor units.

    Raises:
        PurseOff: she has no purse.
        UnknownVoucher: no card has this code.
        VoucherRefused: used up, in another currency, or with an end: that it would lose in here.
    """
    purse = _mine(db, customer_id)
    card = vouchers.find(db, code)
    amount_minor = card.balance_minor
    fits = vouchers.good(card, purse.currency, clock.now()) and card.expires_at is None
    reference = f"{MOVED}{ids.new('load')}"
    if not fits or not vouchers.debit(
        db, clock, voucher_id=card.id, amount_minor=amount_minor, reference=reference
    ):
        msg = "the card is used up, in another currency, or good for a time only"
        raise VoucherRefused(msg, ending=card.ending)
    vouchers.credit(
        db, clock, voucher_id=purse.voucher_id, amount_minor=amount_minor, reference=reference
    )
    return amount_minor


def take_out(db: Session, clock: Clock, ids: Ids, *, customer_id: str) -> str:
    """Put the whole balance onto a new gift card; return its code, which is shown this once.

    Raises:
        PurseOff: she has no purse.
        PurseShort: there is nothing in it, or it was spent at this moment.
    """
    purse = _mine(db, customer_id)
    amount_minor = queries.balance_minor(db, purse)
    reference = f"{MOVED}{ids.new('out')}"
    if amount_minor <= 0 or not vouchers.debit(
        db, clock, voucher_id=purse.voucher_id, amount_minor=amount_minor, reference=reference
    ):
        msg = "there is nothing to take out"
        raise PurseShort(msg, missing_minor=0)
    voucher_id, code = vouchers.opened(db, clock, ids, currency=purse.currency)
    vouchers.credit(
        db, clock, voucher_id=voucher_id, amount_minor=amount_minor, reference=reference
    )
    return code


def take_try(db: Session, *, customer_id: str) -> Try | None:
    """Count a PIN as wrong, before it is compared; None: no more may be tried. Commit it first.

    Raises:
        PurseOff: she has no purse, or it is switched off.
    """
    taken = db.execute(
        update(PurseRow)
        .where(
            col(PurseRow.customer_id) == customer_id,
            col(PurseRow.active),
            col(PurseRow.wrong_pins) < WRONG_PINS_MAX,
        )
        .values(wrong_pins=PurseRow.wrong_pins + 1)
        .returning(col(PurseRow.pin_hash), col(PurseRow.wrong_pins))
        .execution_options(synchronize_session=False)
    ).first()
    if taken is not None:
        return Try(taken[0], WRONG_PINS_MAX - taken[1])
    if not _mine(db, customer_id).active:
        raise _off()
    return None


def was_right(db: Session, *, customer_id: str, pin_hash: str, keep: str) -> None:
    """Forget wrong PINs: the right one of ``pin_hash`` was typed; ``keep`` is kept of it."""
    write(
        db,
        update(PurseRow)
        .where(col(PurseRow.customer_id) == customer_id, col(PurseRow.pin_hash) == pin_hash)
        .values(wrong_pins=0, pin_hash=keep),
    )


def spend(
    db: Session, clock: Clock, use: PurseUse, *, amount_minor: int, currency: str, reference: str
) -> str:
    """Take an amount within the limits from the balance; return the voucher that holds it.

    One statement asks for both limits and counts for the day: of two desks at once that
    together would be over it, one pays.

    Raises:
        PurseOff: there is none, it is switched off, in another currency, or has another PIN now.
        PurseLimit: ``limit`` says which, ``left_minor`` how much of it is left.
        PurseShort: the balance is too small.
    """
    today = use.day.isoformat()
    # A day that has begun somewhere does not begin again at a desk further west.
    known = col(PurseRow.spent_on) >= today
    spent = case((known, col(PurseRow.spent_minor)), else_=0)
    counted = write(
        db,
        update(PurseRow)
        .where(
            col(PurseRow.customer_id) == use.customer_id,
            col(PurseRow.active),
            col(PurseRow.pin_hash) == use.pin_hash,
            col(PurseRow.currency) == currency,
            col(PurseRow.limit_payment_minor) >= amount_minor,
            literal(use.most.payment_minor) >= amount_minor,
            spent + amount_minor <= col(PurseRow.limit_day_minor),
            spent + amount_minor <= use.most.day_minor,
        )
        .values(
            spent_on=case((known, col(PurseRow.spent_on)), else_=today),
            spent_minor=spent + amount_minor,
        ),
    )
    purse = _mine(db, use.customer_id)
    if counted != 1:
        raise _why_not(purse, use, amount_minor, currency, today)
    if not vouchers.debit(
        db, clock, voucher_id=purse.voucher_id, amount_minor=amount_minor, reference=reference
    ):
        missing_minor = amount_minor - queries.balance_minor(db, purse)
        msg = f"the balance is {missing_minor} too small"
        raise PurseShort(msg, missing_minor=missing_minor)
    return purse.voucher_id


_LIMIT_PAYMENT: Final = "payment"
_LIMIT_DAY: Final = "day"


def _why_not(
    purse: PurseRow, use: PurseUse, amount_minor: int, currency: str, today: str
) -> PurseOff | PurseLimit:
    if not purse.active or purse.pin_hash != use.pin_hash or purse.currency != currency:
        return _off()
    left, limit = min(purse.limit_payment_minor, use.most.payment_minor), _LIMIT_PAYMENT
    if amount_minor <= left:
        spent_minor = purse.spent_minor if purse.spent_on >= today else 0
        allowed_minor = min(purse.limit_day_minor, use.most.day_minor)
        left, limit = max(0, allowed_minor - spent_minor), _LIMIT_DAY
    msg = f"{amount_minor} is more than the {left} that are left for the {limit}"
    return PurseLimit(msg, limit=limit, left_minor=left)


def _mine(db: Session, customer_id: str) -> PurseRow:
    purse = queries.of_customer(db, customer_id)
    if purse is None:
        raise _off()
    return purse


def _change(db: Session, clock: Clock, customer_id: str, **values: object) -> None:
    changed = write(
        db,
        update(PurseRow)
        .where(col(PurseRow.customer_id) == customer_id)
        .values(changed_at=clock.now(), **values),
    )
    if changed != 1:
        raise _off()


def _off() -> PurseOff:
    return PurseOff("she does not pay with a wristband")
