"""Files as they really come: CSV in several dialects, marks, encodings, and empty ones."""

from pathlib import Path
from typing import Any

import pytest

from cart.kernel.errors import UnusableFeed
from inventory_api.feeds import rows
from inventory_api.feeds.kinds import Kind, files_of, kind_of
from inventory_api.feeds.reading import LINE_BYTES_MAX, Reader

MODELS: dict[Kind, type[rows.Row]] = {
    Kind.LOCATIONS: rows.LocationRow,
    Kind.CATALOGUE: rows.CatalogueRow,
    Kind.COUNTS: rows.CountRow,
    Kind.REVIEWS: rows.ReviewRow,
}
HEADER = "location_id,sku,on_hand\n"


def read(path: Path, kind: Kind | None = None) -> list[tuple[int, Any]]:
    """Read a file whole: line numbers with a row, or with (column, reason) pairs."""
    kind = kind or kind_of(path)
    return [
        (line, [(one.column, one.reason) for one in row] if isinstance(row, list) else row)
        for line, row in Reader(path, kind, MODELS[kind]).rows()
    ]


def test_a_catalogue_in_csv(tmp_path: Path) -> None:
    """Flat columns become the row that JSON Lines carry, whatever the delimiter and the mark."""
    header = (
        "sku;gtin;product_id;product_name;product_name_pl;colour;colour_he;width_mm;price_EUR;"
        "price_JPY;picture_1;picture_2;picture_2_alt;picture_2_alt_pl;active;description"
    )
    row = 'a;4006381333931;lamp;Lamp;Lampa;red;אדום;200;189.00;25000;;b.png;B;Be;no;"a\r\nb; x"'
    path = tmp_path / "catalogue.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{header}\r\n{row}\r\n\r\n{row}\r\n".encode())
    (first, second) = read(path)
    assert (first[0], second[0]) == (2, 5)
    found = first[1]
    assert isinstance(found, rows.CatalogueRow)
    assert found.product_name_i18n == {"pl": "Lampa"}
    assert found.colour_i18n == {"he": "אדום"}
    assert (found.dimensions.width_mm, found.dimensions.height_mm) == (200, None)
    assert found.prices == {"EUR": 18900, "JPY": 25000}
    assert [one.model_dump() for one in found.pictures] == [
        {"path": "b.png", "alt": "B", "alt_i18n": {"pl": "Be"}}
    ]
    assert (found.active, found.description) == (False, "a\r\nb; x")


def test_locations_and_reviews_in_csv(tmp_path: Path) -> None:
    """Opening hours by day, zones with their bays in one cell."""
    places = tmp_path / "locations.csv"
    places.write_text(
        "location_id,gln,name,name_he,country,timezone,hours_mon,zones_pl,zones\n"
        "mill-lane,5900000000008,Mill Lane,שם,IE,Europe/Dublin,10:00-14:00 15:00-20:00,"
        "back=Zaplecze; floor=Sala,"
        '"floor=Shop floor:A1 A2; back"\n',
        encoding="utf-8",
    )
    ((_, place),) = read(places)
    assert place.opening_hours == {"mon": [["10:00", "14:00"], ["15:00", "20:00"]]}
    assert [(zone.zone_id, zone.name, zone.name_i18n, len(zone.bays)) for zone in place.zones] == [
        ("floor", "Shop floor", {"pl": "Sala"}, 2),
        ("back", "", {"pl": "Zaplecze"}, 0),
    ]
    reviews = tmp_path / "reviews.csv"
    reviews.write_text("product_id,author,rating,language,written_on\nlamp,Ola,4,pl,2026-02-01\n")
    ((_, review),) = read(reviews)
    assert (review.rating, review.written_on.isoformat()) == (4, "2026-02-01")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("floor=Sala; cellar=Piwnica", "the column zones has no zone cellar"),
        (f"floor={'S' * 201}", "at most 200 characters"),
    ],
)
def test_zone_names_that_cannot_be_taken(tmp_path: Path, names: str, reason: str) -> None:
    """The refusal names the column of that language."""
    places = tmp_path / "locations.csv"
    places.write_text(
        "location_id,gln,name,country,timezone,zones,zones_pl\n"
        f"mill-lane,5900000000008,Mill Lane,IE,Europe/Dublin,floor=Shop floor:A1,{names}\n"
    )
    ((line, [(column, why)]),) = read(places)
    assert (line, column) == (2, "zones_pl")
    assert reason in why


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ("a,b,", "on_hand", "Field required"),
        ("a,b,five", "on_hand", "'five' is not a whole number"),
        ("a,b,5.0", "on_hand", "'5.0' is not a whole number"),
        ("a,b,-1", "on_hand", "greater than or equal to 0 (it is '-1')"),
        ("A B,b,1", "location_id", "match pattern"),
        ("a,b", "", "the row has 2 cells, the header 3"),
        ("a,b,1,2", "", "the row has 4 cells, the header 3"),
        ('a,"b"c,1', "", "not a CSV row"),
    ],
)
def test_a_refused_csv_row(tmp_path: Path, cells: str, column: str, reason: str) -> None:
    """The rows around it are read; its line and column have the names that the file gives."""
    path = tmp_path / "counts.csv"
    path.write_text(f"{HEADER}x,y,1\n{cells}\nx,z,2\n")
    first, second, third = read(path)
    assert (first[0], second[0], third[0]) == (2, 3, 4)
    ((named, said),) = second[1]
    assert named == column
    assert reason in said


def test_money_in_csv(tmp_path: Path) -> None:
    """A decimal with a point, as exact as the currency is, and above zero."""
    path = tmp_path / "catalogue.csv"
    start = "4006381333931,lamp,Lamp"
    path.write_text(
        "sku,gtin,product_id,product_name,price_EUR\n"
        f'a,{start},1.999\nb,{start},"1,99"\nc,{start},0\nd,{start},189\n'
    )
    found = [row for _, row in read(path)]
    assert found[0] == [("price_EUR", "'1.999' has more decimals than EUR has")]
    assert found[1] == [("price_EUR", "'1,99' is not an amount such as 189.00")]
    assert found[2] == [("price_EUR", "Input should be greater than 0 (it is '0')")]
    assert found[3].prices == {"EUR": 18900}


@pytest.mark.parametrize("name", ["counts.csv", "counts.jsonl"])
def test_a_row_that_is_not_utf_8(tmp_path: Path, name: str) -> None:
    """It is refused with the cure; the others are read."""
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_bytes(HEADER.encode() + b"a,b,1\na,caf\xe9,2\na,c,3\n")
    else:
        row = b'{"location_id":"a","sku":"%s","on_hand":1}\n'
        path.write_bytes(row % b"b" + row % b"caf\xe9" + row % b"c")
    found = read(path)
    assert len(found) == 3
    ((_, reason),) = found[1][1]
    assert reason == "the row is not UTF-8 text; save the file as UTF-8"


def test_json_lines_that_are_none(tmp_path: Path) -> None:
    """Broken JSON, another type, a line without end: each is a problem of its line."""
    path = tmp_path / "counts.jsonl"
    good = '{"location_id":"a","sku":"b","on_hand":1}'
    path.write_text("\n".join(["{", "[]", "", "x" * (LINE_BYTES_MAX * 3), good]), encoding="utf-8")
    found = read(path)
    assert [line for line, _ in found] == [1, 2, 4, 5]
    assert "Invalid JSON" in found[0][1][0][1]
    assert "should be an object" in found[1][1][0][1]
    assert "longer than" in found[2][1][0][1]
    assert found[3][1].sku == "b"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("counts.csv", b"", "is empty"),
        ("counts.jsonl", b"", "has no rows"),
        ("counts.jsonl", b"\n\n", "has no rows"),
        ("counts.csv", HEADER.encode(), "has no rows"),
        ("counts.csv", b"sku;on\r_hand\n", "has a header that is no CSV row"),
        ("counts.csv", b"a,b,1\na,c,2\n", "has no header, or an unknown column"),
        ("counts.csv", b"location_id,sku,onhand\na,b,1\n", "'onhand' is none of a counts feed's"),
        ("counts.csv", b"location_id,sku,onhand\na,b,1\n", "is it on_hand?"),
        ("counts.csv", b"location_id,sku\na,b\n", "lacks the column on_hand"),
        ("counts.csv", b"location_id,sku,on_hand,sku\na,b,1,b\n", "has a column twice"),
        ("counts.csv", b"caf\xe9,sku\n", "is not UTF-8"),
        ("counts.csv", "location_id".encode("utf-16"), "is UTF-16"),
    ],
)
def test_an_unusable_file(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """It is refused whole, in one sentence that says what to do."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnusableFeed) as refused:
        read(path)
    assert reason in refused.value.message
    assert name in refused.value.message


def test_kinds_by_name(tmp_path: Path) -> None:
    """A folder is taken in the order in which feeds build on each other; other files stay."""
    for name in ("reviews.csv", "counts-2026-11-22.jsonl", "Locations.CSV", "my_catalogue.ndjson"):
        (tmp_path / name).touch()
    (tmp_path / "notes.csv").touch()
    (tmp_path / "readme.txt").touch()
    assert [(kind.value, path.name) for kind, path in files_of([tmp_path], None)] == [
        ("locations", "Locations.CSV"),
        ("catalogue", "my_catalogue.ndjson"),
        ("counts", "counts-2026-11-22.jsonl"),
        ("reviews", "reviews.csv"),
    ]
    assert files_of([tmp_path / "notes.csv"], Kind.COUNTS) == [
        (Kind.COUNTS, tmp_path / "notes.csv")
    ]
    for path in (tmp_path / "notes.csv", tmp_path / "readme.txt", tmp_path / "no", tmp_path / "x"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(UnusableFeed):
            files_of([path], None)
