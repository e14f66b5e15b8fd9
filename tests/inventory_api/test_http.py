"""The HTTP API of catalogue and stock, over the real application."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.errors import CarryoverError
from cart.kernel.ids import SeededIds
from inventory_api.catalogue.tables import PictureRow, PriceRow, ReviewRow
from inventory_api.feeds.kinds import Kind
from inventory_api.feeds.service import Importing
from inventory_api.router import InventoryParts, router, serve
from inventory_api.stock import service
from inventory_api.stock.model import Reason
from tests.fakes.clock import FakeClock
from tests.inventory_api.shelf import GTINS, OTHER, SHOP, SKUS, fill


@pytest.fixture
def client(engine: Engine, clock: FakeClock, tmp_path: Path) -> TestClient:
    """A client of an application that has nothing but these routes and an error's code."""
    fill(engine)
    with unit_of_work(engine) as db:
        db.add(PriceRow(sku=SKUS[0], currency="EUR", price_minor=18900))
        db.add(PictureRow(sku=SKUS[0], position=0, name="a.webp", alt="A lamp"))
        for number in range(7):
            db.add(
                ReviewRow(
                    id=str(number),
                    product_id="lamp",
                    author="A",
                    rating=5 if number else 1,
                    text=f"review {number}",
                    language="en",
                    written_on=date(2026, 1, 1 + number),
                )
            )
        service.move(db, clock, location_id=SHOP, sku=SKUS[0], delta=4, reason=Reason.RECEIVED)
    app = FastAPI()
    app.include_router(router)
    serve(app, InventoryParts(engine, clock, tmp_path))

    @app.exception_handler(CarryoverError)
    def refused(_: Request, error: CarryoverError) -> JSONResponse:
        return JSONResponse({"code": error.code}, 400)

    return TestClient(app)


@pytest.mark.parametrize(
    "code",
    [
        GTINS[0],
        "4006381333931",
        "https%3A%2F%2Fshop.example%2F01%2F04006381333931%3F10%3DABC",
        "https://shop.example/01/04006381333931",
        SKUS[0],
    ],
)
def test_an_item_by_any_of_its_codes(client: TestClient, code: str) -> None:
    """GTIN, Digital Link and SKU all lead to the variant, with its siblings around it."""
    found = client.get(f"/api/v1/catalogue/items/{code}").json()
    assert (found["sku"], found["gtin"]) == (SKUS[0], GTINS[0])
    product = found["product"]
    assert [variant["sku"] for variant in product["variants"]] == sorted(SKUS)
    (red,) = [variant for variant in product["variants"] if variant["sku"] == SKUS[0]]
    assert red["prices"] == {"EUR": 18900}
    assert red["pictures"] == [{"name": "a.webp", "alt": "A lamp", "alt_i18n": {}}]
    assert (product["reviews"]["average"], product["reviews"]["count"]) == (4.4, 7)
    assert [review["text"] for review in product["reviews"]["newest"]] == [
        f"review {number}" for number in (6, 5, 4, 3, 2)
    ]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("items/4006381333948", "unknown_gtin"),
        ("items/4006381333930", "unknown_sku"),
        ("items/https%3A%2F%2Fshop.example%2F01%2F04006381333930", "invalid_gtin"),
        ("items/no-such", "unknown_sku"),
        ("products/no-such", "unknown_product"),
    ],
)
def test_what_is_not_there(client: TestClient, path: str, code: str) -> None:
    """Each refusal has its own code."""
    answer = client.get(f"/api/v1/catalogue/{path}")
    assert (answer.status_code, answer.json()) == (400, {"code": code})


@pytest.mark.parametrize("path", ["items/a%00b", "products/a%00b", f"items/{'1' * 3000}"])
def test_what_no_code_can_be(client: TestClient, path: str) -> None:
    """It is refused before a database sees it."""
    assert client.get(f"/api/v1/catalogue/{path}").status_code == 422


def test_locations(client: TestClient) -> None:
    """All of them, by id."""
    found = client.get("/api/v1/locations").json()["locations"]
    assert [place["location_id"] for place in found] == [SHOP, OTHER]


def test_availability_of_many_at_many(client: TestClient, clock: FakeClock) -> None:
    """One answer for every pair, saying when it was read, and which names nobody knows."""
    asked = {"skus": [*SKUS, "no-such"], "location_ids": [SHOP, OTHER, "moon"]}
    answer = client.post("/api/v1/availability", json=asked).json()
    moment = clock.now().isoformat().replace("+00:00", "Z")
    assert answer["as_of"] == moment
    assert (answer["unknown_skus"], answer["unknown_location_ids"]) == (["no-such"], ["moon"])
    assert len(answer["availability"]) == 6
    assert answer["availability"][0] == {
        "location_id": SHOP,
        "sku": SKUS[0],
        "available": 4,
        "version": 1,
        "changed_at": moment,
        "as_of": moment,
    }
    assert [line["available"] for line in answer["availability"][1:]] == [0] * 5


@pytest.mark.parametrize(
    "asked",
    [
        {"skus": ["a"] * 201, "location_ids": ["b"]},
        {"skus": ["a"], "location_ids": ["b"] * 51},
        {"skus": [], "location_ids": ["b"]},
        {"skus": ["a"], "location_ids": ["b"], "more": 1},
        {"skus": ["a\0"], "location_ids": ["b"]},
    ],
)
def test_availability_has_limits(client: TestClient, asked: dict[str, object]) -> None:
    """200 SKUs, 50 locations, and nothing unknown."""
    assert client.post("/api/v1/availability", json=asked).status_code == 422


def test_the_snapshot(client: TestClient, engine: Engine, tmp_path: Path) -> None:
    """One product per line, compressed or not; a new tag only when something has changed."""
    path = "/api/v1/catalogue/snapshot"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.text == packed.text
    (product,) = [json.loads(line) for line in plain.text.splitlines()]
    assert product == client.get("/api/v1/catalogue/products/lamp").json()
    tag = plain.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304

    feed = tmp_path / "reviews.jsonl"
    feed.write_text(
        '{"product_id":"lamp","author":"B","rating":2,"language":"en","written_on":"2026-03-01"}\n'
    )
    importing = Importing(engine, FakeClock(), SeededIds(1), tmp_path)
    assert importing.take(Kind.REVIEWS, feed).changed == 1
    changed = client.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    assert json.loads(changed.text)["reviews"]["count"] == 8
    (file, _) = sorted((tmp_path / "snapshots").iterdir(), key=lambda one: -one.stat().st_mtime_ns)
    assert gzip.decompress(file.read_bytes()) == changed.content
