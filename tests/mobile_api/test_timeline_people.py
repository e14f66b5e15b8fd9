"""Whose story it is: anonymous first, joined at sign-in, split by the undo, gone when erased."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.kernel.clock import from_us
from cart.personal.exporting import rows_of
from cart.personal.finding import ids_of
from cart.profile.queries import customer_of
from mobile_api.rights import erasing
from mobile_api.rights.registry import REGISTRY
from mobile_api.wiring import Parts
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, add, stock
from tests.mobile_api.signing_in import ADA, sign_in
from tests.mobile_api.telling import all_kept, change, kinds, session_of, story, told
from tests.mobile_api.test_joining import undo
from tests.mobile_api.test_lists import save


def erase(app: FastAPI) -> None:
    """Erase Ada, as the workflow does."""
    parts: Parts = app.state.parts
    with unit_of_work(parts.engine) as db:
        customer_id = customer_of(db, ADA)
        assert customer_id is not None
        doing = (parts.clock, parts.ids, parts.secret)
        erasure, _ = erasing.ask(db, *doing, customer_id=customer_id, asked_by="terminal")
    erasing.erase_rows(parts, erasure, {})


def test_what_was_anonymous_is_hers_once_she_signs_in(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """Two devices, one story; the joining's own operations are no touches of hers."""
    home = another_phone()
    sign_in(app, home)
    clock.advance(1)
    add(phone, RED)
    anonymous = session_of(app, phone)
    told(app)
    clock.advance(60)
    sign_in(app, phone)
    clock.advance(1)
    add(home, MUG)
    told(app)
    hers = session_of(app, home)
    assert hers == session_of(app, phone) != anonymous
    assert kinds(app, hers) == ["signed_in", "scanned", "signed_in", "scanned"]
    assert story(app, anonymous) == story(app, hers)
    assert [one.gtin for one in story(app, hers) if one.gtin] == [RED, MUG]


def test_an_undo_splits_what_was_joined_also_what_was_told_meanwhile(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """Lists and orders that had come along are told under the session that they came from."""
    home = another_phone()
    add(home, BLUE)
    sign_in(app, home)
    stock(app.state.parts.engine, clock, HERE, "mug", 5)
    add(phone, MUG)
    desk = Desk.of(app)
    order = desk.sell(phone)
    add(phone, RED)
    save(phone, name="Attic")
    anonymous = session_of(app, phone)
    sign_in(app, phone)
    hers = session_of(app, home)
    told(app)
    assert {"ordered", "listed"} <= set(kinds(app, hers))
    assert undo(app, phone) == 303
    told(app)
    assert {one.gtin for one in story(app, hers) if one.gtin} == {BLUE}
    assert set(kinds(app, hers)) == {"scanned", "signed_in"}
    assert [one.ref for one in story(app, anonymous) if one.kind == "ordered"] == [order]
    assert "listed" in kinds(app, anonymous)


def test_an_erasure_deletes_her_story_and_nothing_is_told_of_her_again(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """Her order stays for the books; the timeline does not learn of it once more."""
    other = another_phone()
    add(other, BLUE)
    stock(app.state.parts.engine, clock, HERE, "mug", 5)
    add(phone, MUG)
    sign_in(app, phone)
    Desk.of(app).sell(phone)
    change(app, "UPDATE placed_order SET state = 'handed_over'")
    told(app)
    erase(app)
    told(app)
    change(app, "UPDATE timeline_mark SET read_until_us = 0 WHERE name LIKE 'from:%'")
    told(app)
    with reading(app.state.parts.engine) as db:
        left = all_kept(db)
    assert [(one.kind, one.gtin) for one in left] == [("scanned", BLUE)]


def test_an_export_has_her_story(app: FastAPI, phone: TestClient, clock: FakeClock) -> None:
    """What, when, through what; no ids of devices."""
    add(phone, RED)
    sign_in(app, phone)
    told(app)
    parts: Parts = app.state.parts
    held = next(one for one in REGISTRY if one.table == "interaction")
    with reading(parts.engine) as db:
        customer_id = customer_of(db, ADA)
        assert customer_id is not None
        rows = list(rows_of(db, held, ids_of(db, REGISTRY, customer_id)))
    first = next(one for one in rows if one["kind"] == "scanned")
    assert (first["gtin"], first["channel"], from_us(first["at_us"])) == (RED, "phone", clock.now())
    assert "device_id" not in first


def test_a_sign_in_leaves_no_way_back_to_the_key(app: FastAPI, phone: TestClient) -> None:
    """Ids of interactions leave the house: the hash of a phone's key is not in them."""
    sign_in(app, phone)
    told(app)
    with reading(app.state.parts.engine) as db:
        row = next(one for one in all_kept(db) if one.kind == "signed_in")
        found = db.connection().exec_driver_sql("SELECT token_hash FROM session_key").scalars()
        assert not any(token_hash[:16] in row.id for token_hash in found)
