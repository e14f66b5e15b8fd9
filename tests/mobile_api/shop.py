"""A small shop for the phone's tests, put straight into the tables; and how phones act."""

import uuid
from typing import Any

from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.kernel.clock import Clock
from inventory_api.catalogue.tables import (
    LocationRow,
    PictureRow,
    PriceRow,
    ProductRow,
    ReviewRow,
    VariantRow,
)
from inventory_api.stock import service
from inventory_api.stock.model import Reason

SECRET = "a secret of more than thirty-two characters"
HERE, THERE = "harbour-street", "mill-lane"
RED, BLUE, MUG = "04006381333931", "00000096385074", "00036000291452"
HOURS = {day: [["09:00", "20:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat")}
# Two kilometres apart, as the crow flies.
PLACES = {HERE: ("Harbour Street", 51.9, -8.47), THERE: ("Mill Lane", 51.918, -8.47)}


def fill(engine: Engine, clock: Clock) -> None:
    """Put a lamp in two colours and a mug; three red lamps here, five there."""
    with unit_of_work(engine) as db:
        db.add(
            ProductRow(
                id="arc-lamp",
                name="Arc <lamp>",
                name_i18n={"he": "מנורת קשת", "pl": "Lampa łukowa"},
                description="Bends over a table.",
                category="Lamps",
                brand="Harbour & Mill",
            )
        )
        db.add(ProductRow(id="mug", name="Harbour mug", name_i18n={"pl": "Kubek"}))
        db.flush()
        for sku, gtin, product_id, colour, price in (
            ("lamp-red", RED, "arc-lamp", "red", 18_900),
            ("lamp-blue", BLUE, "arc-lamp", "blue", 19_900),
            ("mug", MUG, "mug", "", 1_250),
        ):
            db.add(
                VariantRow(sku=sku, gtin=gtin, product_id=product_id, colour=colour, height_mm=1500)
            )
            db.flush()
            db.add(PriceRow(sku=sku, currency="EUR", price_minor=price))
            db.add(PictureRow(sku=sku, position=0, name=f"{'ab' * 20}.webp", alt=colour))
        for place, (location_id, (name, latitude, longitude)) in enumerate(PLACES.items()):
            db.add(
                LocationRow(
                    id=location_id,
                    gln=f"590000000000{place}",
                    name=name,
                    city="Cork",
                    country="IE",
                    latitude=latitude,
                    longitude=longitude,
                    timezone="Europe/Dublin",
                    opening_hours=HOURS,
                )
            )
        db.add(
            ReviewRow(
                id="r1",
                product_id="arc-lamp",
                author="Ada",
                rating=5,
                text="Bright.",
                language="en",
                written_on=clock.now().date(),
            )
        )
    stock(engine, clock, HERE, "lamp-red", 3)
    stock(engine, clock, THERE, "lamp-red", 5)
    stock(engine, clock, THERE, "mug", 40)


def stock(engine: Engine, clock: Clock, location_id: str, sku: str, delta: int) -> None:
    """Move stock, as a delivery or a sale does."""
    with unit_of_work(engine) as db:
        service.move(
            db, clock, location_id=location_id, sku=sku, delta=delta, reason=Reason.RECEIVED
        )


def key() -> dict[str, str]:
    """Return the header of a fresh Idempotency-Key."""
    return {"Idempotency-Key": uuid.uuid4().hex}


def add(phone: TestClient, gtin: str = RED, quantity: int = 1, **more: Any) -> Any:  # noqa: ANN401
    """Put an article into the phone's cart; return the cart."""
    body = {"gtin": gtin, "quantity": quantity, "location_id": HERE, **more}
    answer = phone.post("/api/v1/cart/lines", json=body, headers=key())
    assert answer.status_code == 201, answer.text
    return answer.json()


def quantities(phone: TestClient) -> dict[str, int]:
    """Return the phone's cart as GTIN to pieces."""
    cart = phone.get("/api/v1/cart").json()
    return {line["gtin"]: line["quantity"] for line in cart["lines"]}
