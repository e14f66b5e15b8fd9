"""Feeds: what is taken, what is refused and why, and that a repeat changes nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import select

from cart.db import is_sqlite, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin, check_digit
from cart.kernel.ids import RandomIds
from inventory_api.catalogue import price_changes, queries
from inventory_api.catalogue.tables import LocationRow, PictureRow, ProductRow, ZoneRow
from inventory_api.feeds.kinds import Kind
from inventory_api.feeds.progress import summary
from inventory_api.feeds.report import Outcome
from inventory_api.feeds.service import Importing
from inventory_api.feeds.tables import FeedRunRow
from inventory_api.stock import queries as stock
from inventory_api.stock import recount
from inventory_api.stock.model import Reason
from inventory_api.stock.service import move
from tests.fakes.clock import FakeClock
from tests.inventory_api.feed_desk import (
    COUNT,
    LOCATION,
    PNG,
    REVIEW,
    SECOND,
    VARIANT,
    Desk,
    reasons,
)


@pytest.fixture
def desk(engine: Engine, clock: FakeClock, tmp_path: Path) -> Desk:
    """A desk with a location and two variants in the database."""
    one = Desk(engine, clock, tmp_path)
    assert one.take("locations.jsonl", LOCATION).changed == 1
    assert one.take("catalogue.jsonl", VARIANT, SECOND).changed == 2
    return one


def test_everything_arrives(desk: Desk) -> None:
    """Every field of the rows is in the catalogue."""
    assert desk.take("reviews.jsonl", REVIEW).changed == 1
    with reading(desk.engine) as db:
        (place,) = queries.locations(db)
        product = queries.product(db, "lamp")
        found = queries.sellables(db, [Gtin("4006381333931"), Gtin("036000291452")], currency="PLN")
    assert place.opening_hours == {"mon": [["10:00", "20:00"]]}
    assert [bay.bay_id for bay in place.zones[0].bays] == ["A1", "A2"]
    assert (place.zones[0].name, place.zones[0].name_i18n) == ("Shop floor", {"pl": "Sala"})
    assert (place.name_i18n["he"], place.latitude) == ("רחוב הנמל", 53.35)
    red = product.variant("lamp-red")
    assert (red.prices, red.colour_hex) == ({"EUR": 18900, "PLN": 79900}, "#aa0000")
    assert (red.dimensions.weight_g, red.pictures[0].alt_i18n) == (1500, {"pl": "Lampa"})
    assert (desk.data / "pictures" / red.pictures[0].name).read_bytes() == PNG
    assert product.reviews.newest[0].text == "Świeci."
    (sellable,) = found.values()
    assert (sellable.sku, sellable.price_minor, sellable.currency) == ("lamp-red", 79900, "PLN")
    assert (sellable.name_i18n, sellable.picture_alt) == ({"pl": "Lampa"}, "A red lamp")


def test_what_has_languages_is_an_object_to_everybody(desk: Desk) -> None:
    """Also to who reads the rows themselves, and not a text that looks like one."""
    with reading(desk.engine) as db:
        place, product = db.exec(select(LocationRow)).one(), db.exec(select(ProductRow)).one()
        picture, zone = db.exec(select(PictureRow)).one(), db.exec(select(ZoneRow)).one()
    assert (place.name_i18n["he"], zone.name_i18n) == ("רחוב הנמל", {"pl": "Sala"})
    assert place.opening_hours == {"mon": [["10:00", "20:00"]]}
    assert (product.name_i18n, picture.alt_i18n) == ({"pl": "Lampa"}, {"pl": "Lampa"})


def test_the_same_files_again_change_nothing(desk: Desk) -> None:
    """No row, no version, no ledger entry."""
    desk.take("counts.jsonl", COUNT)
    desk.take("reviews.jsonl", REVIEW)
    before = desk.everything()
    desk.clock.advance(3600)
    for name in ("locations.jsonl", "catalogue.jsonl", "counts.jsonl", "reviews.jsonl"):
        outcome = desk.take(name)
        assert (outcome.taken, outcome.changed, outcome.refused) == (outcome.rows, 0, 0)
    assert desk.everything() == before


def test_a_changed_row_changes_itself_alone(desk: Desk) -> None:
    """A price that is gone, a picture that is gone, a new price: one row changed."""
    changed = {**VARIANT, "prices": {"EUR": 17900}, "pictures": []}
    assert desk.take("catalogue.jsonl", changed, SECOND).changed == 1
    with reading(desk.engine) as db:
        red = queries.product(db, "lamp").variant("lamp-red")
        told = price_changes.after(db, 0, 10)
    assert (red.prices, red.pictures) == ({"EUR": 17900}, [])
    assert [(one.gtin, one.currency, one.before_minor, one.price_minor) for one in told] == [
        ("04006381333931", "EUR", 18900, 17900)
    ]


def test_a_variant_that_is_no_longer_sold_has_no_price(desk: Desk) -> None:
    """A cart still knows its name."""
    desk.take("catalogue.jsonl", {**VARIANT, "active": False})
    with reading(desk.engine) as db:
        (found,) = queries.sellables(db, [Gtin("4006381333931")], currency="EUR").values()
    assert (found.name, found.price_minor) == ("Lamp", None)


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"prices": {"EUR": 0}}, "prices.EUR", "greater than 0"),
        ({"prices": {"EUR": -5}}, "prices.EUR", "greater than 0"),
        ({"prices": {"EUR": 9.5}}, "prices.EUR", "valid integer"),
        ({"prices": {"euro": 5}}, "prices.euro", "not an ISO 4217 currency"),
        ({"gtin": "4006381333930"}, "gtin", "check digit is 0, it should be 1"),
        ({"product_id": "La/mp"}, "product_id", "match pattern"),
        ({"colour_hex": "red"}, "colour_hex", "match pattern"),
        ({"product_name": " "}, "product_name", "at least 1 character"),
        ({"sku": "x" * 65}, "sku", "at most 64 characters"),
        ({"weight": 4}, "weight", "Extra inputs are not permitted"),
        ({"pictures": [{"path": "pictures/no.png"}]}, "pictures.0.path", "no such picture"),
        ({"pictures": [{"path": "../../etc/passwd"}]}, "pictures.0.path", "outside the feed's"),
        ({"pictures": [{"path": "/etc/passwd"}]}, "pictures.0.path", "outside the feed's"),
        ({"pictures": [{"path": "locations.jsonl"}]}, "pictures.0.path", "not WebP, PNG or JPEG"),
        ({"product_name": "a\0b"}, "", "NUL"),
    ],
)
def test_a_refused_variant(desk: Desk, change: dict[str, Any], column: str, reason: str) -> None:
    """The report names line, column and reason; nothing changed."""
    before = desk.everything()
    outcome = desk.take("catalogue.jsonl", SECOND, {**VARIANT, **change})
    assert (outcome.taken, outcome.refused) == (1, 1)
    ((line, named, said),) = reasons(outcome)
    assert (line, named) == (2, column)
    assert reason in said
    assert desk.everything() == before


def test_the_same_code_twice_in_a_file(desk: Desk) -> None:
    """The first row counts; the second is refused and says where the first is."""
    third = {**SECOND, "sku": "lamp-green"}
    outcome = desk.take("catalogue.jsonl", VARIANT, SECOND, third, VARIANT)
    assert reasons(outcome) == [
        (3, "gtin", "the GTIN 00000096385074 is on line 2 already"),
        (4, "sku", "the SKU lamp-red is on line 1 already"),
    ]


def test_a_gtin_of_another_sku(desk: Desk) -> None:
    """A code leads to one variant: the SKU that has it keeps it."""
    before = desk.everything()
    outcome = desk.take("catalogue.jsonl", {**SECOND, "sku": "other"})
    assert reasons(outcome) == [(1, "gtin", "the GTIN 00000096385074 belongs to the SKU lamp-blue")]
    assert desk.everything() == before


def test_rows_that_describe_a_product_differently(desk: Desk) -> None:
    """The first row says what the product is; the other is taken with a remark, every time."""
    other = {**SECOND, "product_name": "Lantern"}
    for _ in range(2):
        outcome = desk.take("catalogue.jsonl", VARIANT, other)
        assert (outcome.taken, outcome.changed, outcome.refused) == (2, 0, 0)
        assert reasons(outcome) == [
            (2, "product_id", "describes lamp otherwise than line 1 does, which is kept")
        ]


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"location_id": "moon"}, "location_id", "there is no location moon"),
        ({"sku": "no-such"}, "sku", "the catalogue has no SKU no-such"),
        ({"on_hand": -1}, "on_hand", "greater than or equal to 0"),
        ({"on_hand": 2_000_000}, "on_hand", "less than or equal to 1000000"),
        ({"on_hand": "5"}, "on_hand", "valid integer"),
        ({"zone_id": "cellar"}, "zone_id", "has no zone cellar"),
        ({"zone_id": "floor", "bay_id": "Z9"}, "bay_id", "has no bay Z9"),
        ({"bay_id": "A1"}, "zone_id", "needs its zone"),
    ],
)
def test_a_refused_count(desk: Desk, change: dict[str, Any], column: str, reason: str) -> None:
    """Named by column and reason; nothing changed."""
    before = desk.everything()
    outcome = desk.take("counts.jsonl", {**COUNT, **change})
    ((_, named, said),) = reasons(outcome)
    assert (outcome.refused, named) == (1, column)
    assert reason in said
    assert desk.everything() == before


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"gln": "5900000000001"}, "gln", "check digit is 1, it should be 8"),
        ({"timezone": "Mars/Base"}, "timezone", "not a time zone"),
        (
            {"opening_hours": {"mon": [["20:00", "10:00"]]}},
            "opening_hours.mon.0",
            "after it closes",
        ),
        ({"latitude": 95.0}, "latitude", "less than or equal to 90"),
        ({"location_id": "other"}, "gln", "belongs to the location harbour-street"),
    ],
)
def test_a_refused_location(desk: Desk, change: dict[str, Any], column: str, reason: str) -> None:
    """Named by column and reason; nothing changed."""
    before = desk.everything()
    outcome = desk.take("locations.jsonl", {**LOCATION, **change})
    ((_, named, said),) = reasons(outcome)
    assert named == column
    assert reason in said
    assert desk.everything() == before


def test_shelves_that_are_gone(desk: Desk) -> None:
    """What stood there keeps its pieces and loses its place."""
    desk.take("counts.jsonl", {**COUNT, "zone_id": "floor", "bay_id": "A2"})
    zone = {**LOCATION["zones"][0], "bays": [{"bay_id": "A1", "walk_order": 1}]}
    assert desk.take("locations.jsonl", {**LOCATION, "zones": [zone]}).changed == 1
    with reading(desk.engine) as db:
        (row,) = stock.of_sku(db, "lamp-red")
    assert (row.on_hand, row.zone_id, row.bay_id) == (5, "floor", None)


def test_a_count_again_does_not_bring_back_what_was_sold(desk: Desk) -> None:
    """The same file is the same count; ``again`` makes it a new one."""
    desk.take("counts.jsonl", COUNT)
    with unit_of_work(desk.engine) as db:
        move(
            db,
            desk.clock,
            location_id="harbour-street",
            sku="lamp-red",
            delta=-2,
            reason=Reason.SOLD,
        )
    assert desk.take("counts.jsonl").changed == 0
    assert desk.take("counts.jsonl", again=True).changed == 1
    with reading(desk.engine) as db:
        (row,) = stock.of_sku(db, "lamp-red")
        assert recount.differences(db, 10) == []
    assert (row.on_hand, row.available) == (5, 4)


def test_a_crash_in_the_middle(desk: Desk) -> None:
    """What was committed stays, the repeat does the rest, and what was sold stays sold."""
    rows = [COUNT, {**COUNT, "sku": "lamp-blue"}]
    path = desk.lines("counts.jsonl", *rows)

    def crash(_outcome: Outcome, _share: float) -> None:
        raise KeyboardInterrupt

    small = replace(desk.importing, chunk_rows=1)
    with pytest.raises(KeyboardInterrupt):
        small.take(Kind.COUNTS, path, progress=crash)
    with reading(desk.engine) as db:
        assert len(stock.of_sku(db, "lamp-red")) == 1
        assert stock.of_sku(db, "lamp-blue") == []
    with unit_of_work(desk.engine) as db:
        move(
            db,
            desk.clock,
            location_id="harbour-street",
            sku="lamp-red",
            delta=-1,
            reason=Reason.SOLD,
        )
    outcome = desk.take("counts.jsonl")
    assert (outcome.taken, outcome.changed) == (2, 1)
    with reading(desk.engine) as db:
        assert [row.on_hand for row in stock.of_sku(db, "lamp-red")] == [4]
        assert [row.on_hand for row in stock.of_sku(db, "lamp-blue")] == [5]
        assert recount.differences(db, 10) == []


def test_a_row_that_only_the_database_refuses(desk: Desk) -> None:
    """The others of its chunk are taken: a lone row at fault stops nothing."""
    with unit_of_work(desk.engine) as db:
        for event in ("INSERT", "UPDATE") if is_sqlite(desk.engine) else ():
            db.connection().execute(
                text(
                    f"CREATE TRIGGER stop_{event} BEFORE {event} ON price WHEN new.price_minor = 13"
                    " BEGIN SELECT raise(ABORT, 'unlucky'); END"
                )
            )
        if not is_sqlite(desk.engine):
            db.connection().execute(
                text("ALTER TABLE price ADD CONSTRAINT unlucky CHECK (price_minor <> 13)")
            )
    rows = [
        {**SECOND, "sku": f"lamp-{number}", "gtin": gtin}
        for number, gtin in enumerate(("036000291452", "4006381333948", _gtin(1)))
    ]
    rows[1]["prices"] = {"EUR": 13}
    outcome = desk.take("catalogue.jsonl", *rows)
    assert (outcome.taken, outcome.changed, outcome.refused) == (2, 2, 1)
    ((line, _, reason),) = reasons(outcome)
    assert line == 2
    assert "the database refuses it" in reason


def test_every_problem_is_in_the_report_file(desk: Desk) -> None:
    """A hundred on the terminal, all in the file."""
    outcome = desk.take("counts.jsonl", *({**COUNT, "sku": f"no-{n}"} for n in range(250)))
    assert (outcome.refused, len(outcome.shown), outcome.problems) == (250, 100, 250)
    assert outcome.report is not None
    lines = [json.loads(line) for line in outcome.report.read_text().splitlines()]
    assert [line["line"] for line in lines] == list(range(1, 251))
    assert lines[0] == {
        "line": 1,
        "column": "sku",
        "reason": "the catalogue has no SKU no-0",
        "refused": True,
    }
    shown = summary(outcome)
    assert len(shown) == 103
    assert shown[-2] == "  … and 150 more"
    assert "nothing changed" in shown[0]


def test_a_run_is_remembered(desk: Desk) -> None:
    """Which file, when, and what came of it; a run that was cut off has no end."""
    desk.take("counts.jsonl", COUNT, {**COUNT, "sku": "no-such"})
    with reading(desk.engine) as db:
        run = db.exec(select(FeedRunRow).where(FeedRunRow.kind == "counts")).one()
    assert (run.file_name, run.rows_taken, run.rows_changed, run.rows_refused) == (
        "counts.jsonl",
        1,
        1,
        1,
    )
    assert run.finished_at_us is not None


def test_two_imports_at_once(desk: Desk) -> None:
    """Two different catalogues taken at the same time both end up whole, and nobody deadlocks."""
    names = []
    for half in range(2):
        rows = [
            {
                **SECOND,
                "sku": f"s{half}-{number}",
                "gtin": _gtin(half * 1000 + number),
                "product_id": f"p{number % 7}",
            }
            for number in range(60)
        ]
        names.append(desk.lines(f"catalogue-{half}.jsonl", *(rows if half else rows[::-1])))
    small = [
        Importing(desk.engine, SystemClock(), RandomIds(), desk.data, chunk_rows=7) for _ in names
    ]
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(one.take, Kind.CATALOGUE, path)
            for one, path in zip(small, names, strict=True)
        ]
        outcomes = [run.result(60) for run in runs]
    assert [outcome.taken for outcome in outcomes] == [60, 60]
    with reading(desk.engine) as db:
        assert db.connection().execute(text("SELECT count(*) FROM variant")).scalar() == 122


def _gtin(number: int) -> str:
    payload = f"290{number:09d}"
    return payload + str(check_digit(payload))
