"""What stands on the mirror's glass: a tablet's screen, and the turn. Made for one drawing."""

from dataclasses import dataclass, fields
from typing import Any

from cart.kernel.gtin import Gtin
from store_devices.mirror import asking
from store_devices.mirror.agent import MirrorAgent
from store_devices.mirror.asking import Offer, WishView
from store_devices.mirror.keeping import Wish
from store_devices.mirror.outbox import OnTheWay
from store_devices.mirror.seen import Showing
from store_devices.mirror.tinting import NO_TINTS, Doubt
from store_devices.tablet.model import Line
from store_devices.tablet.screen import Drawer, LineView, Screen
from store_devices.tablet.surroundings import Snapshot


@dataclass(frozen=True, slots=True)
class Brought:
    """A garment that was shown to the camera. ``chosen``: its product is on the glass."""

    gtin: Gtin
    view: LineView
    chosen: bool


@dataclass(frozen=True, slots=True)
class Tint:
    """A colour that her garment can be shown in; ``worn``: the one she has on."""

    gtin: Gtin
    label: str
    hex: str
    worn: bool


@dataclass(frozen=True, slots=True)
class Glass(Screen):
    """All of it. ``looks_link``: where a phone says yes to looks.

    ``offer``: what can be asked for of the product; ``called_off``: the visit that has just ended
    left a wish behind.
    """

    turn: Showing
    wish: Wish
    on_the_way: OnTheWay
    brought: list[Brought]
    looks_link: str
    tints: list[Tint]
    tint: Tint | None
    doubt: Doubt
    offer: Offer | None
    wishes: list[WishView]
    called_off: bool


class GlassDrawer(Drawer):
    """Makes glasses of a mirror's agent. Give it the agent before it draws."""

    def __init__(self, agent: MirrorAgent, **more: Any) -> None:  # noqa: ANN401 - as Drawer's
        super().__init__(agent.place, **more)
        self._agent = agent

    def screen(self, now: Snapshot) -> Glass:
        """Return the glass of this moment."""
        base = Drawer.screen(self, now)
        known = {each.name: getattr(base, each.name) for each in fields(Screen)}
        shown = base.product.gtin if base.product else None
        brought = [
            Brought(gtin, self._line(Line(gtin=gtin, quantity=1), base.w), gtin == shown)
            for gtin in (self._agent.brought if base.visit else ())
        ]
        asked = base.visit.wishes if base.visit else ()
        turn = self._agent.studio.showing()
        found = NO_TINTS
        if base.visit and turn.phase == "deciding" and not turn.mode:
            found = self._agent.tinting.tints(turn.turn_id, self._agent.brought)
        tints = [
            Tint(
                one.gtin,
                base.w.of(one.colour_i18n, one.colour),
                one.colour_hex,
                one.gtin == found.worn,
            )
            for one in found.others
        ]
        wanted = self._agent.tinting.wanted
        return Glass(
            **known,
            turn=turn,
            tints=tints,
            tint=next((one for one in tints if one.gtin == wanted and not one.worn), None),
            doubt=found.doubt,
            wish=self._agent.keeping.wish,
            on_the_way=self._agent.outbox.on_the_way(),
            brought=brought,
            looks_link=base.link or f"{self._agent.place.public_url.rstrip('/')}/looks",
            offer=None
            if base.product is None
            else asking.offer(self._agent, asked, base.product, self._catalogue.product_of),
            wishes=asking.views(
                self._agent,
                asked,
                self._agent.now(),
                lambda gtin: self._line(Line(gtin=gtin, quantity=1), base.w),
            ),
            called_off=self._agent.called_off,
        )
