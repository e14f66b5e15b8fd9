"""Her phone rings when it is her turn, though no page of ours is open: sealed, once, in time."""

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts.service import open_session
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from cart.profile.push import service
from cart.profile.push.model import PHONES_MAX, Ring
from cart.profile.push.tables import PushPhoneRow, PushRingRow
from gateway.floor.turns import CALL_LASTS
from mobile_api.app import create_app
from mobile_api.push.ringing import try_once
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE
from tests.fakes.clock import FakeClock
from tests.mobile_api.mail_process import run_process
from tests.mobile_api.queueing import QueueShop, act, press
from tests.mobile_api.shop import SECRET, key
from tests.mobile_api.staffing import hire, signed_in
from tests.real.nursery import FIRST_S
from tests.real.push_service import HOST, Browser, PushService, push_service

PUSH: Final = "/api/v1/push"


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """A database."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def maker() -> Iterator[PushService]:
    """The push service of a browser's maker."""
    with push_service() as made:
        yield made


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> QueueShop:
    """A shop with queues."""
    return QueueShop(engine, clock)


@pytest.fixture
def app(shop: QueueShop, tmp_path: Path) -> FastAPI:
    """The application over it, which may ask this machine."""
    settings = ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        public_url="http://testserver",
        outgoing_private_hosts=f"push.example, {HOST}",
    )
    return create_app(
        settings,
        engine=shop.floor.engine,
        clock=shop.floor.clock,
        ids=RandomIds(),
        listen=False,
        mail=False,
    )


@pytest.fixture
def phone(app: FastAPI) -> TestClient:
    """A phone that was never here."""
    return TestClient(app)


@pytest.fixture
def staff(app: FastAPI, shop: QueueShop) -> TestClient:
    """Somebody of the shop who is signed in."""
    return signed_in(TestClient(app), hire(shop.floor, "7"))


def let(phone: TestClient, browser: Browser, locale: str = "en") -> None:
    """Let a browser be rung for whoever has this phone."""
    headers = key() | {"accept-language": locale}
    answer = phone.post(PUSH, json=browser.subscription, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"rung": True, "reminders": False})


def rings(app: FastAPI) -> list[str]:
    """Return the rings that wait."""
    with reading(app.state.parts.engine) as db:
        return list(service.waiting(db, 100))


def rows(app: FastAPI, table: type[PushPhoneRow] | type[PushRingRow]) -> list[Any]:
    """Return all rows."""
    with reading(app.state.parts.engine) as db:
        return list(db.exec(select(table)))


@pytest.mark.parametrize(
    "speaks",
    [("en", "It is your turn", "ltr"), ("he", "הגיע תורך", "rtl"), ("pl", "Twoja kolej", "ltr")],
)
def test_who_is_called_is_rung_in_her_language(
    app: FastAPI, phone: TestClient, staff: TestClient, maker: PushService, speaks: tuple[str, ...]
) -> None:
    """Only she; the maker of her browser sees neither the words nor who she is."""
    locale, title, direction = speaks
    hers, other = maker.browser("hers"), maker.browser("other")
    let(phone, hers, locale)
    act(phone, "join")
    let(TestClient(app), other)
    assert rings(app) == []
    press(staff, "rooms-1/call")
    (ring,) = rings(app)
    assert try_once(app.state.parts, ring).outcome == "sent"
    (came,) = maker.came
    assert came.path == "/wpush/hers"
    told = json.loads(hers.opened(came.body))
    assert title in told["title"]
    assert "Rooms 1" in told["body"]
    assert (told["lang"], told["dir"]) == (locale, direction)
    assert b"Rooms" not in came.body
    assert came.headers["content-encoding"] == "aes128gcm"
    assert 0 < int(came.headers["ttl"]) <= CALL_LASTS.total_seconds()


def test_the_service_can_tell_that_it_is_we(
    app: FastAPI, phone: TestClient, staff: TestClient, maker: PushService, clock: FakeClock
) -> None:
    """Signed with the key that the page gives to browsers, for this service, for hours."""
    let(phone, maker.browser("hers"))
    act(phone, "join")
    press(staff, "rooms-1/call")
    try_once(app.state.parts, rings(app)[0])
    scheme, token, point = maker.came[0].headers["authorization"].replace(",", "").split()
    assert scheme == "vapid"
    assert f'data-key="{point[2:]}"' in phone.get(f"/shops/{HERE}/waiting").text
    public = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), base64.urlsafe_b64decode(point[2:] + "=")
    )
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(token[2:], ECKey.import_key(pem), algorithms=["ES256"]).claims
    assert claims["aud"] == maker.url
    assert claims["sub"] == "mailto:lists@carryover.example"
    assert 0 < claims["exp"] - clock.now().timestamp() <= 24 * 3600


@pytest.mark.parametrize("said", [(429, "later"), (503, "later"), (413, "failed"), (403, "failed")])
def test_what_the_service_says_is_heard(
    app: FastAPI, phone: TestClient, staff: TestClient, maker: PushService, said: tuple[int, str]
) -> None:
    """Busy: later. Refused: not again, with the reason."""
    status, outcome = said
    let(phone, maker.browser("hers"))
    act(phone, "join")
    press(staff, "rooms-1/call")
    maker.answer(status)
    tried = try_once(app.state.parts, rings(app)[0])
    assert (tried.outcome, tried.reason) == (outcome, str(status))
    assert len(rows(app, PushPhoneRow)) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(
    app: FastAPI, phone: TestClient, staff: TestClient, maker: PushService, status: int
) -> None:
    """With its rings; it is never asked again."""
    let(phone, maker.browser("hers"))
    act(phone, "join")
    press(staff, "rooms-1/call")
    maker.answer(status)
    parts = app.state.parts
    tried = try_once(parts, rings(app)[0])
    assert tried.outcome == "gone"
    with unit_of_work(parts.engine) as db:
        service.gone(db, tried.phone_id)
    assert (rows(app, PushPhoneRow), rows(app, PushRingRow)) == ([], [])


def test_a_ring_that_is_late_or_settled_says_nothing(
    app: FastAPI, phone: TestClient, staff: TestClient, maker: PushService, clock: FakeClock
) -> None:
    """Sent: not again. After five minutes the place is another's."""
    let(phone, maker.browser("hers"))
    act(phone, "join")
    press(staff, "rooms-1/call")
    parts, (ring,) = app.state.parts, rings(app)
    clock.advance(CALL_LASTS.total_seconds() + 1)
    tried = try_once(parts, ring)
    assert (tried.outcome, "over" in tried.reason) == ("failed", True)
    with unit_of_work(parts.engine) as db:
        service.settle(db, clock, ring, tried.reason)
        service.settle(db, clock, ring, "")
    assert try_once(parts, ring).outcome == "nothing"
    assert [(one.state, one.failure) for one in rows(app, PushRingRow)] == [
        ("failed", tried.reason)
    ]
    assert maker.came == []
    clock.advance(service.RINGS_KEPT.total_seconds())
    with unit_of_work(parts.engine) as db:
        assert service.forget(db, clock) == 1


def test_a_service_inside_our_network_is_not_asked(
    app: FastAPI, phone: TestClient, staff: TestClient
) -> None:
    """What a page claims to be its push service may be anything; it is forgotten."""
    let(phone, Browser("https://localhost/admin"))
    act(phone, "join")
    press(staff, "rooms-1/call")
    tried = try_once(app.state.parts, rings(app)[0])
    assert (tried.outcome, "public internet" in tried.reason) == ("gone", True)


def test_a_browser_belongs_to_whoever_let_it_last(
    app: FastAPI, phone: TestClient, maker: PushService, clock: FakeClock
) -> None:
    """The same browser with another cart: rung for that one only. Ten are enough for anybody."""
    shared = maker.browser("shared")
    let(phone, shared)
    other = TestClient(app)
    let(other, shared)
    assert len({one.session_id for one in rows(app, PushPhoneRow)}) == 1
    gone = phone.post(f"{PUSH}/end", json={"endpoint": shared.endpoint}, headers=key())
    assert gone.json() == {"rung": False, "reminders": False}
    assert len(rows(app, PushPhoneRow)) == 1  # hers to end it was not
    for number in range(PHONES_MAX):
        clock.advance(1)
        let(other, maker.browser(f"more-{number}"))
    kept = {one.endpoint.rsplit("/")[-1] for one in rows(app, PushPhoneRow)}
    assert kept == {f"more-{number}" for number in range(PHONES_MAX)}
    other.post(f"{PUSH}/end", json={"endpoint": f"{maker.url}/wpush/more-1"}, headers=key())
    assert len(rows(app, PushPhoneRow)) == PHONES_MAX - 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"endpoint": "http://elsewhere.example/x"}, "address_refused"),
        ({"endpoint": "javascript:alert(1)"}, "address_refused"),
        ({"keys": {"p256dh": "AAAA", "auth": "BBBB"}}, "invalid_input"),
        ({"keys": {"p256dh": "%", "auth": "%"}}, "invalid_input"),
    ],
)
def test_what_is_no_subscription_is_refused(
    phone: TestClient, maker: PushService, change: dict[str, Any], code: str
) -> None:
    """With the reason, and nothing is kept."""
    body = maker.browser("hers").subscription | change
    answer = phone.post(PUSH, json=body, headers=key())
    assert answer.json()["code"] == code
    assert answer.is_client_error


@pytest.mark.parametrize("mark", ["-", "rung"])
@pytest.mark.timeout(FIRST_S)
def test_a_ring_survives_the_death_of_its_process(
    engine: Engine, maker: PushService, tmp_path: Path, mark: str
) -> None:
    """Busy at first: tried again. Killed before it was noted: once more, and one is shown."""
    hers, clock, ids = maker.browser("hers"), SystemClock(), RandomIds()
    if mark == "-":
        maker.answer(503)
    with unit_of_work(engine) as db:
        session_id = open_session(db, clock, ids).id
        subscription = hers.subscription
        service.subscribe(
            db,
            clock,
            session_id=session_id,
            endpoint=hers.endpoint,
            point=subscription["keys"]["p256dh"],
            auth=subscription["keys"]["auth"],
            locale="en",
        )
        service.ask(
            db,
            clock,
            ids,
            session_id=session_id,
            kind=Ring.TURN,
            location_id=HERE,
            about="rooms-1",
            number=3,
            ends_at=clock.now() + CALL_LASTS,
        )
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": SECRET,
        "OUTGOING_PRIVATE_HOSTS": HOST,
    }
    if mark != "-":
        assert run_process(environment, clock.now(), mark) == -signal.SIGKILL
    assert run_process(environment, clock.now()) == 0
    with reading(engine) as db:
        (ring,) = db.exec(select(PushRingRow)).all()
    assert (ring.state, len(maker.came)) == ("sent", 2)
    assert len({hers.opened(one.body) for one in maker.came}) == 1  # the same words and tag
