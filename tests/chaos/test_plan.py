"""The dice: a seed is a run, every part is struck, every event is said by somebody."""

import pytest

from gateway.leases.watch import LEASE_S
from tests.chaos.goods import goods
from tests.chaos.plan import CLOCK, CLOCK_MOVES_S, SHOPS, Scale, plan_of, script


def test_the_same_seed_is_the_same_run() -> None:
    """Blows and scripts repeat to the word; another seed is another run."""
    scale, wares = Scale(), goods()
    one, again, other = plan_of(7, scale), plan_of(7, scale), plan_of(8, scale)
    assert one == again
    assert one.blows != other.blows
    said = [script(plan, 3, wares) for plan in (one, again, other)]
    assert said[0] == said[1]
    assert said[0] != said[2]


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_part_is_struck_in_every_run(seed: int) -> None:
    """Each kind of process at least once, at ascending moments inside the stream."""
    plan = plan_of(seed, Scale())
    wanted = {*plan.servers, "devices-0", "devices-1", "devices-2"}
    wanted |= {"broker"} if plan.broker == "mosquitto" else set()
    wanted |= {"postgresql"} if plan.database == "postgresql" else set()
    wanted |= {CLOCK} if plan.chain else set()
    assert {part for blow in plan.blows for part in blow.parts} == wanted
    moments = [blow.at_event for blow in plan.blows]
    assert moments == sorted(set(moments))
    assert 0 < moments[0] < moments[-1] < plan.scale.events


def test_four_seeds_in_a_row_are_every_kind_of_shop() -> None:
    """Both brokers, each with both databases."""
    assert {(plan_of(n, Scale()).broker, plan_of(n, Scale()).database) for n in range(4)} == {
        *SHOPS
    }


def test_one_of_eight_is_a_chain() -> None:
    """With several gateways and APIs; some are frozen, the database's clock set, past a lease."""
    plans = [plan_of(seed, Scale()) for seed in range(1, 41)]
    chains = [one for one in plans if one.chain]
    assert [one.seed for one in chains] == [5, 13, 21, 29, 37]
    assert {one.servers for one in chains} == {
        ("gateway", "gateway-2", "gateway-3", "api", "api-2")
    }
    assert {(one.broker, one.database) for one in chains} == {("mosquitto", "postgresql")}
    frozen = [blow for one in plans for blow in one.blows if blow.frozen]
    assert frozen
    assert {blow for one in chains for blow in one.blows} >= {*frozen}
    for one in chains:
        moved = [blow for blow in one.blows if CLOCK in blow.parts]
        assert sorted(blow.moved_s for blow in moved) == sorted(CLOCK_MOVES_S)
        assert all(blow.pause_s > LEASE_S and blow.parts == (CLOCK,) for blow in moved)
    assert all(blow.pause_s > LEASE_S for blow in frozen)
    assert {part.partition("-")[0] for blow in frozen for part in blow.parts} == {"gateway"}


def test_all_events_are_said_by_somebody() -> None:
    """The scripts are as long as the stream, and so is what the gate lets through at its end."""
    plan = plan_of(1, Scale(events=1_003))
    devices = range(plan.scale.devices)
    wares = goods()
    scripts = [script(plan, device, wares) for device in devices]
    assert sum(map(len, scripts)) == 1_003
    assert [len(one) for one in scripts] == [plan.allowed(device, 1_003) for device in devices]
    assert sum(plan.allowed(device, 0) for device in devices) == 0
