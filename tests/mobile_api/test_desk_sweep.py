"""What falls due at the desk is done without anybody asking, and those who show it are told."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, update

from cart.db import unit_of_work
from cart.kernel.ids import RandomIds
from cart.orders.model import OrderState
from cart.orders.tables import OrderRow
from cart.picking import tasks, walks
from cart.picking.model import Changed
from gateway.fanout import DeskChanged, Fanout, Notice, OrderChanged
from mobile_api.app import create_app
from mobile_api.orders.telling import tell
from mobile_api.settings import ApiSettings
from mobile_api.staff.sweep import DeskSweep
from mobile_api.wiring import Parts
from tests.cart.buying import HERE, LAMP, MUG
from tests.cart.floor import BLUE, Floor
from tests.fakes.clock import FakeClock


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with twenty pieces of everything."""
    return Floor(engine, clock)


@pytest.fixture
def parts(floor: Floor, settings: ApiSettings, clock: FakeClock) -> Parts:
    """The parts of an application over it, which rings for every change."""
    app = create_app(
        settings, engine=floor.engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )
    found: Parts = app.state.parts
    return found


class Ear:
    """Stands where the fan-out is, and keeps what is published."""

    def __init__(self) -> None:
        self.heard: list[Notice] = []

    def publish(self, *notices: Notice) -> None:
        """Keep what one unit of work told."""
        self.heard += notices


def swept(parts: Parts) -> list[Notice]:
    """Do one round; return the doorbells that it rang."""
    ear = Ear()
    parts.fan = cast("Fanout", ear)
    asyncio.run(DeskSweep(parts).look())
    return ear.heard


def test_one_round_does_what_is_due(floor: Floor, parts: Parts) -> None:
    """An offer expires, a missing task is made, who did not come is reminded, then refunded."""
    ada = floor.hire()
    ready = floor.ready(ada, {MUG: 1})
    assert swept(parts) == []
    floor.clock.advance(25 * 3600)
    asked = floor.order({LAMP: 1})
    floor.claim(ada, asked)
    floor.short(ada, asked, offer=BLUE)
    untasked = floor.buyer().buy(MUG)
    floor.clock.advance(200)
    heard = swept(parts)
    changed = {one.order_id for one in heard if isinstance(one, OrderChanged)}
    assert changed == {ready, asked, untasked}
    assert DeskChanged(HERE) in heard
    assert floor.view(asked).state == OrderState.CANCELLED
    assert floor.task_of(untasked)
    assert any(":reminder" in one for one in floor.letters(ready))
    assert swept(parts) == []
    floor.clock.advance(48 * 3600)
    swept(parts)
    assert floor.view(ready).state == OrderState.UNCOLLECTED
    assert (floor.stock(MUG), floor.stock(BLUE)) == ((20, 0, 1), (2, 0, 0))


def test_whoever_sends_letters_is_rung_for_each_and_for_nothing_else(
    floor: Floor, parts: Parts
) -> None:
    """Ready and reminder start at once; a pick has no letter, nor an order without an address."""
    rung: list[str] = []
    parts.mail_bell = lambda: rung.append("mail")
    ada = floor.hire()

    def told(act: Callable[[Session], Changed]) -> int:
        rung.clear()
        with unit_of_work(floor.engine) as db:
            tell(parts, db, act(db))
        return len(rung)

    def stage(order_id: str) -> int:
        task_id = floor.task_of(order_id)
        claimed = told(
            lambda db: walks.claim(db, floor.clock, floor.ids, staff=ada, task_ids=[task_id])[0]
        )
        assert claimed == 0
        floor.pick_all(ada, order_id)
        return told(lambda db: tasks.stage(db, floor.clock, staff=ada, task_id=task_id, shelf="B3"))

    order_id, silent = floor.order({MUG: 1}), floor.order({MUG: 1})
    with unit_of_work(floor.engine) as db:
        db.exec(update(OrderRow).where(col(OrderRow.id) == silent).values(email=""))
    assert (stage(order_id), stage(silent)) == (1, 0)
    floor.clock.advance(25 * 3600)
    rung.clear()
    swept(parts)
    assert rung == ["mail"]
