"""Shares are fair, nobody is robbed, and no judge that slept condemns anybody."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.leases.model import CHORES, NAMES, Lease, Step, share, step
from gateway.leases.watch import BEAT_S, BREAK_S, LEASE_S, Watch

MEMBERS = [f"gateway_{letter}" for letter in "abcdefg"]
members = st.sets(st.sampled_from(MEMBERS), min_size=1)
holders = st.sampled_from(["", "gateway_dead", *MEMBERS])


@st.composite
def holdings(draw: st.DrawFn) -> list[Lease]:
    """Return all leases, each with somebody, with nobody, or with one who is gone."""
    return [Lease(name, draw(holders), draw(st.integers(0, 9))) for name in NAMES]


@given(members, st.integers(0, 40))
def test_shares_add_up_and_differ_by_one_at_most(living: set[str], of: int) -> None:
    """Nothing is left over, nobody has two more than another."""
    shares = [share(living, one, of=of) for one in living]
    assert sum(shares) == of
    assert max(shares) - min(shares) <= 1


@given(members, holdings())
def test_nobody_takes_what_a_living_one_holds(living: set[str], leases: list[Lease]) -> None:
    """Only what is free or a dead one's is taken, only what is ours is given back."""
    for me in living:
        ours = step(me, living, leases)
        assert all(one.holder not in living for one in ours.take)
        assert all(one.holder == me and one.name != CHORES for one in ours.release)
        assert not (ours.release and any(one.name != CHORES for one in ours.take))


@given(members, holdings())
def test_all_come_to_their_shares_in_a_few_steps(living: set[str], leases: list[Lease]) -> None:
    """Each in turn does one step on what it sees; then everything is held, by fair shares."""
    rows = {one.name: one for one in leases}
    for _ in range(3):
        for me in sorted(living):
            ours = step(me, living, sorted(rows.values(), key=lambda one: one.name))
            for one in ours.release:
                rows[one.name] = Lease(one.name, "", one.fence)
            for one in ours.take:
                rows[one.name] = Lease(one.name, me, one.fence + 1)
    held = Counter(one.holder for one in rows.values() if one.name != CHORES)
    assert held == {me: share(living, me) for me in living}
    assert rows[CHORES].holder in living
    for me in living:
        assert step(me, living, [*rows.values()]) == Step()


@given(
    st.lists(st.tuples(st.floats(0, BREAK_S / 2), st.booleans()), min_size=1, max_size=60),
)
def test_who_beats_within_the_lease_never_dies(looks: list[tuple[float, bool]]) -> None:
    """However the looks fall: dead is only whose beat stood still for LEASE_S of unbroken looks."""
    watch, now_s, beat, moved_s = Watch(), 100.0, 1, 100.0
    assert watch.look(now_s, now_s, {"other": beat}) == {"other"}
    for pause_s, moves in looks:
        now_s += pause_s
        if moves:
            beat, moved_s = beat + 1, now_s
        alive = watch.look(now_s, now_s, {"other": beat})
        assert (alive == set()) == (now_s - moved_s >= LEASE_S)


def test_a_beat_that_stands_still_is_a_death() -> None:
    """After LEASE_S of looks, not before."""
    watch = Watch()
    looks = [number * BEAT_S for number in range(20)]
    lived = [watch.look(at_s, at_s, {"a": number, "b": 7}) for number, at_s in enumerate(looks)]
    died_s = [at_s for at_s, alive in zip(looks, lived, strict=True) if "b" not in alive]
    assert min(died_s) == LEASE_S
    assert all("a" in alive for alive in lived)


def test_a_judge_that_slept_measures_anew() -> None:
    """Whether it was frozen or its database away: a break in the looks condemns nobody."""
    watch = Watch()
    watch.look(0.0, 0.0, {"a": 1})
    assert watch.look(60.0, 60.0, {"a": 1}) == {"a"}
    at_s = 60.0
    while at_s < 60.0 + LEASE_S - BEAT_S:
        at_s += BEAT_S
        assert watch.look(at_s, at_s, {"a": 1}) == {"a"}
    at_s += BEAT_S
    assert watch.look(at_s, at_s, {"a": 1}) == set()


def test_a_slow_answer_makes_nobody_die_sooner() -> None:
    """A beat counts as young as it may have been, and the look as early as it began."""
    watch = Watch(break_s=10.0)
    watch.look(0.0, 2.0, {"a": 1})
    assert watch.look(LEASE_S + 1.9, LEASE_S + 4.0, {"a": 1}) == {"a"}
    assert watch.look(LEASE_S + 2.0, LEASE_S + 4.1, {"a": 1}) == set()


def test_one_that_comes_back_lives() -> None:
    """Its beat moves again: it is a member as before."""
    watch = Watch()
    for number in range(10):
        watch.look(number * BEAT_S, number * BEAT_S, {"a": 1})
    assert watch.look(10 * BEAT_S, 10 * BEAT_S, {"a": 1}) == set()
    assert watch.look(11 * BEAT_S, 11 * BEAT_S, {"a": 2}) == {"a"}
