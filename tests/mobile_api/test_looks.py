"""Looks on a phone: kept, played, shared, withdrawn, deleted; and opened by nobody else."""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlmodel import SQLModel
from starlette.testclient import TestClient

from cart.db import make_engine, reading
from cart.db.migrate import load_tables
from cart.kernel import sealed_file
from cart.kernel.clock import SystemClock
from cart.looks import keys, service
from cart.looks.model import UNDO_FOR, PhoneKey
from cart.looks.tables import LookKeyRow, LookRow
from mobile_api.looks.streaming import asked_range
from tests.fakes.clock import FakeClock
from tests.mobile_api.looking import SHEET, VIDEO, Mirror, count, files, sweep
from tests.mobile_api.shop import BLUE, MUG, RED, key
from tests.mobile_api.signing_in import ADA, sign_in

MakePhone = Callable[[], TestClient]


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """One database: how looks come in and end is tried on both (test_looks_uploads)."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def mirror(app: FastAPI, phone: TestClient) -> Mirror:
    """A mirror of the shop; the application runs while the phone does."""
    assert phone
    return Mirror(app)


def test_a_turn_comes_to_the_phone_and_plays(mirror: Mirror, phone: TestClient) -> None:
    """By visit, with what was tried on; bytes are those of the mirror."""
    look_id = mirror.kept(phone, RED, MUG)
    page = phone.get("/looks").text
    assert f"/looks/{look_id}/thumbnail" in page
    assert "Harbour Street" in page
    one = phone.get(f"/looks/{look_id}")
    assert one.status_code == 200
    assert "Arc &lt;lamp&gt;" in one.text
    assert one.headers["cache-control"] == "no-store"
    played = phone.get(f"/looks/{look_id}/video")
    assert (played.status_code, played.content) == (200, VIDEO)
    assert played.headers["content-type"] == "video/webm"
    assert played.headers["cache-control"] == "no-store"
    assert phone.get(f"/looks/{look_id}/sheet").content == SHEET
    answer = phone.get("/api/v1/looks").json()
    assert [(one["id"], one["gtins"], one["opens"]) for one in answer["looks"]] == [
        (look_id, [RED, MUG], True)
    ]


def test_looks_are_shown_by_visit(mirror: Mirror, phone: TestClient, clock: FakeClock) -> None:
    """Two visits of one day at one shop stand apart, the later one first, each with its own."""
    first = [mirror.kept(phone), mirror.bring()]
    clock.advance(3_600)
    mirror.met_by(phone, "v2")
    second = mirror.bring("v2")
    _, *sections = phone.get("/looks").text.split('<section class="look-visit"')
    shown = [re.findall(r'href="/looks/(look_[^"]+)"', one) for one in sections]
    assert [sorted(one) for one in shown] == [[second], sorted(first)]
    images = [one for section in sections for one in re.findall("<img[^>]*>", section)]
    assert len(images) == 3
    assert all('loading="lazy"' in one for one in images)  # opened when it is seen
    heads = [re.search(r"<h2[^>]*>(.*?)</h2>", one) for one in sections]
    later, earlier = (one.group(1) for one in heads if one)
    assert later != earlier  # by the time at which each began


RANGES = {
    "bytes=0-0": (0, 1),
    "bytes=65535-65536": (65_535, 65_537),
    "bytes=70000-": (70_000, len(VIDEO)),
    "bytes=-5": (len(VIDEO) - 5, len(VIDEO)),
    "bytes=100-99999999": (100, len(VIDEO)),
}


def test_a_player_gets_the_range_it_asks_for(mirror: Mirror, phone: TestClient) -> None:
    """Exactly those bytes, as 206, with where they are."""
    look_id = mirror.kept(phone)
    for asked, (first, past) in RANGES.items():
        answer = phone.get(f"/looks/{look_id}/video", headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, VIDEO[first:past])
        assert answer.headers["content-range"] == f"bytes {first}-{past - 1}/{len(VIDEO)}"


def test_a_range_behind_the_end_is_told_as_such(mirror: Mirror, phone: TestClient) -> None:
    """416 with the length; what is no range at all is ignored (RFC 9110, 14.2)."""
    look_id = mirror.kept(phone)
    past = {"Range": f"bytes={len(VIDEO)}-"}
    answer = phone.get(f"/looks/{look_id}/video", headers=past)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(VIDEO)}"
    for header in ("", "bytes=", "bytes=-", "bytes=1-2,4-5", "lines=1-2", "bytes=5-2", "bytes=x-"):
        assert asked_range(header, 10) == (0, 10), header


def test_nobody_opens_it_with_the_database_the_objects_and_the_servers_key(
    mirror: Mirror, phone: TestClient, app: FastAPI, engine: Engine
) -> None:
    """Neither a picture nor a key that opens one, nor what the phone's cookie holds, lies there.

    The keys are had as the phone has them, by its cookie, and then looked for in every row and
    file: as bytes, in hex, in base64 of both kinds.
    """
    look_id = mirror.kept(phone)
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO  # whatever opening it leaves
    cookie = phone.cookies["carryover-looks"]
    load_tables()
    with reading(engine) as db:
        look = db.get_one(LookRow, look_id)
        session_id = db.get_one(LookKeyRow, look.key_id).session_id
        held = keys.opened(db, SystemClock(), session_id, PhoneKey(cookie))
        content_key = service.content_key(look, held)
        tables = [table.name for table in SQLModel.metadata.sorted_tables]
        rows = repr(
            [db.connection().execute(text(f'SELECT * FROM "{one}"')).all() for one in tables]  # noqa: S608 - names of ours
        ).encode()
    kept = rows + b"".join(path.read_bytes() for path in _all_files(app))
    assert look.sealed_key.encode() in rows  # the search finds what is there
    files = [sealed_file.key_of(content_key, part) for part in ("video", "sheet")]
    for secret in (cookie.encode(), PhoneKey(cookie).private, *held.values(), content_key, *files):
        for form in _forms(secret):
            assert form not in kept
    assert SHEET not in kept
    assert VIDEO[:4_096] not in kept


def _forms(secret: bytes) -> list[bytes]:
    """Return how a secret may be written down, also as Python shows bytes."""
    return [
        secret,
        repr(secret)[2:-1].encode(),
        secret.hex().encode(),
        b64encode(secret).rstrip(b"="),
        urlsafe_b64encode(secret).rstrip(b"="),
    ]


def _all_files(app: FastAPI) -> list[Path]:
    root = app.state.parts.settings.data_dir
    return [one for one in root.rglob("*") if one.is_file()]


def test_another_phone_with_the_same_session_key_opens_nothing(
    mirror: Mirror, phone: TestClient, another_phone: MakePhone
) -> None:
    """A stolen session's cookie shows that there are looks, and none of them."""
    look_id = mirror.kept(phone)
    thief = another_phone()
    thief.cookies.set("carryover", phone.cookies["carryover"])
    assert look_id not in thief.get("/looks").text
    assert thief.get("/api/v1/looks").json() == {
        "standing": "closed",
        "keep_days": 30,
        "looks": [],
    }
    for path in ("", "/video", "/sheet"):
        assert thief.get(f"/looks/{look_id}{path}").status_code == 403
    answer = thief.post(f"/looks/{look_id}/share", data={"days": "7"})
    assert answer.status_code == 403
    thief.post("/looks/begin")
    assert thief.get(f"/looks/{look_id}/video").status_code == 403


def test_a_stranger_gets_nothing_and_changes_nothing(
    mirror: Mirror, phone: TestClient, another_phone: MakePhone, app: FastAPI
) -> None:
    """With looks of her own, and the right id."""
    look_id = mirror.kept(phone)
    stranger = another_phone()
    mirror.kept(stranger, visit="v2")
    for path in ("", "/video", "/sheet"):
        assert stranger.get(f"/looks/{look_id}{path}").status_code == 404
    for verb in ("share", "withdraw", "delete", "undo"):
        answer = stranger.post(f"/looks/{look_id}/{verb}", data={"days": "7"})
        assert answer.status_code == 404, verb
    assert count(app, "look_share") == 0
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO


def test_a_link_opens_one_look_until_it_is_withdrawn(
    mirror: Mirror, phone: TestClient, another_phone: MakePhone, app: FastAPI
) -> None:
    """For whoever has it, without a session; at once over when it is withdrawn."""
    look_id = mirror.kept(phone)
    friend = another_phone()
    answer = phone.post(f"/api/v1/looks/{look_id}/share", json={"days": 7}).json()
    path = answer["url"].removeprefix("http://testserver")
    seen = friend.get(path)
    assert seen.status_code == 200
    assert seen.headers["referrer-policy"] == "no-referrer"
    assert friend.get(f"{path}/video", headers={"Range": "bytes=5-9"}).content == VIDEO[5:10]
    assert friend.get(f"{path}/sheet").content == SHEET
    secret = path.rsplit("/", 1)[1]
    with reading(app.state.parts.engine) as db:
        rows = db.connection().execute(text("SELECT * FROM look_share")).all()
    assert len(rows) == 1
    assert secret not in repr(rows)
    done = phone.post(f"/api/v1/looks/{look_id}/withdraw", headers=key())
    assert done.json() == {"done": True}
    for end in ("", "/video", "/sheet"):
        assert friend.get(f"{path}{end}").status_code == 404


def test_a_link_ends_by_itself(
    mirror: Mirror, phone: TestClient, clock: FakeClock, app: FastAPI
) -> None:
    """After the days that she chose; its row goes with the next sweep."""
    look_id = mirror.kept(phone)
    page = phone.post(f"/looks/{look_id}/share", data={"days": "1"}).text
    path = page.split('href="http://testserver', 1)[1].split('"', 1)[0]
    assert phone.get(f"{path}/sheet").status_code == 200
    clock.advance(timedelta(days=1).total_seconds())
    assert phone.get(f"{path}/sheet").status_code == 404
    sweep(app)
    assert count(app, "look_share") == 0


def test_deleting_can_be_undone_for_some_seconds_and_then_nothing_is_left(
    mirror: Mirror, phone: TestClient, clock: FakeClock, app: FastAPI
) -> None:
    """Hidden at once; back by undo; after that neither a row nor a byte."""
    look_id = mirror.kept(phone)
    answer = phone.post(f"/looks/{look_id}/delete")
    assert f"/looks/{look_id}/undo" in answer.text
    assert phone.get(f"/looks/{look_id}/video").status_code == 404
    sweep(app)
    phone.post(f"/looks/{look_id}/undo")
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO
    phone.post(f"/looks/{look_id}/delete")
    clock.advance(UNDO_FOR.total_seconds())
    assert phone.post(f"/looks/{look_id}/undo").status_code == 404
    sweep(app)
    assert files(app) == []
    tables = ("look", "look_item", "look_upload", "look_piece", "look_share")
    assert [count(app, table) for table in tables] == [0] * 5


def test_looks_end_after_the_days_that_she_chose(
    mirror: Mirror, phone: TestClient, clock: FakeClock, app: FastAPI
) -> None:
    """Thirty without a choice; a choice is about those that she has, too."""
    first = mirror.kept(phone)
    clock.advance(timedelta(days=8).total_seconds())
    mirror.met_by(phone, "v2")
    second = mirror.bring("v2")
    sweep(app)
    assert phone.get(f"/looks/{first}/sheet").status_code == 200
    assert "Saved" in phone.post("/looks/keep", data={"days": "7"}).text
    sweep(app)
    assert phone.get(f"/looks/{first}/sheet").status_code == 404
    assert phone.get(f"/looks/{second}/sheet").status_code == 200
    assert files(app) == [f"looks/{second}/sheet", f"looks/{second}/video"]
    assert phone.post("/looks/keep", data={"days": "8"}).status_code == 422


def test_without_a_choice_a_look_ends_after_thirty_days(
    mirror: Mirror, phone: TestClient, clock: FakeClock, app: FastAPI
) -> None:
    """A second before it is played; when they are over it is not, and then its bytes are gone."""
    look_id = mirror.kept(phone)
    assert phone.get("/api/v1/looks").json()["keep_days"] == 30
    clock.advance(timedelta(days=30).total_seconds() - 1)
    mirror.met_by(phone, "v2")  # she is here again: her session goes on
    sweep(app)
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO
    clock.advance(1)
    sweep(app)
    assert phone.get(f"/looks/{look_id}/video").status_code == 404
    assert phone.get("/api/v1/looks").json()["looks"] == []
    assert files(app) == []
    assert count(app, "look") == 0


def test_a_look_goes_along_with_a_sign_in_and_back_with_its_undo(
    mirror: Mirror, phone: TestClient, app: FastAPI
) -> None:
    """The session's cookie changes; this phone still opens what was sealed before."""
    look_id = mirror.kept(phone)
    sign_in(app, phone, ADA)
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO
    with reading(app.state.parts.engine) as db:
        [joining_id] = db.connection().execute(text("SELECT id FROM joining")).scalars()
    undone = phone.post(f"/api/v1/account/joinings/{joining_id}/undo", headers=key())
    assert undone.is_success, undone.text
    assert phone.get(f"/looks/{look_id}/video").status_code in {403, 404}
    phone.post("/account/sign-out")
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO


def test_products_tried_on_go_to_the_cart_by_the_usual_way(
    mirror: Mirror, phone: TestClient
) -> None:
    """The page has what the shop's other pages have: the button, the stock in words."""
    look_id = mirror.kept(phone, BLUE)
    page = phone.get(f"/looks/{look_id}").text
    assert f'data-act="add" data-gtin="{BLUE}"' in page
    assert 'class="stock ' in page


def test_two_to_four_looks_stand_side_by_side(mirror: Mirror, phone: TestClient) -> None:
    """All of hers; with somebody else's there is no page, and five are too many."""
    one = mirror.kept(phone)
    other = mirror.bring()
    answer = phone.get("/looks/compare", params={"look": [one, other]})
    assert answer.text.count("<video") == 2
    assert "One more beside them" not in answer.text  # she has no other
    assert phone.get("/looks/compare", params={"look": [one, "look_x"]}).status_code == 404
    more = [mirror.bring(), mirror.bring()]
    answer = phone.get("/looks/compare", params={"look": [one, other, one]})
    assert answer.text.count("<video") == 2
    assert [name in answer.text for name in more] == [True, True]  # one of them may come beside
    four = phone.get("/looks/compare", params={"look": [one, other, *more]})
    assert four.text.count("<video") == 4
    assert "One more beside them" not in four.text
    five = phone.get("/looks/compare", params={"look": [one, other, *more, one]})
    assert five.status_code == 422
