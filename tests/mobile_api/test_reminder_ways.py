"""Reminders by other ways than mail: to a phone that was let, as a text; each once, each asked."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.journeys.collecting.collecting import collect
from cart.journeys.tables import JourneyMessageRow
from cart.orders.tables import OrderRow
from cart.profile.push.tables import PushPhoneRow
from cart.profile.subscriptions.model import Reason
from cart.profile.subscriptions.suppression import suppress
from cart.profile.timeline import queries as stories
from cart.profile.timeline.model import Channel, Kind
from mobile_api.journeys.sweep import JourneySweep
from mobile_api.mail.model import Outcome
from mobile_api.mail.workflow import try_once
from mobile_api.outgoing.sending import signature
from mobile_api.settings import ApiSettings
from mobile_api.timeline.cdp_calls import Who, calls
from mobile_api.timeline.sweep import SOURCES
from tests.cart.journeying import DAY_S
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox
from tests.mobile_api.mail_process import run_process
from tests.mobile_api.shop import HERE, RED, SECRET, add, key, quantities
from tests.mobile_api.signing_in import ADA
from tests.mobile_api.test_reminder import ONCE, Home, days
from tests.real.push_service import HOST, PushService, push_service
from tests.real.webhook import Webhook, webhook

ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PUSH: Final = "/api/v1/push"
SIGNED_WITH: Final = "a signing secret of thirty-two characters"
NUMBER: Final = "+48601234567"


def by(channel: str, name: str = "cart-reminder") -> str:
    """Return a journey of one message that goes by this way."""
    return ONCE.replace("cart-reminder", name) + f'channel = "{channel}"\n'


@pytest.fixture
def gate() -> Iterator[Webhook]:
    """A service of the operator's that sends texts."""
    with webhook() as kept:
        yield kept


@pytest.fixture
def maker() -> Iterator[PushService]:
    """The push service of a browser's maker."""
    with push_service() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    """Settings that let us ask this machine."""
    return ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        public_url="http://testserver",
        outgoing_private_hosts=HOST,
        text_order_phones=True,
        text_signing_secret=SIGNED_WITH,
    )


@pytest.fixture
def home(
    app: FastAPI, phone: TestClient, inbox: tuple[Inbox, str], tmp_path: Path
) -> Callable[..., Home]:
    """Make Ada at home, with a lamp in her cart since now."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    Image.new("RGB", (80, 80), "#884422").save(tmp_path / "pictures" / f"{'ab' * 20}.webp")

    def made(*sources: str, locale: str = "en") -> Home:
        found = Home(app, phone, inbox[1])
        found.load(*sources)
        with unit_of_work(found.parts.engine) as db:
            row = db.get_one(ShopperSessionRow, found.session.id)
            row.locale = locale
            db.add(row)
        add(phone, RED)
        found.touch(Kind.SCANNED, RED)
        return found

    return made


def let(phone: TestClient, browser: Any, **more: bool) -> dict[str, bool]:  # noqa: ANN401 - fake
    """Let a browser be rung."""
    answer = phone.post(PUSH, json=browser.subscription | more, headers=key())
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


def configure(ada: Home, **more: str | bool) -> None:
    """Let the process have been started with other settings."""
    ada.parts.settings = ada.parts.settings.model_copy(update=more)


def ordered(ada: Home, typed: str = "+48 601 234-567") -> None:
    """Let her have had something brought, with a number for the driver."""
    now = ada.parts.clock.now()
    row = OrderRow(
        id="order-1",
        checkout_id="checkout-1",
        session_id=ada.session.id,
        location_id=HERE,
        currency="EUR",
        state="shipped",
        method="ship",
        ticket="A1",
        address={"phone": typed},
        total_minor=1,
        tax_minor=0,
        promise_at=now,
        placed_at=now,
    )
    with unit_of_work(ada.parts.engine) as db:
        db.add(row)
    ada.parts.clock.advance(1)  # type: ignore[attr-defined]  # it is the fake one
    ada.touch(Kind.SCANNED, RED)


def states(ada: Home) -> list[tuple[str, str]]:
    """Return state and reason of all messages."""
    with reading(ada.parts.engine) as db:
        return [(one.state, one.reason) for one in db.exec(select(JourneyMessageRow))]


def due(ada: Home, clock: FakeClock) -> str:
    """Let the message be asked for; return its id."""
    ada.round()
    clock.advance(DAY_S + 60)
    JourneySweep(ada.parts).sweep()
    with reading(ada.parts.engine) as db:
        return db.exec(select(JourneyMessageRow.id)).one()


@pytest.mark.parametrize("locale", ["en", "he"])
def test_a_phone_that_was_let_for_reminders_is_rung_and_no_other(
    home: Callable[..., Home],
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    maker: PushService,
    another_phone: Callable[[], TestClient],
    *,
    locale: str,
) -> None:
    """One that was let for turns is not; a press brings her cart to where she is."""
    ada = home(by("push"), locale=locale)
    ada.phone.headers["accept-language"] = locale
    hers, turns = maker.browser("hers"), maker.browser("turns")
    assert let(ada.phone, turns) == {"rung": True, "reminders": False}
    assert let(ada.phone, hers, reminders=True) == {"rung": True, "reminders": True}
    assert let(ada.phone, hers) == {"rung": True, "reminders": True}  # as the next page says it
    days(ada, clock, 1.25)
    [came] = maker.came
    told = json.loads(hers.opened(came.body))
    assert came.path == "/wpush/hers"
    assert came.headers["urgency"] == "normal"
    assert 0 < int(came.headers["ttl"]) <= 4 * 3_600
    assert (
        told["title"]
        == {
            "en": "You left these in your cart. One press brings them back, anywhere.",
            "he": "השארתם את אלה בעגלה. לחיצה אחת מחזירה אותם, בכל מקום.",
        }[locale]
    )
    assert {"en": "Arc", "he": "מנורת קשת"}[locale] in told["body"]
    tablet = another_phone()
    tablet.post(told["url"])
    assert quantities(tablet) == {RED: 1}
    assert inbox[0].taken == []
    assert states(ada) == [("sent", "")]
    collect(ada.parts.engine, clock, SOURCES)
    with reading(ada.parts.engine) as db:
        story = stories.story(db, ada.session.id, 20)
    ours = [one for one in story if one.interaction.ref == told["tag"].removeprefix("journey-")]
    assert {(one.interaction.kind, one.interaction.channel) for one in ours} == {
        (Kind.MESSAGE_SENT, Channel.PUSH),
        (Kind.CAME_BACK, Channel.PUSH),
    }
    assert Kind.MAIL_SENT not in {one.interaction.kind for one in story}
    told_cdp = [next(calls([one], Who(ada.session.id), {}, b"key"))["event"] for one in ours]
    assert sorted(told_cdp) == ["Push Notification Sent", "Push Notification Tapped"]


@ON_SQLITE
def test_who_took_it_back_or_let_turns_only_has_no_phone(
    home: Callable[..., Home], clock: FakeClock, maker: PushService
) -> None:
    """The reason is kept; the phone still rings at her turn."""
    ada, hers = home(by("push")), maker.browser("hers")
    let(ada.phone, hers, reminders=True)
    assert let(ada.phone, hers, reminders=False) == {"rung": True, "reminders": False}
    days(ada, clock, 1.25)
    assert (maker.came, states(ada)) == ([], [("refused", "no_phone")])
    with reading(ada.parts.engine) as db:
        assert len(db.exec(select(PushPhoneRow)).all()) == 1


@ON_SQLITE
def test_the_guards_hold_for_every_way(
    home: Callable[..., Home], clock: FakeClock, maker: PushService, gate: Webhook
) -> None:
    """The cap counts mails, rings and texts together; a complaint ends all, a bounce only mail."""
    ada = home(by("mail"), by("push", "ring"), by("sms", "text"))
    configure(ada, text_url=f"http://{HOST}:{gate.port}/texts")
    let(ada.phone, maker.browser("hers"), reminders=True)
    ordered(ada)
    with unit_of_work(ada.parts.engine) as db:
        suppress(db, clock, ada.parts.secret, ADA, Reason.HARD_BOUNCE)
    days(ada, clock, 1.25)
    assert sorted(states(ada)) == [("refused", "suppressed"), ("sent", ""), ("sent", "")]
    with unit_of_work(ada.parts.engine) as db:
        suppress(db, clock, ada.parts.secret, NUMBER, Reason.ASKED)
    ada.load(by("whatsapp", "chat"), by("push", "again"))
    ada.touch(Kind.SCANNED, RED)
    days(ada, clock, 1.25)
    assert sorted(states(ada))[:3] == [
        ("refused", "suppressed"),
        ("refused", "suppressed"),
        ("refused", "too_many"),
    ]
    assert (len(gate.got), len(maker.came)) == (1, 1)


@ON_SQLITE
@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_text_is_posted_signed_and_once(
    home: Callable[..., Home], clock: FakeClock, gate: Webhook, channel: str
) -> None:
    """Busy: again, under the same id. It says how to end it."""
    ada = home(by(channel))
    configure(ada, text_url=f"http://{HOST}:{gate.port}/texts")
    ordered(ada)
    gate.answers = [503]
    message_id = due(ada, clock)
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.LATER
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.SENT
    (_, first), (said, body) = gate.got
    assert first == body
    told = json.loads(body)
    assert (told["channel"], told["to"], told["id"]) == (channel, NUMBER, message_id)
    assert "http://testserver/back/" in told["text"]
    assert "http://testserver/withdraw" in told["text"]
    assert said["idempotency-key"] == said["webhook-id"] == message_id
    assert said["webhook-signature"] == signature(
        SIGNED_WITH, message_id, said["webhook-timestamp"], body
    )


@ON_SQLITE
@pytest.mark.parametrize(
    ("typed", "order_phones"), [("0601 234 567", True), ("", True), (NUMBER, False)]
)
def test_without_a_number_nothing_is_sent(
    home: Callable[..., Home], clock: FakeClock, tmp_path: Path, typed: str, *, order_phones: bool
) -> None:
    """None, one without a country, or one that was given for the driver alone."""
    ada = home(by("sms"))
    configure(ada, text_order_phones=order_phones)
    ordered(ada, typed)
    days(ada, clock, 1.25)
    assert states(ada) == [("refused", "no_number")]
    assert not (tmp_path / "texts").exists()


@pytest.mark.parametrize(
    ("database_url", "channel", "mark"),
    [
        ("sqlite", "sms", "delivered"),
        ("sqlite", "push", "composed"),
    ],
    indirect=["database_url"],
)
def test_a_process_that_dies_while_it_sends_sends_one(
    home: Callable[..., Home],
    clock: FakeClock,
    maker: PushService,
    tmp_path: Path,
    *,
    channel: str,
    mark: str,
) -> None:
    """Killed before it went, and after: the next start finds the row; what came is one."""
    ada = home(by(channel))
    let(ada.phone, maker.browser("hers"), reminders=True)
    ordered(ada)
    due(ada, clock)
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": ada.parts.engine.url.render_as_string(hide_password=False),
        "SECRET_KEY": SECRET,
        "OUTGOING_PRIVATE_HOSTS": HOST,
        "TEXT_ORDER_PHONES": "true",
    }
    assert run_process(environment, clock.now(), mark) == -signal.SIGKILL
    assert run_process(environment, clock.now()) == 0
    assert states(ada) == [("sent", "")]
    written = [
        json.loads(line)
        for one in (tmp_path / "texts").glob("*.jsonl")
        for line in one.read_text(encoding="utf-8").splitlines()
    ]
    assert (len(written), len(maker.came)) == ((1, 0) if channel == "sms" else (0, 1))
    assert all(one["to"] == "…567" for one in written)
