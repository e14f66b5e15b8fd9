"""A tablet on the bench: its real spool, catalogue and agent, and a network of words only."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from cart.kernel.ids import SeededIds
from gateway.wire.codec import decode_event
from gateway.wire.events import DeviceEvent
from store_devices.spool import TELEMETRY_LIMITS, Limits, Spool
from store_devices.tablet.agent import Agent
from store_devices.tablet.availability import Availability
from store_devices.tablet.catalogue import Catalogue, Edition
from store_devices.tablet.commands import Commands
from store_devices.tablet.fetching import StockFigure
from store_devices.tablet.goods import Location, Product
from store_devices.tablet.kiosk import Kiosk
from store_devices.tablet.pictures import Pictures
from store_devices.tablet.screen import Drawer
from store_devices.tablet.serving import Serving
from store_devices.tablet.surroundings import Place
from tests.fakes.clock import FakeClock

LAMP, LAMP_TALL, MUG = Gtin("9500000079194"), Gtin("9500000158387"), Gtin("4006381333931")
STRANGE = Gtin("5901234123457")  # a good code that this catalogue does not have
AS_OF = datetime(2026, 3, 2, 8, 2, tzinfo=UTC)
# One picture of one pixel: enough for a browser to be content.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8f7f73f0005fe02fea7e0d1d20000000049454e44ae426082"
)


def variant(gtin: Gtin, colour: str, size: str, price: int) -> dict[str, object]:
    """Return a variant as the snapshot has it."""
    hexes = {"brass": "#c49b54", "green": "#2e5d46"}
    hebrew = {"brass": "פליז", "green": "ירוק"}
    return {
        "sku": f"SKU-{gtin[-5:]}",
        "gtin": str(gtin),
        "colour": colour,
        "colour_i18n": {"he": hebrew[colour]},
        "colour_hex": hexes[colour],
        "size": size,
        "material": "steel",
        "dimensions": {"width_mm": 370, "height_mm": 1500, "depth_mm": 370, "weight_g": 5090},
        "prices": {"EUR": price},
        "pictures": [{"name": f"{gtin}.png", "alt": "as it looks", "alt_i18n": {}}],
        "active": True,
    }


PRODUCTS = [
    Product.model_validate(
        {
            "product_id": "arc-floor-lamp",
            "name": "Arc floor lamp",
            "name_i18n": {"he": "מנורת עמידה קשתית", "pl": "Lampa podłogowa łukowa"},
            "description": "Warm light for a corner to read in.",
            "brand": "Harbour & Mill",
            "variants": [
                variant(LAMP, "brass", "150 cm", 18900),
                variant(LAMP_TALL, "brass", "170 cm", 23100),
            ],
            "reviews": {
                "average": 4.6,
                "count": 38,
                "newest": [{"author": "Noa", "rating": 5, "text": "Lovely.", "language": "en"}],
            },
        }
    ),
    Product.model_validate(
        {
            "product_id": "dockside-mug",
            "name": "Dockside mug",
            "name_i18n": {"he": "ספל רציף", "pl": "Kubek Nabrzeże"},
            "variants": [variant(MUG, "green", "", 1400)],
        }
    ),
]
LOCATIONS = [
    Location.model_validate(
        {
            "location_id": location_id,
            "name": name,
            "latitude": latitude,
            "longitude": -8.47,
            "timezone": "Europe/Dublin",
        }
    )
    for location_id, name, latitude in (
        ("harbour-street", "Harbour Street", 51.898),
        ("old-station", "Old Station", 51.95),
        ("mill-lane", "Mill Lane", 51.90),
    )
]


class FakeServer:
    """Answers about stock and pictures; ``up`` False is a cut cable."""

    def __init__(self) -> None:
        self.up = True
        self.available: dict[tuple[str, str], int] = {}
        self.asked = 0

    def availability(self, skus: list[str], location_ids: list[str]) -> list[StockFigure]:
        """Return the figures set, 3 where none was."""
        self.asked += 1
        if not self.up:
            msg = "no network"
            raise Unavailable(msg)
        return [
            StockFigure(
                location_id=place,
                sku=sku,
                available=self.available.get((sku, place), 3),
                version=1,
                as_of=AS_OF,
            )
            for sku in skus
            for place in location_ids
        ]

    def picture(self, name: str) -> bytes:
        """Return a picture, whatever its name."""
        if not self.up:
            msg = f"no network for {name}"
            raise Unavailable(msg)
        return PIXEL


@dataclass
class FakeLine:
    """Notes what the agent asks of the uplink."""

    wakes: int = 0
    watched: str | None = None
    announced: list[str | None] = field(default_factory=list)

    def wake(self) -> None:
        """Count."""
        self.wakes += 1

    def watch(self, product_id: str | None) -> None:
        """Note."""
        self.watched = product_id

    def announce(self, visit: str | None) -> None:
        """Note."""
        self.announced.append(visit)


class Bench:
    """Everything of a tablet but radio waves. ``reboot`` keeps the files."""

    def __init__(self, folder: Path, clock: FakeClock, limits: Limits | None = None) -> None:
        self.folder = folder
        self.clock = clock
        self.ids = SeededIds(11)
        self.limits = limits
        self.server = FakeServer()
        self.switch_on()
        self.catalogue.replace(PRODUCTS, Edition('"1"', AS_OF))
        self.catalogue.replace_locations(LOCATIONS)

    def switch_on(self) -> None:
        """Start from what the files hold."""
        self.spool = Spool(
            self.folder / "spool.db",
            device_id="tablet-1",
            clock=self.clock,
            ids=self.ids,
            limits=self.limits,
        )
        self.telemetry = Spool(
            self.folder / "telemetry.db",
            device_id="tablet-1",
            clock=self.clock,
            ids=self.ids,
            limits=TELEMETRY_LIMITS,
        )
        self.catalogue = Catalogue(self.folder / "catalogue.db")
        self.line = FakeLine()
        self.stock = Availability(self.server, changed=self._ring)
        place = Place(
            location_id="harbour-street",
            public_url="https://shop.example",
            firmware="1.0",
            locale="en",
            idle_after_s=90,
        )
        self.agent = self.make_agent(place)
        self.agent.attach(self.line)
        self.commands = Commands(self.agent, self.spool, self.stock)
        self.drawer = Drawer(place, self.catalogue, self.stock, currency="EUR", zone="")
        self.pictures = Pictures(self.folder / "pictures", self.server)

    def make_agent(self, place: Place) -> Agent:
        """Return its mind; another device's bench makes another."""
        return Agent(
            place,
            spool=self.spool,
            telemetry=self.telemetry,
            catalogue=self.catalogue,
            stock=self.stock,
            clock=self.clock,
            ids=self.ids,
        )

    def _ring(self) -> None:
        self.agent.ring()

    def switch_off(self) -> None:
        """End without ceremony."""
        self.spool.close()
        self.telemetry.close()
        self.catalogue.close()

    def reboot(self, away_s: float) -> None:
        """Be dark for a while; monotonic time of a machine begins anew, but only differs count."""
        self.switch_off()
        self.clock.advance(away_s)
        self.switch_on()

    def serve(self) -> Serving:
        """Return the kiosk on a free port, started."""
        serving = Serving(Kiosk(self.agent, self.drawer, self.pictures), 0)
        serving.start()
        return serving

    def events(self) -> list[DeviceEvent]:
        """Return what waits in the spool."""
        return [decode_event(kept.payload) for kept in self.spool.pending(limit=1_000)]

    def types(self) -> list[str]:
        """Return the last words of what waits, such as ``taken_up``."""
        return [event.type.rpartition(".")[2] for event in self.events()]

    def shown(self) -> dict[str, int]:
        """Return the list on the screen: code to pieces."""
        screen = self.drawer.screen(self.agent.snapshot())
        return {line.gtin: line.quantity for line in screen.lines}
