"""Gift cards and vouchers: a balance moved by guarded UPDATEs, each with its entry.

What was issued, or came from another voucher, is always what is left, held, spent and not
refunded, or went to another.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, or_, select, update

from cart.db.guarded import insert_new
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, UnknownVoucher
from cart.kernel.ids import Ids, secret_hash
from cart.orders.tables import VoucherEntryRow, VoucherRow

# 80 random bits: short enough to type from a card, too many to try.
CODE_CHARACTERS: Final = 16
CODE_LENGTH_MAX: Final = 64
# What comes back can be spent as long: who buys here once a year has it on her next visit.
REFUND_GOOD_FOR: Final = timedelta(days=365)
# Begins the reference of what went from one voucher to another, both entries: nothing was bought.
MOVED: Final = "moved:"
# Crockford's base 32 reads what people confuse as what was meant.
_MEANT: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "u": "v", "-": None, " ": None})


def issue(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    amount_minor: int,
    currency: str,
    expires_at: datetime | None = None,
) -> str:
    """Issue a voucher; return its code, in groups of four. It is shown this once.

    Raises:
        InvalidInput: an amount that is not above 0.
    """
    if amount_minor <= 0:
        msg = "a voucher has an amount above 0"
        raise InvalidInput(msg, amount_minor=amount_minor)
    made = _made(
        db, clock, ids, amount_minor=amount_minor, currency=currency, expires_at=expires_at
    )
    return made[1]


def opened(db: Session, clock: Clock, ids: Ids, *, currency: str) -> tuple[str, str]:
    """Open a voucher with nothing on it, for what comes from another; return its id and code."""
    return _made(db, clock, ids, amount_minor=0, currency=currency, expires_at=None)


def _made(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    amount_minor: int,
    currency: str,
    expires_at: datetime | None,
) -> tuple[str, str]:
    code = ids.token()[-CODE_CHARACTERS:]
    voucher_id, now = ids.new("voucher"), clock.now()
    row = VoucherRow(
        id=voucher_id,
        code_hash=secret_hash(code),
        ending=code[-4:].upper(),
        currency=currency,
        balance_minor=amount_minor,
        issued_minor=amount_minor,
        expires_at=expires_at,
        issued_at=now,
    )
    db.add(row)
    db.flush()
    grouped = "-".join(code[place : place + 4] for place in range(0, CODE_CHARACTERS, 4)).upper()
    return voucher_id, grouped


def find(db: Session, code: str) -> VoucherRow:
    """Return the voucher of a typed code, however it was grouped.

    Raises:
        UnknownVoucher: no voucher has this code.
    """
    plain = code[:CODE_LENGTH_MAX].strip().lower().translate(_MEANT)
    found = db.exec(
        select(VoucherRow)
        .where(col(VoucherRow.code_hash) == secret_hash(plain))
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        msg = "no voucher has this code"
        raise UnknownVoucher(msg)
    return found


def good(voucher: VoucherRow, currency: str, now: datetime) -> bool:
    """Say whether something can be paid with it."""
    in_time = voucher.expires_at is None or voucher.expires_at > now
    return voucher.currency == currency and voucher.balance_minor > 0 and in_time


def debit(db: Session, clock: Clock, *, voucher_id: str, amount_minor: int, reference: str) -> bool:
    """Take an amount from the balance; False: there is less, or it is too old; nothing changed."""
    now = clock.now()
    done = db.exec(
        update(VoucherRow)
        .where(
            col(VoucherRow.id) == voucher_id,
            col(VoucherRow.balance_minor) >= amount_minor,
            or_(col(VoucherRow.expires_at).is_(None), col(VoucherRow.expires_at) > now),
        )
        .values(balance_minor=VoucherRow.balance_minor - amount_minor)
    )
    if done.rowcount != 1:
        return False
    entry = VoucherEntryRow(
        voucher_id=voucher_id, reference=reference, delta_minor=-amount_minor, at=now
    )
    db.add(entry)
    db.flush()
    return True


def credit(
    db: Session, clock: Clock, *, voucher_id: str, amount_minor: int, reference: str
) -> None:
    """Give an amount back to the balance; the same ``reference`` again changes nothing."""
    entry = {
        "voucher_id": voucher_id,
        "reference": reference,
        "delta_minor": amount_minor,
        "at": clock.now(),
    }
    if insert_new(db, VoucherEntryRow, entry, keys=("voucher_id", "reference")):
        db.exec(
            update(VoucherRow)
            .where(col(VoucherRow.id) == voucher_id)
            .values(balance_minor=VoucherRow.balance_minor + amount_minor)
        )


def refund(
    db: Session, clock: Clock, *, voucher_id: str, amount_minor: int, reference: str
) -> None:
    """Give back what was paid with it, and let it be good for REFUND_GOOD_FOR from now at least.

    An old one is good again, with all that is on it: money that came back can be spent.
    """
    until = clock.now() + REFUND_GOOD_FOR
    credit(db, clock, voucher_id=voucher_id, amount_minor=amount_minor, reference=reference)
    db.exec(
        update(VoucherRow)
        .where(col(VoucherRow.id) == voucher_id, col(VoucherRow.expires_at) < until)
        .values(expires_at=until)
    )
