"""A number that was lost on the way: the device is asked for it, the operator sees it."""

import pytest
from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.ingest import queries
from gateway.ingest.queries import Stream
from gateway.wire.topics import Channel
from tests.fakes.shop import Tablet, enrolled, ingest, stock_catalogue

CLOCK, IDS = SystemClock(), RandomIds()


@pytest.fixture
def tablet(engine: Engine) -> Tablet:
    """A tablet of a shop with three articles."""
    stock_catalogue(engine)
    return Tablet(enrolled(engine, CLOCK, IDS), CLOCK)


def arrive(engine: Engine, tablet: Tablet, *sequences: int) -> tuple[int, int | None]:
    """Let these numbers come in one batch; return mark and wish of the receipt."""
    messages = [tablet.message(tablet.scanned("v1", sequence=number)) for number in sequences]
    ((_, receipt),) = ingest(engine, CLOCK, IDS, *messages).receipts
    return receipt.stored_through, receipt.resend_from


def stream(engine: Engine) -> Stream:
    """Return the one spool there is, as ``gateway devices streams`` shows it."""
    with reading(engine) as db:
        (one,) = queries.streams(db)
    return one


def test_a_hole_is_asked_for_until_it_is_filled(engine: Engine, tablet: Tablet) -> None:
    """2 and 3 are lost: every batch behind them asks from 2 on, until they have come."""
    assert arrive(engine, tablet, 1) == (1, None)
    assert arrive(engine, tablet, 4, 5) == (1, 2)
    assert stream(engine).missing == 2
    with reading(engine) as db:
        assert queries.waiting_for_missing(db) == 1
    assert arrive(engine, tablet, 6) == (1, 2)
    assert arrive(engine, tablet, 2) == (2, None)
    assert stream(engine).missing == 1
    # The device sends on from where it was asked to: in order, what came before included.
    assert arrive(engine, tablet, 3, 4, 5, 6) == (6, None)
    found = stream(engine)
    assert (found.stored_through, found.events, found.missing, found.given_up) == (6, 6, 0, 0)
    with reading(engine) as db:
        assert queries.waiting_for_missing(db) == 0


def test_the_first_number_can_be_the_one_that_is_lost(engine: Engine, tablet: Tablet) -> None:
    """Nothing of the spool was heard before: it is asked for from 1 on."""
    assert arrive(engine, tablet, 2, 3) == (0, 1)
    assert stream(engine).missing == 1


def test_what_the_device_gave_up_is_not_asked_for(engine: Engine, tablet: Tablet) -> None:
    """The event after it names the one before it: the gap is noted, and nobody waits for it."""
    arrive(engine, tablet, 1)
    later = tablet.scanned("v1", sequence=5, previous=1)
    ((_, receipt),) = ingest(engine, CLOCK, IDS, tablet.message(later)).receipts
    assert (receipt.stored_through, receipt.resend_from) == (5, None)
    found = stream(engine)
    assert (found.missing, found.given_up) == (0, 3)


def test_what_a_telemetry_spool_gave_up_is_no_gap(engine: Engine, tablet: Tablet) -> None:
    """It keeps the newest only, by intention: the receipt passes, and no operator is called."""
    arrive(engine, tablet, 1)
    itself = Tablet(tablet.device, CLOCK, "telemetry-1")
    later = itself.event("device.health", {"firmware": "1.0"}, sequence=9, previous=0)
    ((_, receipt),) = ingest(engine, CLOCK, IDS, itself.message(later, Channel.TELEMETRY)).receipts
    assert (receipt.spool, receipt.stored_through) == ("telemetry-1", 9)
    with reading(engine) as db:
        found = {one.spool: one for one in queries.streams(db)}
    assert {one.channel for one in found.values()} == {"events", "telemetry"}
    assert (found["telemetry-1"].channel, found["telemetry-1"].given_up) == ("telemetry", 0)
