"""Leases on a PostgreSQL whose clock is set while it runs: forward an hour, and back two."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cart.db import make_engine, reading, unit_of_work
from cart.db.migrate import upgrade
from gateway.leases import service
from gateway.leases.model import NAMES, Lease
from gateway.leases.queries import held_until_commit
from gateway.leases.watch import BEAT_S, LEASE_S
from tests.gateway.members import Chain, Engines, engines_of, leases
from tests.real.clock import MovableClock, NoMovableClock, movable_clock
from tests.real.postgres import PostgresServer, running_postgres

HOUR_S = 3_600
NEAR_S = 60.0  # far less than an hour, far more than it takes to ask


@pytest.fixture(scope="module")
def clock() -> Iterator[MovableClock]:
    """The server's time of day."""
    try:
        with movable_clock() as made:
            yield made
    except NoMovableClock as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def server(clock: MovableClock) -> Iterator[PostgresServer]:
    """A PostgreSQL that lives by it, with our schema as the template."""

    def fill(url: str) -> None:
        engine = make_engine(url)
        upgrade(engine)
        engine.dispose()

    with running_postgres(environment=clock.environment) as running:
        running.make_template(fill)
        yield running


@pytest.fixture
def engines(server: PostgresServer, clock: MovableClock) -> Iterator[Engines]:
    """A function that makes an engine whose connections bear a member's id."""
    clock.move(0)
    with server.database() as url, engines_of(url) as made:
        yield made


@pytest.fixture
def chain(engines: Engines) -> Chain:
    """Nobody yet."""
    return Chain(engines)


def wrong_s(engine: Engine) -> float:
    """Return how far the database's clock is ahead of ours."""
    with reading(engine) as db:
        asked = db.connection().execute(text("SELECT extract(epoch FROM clock_timestamp())"))
        return float(asked.scalar_one()) - time.time()


@pytest.mark.parametrize("moved_s", [HOUR_S, -HOUR_S])
def test_nothing_changes_hands_when_the_databases_clock_is_moved(
    chain: Chain, engines: Engines, clock: MovableClock, moved_s: int
) -> None:
    """Nobody is taken for dead, and who does die is so after the same time as ever."""
    for me in "abc":
        chain.add(me)
    chain.pass_time(2.0)
    before, looking = leases(engines("test")), engines("looking")
    assert abs(wrong_s(looking)) < NEAR_S
    clock.move(moved_s)
    assert abs(wrong_s(looking) - moved_s) < NEAR_S
    chain.pass_time(2 * LEASE_S)
    assert leases(looking) == before
    chain.asleep.add("b")
    chain.pass_time(LEASE_S - BEAT_S)
    assert leases(looking) == before
    chain.pass_time(1.0)
    after = leases(looking)
    assert Counter(one.holder for one in after.values())["b"] == 0
    for name in NAMES:
        grew = after[name].fence - before[name].fence
        assert grew == (before[name].holder != after[name].holder)
    clock.move(0)
    chain.asleep.clear()
    chain.pass_time(2 * LEASE_S)
    assert sorted(chain.shares().values()) == [5, 5, 6]


@pytest.mark.parametrize("moved_s", [HOUR_S, -HOUR_S])
def test_a_batch_that_froze_is_undone_by_any_clock(
    chain: Chain, engines: Engines, clock: MovableClock, moved_s: int
) -> None:
    """The clock is moved while it has the lease locked: the taker waits no longer than ever."""
    chain.add("a")
    chain.pass_time(0.5)
    frozen, theirs = engines("a"), engines("b")
    lease = leases(theirs)["p03"]
    with pytest.raises(DBAPIError) as woken, unit_of_work(frozen) as db:  # noqa: PT012 - as it froze
        held_until_commit(db, "a", ["p03"])
        db.connection().execute(text("DELETE FROM gateway_member"))
        clock.move(moved_s)
        assert service.take(theirs, lease, me="b")
        db.connection().execute(text("SELECT 1"))
    assert woken.value.connection_invalidated
    assert leases(theirs)["p03"] == Lease("p03", "b", lease.fence + 1)
    assert len(service.seen(theirs).members) == 1


@pytest.mark.parametrize("moved_s", [HOUR_S, -HOUR_S])
def test_what_is_not_given_back_at_once_is_given_back_later(
    chain: Chain, engines: Engines, clock: MovableClock, moved_s: int
) -> None:
    """A batch of ours needs it, and the clock is moved meanwhile: we do not wait, and beat on."""
    member = chain.add("a")
    chain.pass_time(0.5)
    with unit_of_work(engines("a")) as db:
        held_until_commit(db, "a", ["p15"])
        clock.move(moved_s)
        assert not service.release(engines("a"), "p15", me="a")
        member.turn()
        assert member.fresh
    assert service.release(engines("a"), "p15", me="a")
    assert leases(engines("test"))["p15"].holder == ""
