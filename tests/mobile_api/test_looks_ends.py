"""What becomes of looks with an erasure and an export, and what the shop learns of them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import BytesIO
from json import loads
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlmodel import Session
from starlette.testclient import TestClient

from cart.carts.service import open_session
from cart.db import make_engine, unit_of_work
from cart.looks import numbers
from cart.looks.tables import LookItemRow, LookKeyRow, LookRow
from cart.orders.tables import OrderLineRow, OrderRow
from cart.personal.finding import ids_of
from cart.profile.queries import customer_of
from mobile_api.rights import erasing
from mobile_api.rights.registry import REGISTRY
from tests.fakes.clock import FakeClock
from tests.mobile_api.looking import IDS, VIDEO, Mirror, count, files, sweep
from tests.mobile_api.shop import HERE, MUG, RED, THERE
from tests.mobile_api.signing_in import ADA, BEN, sign_in

MakePhone = Callable[[], TestClient]
TABLES = ("look", "look_key", "look_phone", "look_item", "look_upload", "look_piece")


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """One database: erasing by the registry is tried on both elsewhere."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


def test_an_erasure_leaves_neither_row_nor_object_of_hers_and_all_of_others(
    app: FastAPI, phone: TestClient, another_phone: MakePhone
) -> None:
    """Also of a look that is still coming in."""
    mirror = Mirror(app)
    hers = mirror.kept(phone)
    sign_in(app, phone, ADA)
    ben = another_phone()
    bens = mirror.kept(ben, visit="v2")
    sign_in(app, ben, BEN)
    sweep(app)
    parts = app.state.parts
    half = f"uploads/{_upload_of(app, hers)}/000000000000-1"
    parts.objects.put(half, [b"x"])
    with unit_of_work(parts.engine) as db:
        customer_id = customer_of(db, ADA) or ""
        erasure_id, _ = erasing.ask(
            db,
            parts.clock,
            parts.ids,
            parts.secret,
            customer_id=customer_id,
            asked_by="customer",
        )
    assert erasing.write_evidence(parts, erasure_id)
    with unit_of_work(parts.engine) as db:
        found = ids_of(db, REGISTRY, customer_id)
    assert erasing.erase_objects(parts, found) == 1
    erasing.erase_rows(parts, erasure_id, {})
    assert files(app) == [f"looks/{bens}/sheet", f"looks/{bens}/video"]
    assert [count(app, table) for table in TABLES[:4]] == [1, 1, 1, 1]
    assert ben.get(f"/looks/{bens}/video").content == VIDEO


def _upload_of(app: FastAPI, look_id: str) -> str:
    with app.state.parts.engine.connect() as connection:
        asked = text("SELECT id FROM look_upload WHERE look_id = :look LIMIT 1")
        found: str = connection.execute(asked, {"look": look_id}).scalar_one()
    return found


def test_her_export_lists_looks_without_what_opens_them(app: FastAPI, phone: TestClient) -> None:
    """Where, when and what was tried on; neither keys nor pictures."""
    look_id = Mirror(app).kept(phone)
    sign_in(app, phone, ADA)
    answer = phone.post("/api/v1/account/export")
    with ZipFile(BytesIO(answer.content)) as archive:
        tables = loads(archive.read("data.json"))["tables"]
        page = archive.read("index.html").decode()
    assert [(one["id"], one["location_id"]) for one in tables["look"]] == [(look_id, HERE)]
    assert [one["gtin"] for one in tables["look_item"]] == [RED]
    assert set(tables["look_key"][0]) == {"created_at"}
    assert "Turns before a mirror that you kept" in page


def tried_by(db: Session, clock: FakeClock, shoppers: int, *, bought: int, place: str) -> None:
    """Let so many shoppers try a mug on, and some of them buy it after."""
    for number in range(shoppers):
        session = open_session(db, clock, IDS)
        key_id, look_id = IDS.new("lookkey"), IDS.new("look")
        now = clock.now()
        db.add(LookKeyRow(id=key_id, session_id=session.id, public_key="x", created_at=now))
        db.flush()
        look = LookRow(
            id=look_id,
            key_id=key_id,
            device_id="mir-1",
            location_id=place,
            visit="v",
            state="kept",
            grant_hash=look_id,
            taken_at=now - timedelta(hours=1),
            expires_at=now + timedelta(days=30),
        )
        db.add(look)
        db.flush()
        db.add(LookItemRow(look_id=look_id, gtin=MUG, position=0))
        if number < bought:
            db.flush()
            purchase(db, session.id, now)


def purchase(db: Session, session_id: str, at: datetime) -> None:
    """Put an order of a mug straight into the tables: how one is bought is tried elsewhere."""
    order = OrderRow(
        id=IDS.new("order"),
        checkout_id=IDS.new("checkout"),
        session_id=session_id,
        location_id=HERE,
        currency="EUR",
        state="shipped",
        method="ship",
        ticket="A1",
        total_minor=1_250,
        tax_minor=0,
        promise_at=at,
        placed_at=at,
    )
    db.add(order)
    db.flush()
    db.add(
        OrderLineRow(
            id=IDS.new("line"),
            order_id=order.id,
            position=0,
            gtin=MUG,
            sku="mug",
            quantity=1,
            price_minor=1_250,
            name="Mug",
            stock_reference="",
        )
    )


@pytest.mark.parametrize(
    ("shoppers", "bought", "told"),
    [
        (4, 0, None),
        (5, 0, (5, None, None)),
        (10, 4, (10, None, None)),
        (10, 5, (10, 5, 5)),
        (12, 8, (12, None, None)),
    ],
)
def test_fewer_than_five_are_told_of_nowhere(
    engine: Engine, clock: FakeClock, shoppers: int, bought: int, told: tuple[object, ...] | None
) -> None:
    """Nor what would tell it by taking one number from another; nor those of another shop."""
    with unit_of_work(engine) as db:
        tried_by(db, clock, shoppers, bought=bought, place=HERE)
        tried_by(db, clock, 3, bought=0, place=THERE)
    with unit_of_work(engine) as db:
        found = numbers.tried(db, HERE, clock.now() - timedelta(days=30), 10)
        assert numbers.tried(db, THERE, clock.now() - timedelta(days=30), 10) == []
    assert [(one.tried, one.bought, one.not_bought) for one in found] == ([told] if told else [])
