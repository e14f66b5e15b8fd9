"""Live stock on the tablet: live or unknown, never invented."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from cart.kernel.gtin import Gtin
from gateway.wire.downlink import StockNotice
from store_devices.tablet.availability import Availability, Stock
from tests.fakes.tablet_bench import AS_OF, FakeServer

WAIT_S = 10


class Watch:
    """A stock desk with its thread running; ``wait`` returns when something changed."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.changed = threading.Event()
        self.stock = Availability(self.server, changed=self.changed.set)

    def wait(self) -> None:
        """Wait for the next change."""
        assert self.changed.wait(WAIT_S)
        self.changed.clear()

    def show(self) -> None:
        """Put the lamp on the screen."""
        self.stock.show("arc-floor-lamp", ("S1",), ("here", "there"))

    def notice(self, available: int, version: int, product_id: str = "arc-floor-lamp") -> None:
        """Let a notice come."""
        message = StockNotice(
            product_id=product_id,
            sku="S1",
            gtin=Gtin("9500000079194"),
            location_id="here",
            available=available,
            version=version,
            as_of=AS_OF + timedelta(seconds=version),
        )
        self.stock.hear(message)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """A stock desk, online."""
    made = Watch()
    made.stock.start()
    made.stock.line(online=True)
    yield made
    made.stock.stop()


def test_it_is_asked_when_a_product_is_shown(watch: Watch) -> None:
    """Here and there, with the time."""
    assert watch.stock.of("S1", "here") == Stock(None, None)
    watch.server.available = {("S1", "there"): 5}
    watch.show()
    watch.wait()
    assert watch.stock.of("S1", "here") == Stock(3, AS_OF)
    assert watch.stock.of("S1", "there") == Stock(5, AS_OF)


def test_notices_keep_it_live_and_older_ones_change_nothing(watch: Watch) -> None:
    """A higher version replaces; a lower one, or another product's, does not."""
    watch.show()
    watch.wait()
    watch.notice(available=1, version=7)
    watch.wait()
    watch.notice(available=9, version=6)
    watch.notice(available=8, version=9, product_id="other-chair")
    assert watch.stock.of("S1", "here").available == 1


def test_offline_it_is_unknown_with_the_last_word(watch: Watch) -> None:
    """The number goes with the line, its time stays; back online it is asked for again."""
    watch.show()
    watch.wait()
    watch.stock.line(online=False)
    assert watch.stock.of("S1", "here") == Stock(None, AS_OF)
    watch.server.available = {("S1", "here"): 4}
    watch.stock.line(online=True)
    watch.wait()
    assert watch.stock.of("S1", "here").available == 4


def test_no_answer_is_unknown(watch: Watch) -> None:
    """A server that does not answer leaves it unknown, never zero."""
    watch.server.up = False
    watch.show()
    while watch.server.asked == 0:
        watch.changed.wait(0.01)
    assert watch.stock.of("S1", "here") == Stock(None, None)


def test_what_left_the_screen_is_not_live_any_more(watch: Watch) -> None:
    """Its topic is not heard, so its number may be wrong."""
    watch.show()
    watch.wait()
    watch.stock.forget()
    assert watch.stock.of("S1", "here") == Stock(None, AS_OF)
