"""On what terms a location sells, and what it is taxed by."""

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.errors import InvalidInput
from cart.orders import terms
from cart.orders.terms import Terms

SHOP = "harbour-street"


def test_a_location_that_nobody_has_set_up_sells_on_the_defaults(engine: Engine) -> None:
    """No tax, no shipping, no limit; and the database agrees with them."""
    with unit_of_work(engine) as db:
        assert terms.get(db, SHOP) == Terms(SHOP)
        assert terms.tax_rates(db, SHOP, ["lamps", ""]) == {"lamps": 0, "": 0}
        terms.put(db, Terms(SHOP))
        assert terms.get(db, SHOP) == Terms(SHOP)


def test_terms_are_set_as_a_whole(engine: Engine) -> None:
    """The last word counts."""
    wanted = Terms(
        SHOP,
        tax_rate_bp=2300,
        reserve_minutes=20,
        orders_per_quarter=4,
        lead_minutes=7,
        remind_hours=12,
        uncollected_hours=48,
        ships=True,
        shipping_minor=495,
        takes_orders=False,
    )
    with unit_of_work(engine) as db:
        terms.put(db, Terms(SHOP, tax_rate_bp=800))
        terms.put(db, wanted)
    with reading(engine) as db:
        assert terms.get(db, SHOP) == wanted


def test_a_category_is_taxed_otherwise(engine: Engine) -> None:
    """Only at this location, and only until that is taken back."""
    with unit_of_work(engine) as db:
        terms.put(db, Terms(SHOP, tax_rate_bp=2300))
        terms.put_tax_rate(db, SHOP, "books", 800)
        terms.put_tax_rate(db, SHOP, "books", 500)
        assert terms.tax_rates(db, SHOP, {"books", "lamps"}) == {"books": 500, "lamps": 2300}
        assert terms.tax_rate(db, "mill-lane", "books") == 0
        assert terms.tax_exceptions(db, SHOP) == {"books": 500}
        terms.put_tax_rate(db, SHOP, "books", None)
        assert terms.tax_rate(db, SHOP, "books") == 2300


@pytest.mark.parametrize(
    "wrong",
    [
        Terms(SHOP, tax_rate_bp=10_001),
        Terms(SHOP, reserve_minutes=0),
        Terms(SHOP, reserve_minutes=121),
        Terms(SHOP, orders_per_quarter=0),
        Terms(SHOP, lead_minutes=-1),
        Terms(SHOP, remind_hours=0),
        Terms(SHOP, remind_hours=24, uncollected_hours=24),
        Terms(SHOP, shipping_minor=-1),
    ],
)
def test_terms_that_cannot_be_are_refused(engine: Engine, wrong: Terms) -> None:
    """And what was set before stays."""
    with unit_of_work(engine) as db:
        terms.put(db, Terms(SHOP, tax_rate_bp=2300))
        with pytest.raises(InvalidInput):
            terms.put(db, wrong)
        assert terms.get(db, SHOP) == Terms(SHOP, tax_rate_bp=2300)


def test_a_tax_beyond_everything_is_refused(engine: Engine) -> None:
    """And the category is taxed as before."""
    with unit_of_work(engine) as db:
        terms.put_tax_rate(db, SHOP, "books", 800)
        with pytest.raises(InvalidInput):
            terms.put_tax_rate(db, SHOP, "books", 10_001)
        assert terms.tax_rate(db, SHOP, "books") == 800
