"""Carts on devices: what waits is shown once, as it is then; who is away is waited for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from cart.db import unit_of_work
from gateway.binding import queries as bindings
from gateway.binding.tables import BindingRow
from gateway.ingest.batch import Domain
from gateway.showing import Showing, Shown, Wish
from gateway.wire.downlink import ShowCart
from gateway.wire.topics import DeviceAddress
from inventory_api.catalogue.queries import sellables
from tests.fakes.shop import Tablet, enrolled, ingest, stock_catalogue
from tests.gateway.test_ingest_batch import CLOCK, IDS, bound
from tests.real.waiting import wait_until

WAIT_S = 20.0
AWAY = "the database is away"
Send = Callable[[DeviceAddress, Shown], None]


class Screens:
    """Keeps what devices are told to show; can be made to wait in the middle of it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ShowCart]] = []
        self.free = threading.Event()
        self.busy = threading.Event()
        self.free.set()

    def show(self, address: DeviceAddress, command: Shown) -> None:
        """Take a command, as the link would."""
        assert isinstance(command, ShowCart)  # nobody here has a plan
        self.told.append((address.device_id, command))
        self.busy.set()
        assert self.free.wait(WAIT_S)

    def pieces(self) -> list[int]:
        """Return how many pieces each shown cart had."""
        return [sum(line.quantity for line in one.data.lines) for _, one in self.told]


def _showing(engine: Engine, screens: Screens) -> Showing:
    return Showing(engine, Domain(CLOCK, IDS, sellables), screens.show)


def test_a_cart_that_changes_while_it_waits_is_shown_once_as_it_is_then(engine: Engine) -> None:
    """A slow line costs the device the steps in between, never the last one."""
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    cart_id = bound(engine, tablet, "v1").cart_id
    screens = Screens()
    screens.free.clear()
    showing = _showing(engine, screens)
    showing.soon([cart_id])
    showing.start()
    assert screens.busy.wait(WAIT_S)
    for _ in range(5):
        ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
        showing.soon([cart_id])
    screens.free.set()
    showing.stop()
    assert screens.pieces() == [1, 6]


def test_carts_of_two_devices_are_read_together(engine: Engine) -> None:
    """Each device gets its own cart, its own visit and its own mark."""
    stock_catalogue(engine)
    tablets = [Tablet(enrolled(engine, CLOCK, IDS), CLOCK) for _ in range(2)]
    ingest(engine, CLOCK, IDS, tablets[0].message(tablets[0].scanned("v1")))
    for _ in range(2):
        ingest(engine, CLOCK, IDS, tablets[1].message(tablets[1].scanned("v2")))
    screens = Screens()
    showing = _showing(engine, screens)
    carts = [
        bound(engine, tablet, visit).cart_id
        for tablet, visit in zip(tablets, ("v1", "v2"), strict=True)
    ]
    with _reads(engine) as reads:
        showing.show(dict.fromkeys([*carts, "nobodys"], Wish()))
    told = {
        device_id: (one.data.visit, one.data.stored_through, len(one.data.lines))
        for device_id, one in screens.told
    }
    assert told == {
        tablets[0].address.device_id: ("v1", 1, 1),
        tablets[1].address.device_id: ("v2", 2, 1),
    }
    alone = len(reads)
    # What goes to PostgreSQL's driver itself is not seen here.
    assert bool(alone) == (engine.dialect.name == "sqlite")
    with _reads(engine) as reads:
        showing.show({carts[0]: Wish()})
    assert len(reads) == alone


def test_a_database_that_is_away_is_waited_for(engine: Engine) -> None:
    """Nothing that was to be shown is forgotten, and the thread lives on."""
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    screens = Screens()
    showing = _showing(engine, screens)
    showing.soon([bound(engine, tablet, "v1").cart_id])
    tried = threading.Event()

    def refuse(*_: object) -> None:
        tried.set()
        raise OperationalError(AWAY, {}, Exception(AWAY))

    event.listen(engine, "checkout", refuse)
    showing.start()
    try:
        assert tried.wait(WAIT_S)
    finally:
        event.remove(engine, "checkout", refuse)
    assert screens.busy.wait(WAIT_S)
    showing.stop()
    assert screens.pieces() == [1]


def test_what_waits_has_a_limit(engine: Engine) -> None:
    """A hung database does not fill the memory: the oldest are let go, the newest are shown."""
    stock_catalogue(engine)
    tablets = [Tablet(enrolled(engine, CLOCK, IDS), CLOCK) for _ in range(3)]
    for tablet in tablets:
        ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    screens = Screens()
    domain = Domain(CLOCK, IDS, sellables)
    showing = Showing(engine, domain, screens.show, waiting_max=2)
    for tablet in tablets:
        showing.soon([bound(engine, tablet, "v1").cart_id])
    showing.start()
    showing.stop()
    assert {device_id for device_id, _ in screens.told} == {
        tablet.address.device_id for tablet in tablets[1:]
    }


LONG_S = 600.0


@pytest.fixture
def pair(engine: Engine) -> tuple[Tablet, Tablet]:
    """Two tablets, each with a visit of its own in which something was scanned."""
    stock_catalogue(engine)
    first, second = (Tablet(enrolled(engine, CLOCK, IDS), CLOCK) for _ in range(2))
    for tablet in (first, second):
        ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    return first, second


@contextmanager
def _patient(engine: Engine, screens: Screens, own_s: float = LONG_S) -> Iterator[Showing]:
    """Showing that has a device's own changes wait, unless told until it ends."""
    made = Showing(engine, Domain(CLOCK, IDS, sellables), screens.show, own_s=own_s)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _said(showing: Showing, engine: Engine, tablet: Tablet) -> str:
    """Let a change of this tablet's own be known."""
    cart_id = bound(engine, tablet, "v1").cart_id
    showing.soon([cart_id], authors={cart_id: tablet.address.device_id})
    return cart_id


def test_what_a_device_changes_by_itself_waits_and_is_shown_once(
    engine: Engine, pair: tuple[Tablet, Tablet]
) -> None:
    """It shows its scans already; what others changed goes before."""
    own, other = pair
    screens = Screens()
    with _patient(engine, screens) as showing:
        for _ in range(3):
            ingest(engine, CLOCK, IDS, own.message(own.scanned("v1")))
            _said(showing, engine, own)
            showing.soon([bound(engine, other, "v1").cart_id])
            assert screens.busy.wait(WAIT_S)
            screens.busy.clear()
        assert {device_id for device_id, _ in screens.told} == {other.address.device_id}
    to_own = [one for device_id, one in screens.told if device_id == own.address.device_id]
    assert [one.data.lines[0].quantity for one in to_own] == [4]


def test_a_cart_that_waits_is_shown_as_soon_as_others_change_it(
    engine: Engine, pair: tuple[Tablet, Tablet]
) -> None:
    """And then not once more."""
    own, other = pair
    screens = Screens()
    with _patient(engine, screens) as showing:
        cart_id = _said(showing, engine, own)
        showing.soon([bound(engine, other, "v1").cart_id])
        assert screens.busy.wait(WAIT_S)
        screens.busy.clear()
        showing.soon([cart_id])
        assert screens.busy.wait(WAIT_S)
    assert [device_id for device_id, _ in screens.told] == [
        other.address.device_id,
        own.address.device_id,
    ]


def test_two_devices_with_one_cart_see_each_other_s_scans_at_once(
    engine: Engine, pair: tuple[Tablet, Tablet]
) -> None:
    """Whichever of them it was, whatever waits already."""
    first, second = pair
    screens = Screens()
    with _patient(engine, screens) as showing:
        _said(showing, engine, first)  # waits: nobody else shows it yet
        with unit_of_work(engine) as db:
            there = bindings.visits(db, [(first.address.device_id, "v1")])
            binding = db.exec(
                select(BindingRow).where(BindingRow.device_id == second.address.device_id)
            ).one()
            binding.session_id = next(iter(there.values())).session_id
            db.add(binding)
        _said(showing, engine, second)
        wait_until(lambda: len(screens.told) == 2)
        assert {device_id for device_id, _ in screens.told} == {
            first.address.device_id,
            second.address.device_id,
        }


def test_a_device_is_shown_its_own_changes_after_a_while(
    engine: Engine, pair: tuple[Tablet, Tablet]
) -> None:
    """For the sake of what only the gateway knows."""
    own, _ = pair
    screens = Screens()
    with _patient(engine, screens, 0.1) as showing:
        _said(showing, engine, own)
        assert screens.busy.wait(WAIT_S)
    assert screens.pieces() == [1]


@contextmanager
def _reads(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that are executed."""
    found: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
