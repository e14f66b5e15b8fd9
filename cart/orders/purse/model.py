"""Rules of purses: which PIN is one, and how much may be paid. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from cart.kernel.errors import InvalidInput, PinTooEasy
from cart.kernel.ids import Ids
from cart.kernel.pin_hash import WORK, Work, hashed

PIN_DIGITS_MIN, PIN_DIGITS_MAX = 4, 8
# With 10 000 PINs of four digits: whoever found the band guesses right once in 2 000 times.
WRONG_PINS_MAX: Final = 5
_RUNS: Final = ("01234567890", "09876543210")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one payment, and all of one day, may be at most; minor units."""

    payment_minor: int
    day_minor: int


@dataclass(frozen=True, slots=True)
class PurseUse:
    """That a purse is to pay, by somebody who typed its PIN.

    ``pin_hash``: which the PIN was compared with; a PIN that was changed since pays nothing.
    ``day``: the shop's; ``most``: what it allows whoever it is, whatever she chose once.
    """

    customer_id: str
    pin_hash: str
    day: date
    most: Limits


def checked_limits(limits: Limits, most: Limits) -> Limits:
    """Return what she chose.

    Raises:
        InvalidInput: not above 0, a day below a payment, or more than the shop allows.
    """
    if not 0 < limits.payment_minor <= limits.day_minor:
        msg = "a payment is above 0, and a day allows one payment at least"
        raise InvalidInput(msg, field="limit_payment_minor")
    if limits.payment_minor > most.payment_minor or limits.day_minor > most.day_minor:
        msg = f"at most {most.payment_minor} for a payment and {most.day_minor} for a day"
        raise InvalidInput(msg, field="limit_day_minor")
    return limits


def pin_hash(ids: Ids, pin: str, work: Work = WORK) -> str:
    """Return what is kept of a PIN that she chose. It takes time: call it outside the database.

    Raises:
        PinTooEasy: not 4 to 8 digits, one digit over and over, a pair over and over, or a run.
    """
    if not PIN_DIGITS_MIN <= len(pin) <= PIN_DIGITS_MAX or not (pin.isascii() and pin.isdigit()):
        msg = f"a PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits"
        raise PinTooEasy(msg)
    if pin == (pin[:2] * PIN_DIGITS_MAX)[: len(pin)] or any(pin in run for run in _RUNS):
        msg = "this PIN is one of those that are tried first"
        raise PinTooEasy(msg)
    return hashed(pin, ids.token(), work)
