"""The tablet's catalogue: fetched whole, kept over a cut cable, never half replaced."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from cart.kernel.errors import EnrolmentRefused, Unavailable
from cart.kernel.gtin import Gtin
from store_devices import identity
from store_devices.cli import app
from store_devices.enrolling import enrol
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.catalogue_sync import CatalogueSync
from store_devices.tablet.fetching import Server
from store_devices.tablet.goods import Location, nearest
from store_devices.tablet.pictures import Pictures
from tests.fakes.tablet_bench import LAMP, LOCATIONS, MUG, PIXEL, PRODUCTS

Answer = Callable[[httpx2.Request], httpx2.Response]


class Shop:
    """The server's side of HTTP, with a catalogue that a test changes."""

    def __init__(self) -> None:
        self.lines = [product.model_dump_json() for product in PRODUCTS]
        self.tag = 'W/"1-a"'
        self.cut_after: int | None = None
        self.down = False
        self.pictures = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        if self.down:
            msg = "no route"
            raise httpx2.ConnectError(msg)
        path = request.url.path
        if path == "/api/v1/catalogue/snapshot":
            return self._snapshot(request)
        if path == "/api/v1/locations":
            rows = [place.model_dump(mode="json", by_alias=True) for place in LOCATIONS]
            return httpx2.Response(200, json={"locations": rows})
        if path.startswith("/pictures/"):
            self.pictures += 1
            return httpx2.Response(200, content=PIXEL)
        if path == "/api/v1/availability":
            asked = json.loads(request.content)
            line = {"version": 4, "as_of": "2026-03-02T09:00:00Z", "changed_at": None}
            found = [
                {"sku": sku, "location_id": place, "available": 2, **line}
                for sku in asked["skus"]
                for place in asked["location_ids"]
            ]
            return httpx2.Response(200, json={"as_of": line["as_of"], "availability": found})
        return self._enrol(request)

    def _snapshot(self, request: httpx2.Request) -> httpx2.Response:
        if request.headers.get("If-None-Match") == self.tag:
            return httpx2.Response(304, headers={"ETag": self.tag})
        return httpx2.Response(200, headers={"ETag": self.tag}, content=self._stream())

    def _stream(self) -> Iterator[bytes]:
        for number, line in enumerate(self.lines):
            if number == self.cut_after:
                msg = "the cable is cut"
                raise httpx2.ReadError(msg)
            yield line.encode() + b"\n"

    def _enrol(self, request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)
        if asked["token"] != "good-token":
            return httpx2.Response(403, json={"code": "enrolment_refused"})
        given = {
            "device_id": "tab-1",
            "kind": "tablet",
            "location_id": "harbour-street",
            "partition": "p12",
            "credential": "very-secret",
            "mqtt_url": "mqtt://127.0.0.1:1883",
            "public_url": "https://shop.example",
            "api_url": "https://shop.example",
        }
        return httpx2.Response(201, json=given)


@pytest.fixture
def shop() -> Shop:
    """A server that answers."""
    return Shop()


@pytest.fixture
def server(shop: Shop) -> Iterator[Server]:
    """The tablet's client of it."""
    made = Server("https://shop.example", transport=httpx2.MockTransport(shop))
    yield made
    made.close()


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """An empty catalogue."""
    made = Catalogue(tmp_path / "catalogue.db")
    yield made
    made.close()


@pytest.fixture
def sync(server: Server, catalogue: Catalogue, tmp_path: Path) -> CatalogueSync:
    """What keeps it new."""
    pictures = Pictures(tmp_path / "pictures", server)
    return CatalogueSync(
        server=server,
        catalogue=catalogue,
        pictures=pictures,
        refresh_s=60,
        changed=lambda: None,
    )


def test_a_snapshot_is_looked_up_by_code(sync: CatalogueSync, catalogue: Catalogue) -> None:
    """Product and variant by GTIN, and from when it is."""
    assert catalogue.edition is None
    assert sync.run_once()
    found = catalogue.product_of(LAMP)
    assert found is not None
    assert (found[0].product_id, found[1].gtin) == ("arc-floor-lamp", LAMP)
    assert catalogue.product_of(Gtin("5901234123457")) is None
    assert catalogue.edition is not None
    assert catalogue.edition.etag == 'W/"1-a"'
    assert [place.id for place in catalogue.locations()] == [place.id for place in LOCATIONS]


def test_an_unchanged_one_is_confirmed_not_fetched(
    sync: CatalogueSync, catalogue: Catalogue, shop: Shop
) -> None:
    """The ETag saves the body; the time moves on."""
    sync.run_once()
    first = catalogue.edition
    shop.lines = []
    assert sync.run_once()
    assert catalogue.product_of(LAMP) is not None
    assert first is not None
    assert catalogue.edition is not None
    assert catalogue.edition.as_of > first.as_of


def test_one_that_breaks_off_changes_nothing(
    sync: CatalogueSync, catalogue: Catalogue, shop: Shop
) -> None:
    """Half a new catalogue is never shown, and the old time stays with the old one."""
    sync.run_once()
    before = catalogue.edition
    shop.tag, shop.cut_after = 'W/"1-b"', 1
    shop.lines.reverse()
    assert not sync.run_once()
    assert catalogue.edition == before
    assert catalogue.product_of(LAMP) is not None
    assert catalogue.product_of(MUG) is not None


def test_without_a_network_it_stays(sync: CatalogueSync, catalogue: Catalogue, shop: Shop) -> None:
    """The kept one goes on being shown."""
    sync.run_once()
    shop.down = True
    assert not sync.run_once()
    assert catalogue.product_of(LAMP) is not None


def test_one_bad_line_does_not_keep_the_others_out(
    sync: CatalogueSync, catalogue: Catalogue, shop: Shop
) -> None:
    """A product that is none, and fields of a later version, are let go."""
    newer = json.loads(shop.lines[0]) | {"of_a_later_version": True}
    shop.lines = ["{broken", '{"product_id": "x"}', json.dumps(newer)]
    assert sync.run_once()
    assert catalogue.product_of(LAMP) is not None
    assert catalogue.product_of(MUG) is None


def test_pictures_come_once_and_go_with_their_product(
    sync: CatalogueSync, shop: Shop, tmp_path: Path
) -> None:
    """Each is fetched one time; what no product has any more is deleted."""
    sync.run_once()
    assert sync.fetch_pictures() == 3
    assert sync.fetch_pictures() == 0
    assert shop.pictures == 3
    shop.tag, shop.lines = 'W/"1-c"', shop.lines[1:]
    sync.run_once()
    sync.fetch_pictures()
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [f"{MUG}.png"]


def test_stock_is_asked_as_agreed(server: Server, shop: Shop) -> None:
    """Figures come with version and time; no answer is an error that helps."""
    (figure,) = server.availability(["S1"], ["mill-lane"])
    assert (figure.available, figure.version, figure.location_id) == (2, 4, "mill-lane")
    shop.down = True
    with pytest.raises(Unavailable):
        server.availability(["S1"], ["mill-lane"])


def test_nearest_is_by_distance_over_the_ground() -> None:
    """Mill Lane is nearer than Old Station; a shop of unknown place comes last."""
    nowhere = Location.model_validate({"location_id": "nowhere", "name": "A"})
    found = nearest("harbour-street", [*LOCATIONS, nowhere], 3)
    assert [place.id for place in found] == ["mill-lane", "old-station", "nowhere"]


def test_enrolment_is_kept_for_its_owner_only(shop: Shop, tmp_path: Path) -> None:
    """The file is 0600; a refused token leaves none."""
    way = httpx2.MockTransport(shop)
    with pytest.raises(EnrolmentRefused):
        enrol("https://shop.example", "used-token", "1.0", transport=way)
    assert not list(tmp_path.iterdir())
    enrolled = enrol("https://shop.example", "good-token", "1.0", transport=way)
    path = identity.keep(tmp_path / "device", enrolled)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    known = identity.load(tmp_path / "device")
    assert known.credential == "very-secret"
    assert identity.address(known).device_id == "tab-1"


def test_a_tablet_without_identity_says_how_to_get_one(tmp_path: Path) -> None:
    """The command ends with 1 and the sentence that helps."""
    result = CliRunner().invoke(
        app, ["tablet", "run", "--camera", "none"], env={"DEVICE_DIR": str(tmp_path / "none")}
    )
    assert result.exit_code == 1
    assert "store_devices tablet enrol" in result.output
