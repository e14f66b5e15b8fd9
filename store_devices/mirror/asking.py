"""What the glass says of wishes: the button for what is shown, and what came of each. Pure views.

Made for one drawing from the agent's visit and a drawer's words; holds nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cart.kernel.gtin import Gtin
from gateway.wire.size_answer import Differs
from store_devices import wishes
from store_devices.mirror.agent import MirrorAgent
from store_devices.tablet.goods import Product, Variant
from store_devices.tablet.screen import LineView, ProductView
from store_devices.wishes import SizeWish, Wishes, WishState

Offer = Literal["size", "colour", "this", "have", "asked", "none", "full"]
"""What can be asked for of the product shown: another size, colour, or just it; or why it cannot:
it is the one she has, it is asked for, none is here, or too much is asked for."""

Found = Callable[[Gtin], tuple[Product, Variant] | None]
"""Where an article is looked up."""


@dataclass(frozen=True, slots=True)
class WishView:
    """A wish. ``unsent``: it has not reached the shop; ``offered``: what could come instead."""

    request: str
    gtin: Gtin
    line: LineView
    state: WishState
    minutes: int
    unsent: bool
    offered: LineView | None
    differs: Differs | None


def offer(agent: MirrorAgent, asked: Wishes, product: ProductView, found: Found) -> Offer:
    """Return what can be asked for of the product on the glass."""
    gtin = product.gtin
    if wishes.open_for(asked, gtin):
        return "asked"
    had = agent.had_of(gtin)
    if gtin in agent.brought:
        return "have"
    here = next((shop.stock.available for shop in product.shops if shop.here), None)
    if here == 0 or not product.sold:
        return "none"
    if wishes.is_full(asked):
        return "full"
    return _kind(found(gtin), found(had) if had else None)


def _kind(
    wanted: tuple[Product, Variant] | None, had: tuple[Product, Variant] | None
) -> Literal["size", "colour", "this"]:
    if wanted is None or had is None:
        return "this"
    same_colour = wanted[1].colour == had[1].colour
    same_size = wanted[1].size == had[1].size
    if same_colour and not same_size:
        return "size"
    return "colour" if same_size and not same_colour else "this"


def views(
    agent: MirrorAgent, asked: Wishes, now: datetime, line: Callable[[Gtin], LineView]
) -> list[WishView]:
    """Return what stands on the glass of her wishes, the newest first."""
    return [_view(agent, wish, now, line) for wish in reversed(asked)]


def _view(
    agent: MirrorAgent, wish: SizeWish, now: datetime, line: Callable[[Gtin], LineView]
) -> WishView:
    return WishView(
        request=wish.request,
        gtin=wish.gtin,
        line=line(wish.gtin),
        state=wish.state,
        minutes=wishes.waited_min(wish, now),
        unsent=wish.state == "asked" and agent.waits_for_line(wish),
        offered=line(wish.offered) if wish.offered else None,
        differs=wish.differs,
    )
