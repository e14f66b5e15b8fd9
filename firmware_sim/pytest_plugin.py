"""Fixtures for a retailer's own CI: a running shop with simulated devices.

Registered as a pytest plugin of the distribution. Owns the fixtures and the
ini options; loads nothing of the simulator until a test asks for a shop.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from firmware_sim.testing import RunningShop

FEEDS = "carryover_feeds"
LOCATION = "carryover_location"


class OpenShop(Protocol):
    """What ``open_carryover_shop`` gives."""

    def __call__(self, *, settings: Mapping[str, str] | None = None) -> "RunningShop":
        """Open a shop whose server processes have these settings too."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two ini options."""
    parser.addini(FEEDS, "folder of your own feeds; empty: the demo's goods", type="string")
    parser.addini(
        LOCATION, "location id at which tablets are taken", type="string", default="harbour-street"
    )


@pytest.fixture(scope="session")
def carryover_feeds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of feeds that every shop of this run is filled from."""
    named = str(request.config.getini(FEEDS) or "")
    if named:
        return request.config.rootpath / named
    from firmware_sim.testing import demo_feeds  # noqa: PLC0415 - as the module says

    return demo_feeds(tmp_path_factory.mktemp("carryover") / "feeds")


@pytest.fixture(scope="module")
def open_carryover_shop(
    request: pytest.FixtureRequest,
    carryover_feeds: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OpenShop]:
    """A function that opens another shop: ``open_carryover_shop(settings={"MQTT_URL": …})``."""
    from firmware_sim.testing import RunningShop  # noqa: PLC0415 - as the module says

    opened: list[RunningShop] = []

    def open_shop(*, settings: Mapping[str, str] | None = None) -> RunningShop:
        folder = tmp_path_factory.mktemp("shop")
        location = str(request.config.getini(LOCATION))
        shop = RunningShop(folder, location=location, settings=settings)
        opened.append(shop)
        shop.open(carryover_feeds)
        return shop

    yield open_shop
    for shop in opened:
        shop.close()


@pytest.fixture(scope="module")
def carryover_shop(open_carryover_shop: OpenShop) -> "RunningShop":
    """A shop that is open: gateway, API and goods, one for all tests of a module."""
    return open_carryover_shop()
