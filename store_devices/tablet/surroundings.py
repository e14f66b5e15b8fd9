"""What the agent is given and gives: its place, its line out, the snapshot for a screen."""

from dataclasses import dataclass
from typing import NotRequired, Protocol, TypedDict

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from gateway.wire.downlink import TapOutcome
from store_devices.link import LinkState
from store_devices.spool import Spool
from store_devices.tablet.availability import Availability
from store_devices.tablet.battery import Battery
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.model import Locale, NoticeKind, Visit


class Line(Protocol):
    """What the agent asks of the uplink."""

    def wake(self) -> None:
        """Send what is in the spool."""
        ...

    def watch(self, product_id: str | None) -> None:
        """Hear the stock of this product."""
        ...

    def announce(self, visit: str | None) -> None:
        """Say which visit is in progress."""
        ...


class NoLine:
    """Before an uplink is attached: the spool keeps everything."""

    def wake(self) -> None:
        """Nothing can be sent."""

    def watch(self, product_id: str | None) -> None:
        """Nothing can be heard."""

    def announce(self, visit: str | None) -> None:
        """Nobody can be told."""


class Parts(TypedDict):
    """What an agent is joined with, but for its place."""

    spool: Spool
    telemetry: Spool
    catalogue: Catalogue
    stock: Availability
    clock: Clock
    ids: Ids
    battery: NotRequired[Battery | None]


@dataclass(frozen=True, slots=True)
class Place:
    """What does not change while the tablet runs."""

    location_id: str
    public_url: str
    firmware: str
    locale: Locale
    idle_after_s: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a screen is drawn from, of one moment. ``version`` grows with every change."""

    version: int
    visit: Visit | None
    locale: Locale
    countdown_s: int | None
    farewell: bool
    link: LinkState
    trouble: NoticeKind | None
    tap: TapOutcome | None = None
