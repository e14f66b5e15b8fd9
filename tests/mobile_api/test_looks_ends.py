"""What becomes of looks with an erasure and an export."""

from collections.abc import Callable, Iterator
from io import BytesIO
from json import loads
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from cart.db import make_engine, unit_of_work
from cart.personal.finding import ids_of
from cart.profile.queries import customer_of
from mobile_api.rights import erasing
from mobile_api.rights.registry import REGISTRY
from tests.mobile_api.looking import VIDEO, Mirror, count, files, sweep
from tests.mobile_api.shop import HERE, RED
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
