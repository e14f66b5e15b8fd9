"""Metrics of a running shop: what happened is what they count, once."""

import json
from collections.abc import Iterator

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cart.kernel.gtin import Gtin
from firmware_sim.goods.assortment import products
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.shop import Part
from firmware_sim.testing import RunningShop
from tests.real.waiting import wait_until

A, B, STRANGE = (
    *(str(Gtin.parse(product.variants[0].gtin)) for product in products(7)[:2]),
    "09506000134352",
)
SCANNED = "carryover.item.scanned"
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def shop(open_carryover_shop: OpenShop) -> RunningShop:
    """A running shop."""
    return open_carryover_shop()


class Scrape:
    """What one process says of itself."""

    def __init__(self, shop: RunningShop, part: Part) -> None:
        told = json.loads((shop.server.data_dir / "run" / f"{part}.json").read_text())
        answer = httpx2.get(f"http://127.0.0.1:{told['monitor_port']}/metrics", timeout=10)
        assert answer.headers["content-type"].startswith("text/plain")
        self.text = answer.text

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Yield name, labels and value of every sample."""
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples with this name and these labels."""
        return sum(
            value
            for one, has, value in self.samples()
            if one == name and has.items() >= labels.items()
        )


def test_what_happens_is_counted_once(shop: RunningShop) -> None:
    """Scans by kind and outcome, acknowledgements, phones that are open, requests by route."""
    tablet = shop.take_tablet()
    tablet.scan(A, B)
    link = tablet.link
    phone = shop.phone(link)
    phone.wait_for_lines({A: 1, B: 1})
    tablet.wait_until_delivered()

    gateway = Scrape(shop, "gateway")
    taken = gateway.value("carryover_gateway_messages_taken_total", kind=SCANNED)
    assert gateway.value("carryover_gateway_events_stored_total", kind=SCANNED) == 2
    assert taken == 2 + gateway.value("carryover_gateway_events_duplicate_total", kind=SCANNED)
    assert gateway.value("carryover_gateway_dead_letters_total") == 0
    whole = gateway.value("carryover_gateway_messages_taken_total")
    assert gateway.value("carryover_gateway_acknowledged_total") >= whole >= 4
    assert gateway.value("carryover_gateway_batch_messages_sum") <= whole
    assert gateway.value("carryover_gateway_batch_seconds_count") >= 1
    assert gateway.value("carryover_gateway_queue_limit_messages", lane="events") == 10_000
    assert gateway.value("carryover_gateway_connected") == 1
    assert gateway.value("carryover_gateway_connections_total") == 2  # one for each lane
    assert gateway.value("carryover_gateway_notices_total", what="CartChanged") >= 1
    assert gateway.value("carryover_devices", status="online") == 1
    assert gateway.value("carryover_devices_seen", within="2m") == 1
    assert gateway.value("carryover_ready") == 4

    api = Scrape(shop, "api")
    assert api.value("carryover_api_open_phones") == 1
    claimed = {"method": "GET", "route": "/c/{secret}"}
    assert api.value("carryover_api_requests_total", **claimed) >= 1
    assert api.value("carryover_api_request_seconds_count", **claimed) >= 1
    assert api.value("carryover_api_notices_total", what="CartChanged") >= 1
    assert api.value("carryover_ready") == 3
    assert link.rpartition("/")[2] not in api.text


def test_connections_and_requests_that_fail_are_counted(shop: RunningShop) -> None:
    """A route that is none has no name of its own, whatever was asked for."""
    for number in range(3):
        assert httpx2.get(f"{shop.url}made-up-{number}").status_code == 404
    api = Scrape(shop, "api")
    assert api.value("carryover_api_requests_total", route="none", status="404") == 3
    assert "made-up" not in api.text
    shop.restart("gateway")
    wait_until(lambda: Scrape(shop, "gateway").value("carryover_gateway_connected") == 1)
    assert Scrape(shop, "gateway").value("carryover_gateway_connections_total") == 2
