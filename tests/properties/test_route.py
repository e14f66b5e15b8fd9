"""The way through a shop: every stop once, never longer than as given, always the same."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.plans.route import LOOKS_S, Ground, Kind, Stop, route, zones_in_order
from gateway.presence.plan import Area

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
metres = st.floats(0, 200, allow_nan=False)
points = st.dictionaries(
    st.sampled_from([f"z{n}" for n in range(12)]), st.tuples(metres, metres), max_size=12
)


@st.composite
def stops(draw: st.DrawFn) -> list[Stop]:
    """Return goods in drawn, undrawn and unknown zones, and bookings."""
    zones = st.sampled_from(["", "nowhere", "elsewhere", *(f"z{n}" for n in range(12))])
    found = []
    for place in range(draw(st.integers(0, 14))):
        zone = draw(zones)
        kind = Kind.GOODS if zone else Kind.ASK
        order, to_try = draw(st.integers(0, 9)), draw(st.booleans())
        found.append(Stop(f"g{place}", kind, zone, order, to_try))
    for kind in draw(st.sets(st.sampled_from([Kind.FITTING_ROOM, Kind.ADVISER]))):
        at = NOON + timedelta(minutes=15 * draw(st.integers(0, 8)))
        found.append(Stop(kind.value, kind, draw(zones), at=at))
    return found


@given(stops(), points, st.sampled_from(["", "z0", "z3", "nowhere"]))
def test_every_stop_is_visited_once_and_always_alike(
    wanted: list[Stop], middles: dict[str, tuple[float, float]], start: str
) -> None:
    """Nothing is lost or doubled; asked again it is the same way."""
    ground = Ground(middles)
    way = route(wanted, ground, begins_at=NOON, from_zone=start)
    assert sorted(one.key for one in way) == sorted(one.key for one in wanted)
    assert route(wanted, ground, begins_at=NOON, from_zone=start) == way


@given(points, st.data(), st.sampled_from(["", "z0", "z3"]))
def test_it_is_never_longer_than_as_it_was_given(
    middles: dict[str, tuple[float, float]], data: st.DataObject, start: str
) -> None:
    """Whatever order the list had; a start that is not drawn is none."""
    ground = Ground(middles)
    given_order = data.draw(st.permutations([zone for zone in sorted(middles) if zone != start]))
    before = [start] if start in middles else []
    found = zones_in_order(given_order, ground, start)
    assert sorted(found) == sorted(given_order)
    assert ground.length([*before, *found]) <= ground.length([*before, *given_order]) + 1e-6


@given(stops(), points)
def test_places_of_what_is_special(
    wanted: list[Stop], middles: dict[str, tuple[float, float]]
) -> None:
    """Trying on before the room; who has to be asked for comes last; one zone is one stretch."""
    way = route(wanted, Ground(middles), begins_at=NOON)
    kinds = [one.kind for one in way]
    if Kind.FITTING_ROOM in kinds and Kind.ADVISER not in kinds:
        room = kinds.index(Kind.FITTING_ROOM)
        tries = [place for place, one in enumerate(way) if one.to_try and one.kind is Kind.GOODS]
        goods = [place for place, one in enumerate(way) if one.kind is Kind.GOODS]
        assert all(place < room for place in tries or goods)
    first_ask = kinds.index(Kind.ASK) if Kind.ASK in kinds else len(kinds)
    assert set(kinds[first_ask:]) <= {Kind.ASK}
    zones = [one.zone_id for one in way if one.kind is Kind.GOODS]
    changes = [zone for place, zone in enumerate(zones) if place == 0 or zones[place - 1] != zone]
    assert len(changes) == len(set(changes))


def test_a_crossing_way_is_straightened() -> None:
    """Along a corridor: once to its end, without turning; from where she stands."""
    ground = Ground({f"z{n}": (float(n * 10), 0.0) for n in range(6)})
    along = ["z0", "z1", "z2", "z3", "z4", "z5"]
    assert zones_in_order(["z0", "z3", "z1", "z5", "z2", "z4"], ground) == along
    assert zones_in_order(["z5", "z3", "z1", "z0", "z2", "z4"], ground) == along[::-1]
    assert zones_in_order(["z4", "z1", "z5", "z3"], ground, "z0") == ["z1", "z3", "z4", "z5"]


def test_a_zones_middle_is_that_of_its_largest_part() -> None:
    """And what is not drawn is nowhere."""
    ground = Ground.of({"lamps": [Area(0, 0, 1, 1), Area(10, 10, 20, 30)]})
    assert ground.middles == {"lamps": (15.0, 20.0)}
    assert ground.metres("lamps", "mugs") == 0.0


def test_an_adviser_comes_when_it_is_time() -> None:
    """After as many things as fit before; she does not wait."""
    ground = Ground({"z0": (0.0, 0.0)})
    goods = [Stop(f"g{n}", Kind.GOODS, "z0", n) for n in range(6)]
    at = NOON + timedelta(seconds=3 * LOOKS_S)
    keys = [
        one.key
        for one in route(
            [*goods, Stop("adviser", Kind.ADVISER, "z0", at=at)], ground, begins_at=NOON
        )
    ]
    assert keys == ["g0", "g1", "g2", "adviser", "g3", "g4", "g5"]
