"""Messages that a hostile or broken device can send: each costs itself, none the thread."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from gateway.wire.topics import Channel
from inventory_api.catalogue.queries import sellables
from tests.fakes.shop import stock_catalogue
from tests.gateway.test_ingest_loop import Rig
from tests.real.waiting import wait_until


@pytest.fixture
def rig(engine: Engine) -> Iterator[Rig]:
    """A running loop, on each database."""
    stock_catalogue(engine)
    made = Rig(engine, sellables)
    made.loop.start()
    yield made
    made.loop.stop()


def still_works(rig: Rig, acked: int) -> bool:
    """Say whether a scan after ``acked`` messages is stored and acknowledged."""
    stored = rig.loop.stored
    rig.inbox.put(rig.tablet.message(rig.tablet.scanned("v1")))
    wait_until(lambda: len(rig.ear.acked) == acked + 1)
    return rig.loop.stored == stored + 1


def test_an_ack_that_no_database_takes_as_text_stops_nothing(rig: Rig) -> None:
    """A NUL in an ack's detail: whatever becomes of it, the next scan is stored."""
    nul = b'{"command_id":"cmd_1","outcome":"done","detail":"a\\u0000b"}'
    for payload in (nul, b'{"command_id":"cmd_2","outcome":"done"}'):
        rig.inbox.put(rig.tablet.message(payload, Channel.ACKS))
    wait_until(lambda: len(rig.ear.acked) == 2)
    assert still_works(rig, 2)


def test_a_topic_longer_than_its_column_is_kept_shortened(rig: Rig) -> None:
    """A broker's pattern lets a device choose names in its topic; a long one is a dead letter."""
    message = rig.tablet.message(rig.tablet.scanned("v1"))
    parts = message.topic.split("/")
    long = "/".join([*parts[:2], "p" * 5_000, *parts[3:]])
    rig.inbox.put(message._replace(topic=long))
    wait_until(lambda: len(rig.ear.acked) == 1)
    assert rig.reasons() == ["invalid_payload"]
    assert still_works(rig, 1)


def test_health_that_fits_no_column_costs_only_itself(rig: Rig) -> None:
    """A NUL in a firmware's name and a number past every integer."""
    for data in ({"firmware": "a\0b"}, {"firmware": "1", "desired_version": 10**30}):
        rig.inbox.put(rig.tablet.message(rig.tablet.event("device.health", data)))
    wait_until(lambda: len(rig.ear.acked) == 2)
    assert still_works(rig, 2)


def test_a_claim_of_another_visit_costs_only_itself(rig: Rig) -> None:
    """Said again for a second visit, before or after it is known: refused, and not by the database.

    A batch that the database refuses is done again message by message: a device that keeps
    saying this would slow all others.
    """
    claim = {"claim_hash": "5" * 64}

    def taken_up(visit: str) -> None:
        event = rig.tablet.event("device.taken_up", {"visit": visit, **claim})
        rig.inbox.put(rig.tablet.message(event))

    for visit in ("v1", "v1", "v2"):  # the same visit may say its claim again
        taken_up(visit)
    wait_until(lambda: len(rig.ear.acked) == 3)
    assert rig.reasons() == ["invalid_payload"]
    rig.inbox.put(rig.tablet.message(rig.tablet.scanned("v2")))
    wait_until(lambda: len(rig.ear.acked) == 4)
    taken_up("v2")
    wait_until(lambda: len(rig.ear.acked) == 5)
    assert rig.reasons() == ["invalid_payload", "invalid_payload"]
    assert still_works(rig, 5)
