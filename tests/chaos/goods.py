"""What is scanned in a run: articles of the demo's catalogue, and codes that are in none."""

from typing import Final

from cart.kernel.gtin import Gtin, check_digit
from firmware_sim.goods.assortment import products
from tests.chaos.plan import Goods

GOODS_SEED: Final = 7  # the demo's, whose feeds the shop takes
UNKNOWN_PREFIX: Final = "2999900"  # numbers for use inside one company: no supplier's
UNKNOWN_COUNT: Final = 5


def goods() -> Goods:
    """Return the codes of every variant that the demo sells, and some that become dead letters."""
    bodies = [f"{UNKNOWN_PREFIX}{number:05d}" for number in range(UNKNOWN_COUNT)]
    return Goods(
        [Gtin.parse(v.gtin) for p in products(GOODS_SEED) for v in p.variants],
        [Gtin(f"{body}{check_digit(body)}") for body in bodies],
    )
