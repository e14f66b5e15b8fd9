"""What orders and picking learn of a location."""

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.errors import UnknownLocation
from cart.ports import Bay, Locations
from inventory_api.catalogue.tables import BayRow, ZoneRow
from inventory_api.places import Places
from inventory_api.stock.counting import Count, count_many
from tests.fakes.clock import FakeClock
from tests.inventory_api.shelf import OTHER, SHOP, SKUS, fill

PLACES: Locations = Places()


def test_a_location(engine: Engine) -> None:
    """By its id, with its hours and its time zone; one that does not exist is refused."""
    fill(engine)
    with reading(engine) as db:
        facts = PLACES.facts(db, SHOP)
        assert (facts.id, facts.name, facts.timezone) == (SHOP, SHOP, "Europe/Warsaw")
        with pytest.raises(UnknownLocation):
            PLACES.facts(db, "nowhere")


def test_where_things_lie(engine: Engine, clock: FakeClock) -> None:
    """Zone before bay in walking order; what nobody has placed is absent."""
    fill(engine)
    with unit_of_work(engine) as db:
        db.add(
            ZoneRow(
                location_id=SHOP,
                zone_id="ground",
                name="Ground floor",
                name_i18n={"pl": "Parter"},
                walk_order=2,
            )
        )
        db.flush()
        db.add(BayRow(location_id=SHOP, zone_id="ground", bay_id="g7", walk_order=7))
        db.flush()
        counts = [
            Count(SHOP, SKUS[0], 1, zone_id="ground", bay_id="g7"),
            Count(SHOP, SKUS[1], 1, zone_id="loft"),
            Count(SHOP, SKUS[2], 1),
        ]
        count_many(db, clock, counts, reference="monday", run_reference="monday")
        assert PLACES.bays(db, location_id=SHOP, skus=[*SKUS, "no-such"]) == {
            SKUS[0]: Bay("ground", "Ground floor", "g7", 20_007, {"pl": "Parter"}),
            SKUS[1]: Bay("loft", "", "", 0),
        }
        assert PLACES.bays(db, location_id=OTHER, skus=SKUS) == {}
        assert PLACES.bays(db, location_id=SHOP, skus=[]) == {}
