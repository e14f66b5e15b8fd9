"""Money is whole minor units of a currency."""

import pytest

from cart.kernel.errors import InvalidMoney
from cart.kernel.money import Money, exponent


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("189.00", "EUR", 18_900),
        ("189", "PLN", 18_900),
        ("0.1", "ILS", 10),
        ("-5.25", "EUR", -525),
        ("1500", "JPY", 1_500),
        ("1.234", "KWD", 1_234),
        ("1E+2", "EUR", 10_000),
    ],
)
def test_a_feeds_decimal_is_read_exactly(text: str, currency: str, minor: int) -> None:
    """No float is involved; each currency has its own number of decimals."""
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("1.005", "EUR"),
        ("0.5", "JPY"),
        ("12,50", "EUR"),
        ("", "EUR"),
        ("NaN", "EUR"),
        ("Infinity", "EUR"),
        ("1", "eur"),
        ("1", "EURO"),
        ("1", "E1R"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    """A fraction of a cent is a mistake in a feed, not something to round."""
    with pytest.raises(InvalidMoney):
        Money.parse(text, currency)


def test_amounts_add_and_multiply() -> None:
    """Three lamps and a table."""
    assert Money(18_900, "EUR") * 3 + Money(1, "EUR") == Money(56_701, "EUR")


def test_two_currencies_do_not_add() -> None:
    """A cart in two currencies has two totals."""
    with pytest.raises(InvalidMoney, match="PLN"):
        Money(1, "EUR") + Money(1, "PLN")


def test_the_amount_in_major_units_is_exact() -> None:
    """What is shown comes from here."""
    assert str(Money(18_905, "EUR").amount) == "189.05"
    assert str(Money(1_500, "JPY").amount) == "1500"
    assert exponent("TND") == 3
