"""The demo's goods: codes that hold, texts in three languages, pictures that open."""

import json
from collections import Counter
from math import cos, hypot, radians
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cart.kernel.gtin import Gtin, check_digit
from firmware_sim.goods import Goods, generate, icon
from firmware_sim.goods.assortment import products
from firmware_sim.goods.forms import FORMS
from firmware_sim.goods.ink.colour import PAPER
from firmware_sim.goods.ink.plate import Plate
from firmware_sim.goods.pictures import SIDE_PX, SMALL_PX, draw, draw_all, small
from tests.firmware_sim.drawn import CACHE

FEEDS = ("locations.jsonl", "catalogue.jsonl", "counts.jsonl", "reviews.jsonl")
KM_PER_DEGREE = 111.2
HEBREW = range(0x5D0, 0x5EB)


def rows(goods: Goods, name: str) -> list[dict[str, Any]]:
    """Read a feed back."""
    text = (goods.out_dir / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def goods(tmp_path_factory: pytest.TempPathFactory) -> Goods:
    """Generate the feeds, without pictures."""
    return generate(tmp_path_factory.mktemp("goods"), with_pictures=False)


def test_the_range_is_as_wide_as_promised(goods: Goods) -> None:
    """128 products in 38 forms make 614 variants, each with a SKU of its own."""
    catalogue = rows(goods, "catalogue")
    assert len(goods.products) == len({row["product_id"] for row in catalogue}) == 128
    assert len(catalogue) == len({row["sku"] for row in catalogue}) == 614
    assert len({product.form for product in goods.products}) == len(FORMS) == 38


def test_every_gtin_is_valid_and_belongs_to_one_variant(goods: Goods) -> None:
    """All three symbologies appear; no code is given twice, padded or not."""
    printed = [row["gtin"] for row in rows(goods, "catalogue")]
    assert len({Gtin(text) for text in printed}) == len(printed)
    assert all(Gtin(text).shortest == text for text in printed)
    lengths = Counter(map(len, printed))
    assert set(lengths) == {8, 12, 13}
    assert {name: len(codes) for name, codes in goods.gtins.items()} == {
        "ean13": lengths[13],
        "ean8": lengths[8],
        "upca": lengths[12],
    }


def test_every_text_is_there_in_three_languages(goods: Goods) -> None:
    """Names, descriptions, colours and picture texts; the Hebrew is in Hebrew letters."""
    for row in rows(goods, "catalogue"):
        texts = [
            (row["product_name"], row["product_name_i18n"]),
            (row["description"], row["description_i18n"]),
            (row["colour"], row["colour_i18n"]),
        ]
        for english, others in texts:
            assert english.strip()
            assert set(others) == {"he", "pl"}
            assert any(ord(letter) in HEBREW for letter in others["he"])
            assert others["pl"].strip()
    for product in goods.products:
        for variant in product.variants:
            for picture in variant.pictures:
                assert picture.alt.en.startswith(f"{product.name.en}, {variant.colour.en}")
                assert any(ord(letter) in HEBREW for letter in picture.alt.he)
                assert picture.alt.pl.startswith(product.name.pl)


def test_prices_are_positive_in_every_currency(goods: Goods) -> None:
    """Minor units, whole numbers, in euro, złoty and shekel."""
    for row in rows(goods, "catalogue"):
        assert set(row["prices"]) == {"EUR", "PLN", "ILS"}
        assert all(type(minor) is int and minor > 0 for minor in row["prices"].values())
        assert all(type(side) is int and side > 0 for side in row["dimensions"].values())


def test_locations_are_three_real_places(goods: Goods) -> None:
    """GLNs hold their check digit; the other two are about 2 and 6 km from Harbour Street."""
    locations = rows(goods, "locations")
    assert [row["location_id"] for row in locations] == list(goods.location_ids)
    assert goods.location_ids == ("harbour-street", "mill-lane", "old-station")
    for row in locations:
        assert len(row["gln"]) == 13
        assert int(row["gln"][-1]) == check_digit(row["gln"][:-1])
        assert set(row["opening_hours"]) == {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
        assert sorted(zone["walk_order"] for zone in row["zones"]) == list(range(1, 9))
        for zone in row["zones"]:
            assert set(zone["name_i18n"]) == {"he", "pl"}
            assert len({zone["name"], *zone["name_i18n"].values()}) == 3
    here, near, far = ((row["latitude"], row["longitude"]) for row in locations)
    assert kilometres(here, near) == pytest.approx(2, abs=0.2)
    assert kilometres(here, far) == pytest.approx(6, abs=0.2)


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places near each other."""
    east = (one[1] - other[1]) * cos(radians(one[0]))
    return hypot(one[0] - other[0], east) * KM_PER_DEGREE


def test_counts_name_existing_bays_and_are_uneven(goods: Goods) -> None:
    """Every SKU is counted once per location; some lack, some are few, some plenty."""
    bays = {
        (row["location_id"], zone["zone_id"], bay["bay_id"])
        for row in rows(goods, "locations")
        for zone in row["zones"]
        for bay in zone["bays"]
    }
    counts = rows(goods, "counts")
    assert len(counts) == len({(row["location_id"], row["sku"]) for row in counts}) == 3 * 614
    assert {(row["location_id"], row["zone_id"], row["bay_id"]) for row in counts} <= bays
    for location_id in goods.location_ids:
        here = [row["on_hand"] for row in counts if row["location_id"] == location_id]
        assert here.count(0) > 30
        assert sum(1 <= number <= 3 for number in here) > 100
        assert sum(number > 3 for number in here) > 200
    assert all(0 <= row["safety_stock"] <= 2 for row in counts)


def test_reviews_fit_their_product_and_language(goods: Goods) -> None:
    """At most 60 for a product, ratings 1 to 5 all given, each language read and written."""
    reviews = rows(goods, "reviews")
    assert {row["product_id"] for row in reviews} <= {one.product_id for one in goods.products}
    numbers = Counter(row["product_id"] for row in reviews)
    assert max(numbers.values()) <= 60
    assert {row["rating"] for row in reviews} == {1, 2, 3, 4, 5}
    assert {row["language"] for row in reviews} == {"en", "he", "pl"}
    for row in reviews:
        hebrew = any(ord(letter) in HEBREW for letter in row["text"])
        assert hebrew == (row["language"] == "he")


def test_the_same_seed_writes_the_same_bytes(goods: Goods, tmp_path: Path) -> None:
    """And another seed other ones."""
    again = generate(tmp_path / "again", with_pictures=False)
    other = generate(tmp_path / "other", seed=8, with_pictures=False)
    for name in FEEDS:
        assert (goods.out_dir / name).read_bytes() == (again.out_dir / name).read_bytes()
    assert (goods.out_dir / "counts.jsonl").read_bytes() != (
        other.out_dir / "counts.jsonl"
    ).read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)  # two minutes on a busy machine, where nobody has drawn them yet
def test_every_picture_opens_at_its_size(tmp_path: Path) -> None:
    """Each named picture and its small copies are WebP of the stated size."""
    goods = generate(tmp_path / "goods", cache_dir=CACHE)
    paths = {one["path"] for row in rows(goods, "catalogue") for one in row["pictures"]}
    assert goods.pictures_drawn <= len(paths) == 484  # the others were drawn for the demo
    for path in paths:
        for name, side in ((path, SIDE_PX), *((small(path, side), side) for side in SMALL_PX)):
            with Image.open(goods.out_dir / name) as image:
                image.load()
                assert (image.format, image.size) == ("WEBP", (side, side))
    again = generate(tmp_path / "again", cache_dir=CACHE)
    assert again.pictures_drawn == 0
    for path in paths:
        assert (again.out_dir / path).read_bytes() == (goods.out_dir / path).read_bytes()


def test_a_picture_is_drawn_alike_each_time_and_kept(tmp_path: Path) -> None:
    """One product's pictures, drawn twice, are the same; the cache is used the second time."""
    lamp = products(7)[:1]
    count = len({one.path for variant in lamp[0].variants for one in variant.pictures})
    assert draw_all(lamp, tmp_path / "one", tmp_path / "cache") == count
    assert draw_all(lamp, tmp_path / "two", tmp_path / "cache") == 0
    first = lamp[0].variants[0].pictures[0]
    assert draw(first).tobytes() == draw(first).tobytes()
    assert (tmp_path / "one" / first.path).read_bytes() == (
        tmp_path / "two" / first.path
    ).read_bytes()


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_fills_its_plate_and_leaves_paper_around(form: str) -> None:
    """The middle is not paper, the corners are."""
    product = next(one for one in products(7) if one.form == form)
    image = draw(product.variants[0].pictures[0]).reduce(20)
    empty = Plate(SIDE_PX).image.reduce(20)
    changed = sum(
        image.getpixel((x, y)) != empty.getpixel((x, y)) for x in range(40) for y in range(40)
    )
    assert changed > 160
    for corner in ((0, 0), (39, 0), (0, 39), (39, 39)):
        pixel = image.getpixel(corner)
        assert isinstance(pixel, tuple)
        assert all(abs(a - b) < 20 for a, b in zip(pixel, PAPER, strict=True))


def test_the_committed_icons_are_what_the_code_draws(tmp_path: Path) -> None:
    """SVG and PNG of the stated sizes; the drawing stays in the maskable safe circle."""
    icon.write(tmp_path)
    committed = Path(__file__).parents[2] / "mobile_api" / "static"
    assert (committed / "icon.svg").read_text() == (tmp_path / "icon.svg").read_text()
    for side in icon.SIZES_PX:
        with (
            Image.open(committed / f"icon-{side}.png") as image,
            Image.open(tmp_path / f"icon-{side}.png") as drawn,
        ):
            assert image.size == (side, side)
            assert image.convert("RGB").tobytes() == drawn.convert("RGB").tobytes()
            ground = image.convert("RGB").getpixel((0, 0))
            outside = [
                image.convert("RGB").getpixel((x, side // 2)) for x in range(int(side * 0.1))
            ]
            assert set(outside) == {ground}
