"""What a checkout costs holds for every cart, price, tax and voucher."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cart.kernel.gtin import Gtin
from cart.orders.model import BASIS_POINTS, ProblemKind, tax_within, worth
from cart.orders.pricing import LineFacts, line_of, totals_of
from cart.ports import Sellable

PRICES = st.integers(0, 10**9)
RATES = st.integers(0, BASIS_POINTS)
LAMP = Gtin("4006381333931")


def _sellable(price_minor: int | None, *, active: bool) -> Sellable:
    return Sellable(LAMP, "lamp", "lamp", "Lamp", price_minor, "EUR", active=active)


sellables = st.none() | st.builds(_sellable, st.none() | PRICES, active=st.booleans())
facts = st.builds(
    LineFacts,
    gtin=st.just(str(LAMP)),
    sku=st.just("lamp"),
    quantity=st.integers(1, 999),
    shown=st.lists(PRICES, max_size=2).map(tuple),
    sellable=sellables,
    left=st.none() | st.integers(0, 999),
    tax_rate_bp=RATES,
)


@given(PRICES, RATES)
def test_the_tax_within_is_exact_to_half_a_minor_unit(gross_minor: int, rate_bp: int) -> None:
    """By the fraction that it stands for."""
    exact = Fraction(gross_minor * rate_bp, BASIS_POINTS + rate_bp)
    assert abs(tax_within(gross_minor, rate_bp) - exact) <= Fraction(1, 2)


@given(st.lists(facts, max_size=8), PRICES, RATES, PRICES)
def test_the_parts_are_the_whole(
    cart: list[LineFacts], shipping_minor: int, rate_bp: int, voucher_minor: int
) -> None:
    """Lines and shipping make the total, rates make the tax, voucher and rest make it again."""
    lines = [line_of(one)[0] for one in cart]
    totals = totals_of(
        lines,
        shipping_minor=shipping_minor,
        shipping_rate_bp=rate_bp,
        voucher_left_minor=voucher_minor,
    )
    assert totals.total_minor == sum(line.total_minor for line in lines) + shipping_minor
    assert sum(part.gross_minor for part in totals.taxes) == totals.total_minor
    assert 0 <= totals.tax_minor <= totals.total_minor
    assert totals.voucher_minor + totals.rest_minor == totals.total_minor
    assert 0 <= totals.voucher_minor <= voucher_minor


@given(facts)
def test_a_line_without_a_problem_costs_what_she_was_shown(one: LineFacts) -> None:
    """It is today's price, she has seen it, and the pieces are there."""
    line, problems = line_of(one)
    if not problems:
        assert line.price_minor == line.now_minor
        assert line.price_minor in one.shown
        assert one.left is not None
        assert one.left >= one.quantity
        assert one.sellable is not None
        assert one.sellable.active
    for problem in problems:
        assert problem.gtin == one.gtin
        if problem.kind == ProblemKind.INSUFFICIENT:
            assert problem.left is not None
            assert problem.left < one.quantity
        if problem.kind == ProblemKind.PRICE_CHANGED:
            assert problem.was_minor != problem.now_minor


@given(st.lists(st.tuples(st.integers(0, 9), PRICES), max_size=8), PRICES)
def test_an_order_without_a_piece_is_worth_nothing(
    lines: list[tuple[int, int]], shipping_minor: int
) -> None:
    """Shipping goes back with the last piece, and not before."""
    value = worth(lines, shipping_minor)
    if any(pieces for pieces, _ in lines):
        assert value == shipping_minor + sum(pieces * price for pieces, price in lines)
    else:
        assert value == 0
