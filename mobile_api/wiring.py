"""What the parts of the API process are, and how they reach each other. ``app.py`` makes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy import Engine
from sqlmodel import Session

from cart.db import on_commit
from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from cart.orders import letters
from cart.ports import CatalogueLookup, Shop
from gateway.fanout import CodeAsked, ListAsked, Notice, OrderChanged, SignedOut
from mobile_api.settings import ApiSettings

if TYPE_CHECKING:
    from cart.objects.model import Objects
    from gateway.fanout import Fanout
    from gateway.monitor.health import Health
    from inventory_api.stock.live import LiveStock
    from mobile_api.bells import Bells
    from mobile_api.carts.adding import Added, Wish
    from mobile_api.checkouts.opening import OpenWish
    from mobile_api.checkouts.pressure import DeskPressure
    from mobile_api.edge.keyed import InProgress
    from mobile_api.edge.lane import Lane
    from mobile_api.edge.streams import OpenStreams
    from mobile_api.live import Hub
    from mobile_api.look.assets import Assets
    from mobile_api.mail.sink import MailSink
    from mobile_api.metrics import ApiMetrics
    from mobile_api.outgoing.posting import Outgoing
    from mobile_api.payment.awaiting import Awaited
    from mobile_api.payment.beginning import PayWish, Reserved
    from mobile_api.payment.providers import Providers
    from mobile_api.payment.settling import Told
    from mobile_api.scan.reader import PhotoReader
    from mobile_api.staff.provider import Provider

# How long a busy lane of checkouts waits for those who are on their way from another lane. At 8
# clients: 36 checkouts a second with lanes beside each other, 40 in turns, 50 with this; 20 ms
# gained nothing more.
GATHER_S: Final = 0.008
_TOLD = "carryover_told"  # of a unit of work: what is told once it has committed


@dataclass(slots=True)
class Parts:
    """What routes need; ``app.state.parts``.

    ``listening``: it is to hear other processes, and is not ready until it does.
    ``working``: durable work is done here. ``fan``, ``sink`` and the bells of mail
    and payment: only while the application runs. ``smtp_url``:
    where mails go, the sink's own address when no server is configured. ``sign_mail``: gives
    the header that signs one, where there is a key. ``marked``:
    called at the boundaries between the steps of durable work.
    """

    settings: ApiSettings
    engine: Engine
    clock: Clock
    ids: Ids
    lookup: CatalogueLookup
    shop: Shop
    secret: bytes
    in_progress: "InProgress"
    assets: "Assets"
    hub: "Hub"
    bells: "Bells"
    streams: "OpenStreams"
    photos: "PhotoReader"
    stock_live: "LiveStock"
    payments: "Providers"
    awaited: "Awaited"
    metrics: "ApiMetrics"
    objects: "Objects"
    outgoing: "Outgoing"
    provider: "Provider | None" = None
    fan: "Fanout | None" = None
    listening: bool = False
    sink: "MailSink | None" = None
    smtp_url: str = ""
    sign_mail: Callable[[bytes], bytes] | None = None
    mail_bell: Callable[[], None] = lambda: None
    pay_bell: Callable[[], None] = lambda: None
    looks_bell: Callable[[], None] = lambda: None
    push_bell: Callable[[], None] = lambda: None
    working: bool = False
    watchers: int = 0  # operators' pages that are open; changed on the event loop only
    adding: "Lane[Wish, Added | Response]" = field(init=False)
    opening: "Lane[OpenWish, Response]" = field(init=False)
    paying: "Lane[PayWish, Reserved | Response]" = field(init=False)
    settling: "Lane[Told, None]" = field(init=False)
    marked: Callable[[str], None] = lambda _: None
    pressure: "DeskPressure" = field(init=False)
    health: "Health" = field(init=False)

    def __post_init__(self) -> None:
        """Open the lanes of what is done together, and look at no desk yet."""
        from mobile_api.carts.adding import add_together  # noqa: PLC0415 - it needs Parts
        from mobile_api.checkouts.opening import open_together  # noqa: PLC0415
        from mobile_api.checkouts.pressure import DeskPressure  # noqa: PLC0415
        from mobile_api.edge.lane import Lane, Turns  # noqa: PLC0415
        from mobile_api.health import readiness  # noqa: PLC0415
        from mobile_api.payment import beginning, settling  # noqa: PLC0415

        self.adding = Lane(lambda wishes: add_together(self, wishes), lambda wish: wish.alone())
        buying = Turns(GATHER_S)
        self.opening = Lane(
            lambda wishes: open_together(self, wishes), lambda wish: wish.alone(), buying
        )
        self.paying = Lane(
            lambda wishes: beginning.begin_together(self, wishes), lambda wish: wish.alone(), buying
        )
        self.settling = Lane(
            lambda told: settling.take_together(self, told),
            lambda one: settling.take_one(self, one),
            buying,
        )
        self.pressure = DeskPressure(self.clock)
        self.health = readiness(self)

    def tell(self, db: Session, *notices: Notice) -> None:
        """Ring the doorbell once ``db`` has committed: here at once, elsewhere by the broker.

        All that one unit of work tells goes to the broker in one message.
        """
        told: list[Notice] = db.info.setdefault(_TOLD, [])
        if not told and notices:
            on_commit(db, lambda: self._ring(db, told))
        told += notices

    def _ring(self, db: Session, notices: Sequence[Notice]) -> None:
        for notice in notices:
            if isinstance(notice, ListAsked | CodeAsked):
                self.mail_bell()
            elif isinstance(notice, SignedOut):
                self.streams.ring()
            else:
                self.hub.hear(notice)
                self.bells.hear(notice)
        orders = any(isinstance(notice, OrderChanged) for notice in notices)
        if orders and letters.were_asked(db):
            self.mail_bell()
        if self.fan is not None:
            self.fan.publish(*notices)


async def parts(request: Request) -> Parts:
    """Return the parts of the running application. Async: a plain one would cost a thread."""
    found: Parts = request.app.state.parts
    return found


Wired = Annotated[Parts, Depends(parts)]
