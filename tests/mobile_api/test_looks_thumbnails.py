"""The small picture of a look: seen by whom its sheet is seen by, gone when it is gone."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import make_engine
from cart.looks.model import PIN_SAID_FOR, UNDO_FOR
from mobile_api.looks import thumbnails
from store_devices.mirror.encoding import contact_sheet
from store_devices.mirror.sealing import Turn
from store_devices.mirror.thumbnail import thumbnailed
from tests.fakes.clock import FakeClock
from tests.mobile_api.looking import SHEET, VIDEO, Mirror, files, sweep

MakePhone = Callable[[], TestClient]


def _side(grey: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a picture with something to press into a JPEG: stripes under soft noise."""
    rows = np.linspace(0, 40, 480)[:, None, None]
    noise = np.random.default_rng(grey).normal(0, 6, (480, 270, 3))
    return np.clip(grey + 30 * np.sin(rows) + noise, 0, 255).astype(np.uint8)


PLAIN = contact_sheet([_side(60 + 20 * number) for number in range(8)])
WITH_ONE = thumbnailed(PLAIN, _side(60))
SMALL = thumbnails.in_head(WITH_ONE)
TURN = Turn(VIDEO, "video/webm", WITH_ONE)


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """One database: nothing here is about SQL."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def mirror(app: FastAPI, phone: TestClient) -> Mirror:
    """A mirror of the shop; the application runs while the phone does."""
    assert phone
    return Mirror(app)


def test_a_card_shows_the_small_picture_and_not_the_sheet(
    mirror: Mirror, phone: TestClient
) -> None:
    """A ninth of the sheet's bytes or less; told to no cache; the page keeps its place free."""
    look_id = mirror.kept(phone, turn=TURN)
    page = phone.get("/looks").text
    assert f'<img src="/looks/{look_id}/thumbnail" width="240" height="427"' in page
    assert f"/looks/{look_id}/sheet" not in page
    answer = phone.get(f"/looks/{look_id}/thumbnail")
    sheet = phone.get(f"/looks/{look_id}/sheet")
    assert (answer.status_code, answer.content) == (200, SMALL)
    assert sheet.content == WITH_ONE
    assert 9 * len(answer.content) < len(sheet.content)
    for name in ("content-type", "cache-control", "x-robots-tag", "cross-origin-resource-policy"):
        assert answer.headers[name] == sheet.headers[name], name
    assert answer.headers["cache-control"] == "no-store"
    [told] = phone.get("/api/v1/looks").json()["looks"]
    assert told["thumbnail"] == f"/looks/{look_id}/thumbnail"


@pytest.mark.parametrize("sheet", [SHEET, PLAIN])
def test_an_older_look_shows_its_sheet(mirror: Mirror, phone: TestClient, sheet: bytes) -> None:
    """As it came, whatever it is."""
    look_id = mirror.kept(phone, turn=Turn(VIDEO, "video/webm", sheet))
    answer = phone.get(f"/looks/{look_id}/thumbnail")
    assert (answer.status_code, answer.content) == (200, sheet)
    assert answer.headers["content-type"] == "image/jpeg"


def test_it_opens_to_nobody_else(
    mirror: Mirror, phone: TestClient, another_phone: MakePhone, clock: FakeClock
) -> None:
    """Not to a stranger with looks of her own, to nobody at all, nor before the PIN is said."""
    look_id = mirror.kept(phone, turn=TURN)
    path = f"/looks/{look_id}/thumbnail"
    stranger = another_phone()
    assert stranger.get(path).status_code == 401
    mirror.kept(stranger, visit="v2")
    assert stranger.get(path).status_code == 404
    thief = another_phone()
    thief.cookies.set("carryover", phone.cookies["carryover"])
    assert thief.get(path).status_code == 403
    phone.post("/looks/pin/set", data={"pin": "402859"})
    assert phone.get(path).content == SMALL
    clock.advance(PIN_SAID_FOR.total_seconds())
    answer = phone.get(path, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (403, "looks_pin_needed")


@pytest.mark.parametrize("ends", ["withdrawn", "expired", "deleted"])
def test_a_link_shows_it_as_long_as_the_look(
    mirror: Mirror, phone: TestClient, another_phone: MakePhone, clock: FakeClock, ends: str
) -> None:
    """And no longer: withdrawn, over, or the look deleted."""
    look_id = mirror.kept(phone, turn=TURN)
    answer = phone.post(f"/api/v1/looks/{look_id}/share", json={"days": 1}).json()
    path = answer["url"].removeprefix("http://testserver") + "/thumbnail"
    friend = another_phone()
    assert friend.get(path).content == SMALL
    if ends == "expired":
        clock.advance(timedelta(days=1).total_seconds())
    else:
        phone.post(f"/looks/{look_id}/{'withdraw' if ends == 'withdrawn' else 'delete'}")
    assert friend.get(path).status_code == 404


def test_it_is_gone_with_its_look(
    mirror: Mirror, phone: TestClient, app: FastAPI, clock: FakeClock
) -> None:
    """It has no file of its own that could stay: asked for, nothing new lies on the disk."""
    look_id = mirror.kept(phone, turn=TURN)
    path = f"/looks/{look_id}/thumbnail"
    assert phone.get(path).content == SMALL
    sweep(app)
    assert files(app) == [f"looks/{look_id}/sheet", f"looks/{look_id}/video"]
    phone.post(f"/looks/{look_id}/delete")
    assert phone.get(path).status_code == 404
    clock.advance(UNDO_FOR.total_seconds())
    sweep(app)
    assert phone.get(path).status_code == 404
    assert files(app) == []
