"""A reminder goes once at most, whatever the mail server does, and what comes back ends it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlmodel import select
from starlette.testclient import TestClient

from cart.db import reading
from cart.journeys import whys
from cart.journeys.people import person_of
from cart.journeys.sending import sent_lately
from cart.journeys.tables import JourneyMessageRow
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Kind
from mobile_api.journeys.sweep import JourneySweep
from mobile_api.letters.returning import HEADER, PATH
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import settle
from mobile_api.mail.workflow import try_once
from mobile_api.payment.sandbox.signing import sign
from mobile_api.settings import ApiSettings
from tests.cart.journeying import DAY_S
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.hostile_smtp import HostileServer, hostile
from tests.mobile_api.lettering import suppressed
from tests.mobile_api.shop import RED, SECRET, add
from tests.mobile_api.test_bounces import KEY, arf, dsn
from tests.mobile_api.test_privacy import gate_says
from tests.mobile_api.test_reminder import ONCE, Home

ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REMINDERS: Final = Purpose.REMINDERS.value


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    """A mail server that misbehaves."""
    with hostile() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    """A shop with a mailbox for what comes back, and a key for whoever posts it."""
    return ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        public_url="http://testserver",
        mail_bounce_secret=KEY,
        mail_bounces_to="bounces@shop.example",
    )


@pytest.fixture
def ada(app: FastAPI, phone: TestClient, server: HostileServer, tmp_path: Path) -> Home:
    """Ada, with a lamp in her cart since a minute ago."""
    for kept in (server.plans, server.whole, server.kept, server.senders):
        kept.clear()
    server.silence_s = 0.2
    (tmp_path / "pictures").mkdir(exist_ok=True)
    Image.new("RGB", (80, 80), "#884422").save(tmp_path / "pictures" / f"{'ab' * 20}.webp")
    found = Home(app, phone, server.url)
    found.load(ONCE)
    add(phone, RED)
    return found


def due(ada: Home, clock: FakeClock, after_days: int = 0) -> str:
    """Let days pass, and then a day since a scan: return the reminder that is asked for."""
    clock.advance(after_days * DAY_S)
    JourneySweep(ada.parts).sweep()
    ada.touch(Kind.SCANNED, RED)
    JourneySweep(ada.parts).sweep()
    clock.advance(DAY_S + 60)
    JourneySweep(ada.parts).sweep()
    with reading(ada.parts.engine) as db:
        asked = select(JourneyMessageRow.id).where(JourneyMessageRow.state == "requested")
        return db.exec(asked).one()


def row_of(ada: Home, message_id: str) -> JourneyMessageRow:
    """Return a reminder as it is."""
    with reading(ada.parts.engine) as db:
        return db.get_one(JourneyMessageRow, message_id)


def sent(ada: Home, message_id: str) -> None:
    """Send it, as the workflow does."""
    attempt = try_once(ada.parts, "journey", message_id)
    assert attempt.outcome is Outcome.SENT
    settle(ada.parts.engine, message_id, attempt, ada.parts.clock.now(), JourneyMessageRow)


@pytest.fixture
def post(ada: Home, phone: TestClient) -> Callable[[bytes], tuple[int, bool]]:
    """Post what came back, as a provider does."""

    def posted(raw: bytes) -> tuple[int, bool]:
        header = sign(KEY.encode(), raw, ada.parts.clock.now())
        answer = phone.post(PATH, content=raw, headers={HEADER: header})
        return answer.status_code, answer.json().get("taken", False)

    return posted


@ON_SQLITE
@pytest.mark.parametrize("end", ["drop", "silent"])
def test_without_an_answer_it_is_unknown_and_stays_so_though_she_buys(
    ada: Home, server: HostileServer, clock: FakeClock, end: str
) -> None:
    """It may lie in her mailbox: it counts, it is told, and no second one follows it."""
    message_id = due(ada, clock)
    server.plans.append({"END": end})
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.NOTHING
    Desk.of(ada.app).sell(ada.phone)
    for _ in range(2):
        assert try_once(ada.parts, "journey", message_id).outcome is Outcome.NOTHING
    row = row_of(ada, message_id)
    assert (row.state, row.reason, row.failure[:9]) == ("unknown", "", "no answer")
    assert len(server.kept) == 1
    with reading(ada.parts.engine) as db:
        person = person_of(db, ada.session.id)
        assert sent_lately(db, person, clock.now()) == 1
        [why] = whys.messages_of(db, person.sessions, clock.now())
    assert why.state == "unknown"
    assert "May have reached you" in ada.phone.get("/privacy/why").text


@ON_SQLITE
def test_a_hang_up_inside_the_mail_never_makes_two(
    ada: Home, server: HostileServer, clock: FakeClock
) -> None:
    """Where the break is seen before the end, it goes again; else it is unknown. None is lost."""
    message_id = due(ada, clock)
    server.plans.append({"BODY": "drop"})
    first = try_once(ada.parts, "journey", message_id).outcome
    assert server.kept == []
    if first is Outcome.LATER:
        sent(ada, message_id)
    row = row_of(ada, message_id)
    assert (row.state, len(server.kept)) == (
        ("sent", 1) if first is Outcome.LATER else ("unknown", 0)
    )


@ON_SQLITE
def test_what_was_surely_not_taken_goes_later_once(
    ada: Home, server: HostileServer, clock: FakeClock
) -> None:
    """Deferred at the recipient, at the content, and dropped before it: then one mail."""
    message_id = due(ada, clock)
    server.plans += [{"RCPT": "450 grey"}, {"END": "451 full"}, {"DATA": "drop"}]
    for _ in range(3):
        assert try_once(ada.parts, "journey", message_id).outcome is Outcome.LATER
        assert row_of(ada, message_id).handed_at is None
    sent(ada, message_id)
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.NOTHING
    # Of those that were whole one was refused by name.
    assert len(server.kept) == 1


@ON_SQLITE
def test_no_mailbox_there_ends_it_and_a_policy_does_not(
    ada: Home, server: HostileServer, clock: FakeClock
) -> None:
    """5.7.1 says nothing of her mailbox, 5.1.1 does: the next one is not even tried."""
    for days, plan, now in (
        (0, "550 5.7.1 blocked", []),
        (40, "550 5.1.1 nobody", ["hard_bounce"]),
    ):
        message_id = due(ada, clock, days)
        server.plans.append({"RCPT": plan})
        assert try_once(ada.parts, "journey", message_id).outcome is Outcome.FAILED
        settle_failed(ada, message_id)
        assert suppressed(ada.app) == now
    begun, message_id = server.begun, due(ada, clock, 40)
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.NOTHING
    assert (row_of(ada, message_id).reason, server.begun) == ("suppressed", begun)


def settle_failed(ada: Home, message_id: str) -> None:
    """Settle what a server refused, as the workflow does."""
    failed, now = Attempt(Outcome.FAILED, "refused"), ada.parts.clock.now()
    settle(ada.parts.engine, message_id, failed, now, JourneyMessageRow)


def test_a_complaint_about_a_reminder_ends_reminders(
    ada: Home,
    server: HostileServer,
    clock: FakeClock,
    post: Callable[[bytes], tuple[int, bool]],
) -> None:
    """By the return path of a status, or by what a complaint encloses; twice is once."""
    message_id = due(ada, clock)
    sent(ada, message_id)
    mark = row_of(ada, message_id).mark or ""
    assert server.senders == [f"<bounces+{mark}@shop.example>"]
    assert f"Message-ID: <journey-{mark}@carryover.example>".encode() in server.kept[0]
    soft = dsn("0", status="4.2.2", to=f"bounces+{mark}@shop.example")
    assert post(soft) == (200, True)
    assert (row_of(ada, message_id).bounce, suppressed(ada.app)) == ("soft", [])
    assert gate_says(ada.app, REMINDERS)
    complaint = arf(mark).replace(b"<letter-", b"<journey-")
    assert [post(complaint) for _ in range(2)] == [(200, True)] * 2
    assert (row_of(ada, message_id).bounce, suppressed(ada.app)) == ("complaint", ["complaint"])
    assert not gate_says(ada.app, REMINDERS)
    again = due(ada, clock, 40)
    assert try_once(ada.parts, "journey", again).outcome is Outcome.NOTHING
    assert row_of(ada, again).reason == "no_consent"
    assert post(arf("f" * 32).replace(b"<letter-", b"<journey-")) == (200, False)


@ON_SQLITE
def test_a_reminder_that_bounces_was_taken_and_ends_the_address(
    ada: Home,
    server: HostileServer,
    clock: FakeClock,
    post: Callable[[bytes], tuple[int, bool]],
) -> None:
    """Of an unknown one it is the answer; consent stays hers."""
    message_id = due(ada, clock)
    server.plans.append({"END": "drop"})
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.NOTHING
    mark = row_of(ada, message_id).mark or ""
    assert post(dsn(mark).replace(b"<letter-", b"<journey-")) == (200, True)
    row = row_of(ada, message_id)
    assert (row.state, row.bounce, row.sent_at) == ("sent", "hard", row.handed_at)
    assert suppressed(ada.app) == ["hard_bounce"]
    assert gate_says(ada.app, REMINDERS)


@ON_SQLITE
def test_five_soft_ones_in_a_row_end_the_address(
    ada: Home, clock: FakeClock, post: Callable[[bytes], tuple[int, bool]]
) -> None:
    """As for letters; each reminder counts once."""
    for number in range(1, 6):
        message_id = due(ada, clock, 0 if number == 1 else 40)
        sent(ada, message_id)
        mark = row_of(ada, message_id).mark or ""
        for _ in range(2):
            assert post(dsn("0", "4.2.2", to=f"bounces+{mark}@shop.example")) == (200, True)
        assert suppressed(ada.app) == (["soft_bounces"] if number == 5 else [])
