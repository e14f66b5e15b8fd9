"""What something comes to, as rows of words and amounts: on a checkout and on a receipt."""

from collections.abc import Iterable
from dataclasses import dataclass

from cart.kernel.money import Money
from mobile_api.look.words import Words

RATE_DIGITS = 100  # basis points to per cent


@dataclass(frozen=True, slots=True)
class SumRow:
    """One row. ``strong``: a total."""

    label: str
    amount: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Sums:
    """The rows, and the taxes within."""

    rows: tuple[SumRow, ...]
    taxes: tuple[SumRow, ...]


def amount(w: Words, minor: int, currency: str) -> str:
    """Return an amount, with its sign where the language puts it."""
    return w.money(Money(minor, currency))


def taxes(w: Words, rates: Iterable[tuple[int, int]], currency: str) -> tuple[SumRow, ...]:
    """Return a row per rate: (basis points, tax in it)."""
    return tuple(
        SumRow(
            w.gettext("Tax included, %(rate)s %%") % {"rate": w.number(rate / RATE_DIGITS)},
            amount(w, tax, currency),
        )
        for rate, tax in rates
        if tax
    )
