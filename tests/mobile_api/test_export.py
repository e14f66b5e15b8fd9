"""Everything about her in a file: hers alone, whole, readable; and only for who is surely she."""

import json
import re
import stat
import zipfile
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import Session, col, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.audit.tables import AuditRow
from cart.carts.keys import FRESH
from cart.carts.queries import session_of_key
from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError, InvalidPayload
from cart.personal.tables import ErasureRow
from cart.profile.queries import customer_of
from gateway.binding.tables import BindingRow
from gateway.dead_letters.service import Letter, bury
from mobile_api.cli import app as commands
from mobile_api.rights import erasing
from mobile_api.rights.exporting import EXPORTS_PER_CUSTOMER, PARTS, SCHEMA
from mobile_api.rights.registry import REGISTRY
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import BLUE, HERE, MUG, SECRET, add, key, stock
from tests.mobile_api.signing_in import ADA, BEN, code, sign_in

ADAS_LIST, BENS_LIST = "Hall of <Ada> Quay", "Attic of Ben Rook"
PAGE, API = "/account/data", "/api/v1/account"
# An address of somebody else that ends as hers does.
JO_ADA = f"jo{ADA}"


@pytest.fixture
def desk(app: FastAPI, shop_engine: Engine, clock: FakeClock) -> Desk:
    """Where both of them buy."""
    stock(shop_engine, clock, HERE, "mug", 20)
    return Desk.of(app)


@pytest.fixture
def ada(app: FastAPI, desk: Desk, phone: TestClient) -> TestClient:
    """Ada, signed in lately, with all that leaves something behind."""
    _live(app, desk, phone, ADA, ADAS_LIST)
    return phone


@pytest.fixture
def ben(
    app: FastAPI,
    desk: Desk,
    ada: TestClient,
    another_phone: Callable[[], TestClient],
    shop_engine: Engine,
) -> TestClient:
    """Ben, who has the same, and a message that could not be done."""
    assert ada
    made = another_phone()
    _live(app, desk, made, BEN, BENS_LIST)
    parts = app.state.parts
    error: CarryoverError = InvalidPayload("no catalogue")
    with unit_of_work(shop_engine) as db:
        letters = [
            Letter("tab-1", "shop/v1/x", json.dumps({"data": {"email": email}}).encode(), error)
            for email in (ADA, BEN, JO_ADA)
        ]
        bury(db, parts.clock, parts.ids, letters)
    return made


def _live(app: FastAPI, desk: Desk, phone: TestClient, email: str, name: str) -> None:
    add(phone, BLUE)
    sign_in(app, phone, email)
    add(phone, MUG, 2)
    saved = phone.post("/api/v1/lists", json={"name": name}, headers=key()).json()
    body = {"email": email, "locale": "en"}
    assert phone.post(f"/api/v1/lists/{saved['id']}/mail", json=body, headers=key()).is_success
    phone.delete(f"/api/v1/cart/lines/{BLUE}", headers=key())  # not sold here
    desk.sell(phone, email=email)


def files(answer: Any) -> dict[str, str]:  # noqa: ANN401 - a response
    """Return the texts in a ZIP."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def tables(found: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return what a program finds."""
    data = json.loads(found["data.json"])
    assert data["schema"] == SCHEMA
    result: dict[str, list[dict[str, Any]]] = data["tables"]
    return result


def test_all_of_hers_is_in_it_and_nothing_of_anybody_elses(
    ada: TestClient, ben: TestClient
) -> None:
    """Two people with the same life in one shop: by table, by text, by the page."""
    adas, bens = (files(one.post(f"{API}/export")) for one in (ada, ben))
    found = tables(adas)
    assert [one["address"] for one in found["customer_email"]] == [ADA]
    assert [one["name"] for one in found["saved_list"]] == [ADAS_LIST]
    assert sorted(one["quantity"] for one in found["saved_list_line"]) == [1, 2]
    [order] = found["placed_order"]
    assert order["email"] == ADA
    assert order["total_minor"] == sum(one["amount_minor"] for one in found["tender"])
    assert found["order_event"][0]["what"] == "placed"
    for name in ("cart", "cart_operation", "session_key", "joining", "sign_in_code", "pick_task"):
        assert found[name], name
    [letter] = found["dead_letter"]
    assert json.loads(letter["payload"]) == {"data": {"email": ADA}}
    for mine, others in ((adas, [BEN, BENS_LIST, JO_ADA]), (bens, [ADA, ADAS_LIST])):
        for name, text in mine.items():
            assert [one for one in others if one in text] == [], name
    assert "Hall of &lt;Ada&gt; Quay" in adas["index.html"]
    assert ADA in adas["index.html"]


def test_a_visit_is_one_of_its_own_device(
    app: FastAPI, ada: TestClient, shop_engine: Engine
) -> None:
    """Visits have short names: another device's "1", or a number 1, is nobody's business."""
    parts = app.state.parts
    error: CarryoverError = InvalidPayload("no catalogue")
    said = [
        ("tab-1", {"data": {"visit": "1", "gtin": "hers"}}),
        ("tab-2", {"data": {"visit": "1", "gtin": "of another tablet"}}),
        ("tab-1", {"sequence": 1, "data": {"visit": "2", "quantity": "1", "gtin": "of another"}}),
    ]
    with unit_of_work(shop_engine) as db:
        me = session_of_key(db, ada.cookies["carryover"], parts.clock.now())
        assert me is not None
        db.add(
            BindingRow(
                id="binding_1",
                device_id="tab-1",
                visit="1",
                session_id=me.id,
                location_id=HERE,
                started_at_us=1,
                last_event_at_us=1,
            )
        )
        letters = [
            Letter(device, f"shop/v1/{number}", json.dumps(one).encode(), error)
            for number, (device, one) in enumerate(said)
        ]
        bury(db, parts.clock, parts.ids, letters)
    [letter] = tables(files(ada.post(f"{API}/export")))["dead_letter"]
    assert json.loads(letter["payload"])["data"]["gtin"] == "hers"


def test_what_is_shown_is_what_the_registry_says(ada: TestClient) -> None:
    """Every table of people is there, empty or not, with its shown columns and no other."""
    found = tables(files(ada.post(f"{API}/export")))
    held = {one.table: list(one.shown) for one in REGISTRY if one.shown}
    assert list(found) == list(held)
    rows = {name: list(row) for name, every in found.items() for row in every}
    assert rows == {name: held[name] for name in rows}
    text = json.dumps(found)
    for secret in (SECRET, ada.cookies["carryover"]):
        assert secret not in text


def test_the_page_has_every_table_once() -> None:
    """A new table of people cannot be left out of what she reads."""
    named = [name for _, names in PARTS for name in names]
    assert sorted(named) == sorted(one.table for one in REGISTRY if one.shown)


def test_the_page_is_in_her_language(ada: TestClient) -> None:
    """Hebrew runs from the right; times and amounts are written as she reads them."""
    text = files(ada.post(f"{API}/export", headers={"Accept-Language": "he"}))["index.html"]
    assert '<html lang="he" dir="rtl">' in text
    assert "כל מה שיש עליך" in text
    english = files(ada.post(f"{PAGE}/export", headers={"Accept-Language": "en"}))["index.html"]
    empty = [part for part in english.split("<section>")[1:] if "<dl" not in part]
    assert english.count("<p>Nothing is kept here.</p>") == len(empty) >= 1
    assert re.search(r"<dt>Total</dt><dd><bdi>€\d+\.\d\d</bdi>", english)
    assert re.search(r"<dt>סך הכול</dt><dd><bdi>", text), "labels, too"
    assert "<h3>הזמנות</h3>" in text
    assert "script" not in english


def test_only_who_signed_in_lately_gets_it(
    app: FastAPI, ada: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """A phone that was found gives nobody her life, and ends nobody's."""
    clock.advance(FRESH.total_seconds())
    for way, body in ((f"{API}/export", None), (f"{API}/erasure", {"sure": True})):
        answer = ada.post(way, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "fresh_sign_in_needed")
    page = ada.get(PAGE).text
    assert 'href="/sign-in?again=true"' in page
    assert f'action="{PAGE}/' not in page
    for way in (f"{PAGE}/export", f"{PAGE}/erase"):
        answer = ada.post(way, data={"sure": "yes"})
        assert (answer.status_code, answer.headers["content-type"][:9]) == (403, "text/html")
    stranger = another_phone()
    assert stranger.post(f"{API}/export").status_code == 401
    assert stranger.get(PAGE, follow_redirects=False).headers["location"] == "/sign-in"
    sign_in(app, ada, ADA)
    assert files(ada.post(f"{PAGE}/export"))


def test_as_often_as_somebody_may_want_it(ada: TestClient) -> None:
    """Then she is told when again."""
    (limit,) = EXPORTS_PER_CUSTOMER
    for _ in range(limit.times_max):
        assert ada.post(f"{API}/export").status_code == 200
    answer = ada.post(f"{API}/export")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 0


def asked(engine: Engine) -> list[str]:
    """Return who asked for erasures."""

    def look(db: Session) -> list[str]:
        return list(db.exec(select(ErasureRow.asked_by)).all())

    with reading(engine) as db:
        return look(db)


def hand_out(engine: Engine) -> None:
    """Let nothing of anybody be under way."""
    with unit_of_work(engine) as db:
        db.connection().exec_driver_sql("UPDATE placed_order SET state = 'handed_over'")


def test_she_asks_for_her_erasure_on_the_page(ada: TestClient, shop_engine: Engine) -> None:
    """Not by accident, not with an order open; then she is nobody on this phone at once."""
    answer = ada.post(f"{PAGE}/erase", data={})
    assert (answer.status_code, "tick the box" in answer.text) == (422, True)
    answer = ada.post(f"{PAGE}/erase", data={"sure": "yes"})
    assert (answer.status_code, "still to be collected" in answer.text) == (409, True)
    assert asked(shop_engine) == []
    hand_out(shop_engine)
    answer = ada.post(f"{PAGE}/erase", data={"sure": "yes"})
    assert (answer.status_code, "being deleted" in answer.text) == (200, True)
    assert "carryover" not in ada.cookies
    assert asked(shop_engine) == ["customer"]
    assert ada.get(API).status_code == 401


def test_who_is_being_erased_signs_in_no_more(
    app: FastAPI,
    ada: TestClient,
    another_phone: Callable[[], TestClient],
    shop_engine: Engine,
) -> None:
    """What she would begin would be erased half done."""
    hand_out(shop_engine)
    assert ada.post(f"{API}/erasure", json={"sure": True}).status_code == 202
    other = another_phone()
    other.post("/api/v1/sign-in/code", json={"email": ADA})
    answer = other.post("/api/v1/sign-in", json={"code": code(app)})
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_code_refused")
    assert other.get(API).status_code == 401


def test_an_erasure_that_got_stuck_is_asked_for_anew(
    app: FastAPI, ada: TestClient, shop_engine: Engine, clock: FakeClock
) -> None:
    """Its workflow is named by when it was asked for: the same one, begun once more."""
    hand_out(shop_engine)
    erasure_id = ada.post(f"{API}/erasure", json={"sure": True}).json()["erasure_id"]
    parts = app.state.parts

    def asked_at(after_s: float) -> datetime:
        clock.advance(after_s)
        with unit_of_work(shop_engine) as db:
            customer_id = customer_of(db, ADA)
            assert customer_id is not None
            again, _ = erasing.ask(
                db, clock, parts.ids, parts.secret, customer_id=customer_id, asked_by="terminal"
            )
            assert again == erasure_id
            [(_, at)] = erasing.waiting(db)
        return at

    first = asked_at(60)
    assert asked_at(60) == first
    assert asked_at(erasing.ASKED_ANEW_AFTER.total_seconds()) == clock.now()


def test_an_app_asks_for_it_too(ada: TestClient, ben: TestClient, shop_engine: Engine) -> None:
    """It has to say that she is sure; the other customer is left alone."""
    assert ada.post(f"{API}/erasure", json={"sure": False}).status_code == 422
    waits = ada.post(f"{API}/erasure", json={"sure": True})
    assert (waits.status_code, waits.json()["code"]) == (409, "erasure_waits")
    hand_out(shop_engine)
    answer = ada.post(f"{API}/erasure", json={"sure": True})
    assert (answer.status_code, list(answer.json())) == (202, ["erasure_id"])
    assert ada.post(f"{API}/export").status_code == 401
    assert ben.get(API).status_code == 200


def test_an_operator_writes_it_to_a_file(
    ada: TestClient, shop_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noted in the audit log, readable by its owner alone, and never over another file."""
    assert ada
    monkeypatch.setenv("DATABASE_URL", shop_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    to = tmp_path / "ada.zip"
    wish = ["privacy", "export", "--email", ADA.upper(), "--to", str(to), "--language", "pl"]
    done = CliRunner().invoke(commands, wish)
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    with zipfile.ZipFile(to) as archive:
        assert "Wszystko o Tobie" in archive.read("index.html").decode()
        assert ADAS_LIST in archive.read("data.json").decode()
    kept = to.read_bytes()
    assert CliRunner().invoke(commands, wish).exit_code != 0
    assert to.read_bytes() == kept
    with reading(shop_engine) as db:
        noted = db.exec(select(AuditRow.action).order_by(col(AuditRow.seq).desc())).first()
    assert noted == "customer.export"
