"""Money in minor units of a currency; never a float."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from cart.kernel.errors import InvalidMoney

# ISO 4217 exponents that are not 2, for the currencies a shop of ours may meet.
EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "HUF": 2, "BHD": 3, "KWD": 3, "TND": 3}
EXPONENT_USUAL = 2
CURRENCY_LENGTH = 3


def exponent(currency: str) -> int:
    """Return the number of decimal places of ``currency`` (ISO 4217 alphabetic code).

    Raises:
        InvalidMoney: not three capital letters.
    """
    if len(currency) != CURRENCY_LENGTH or not (
        currency.isascii() and currency.isalpha() and currency.isupper()
    ):
        msg = f"{currency!r} is not an ISO 4217 currency code such as EUR"
        raise InvalidMoney(msg, currency=currency)
    return EXPONENTS.get(currency, EXPONENT_USUAL)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """``minor`` hundredths (or as many as the currency has) of ``currency``."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Read a decimal with a point, as feeds carry it: ``"189.00"``.

        Raises:
            InvalidMoney: no number, or more decimals than the currency has.
        """
        try:
            scaled = Decimal(text).scaleb(exponent(currency))
        except InvalidOperation as error:
            msg = f"{text!r} is not an amount such as 189.00"
            raise InvalidMoney(msg, text=text) from error
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            msg = f"{text!r} has more decimals than {currency} has"
            raise InvalidMoney(msg, text=text, currency=currency)
        return cls(int(scaled), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: "Money") -> "Money":
        """Add two amounts of one currency.

        Raises:
            InvalidMoney: the currencies differ.
        """
        if self.currency != other.currency:
            msg = f"cannot add {other.currency} to {self.currency}"
            raise InvalidMoney(msg, currency=other.currency)
        return Money(self.minor + other.minor, self.currency)

    def __mul__(self, count: int) -> "Money":
        """Multiply by a number of pieces."""
        return Money(self.minor * count, self.currency)
