"""A cart written from remembered lines is the cart written afresh, whatever is in it."""

from hypothesis import given
from hypothesis import strategies as st

from cart.kernel.gtin import Gtin
from cart.kernel.i18n import LOCALES
from cart.kernel.money import Money
from mobile_api.carts.basket import Basket, ShownLine
from mobile_api.carts.pages import cart_html
from mobile_api.carts.schemas import cart_json, cart_out
from mobile_api.look.words import words
from mobile_api.products.shops import Shop, StockWords

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ['"lines":[]', '\\"lines\\":[]', "<b>&amp;</b>"]
)
MONEY = st.builds(Money, st.integers(0, 10**9), st.sampled_from(["EUR", "PLN", "ILS"]))
LINES = st.builds(
    ShownLine,
    gtin=st.just(Gtin.parse("4006381333931")),
    sku=TEXT,
    product_id=st.sampled_from(["", "lamp"]),
    name=TEXT,
    variant=TEXT,
    quantity=st.integers(1, 999),
    each=st.none() | MONEY,
    price=st.none() | MONEY,
    picture=st.none() | st.just("lamp.webp"),
    alt=TEXT,
    stock=st.builds(StockWords, TEXT, st.sampled_from(["good", "few", "out"])),
    available=st.just((("harbour-street", 3), ("mill-lane", 0))),
).filter(lambda line: line.price is None or line.each is not None)
SHOP = Shop("harbour-street", 'Harbour "lines":[]', "", "", None, None, "UTC", {})
BASKETS = st.builds(
    Basket,
    cart_id=st.just("cart"),
    version=st.integers(0, 10**6),
    lines=st.lists(LINES, max_size=4).map(tuple),
    here=st.none() | st.just(SHOP),
    shops=st.just((SHOP,)),
)


@given(
    shown=BASKETS, locale=st.sampled_from(LOCALES), with_html=st.booleans(), with_null=st.booleans()
)
def test_lines_from_memory_make_the_same_text(
    *, shown: Basket, locale: str, with_html: bool, with_null: bool
) -> None:
    """Twice, so that the second time every line is remembered."""
    spoken = words(locale)
    for _ in range(2):
        html = cart_html(shown, spoken) if with_html else None
        whole = cart_out(shown, spoken, html).model_dump_json(exclude_none=not with_null)
        assert cart_json(shown, spoken, html, with_null=with_null) == whole
        if html is not None:
            assert html.count('<li class="line"') == len(shown.lines)
