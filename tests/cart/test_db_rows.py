"""Rows that are inserted with other statements come back as they were, on both databases."""

from datetime import UTC, datetime
from typing import Final

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, select

from cart.db import reading, unit_of_work
from cart.db.guarded import insert_all
from cart.db.rows import TEXT, Ask, New, run_together
from cart.orders.tables import LocationTermsRow, ProviderEventRow
from inventory_api.catalogue.tables import LocationRow

ODD: Final = "50 % :now %(now)s '\" \\ ü {rows} null"
AT: Final = datetime(2026, 11, 2, 12, 0, 1, 234567, tzinfo=UTC)


def _place(name: str) -> LocationRow:
    return LocationRow(
        id=name,
        gln=f"gln {name}",
        name=ODD,
        name_i18n={"he": "חנות", "pl": ODD},
        country="DE",
        latitude=52.520008,
        longitude=None,
        timezone="Europe/Berlin",
        opening_hours={"mon": [["10:00", "20:00"]], "sun": []},
    )


def _terms(name: str) -> LocationTermsRow:
    return LocationTermsRow(
        location_id=name,
        orders_per_quarter=None if name == "a" else 3,
        ships=name == "a",
        shipping_minor=9_007_199_254_740_993,  # one more than a float can tell
    )


def _event(name: str) -> ProviderEventRow:
    return ProviderEventRow(
        provider="bank", event_id=name, provider_ref=ODD, outcome="", received_at=AT
    )


def _kept(engine: Engine, kind: type[SQLModel]) -> list[dict[str, object]]:
    with reading(engine) as db:
        return [row.model_dump() for row in db.exec(select(kind))]


@pytest.mark.parametrize("names", ["a", "ab"])
def test_rows_of_many_tables_come_back_as_they_were(engine: Engine, names: str) -> None:
    """Texts of every sign, JSON, big numbers, truths, moments and nothing at all."""
    tables: list[list[SQLModel]] = [
        [make(name) for name in names] for make in (_place, _terms, _event)
    ]
    with unit_of_work(engine) as db:
        insert_all(db, *tables, [])
    for rows in tables:
        assert _kept(engine, type(rows[0])) == [row.model_dump() for row in rows]


def test_statements_after_them_see_them(engine: Engine) -> None:
    """They are executed in their order with the statements beside them."""
    asked = Ask(
        "SELECT l.id, l.latitude FROM {rows} JOIN location AS l ON l.id = d.id",
        (("id", TEXT),),
        [("a",)],
    )
    with unit_of_work(engine) as db:
        before, _, after = run_together(db, asked, New([_place("a")]), asked)
    assert (list(before), [tuple(row) for row in after]) == ([], [("a", 52.520008)])


def test_one_row_that_cannot_be_takes_all_along(engine: Engine) -> None:
    """It fails as any other insert would, and nothing of any table stays."""
    with pytest.raises(IntegrityError), unit_of_work(engine) as db:
        insert_all(db, [_event("a")], [_place("a"), _place("a")], [_terms("a")])
    assert [_kept(engine, kind) for kind in (ProviderEventRow, LocationRow)] == [[], []]
