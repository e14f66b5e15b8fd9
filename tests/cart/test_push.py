"""Phones that may be rung, and rings, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.carts.service import open_session
from cart.db import reading, unit_of_work
from cart.kernel.errors import InvalidInput
from cart.kernel.ids import RandomIds
from cart.profile.push import service
from cart.profile.push.model import Ring, check_keys
from cart.profile.push.tables import PushPhoneRow, PushRingRow
from tests.fakes.clock import FakeClock

POINT = "BAAA" + "A" * 83
AUTH = "A" * 22


def test_every_phone_of_hers_is_rung_and_each_ring_settled_once(
    engine: Engine, clock: FakeClock
) -> None:
    """Two phones, two rings; forgetting one takes its ring along; a day later nothing is left."""
    ids = RandomIds()
    with unit_of_work(engine) as db:
        hers = open_session(db, clock, ids).id
        for name in ("one", "two", "one"):
            service.subscribe(
                db,
                clock,
                session_id=hers,
                endpoint=f"https://push.example/{name}",
                point=POINT,
                auth=AUTH,
                locale="pl",
            )
    with unit_of_work(engine) as db:
        count = service.ask(
            db,
            clock,
            ids,
            session_id=hers,
            kind=Ring.TURN,
            location_id="here",
            about="rooms",
            number=7,
            ends_at=clock.now() + timedelta(minutes=5),
        )
        assert (count, len(service.waiting(db, 10)), len(service.waiting(db, 1))) == (2, 2, 1)
    with unit_of_work(engine) as db:
        first = service.waiting(db, 1)[0]
        service.settle(db, clock, first, "")
        service.settle(db, clock, first, "too late to fail")
    with reading(engine) as db:
        assert {(one.state, one.failure) for one in db.exec(select(PushRingRow))} == {
            ("sent", ""),
            ("requested", ""),
        }
    with unit_of_work(engine) as db:
        assert service.unsubscribe(db, session_id=hers, endpoint="https://push.example/two")
        assert not service.unsubscribe(db, session_id=hers, endpoint="https://push.example/two")
        clock.advance(service.RINGS_KEPT.total_seconds() + 1)
        assert service.forget(db, clock) == 1
        assert len(db.exec(select(PushPhoneRow)).all()) == 1


@pytest.mark.parametrize(("point", "auth"), [("AAAA" + "A" * 83, AUTH), (POINT, "A"), ("ż", AUTH)])
def test_keys_that_are_none_are_refused(point: str, auth: str) -> None:
    """A compressed point, too few bytes, letters that are none."""
    with pytest.raises(InvalidInput):
        check_keys(point, auth)
