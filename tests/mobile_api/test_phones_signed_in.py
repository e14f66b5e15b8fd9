"""The phones on which a customer is signed in: seen, ended, too old; open streams end with them."""

from collections.abc import Callable

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts import keys
from cart.carts.tables import SessionKeyRow
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.fanout import SignedOut
from mobile_api.app import create_app
from mobile_api.edge.streams import OpenStreams
from mobile_api.settings import ApiSettings
from mobile_api.sign_in.device import device_words
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import events, serving, until
from tests.mobile_api.shop import RED, add, key, quantities
from tests.mobile_api.signing_in import BEN, ask, code, sign_in, use

PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537"
DAY_S = 86_400


def names(app: FastAPI, device: str) -> list[str]:
    """Return the names of the signed-in phones of a kind."""
    with reading(app.state.parts.engine) as db:
        found = db.exec(select(SessionKeyRow).where(SessionKeyRow.device == device)).all()
    return [keys.name_of(one.token_hash) for one in found]


def signed_in(phone: TestClient) -> bool:
    """Say whether the phone has a page of its own."""
    return phone.get("/account", follow_redirects=False).status_code == 200


def test_the_page_lists_the_phones_and_one_can_be_ended(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """By browser and system, the one in hand marked, the others by age; one ends at once."""
    lost = another_phone()
    sign_in(app, lost, **{"User-Agent": PIXEL})
    clock.advance(3 * 3_600)
    sign_in(app, phone)
    page = phone.get("/account").text
    assert "Chrome, Android" in page
    assert "Last used 3 hours ago" in page
    assert page.count("This phone") == 1
    [name] = names(app, "Chrome, Android")
    for _ in range(2):
        answer = phone.post(f"/account/phones/{name}/end", follow_redirects=False)
        assert answer.status_code == 303
    assert not signed_in(lost)
    assert signed_in(phone)
    assert quantities(lost) == {}


def test_nobody_ends_another_persons_phone(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Whatever name she sends; hers stays signed in."""
    sign_in(app, phone, **{"User-Agent": PIXEL})
    stranger = another_phone()
    sign_in(app, stranger, BEN)
    [name] = names(app, "Chrome, Android")
    assert stranger.post(f"/account/phones/{name}/end").status_code == 200
    assert another_phone().post(f"/account/phones/{name}/end").status_code == 401
    assert signed_in(phone)
    assert "Chrome, Android" not in stranger.get("/account").text


def test_signing_out_everywhere_ends_every_phone(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """At once, this one too; the cart is there again after signing in."""
    others = [another_phone() for _ in range(2)]
    add(phone, RED, 2)
    for one in (phone, *others):
        sign_in(app, one)
    answer = phone.post("/account/sign-out-everywhere", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in"
    assert "carryover" not in phone.cookies
    for one in others:
        refused = one.post("/api/v1/lists", json={}, headers=key())
        assert (refused.status_code, refused.json()["code"]) == (401, "no_session")
        assert quantities(one) == {}
    sign_in(app, phone)
    assert quantities(phone) == {RED: 2}


def test_a_phone_that_is_not_used_is_signed_out_after_a_month(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """One that is used stays, up to the absolute time of ninety days."""
    idle = another_phone()
    sign_in(app, idle)
    sign_in(app, phone)
    for _ in range(4):
        clock.advance(20 * DAY_S)
        assert signed_in(phone)
        phone.get("/")
    assert not signed_in(idle)
    clock.advance(9 * DAY_S)
    assert signed_in(phone)
    clock.advance(DAY_S)
    assert not signed_in(phone)
    with unit_of_work(app.state.parts.engine) as db:
        clock.advance(1)
        assert keys.forget(db, clock) == 2


def test_an_anonymous_phone_keeps_its_cart_for_ninety_days(
    phone: TestClient, clock: FakeClock
) -> None:
    """As before: nobody's idle time is counted."""
    add(phone)
    clock.advance(89 * DAY_S)
    phone.get("/")
    assert quantities(phone) == {RED: 1}
    clock.advance(DAY_S)
    assert quantities(phone) == {}


@pytest.mark.parametrize("how", ["everywhere", "one", "elsewhere"])
def test_open_streams_end_when_their_phone_is_signed_out(
    shop_engine: Engine, settings: ApiSettings, how: str
) -> None:
    """Of cart and checkout alike; another person's goes on. ``elsewhere``: by another API."""
    app, other = (
        create_app(
            settings,
            engine=shop_engine,
            clock=SystemClock(),
            ids=RandomIds(),
            listen=False,
            mail=False,
        )
        for _ in range(2)
    )
    with (
        serving(app) as url,
        serving(other) as other_url,
        httpx2.Client(base_url=url, timeout=30) as phone,
        httpx2.Client(base_url=url, timeout=30) as ben,
        httpx2.Client(base_url=other_url, timeout=30) as laptop,
    ):
        body = {"gtin": RED, "quantity": 1, "location_id": "harbour-street"}
        assert phone.post("/api/v1/cart/lines", json=body, headers=key()).status_code == 201
        opened = phone.post("/api/v1/checkouts", json={}, headers=key()).json()["id"]
        for one, who in ((phone, "ada@example.org"), (ben, BEN), (laptop, "ada@example.org")):
            ask(one, who, **{"User-Agent": PIXEL if one is phone else "x"})
            assert (
                use(one, code(app), **{"User-Agent": PIXEL if one is phone else "x"}).status_code
                == 303
            )
        with (
            phone.stream("GET", "/api/v1/cart/events") as cart,
            phone.stream("GET", f"/api/v1/checkouts/{opened}/events") as checkout,
            ben.stream("GET", "/api/v1/cart/events") as bens,
        ):
            streams = events(cart), events(checkout), events(bens)
            until(streams[0], "cart")
            for _ in ("the checkout", "its cart"):
                until(streams[1], "changed")
            until(streams[2], "cart")
            if how == "everywhere":
                phone.post("/account/sign-out-everywhere")
            else:
                [name] = names(app, "Chrome, Android")
                laptop.post(f"/account/phones/{name}/end")
                app.state.parts.streams.ring()  # as the fan-out does when it hears of it
            assert [one.name for one in streams[0]] == ["stock", "stock"]
            assert list(streams[1]) == []
            assert ben.post("/api/v1/cart/lines", json=body, headers=key()).status_code == 201
            assert until(streams[2], "operation").data["gtin"] == RED
        assert phone.get("/api/v1/cart/events").status_code == 401


def test_a_missed_doorbell_is_found_by_the_next_look(
    shop_engine: Engine, settings: ApiSettings
) -> None:
    """Nobody rings: the stream ends with the next look, of which there is one every few seconds."""
    app = create_app(
        settings, engine=shop_engine, clock=SystemClock(), ids=RandomIds(), listen=False, mail=False
    )
    app.state.parts.streams = OpenStreams(shop_engine, SystemClock(), look_s=0.2)
    with serving(app) as url, httpx2.Client(base_url=url, timeout=30) as phone:
        ask(phone)
        use(phone, code(app))
        with phone.stream("GET", "/api/v1/cart/events") as answer:
            stream = events(answer)
            until(stream, "cart")
            with unit_of_work(shop_engine) as db:
                for row in db.exec(select(SessionKeyRow)):
                    db.delete(row)
            assert list(stream) == []


def test_the_fan_out_rings_for_streams_of_other_processes(app: FastAPI, phone: TestClient) -> None:
    """A sign-out is told to the other APIs with what else the unit of work told."""
    sent: list[object] = []

    class Fan:
        """Keeps what is published."""

        def publish(self, *notices: object) -> None:
            """Keep it."""
            sent.extend(notices)

    sign_in(app, phone)
    app.state.parts.fan = Fan()
    phone.post("/account/sign-out")
    app.state.parts.fan = None
    assert [type(one) for one in sent] == [SignedOut]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (PIXEL, "Chrome, Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19.0 Safari/604",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/142 Safari/537 Edg/142",
            "Edge, Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko Firefox/144.0", "Firefox, Linux"),
        ("curl/8.5", ""),
        ("", ""),
    ],
)
def test_what_a_phone_is_called(agent: str, words: str) -> None:
    """Browser and system, nothing for what nobody knows."""
    assert device_words(agent) == words
