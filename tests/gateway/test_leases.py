"""Members on one PostgreSQL: fair shares, deaths, rivals, and no clock but each one's own."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import gateway.leases
from cart.db import unit_of_work
from gateway.leases import service
from gateway.leases.model import CHORES, NAMES, Lease
from gateway.leases.queries import held_until_commit
from gateway.leases.watch import BEAT_S, LEASE_S
from gateway.wire.topics import PARTITION_NAMES
from tests.gateway.members import Chain, Engines, engines_of, leases

HOURS_S = 3_600.0


@pytest.fixture
def engines(postgresql_url: str) -> Iterator[Engines]:
    """A function that makes an engine whose connections bear a member's id."""
    with engines_of(postgresql_url) as made:
        yield made


@pytest.fixture
def chain(engines: Engines) -> Chain:
    """Nobody yet."""
    return Chain(engines)


def test_one_has_everything_and_shares_it_with_who_comes(chain: Chain) -> None:
    """16, then 8 and 8, then 6, 5 and 5, a second after each; one of them has the chores."""
    chain.add("a")
    chain.pass_time(0.5)
    assert chain.shares() == {"a": 16}
    chain.add("b")
    chain.pass_time(1.0)
    assert chain.shares() == {"a": 8, "b": 8}
    chain.add("c")
    chain.pass_time(1.0)
    assert chain.shares() == {"a": 6, "b": 5, "c": 5}
    assert [me for me, one in chain.members.items() if one.has_chores] == ["a"]


def test_who_stops_leaves_everything_to_the_others_at_once(chain: Chain, engines: Engines) -> None:
    """No lease has to end first, and nobody reads its name any more."""
    chain.add("a")
    chain.add("b")
    chain.pass_time(1.5)
    chain.members.pop("a").stop()
    assert chain.hands.pop("a").open_now == set()
    chain.pass_time(1.0)
    assert chain.shares() == {"b": 16}
    assert chain.members["b"].has_chores
    seen = service.seen(engines("test"))
    assert [one.id for one in seen.members] == ["b"]
    assert {seen.name_of(one.holder) for one in seen.leases} == {"box-b"}


def test_whose_beat_stands_still_loses_everything_after_the_lease(
    chain: Chain, engines: Engines
) -> None:
    """Not before; each lease that changes hands has a greater fence."""
    for me in "abc":
        chain.add(me)
    chain.pass_time(2.0)
    before = leases(engines("test"))
    chain.asleep.add("b")
    chain.pass_time(LEASE_S - BEAT_S)
    assert leases(engines("test")) == before
    chain.pass_time(1.0)
    after = leases(engines("test"))
    assert Counter(one.holder for one in after.values() if one.name != CHORES) == {"a": 8, "c": 8}
    for name in NAMES:
        grew = after[name].fence - before[name].fence
        assert grew == (before[name].holder != after[name].holder)


def test_one_that_wakes_finds_out_before_it_does_anything(chain: Chain) -> None:
    """It is not fresh when it wakes, closes all at its first turn, and gets its share anew."""
    chain.add("a")
    sleeper = chain.add("b")
    chain.pass_time(1.5)
    chain.asleep.add("b")
    assert sleeper.fresh
    chain.pass_time(LEASE_S + 1.0)
    assert not sleeper.fresh
    assert len(chain.hands["b"].open_now) == 8  # it does not know yet
    assert len(chain.hands["a"].open_now) == 16
    sleeper.turn()
    assert chain.hands["b"].open_now == set()
    assert sleeper.fresh
    chain.asleep.clear()
    chain.pass_time(1.0)
    assert chain.shares() == {"a": 8, "b": 8}


def test_a_judge_that_slept_takes_nothing_from_anybody(chain: Chain, engines: Engines) -> None:
    """All sleep together, as on a machine that was suspended: nobody is taken for dead."""
    for me in "abc":
        chain.add(me)
    chain.pass_time(2.0)
    before = leases(engines("test"))
    for clock in chain.clocks.values():
        clock.advance(HOURS_S)
    chain.pass_time(4 * LEASE_S)
    assert leases(engines("test")) == before


def test_wall_clocks_play_no_part(chain: Chain, engines: Engines) -> None:
    """Hours apart, and set while it runs: shares and deaths come out as with one time."""
    for number, me in enumerate("abc"):
        chain.add(me, wall_s=(number - 1) * 7 * HOURS_S)
    chain.pass_time(2.0)
    assert chain.shares() == {"a": 6, "b": 5, "c": 5}
    before = leases(engines("test"))
    for number, clock in enumerate(chain.clocks.values()):
        clock.jump((1 - number) * 30 * HOURS_S)
    chain.pass_time(2 * LEASE_S)
    assert leases(engines("test")) == before
    chain.asleep.add("a")
    chain.pass_time(LEASE_S + 1.0)
    held = Counter(one.holder for one in leases(engines("test")).values())
    assert held["b"] + held["c"] == len(NAMES)


def test_no_statement_asks_the_databases_clock() -> None:
    """Its clock can be set to any time: nothing that is decided comes from it."""
    asks = re.compile(r"\bnow\(|current_(time|date)|localtime|clock_timestamp", re.IGNORECASE)
    folder = Path(gateway.leases.__file__).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    assert {"service.py", "queries.py"} <= set(sources)
    # `clock.now()` is the process's own, for people to read when a member began.
    found = {
        name: asks.findall(source.replace("clock.now()", "")) for name, source in sources.items()
    }
    assert not any(found.values())


def test_of_rivals_for_a_lease_one_has_it(chain: Chain, engines: Engines) -> None:
    """All saw the same row and reach for it in the same moment, sixteen times."""
    chain.add("a")
    chain.pass_time(0.5)
    rivals = {f"rival-{number}": engines(f"rival-{number}") for number in range(4)}
    seen = leases(rivals["rival-0"])
    with ThreadPoolExecutor(len(rivals)) as pool:
        for name in PARTITION_NAMES:
            at_once = threading.Barrier(len(rivals))

            def reach(me: str, lease: Lease, together: threading.Barrier) -> bool:
                together.wait(10)
                return service.take(rivals[me], lease, me=me)

            had = list(pool.map(lambda me, n=name, b=at_once: reach(me, seen[n], b), rivals))
            assert sum(had) == 1
            now = leases(rivals["rival-0"])[name]
            assert now == Lease(name, [*rivals][had.index(True)], seen[name].fence + 1)


def test_a_batch_in_hand_is_waited_for(chain: Chain, engines: Engines) -> None:
    """A taker has the lease only after the commit of what was begun under the one before."""
    chain.add("a")
    chain.pass_time(0.5)
    ours, theirs, taken = engines("a"), engines("b"), threading.Event()
    lease = leases(theirs)["p03"]

    def take() -> None:
        assert service.take(theirs, lease, me="b")
        taken.set()

    with unit_of_work(ours) as db:
        assert held_until_commit(db, "a", ["p02", "p03"]) == {"p02", "p03"}
        taker = threading.Thread(target=take)
        taker.start()
        assert not taken.wait(service.LOCK_WAIT_MS / 2_000)
    taker.join(10)
    assert taken.is_set()
    with unit_of_work(ours) as db:
        assert held_until_commit(db, "a", ["p02", "p03"]) == {"p02"}


def test_a_batch_that_froze_is_undone(chain: Chain, engines: Engines) -> None:
    """Its process sleeps with the lease locked: its connections are ended, nothing stays."""
    chain.add("a")
    chain.pass_time(0.5)
    frozen, theirs = engines("a"), engines("b")
    lease = leases(theirs)["p03"]
    with pytest.raises(DBAPIError) as woken, unit_of_work(frozen) as db:  # noqa: PT012 - as it froze
        held_until_commit(db, "a", ["p03"])
        db.connection().execute(text("DELETE FROM gateway_member"))
        assert service.take(theirs, lease, me="b")
        db.connection().execute(text("SELECT 1"))
    assert woken.value.connection_invalidated
    assert leases(theirs)["p03"] == Lease("p03", "b", lease.fence + 1)
    assert len(service.seen(theirs).members) == 1


def test_a_lease_is_given_back_once_no_batch_needs_it(chain: Chain, engines: Engines) -> None:
    """Meanwhile the member goes on beating: it does not wait for its own batch."""
    member = chain.add("a")
    chain.pass_time(0.5)
    chain.add("b")
    with unit_of_work(engines("a")) as db:
        held_until_commit(db, "a", PARTITION_NAMES)
        chain.members["b"].turn()
        assert not service.release(engines("a"), "p15", me="a")
        assert member.fresh
    chain.pass_time(1.0)
    assert chain.shares() == {"a": 8, "b": 8}
