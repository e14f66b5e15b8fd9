"""The reminder that stops: scan, list by e-mail, leave; a day later one mail; buy; no more.

With a real mail server, and a clock that the test moves.
"""

import re
import signal
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts.queries import session_of_key
from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.journeys import loading, sending
from cart.journeys.collecting.collecting import collect
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.ids import RandomIds
from cart.profile.consent import service as consents
from cart.profile.consent.model import Purpose, Subject
from cart.profile.subscriptions.model import Reason
from cart.profile.subscriptions.suppression import suppress
from cart.profile.timeline import queries as stories
from cart.profile.timeline import service as timeline
from cart.profile.timeline.model import Channel, Interaction, Kind
from mobile_api.journeys.sweep import JourneySweep
from mobile_api.mail.model import Outcome
from mobile_api.mail.queries import settle
from mobile_api.mail.workflow import try_once
from mobile_api.timeline.sweep import SOURCES
from mobile_api.wiring import Parts
from tests.cart.journeying import DAY_S, HOUR_S, LISTED, PRESSED, REMINDER
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.inbox import Inbox, part
from tests.mobile_api.mail_process import run_process
from tests.mobile_api.shop import HERE, MUG, RED, SECRET, add, key, quantities, stock
from tests.mobile_api.signing_in import ADA, sign_in
from tests.mobile_api.test_lists import save
from tests.real.nursery import FIRST_S

IDS: Final = RandomIds()
# What does not differ between the databases is asked of the faster one.
ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ONCE: Final = REMINDER[: REMINDER.index('[[steps]]\nkind = "wait"')]


class Home:
    """Ada, signed in on her phone, and what the shop's process does meanwhile."""

    def __init__(self, app: FastAPI, phone: TestClient, url: str) -> None:
        self.parts: Parts = app.state.parts
        self.app, self.phone = app, phone
        self.parts.smtp_url = url
        sign_in(app, phone)
        with reading(self.parts.engine) as db:
            found = session_of_key(db, phone.cookies["carryover"], self.parts.clock.now())
            assert found is not None
            self.session: ShopperSessionRow = found
        self.subject = Subject(customer_id=self.session.customer_id or "")
        with unit_of_work(self.parts.engine) as db:
            consents.grant(
                *(db, self.parts.clock, IDS, self.subject, Purpose.REMINDERS),
                how=PRESSED,
                seen=0,
            )

    def load(self, *sources: str) -> None:
        """Switch journeys on."""
        with unit_of_work(self.parts.engine) as db:
            for source in sources:
                one = loading.load(db, self.parts.clock, source)
                loading.switch(db, self.parts.clock, one.name, active=True)

    def touch(self, kind: Kind, gtin: str = "", ref: str = "") -> None:
        """Have the timeline told."""
        one = Interaction(
            id=IDS.new("touch"),
            session_id=self.session.id,
            kind=kind,
            channel=Channel.TABLET,
            at=self.parts.clock.now(),
            gtin=gtin,
            ref=ref,
            location_id=HERE,
        )
        with unit_of_work(self.parts.engine) as db:
            timeline.keep(db, self.parts.clock, [one])

    def round(self) -> None:
        """Do what the process does every few seconds: move on, and send."""
        JourneySweep(self.parts).sweep()
        with reading(self.parts.engine) as db:
            ids = sending.waiting(db, self.parts.clock.now(), 100)
        for message_id in ids:
            attempt = try_once(self.parts, "journey", message_id)
            if attempt.outcome is not Outcome.NOTHING:
                now = self.parts.clock.now()
                settle(self.parts.engine, message_id, attempt, now, JourneyMessageRow)


@pytest.fixture
def home(
    app: FastAPI, phone: TestClient, inbox: tuple[Inbox, str], tmp_path: Path
) -> Callable[..., Home]:
    """Make Ada at home; goods have pictures."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    Image.new("RGB", (800, 800), "#884422").save(tmp_path / "pictures" / f"{'ab' * 20}.webp")

    def made(*sources: str) -> Home:
        found = Home(app, phone, inbox[1])
        found.load(*sources)
        return found

    return made


def days(home: Home, clock: FakeClock, number: float) -> None:
    """Let time pass, six hours at a time."""
    for _ in range(int(number * 4)):
        clock.advance(6 * HOUR_S)
        home.round()


def test_scan_mail_the_list_leave_one_reminder_buy_no_more(
    home: Callable[..., Home], inbox: tuple[Inbox, str], clock: FakeClock
) -> None:
    """The whole way, and the same for a cart and a list: the second one would be a second mail."""
    server, _ = inbox
    ada = home(REMINDER, LISTED)
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    saved = save(ada.phone)
    body = {"email": ADA}
    asked = ada.phone.post(f"/api/v1/lists/{saved['id']}/mail", json=body, headers=key()).json()
    ada.touch(Kind.LIST_MAILED, ref=asked["id"])
    days(ada, clock, 0.75)
    assert server.taken == []
    days(ada, clock, 0.5)
    assert [message["To"] for message in server.taken] == [ADA, ADA]  # a cart, and a list
    Desk.of(ada.app).sell(ada.phone)
    days(ada, clock, 8)
    assert len(server.taken) == 2
    with reading(ada.parts.engine) as db:
        assert {run.reason for run in db.exec(select(JourneyRunRow))} == {"bought"}


@ON_SQLITE
def test_scan_leave_one_reminder_buy_no_more(
    home: Callable[..., Home], inbox: tuple[Inbox, str], clock: FakeClock
) -> None:
    """With a journey of one mail: exactly one, and none for the mug that comes after she bought."""
    server, _ = inbox
    ada = home(ONCE)
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    days(ada, clock, 9)
    assert [message["To"] for message in server.taken] == [ADA]
    Desk.of(ada.app).sell(ada.phone)
    days(ada, clock, 9)
    assert len(server.taken) == 1
    with reading(ada.parts.engine) as db:
        assert [run.reason for run in db.exec(select(JourneyRunRow))] == ["done"]


def _link(message: EmailMessage, path: str) -> str:
    found = re.search(rf"http://testserver({path}/\S+)", part(message, "plain"))
    assert found is not None
    return found[1]


def test_its_link_brings_back_that_cart_on_any_device_and_looking_changes_nothing(
    home: Callable[..., Home],
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    another_phone: Callable[[], TestClient],
) -> None:
    """A scanner that follows every link leaves the cart, the consent and the shop as they were."""
    server, _ = inbox
    ada = home(ONCE)
    add(ada.phone, RED, 2)
    add(ada.phone, MUG)
    ada.touch(Kind.SCANNED, RED)
    days(ada, clock, 1.25)
    [message] = server.taken
    back, withdraw = _link(message, "/back"), _link(message, "/withdraw")
    scanner, tablet = another_phone(), another_phone()
    for one in (back, withdraw):
        for _ in range(2):
            assert scanner.get(one).status_code == 200
    assert scanner.cookies == {}
    assert presses(ada) == []
    assert quantities(ada.phone) == {RED: 2, MUG: 1}
    shown = tablet.get(back).text
    assert "Arc &lt;lamp&gt;" in shown
    assert "€390.50" in shown
    assert quantities(tablet) == {}
    for _ in range(2):  # pressing twice is pressing once
        assert tablet.post(back, follow_redirects=False).headers["location"] == "/"
        assert quantities(tablet) == {RED: 2, MUG: 1}
    assert ada.phone.post(back).status_code == 200
    assert quantities(ada.phone) == {RED: 2, MUG: 1}
    why = scanner.get(_link(message, "/privacy/why")).text
    assert "You put Arc &lt;lamp&gt; in your cart" in why
    forged = back[:-4] + ("AAAA" if not back.endswith("AAAA") else "BBBB")
    assert tablet.post(forged).status_code == 404
    assert scanner.post(withdraw).status_code == 200  # a press, on the page or by RFC 8058
    assert presses(ada) == [(Channel.MAIL, Kind.CAME_BACK)]
    ada.touch(Kind.SCANNED, MUG)
    days(ada, clock, 40)
    assert len(server.taken) == 1


def presses(ada: Home) -> list[tuple[Channel, Kind]]:
    """Return how her story tells that somebody came back by a message."""
    collect(ada.parts.engine, ada.parts.clock, SOURCES)
    with reading(ada.parts.engine) as db:
        found = stories.story(db, ada.session.id, 9, kinds=frozenset({Kind.CAME_BACK}))
    return [(one.interaction.channel, one.interaction.kind) for one in found]


@ON_SQLITE
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ("One press brings them back", "2 left here")),
        ("he", ("השארתם את אלה בעגלה", "נשארו כאן שניים")),
        ("pl", ("To zostało w Twoim koszyku", "Zostały tu 2 sztuki")),
    ],
)
def test_the_mail_is_worth_opening(
    home: Callable[..., Home],
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    locale: str,
    said: tuple[str, str],
) -> None:
    """Text and HTML, pictures inside, today's price and stock, dark mode, a way out."""
    server, _ = inbox
    ada = home(ONCE)
    with unit_of_work(ada.parts.engine) as db:
        row = db.get_one(ShopperSessionRow, ada.session.id)
        row.locale = locale
        db.add(row)
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    stock(ada.parts.engine, clock, HERE, "lamp-red", -1)  # of three, meanwhile
    days(ada, clock, 1.25)
    [message] = server.taken
    text, html = part(message, "plain"), part(message, "html")
    for one in said:
        assert one in text
        assert one in html
    assert f'dir="{"rtl" if locale == "he" else "ltr"}"' in html
    assert "189" in text
    assert "prefers-color-scheme: dark" in html
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"] == f"<http://testserver{_link(message, '/withdraw')}>"
    [picture] = [one for one in message.walk() if one.get_content_maintype() == "image"]
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html


@ON_SQLITE
def test_a_mail_server_that_is_away_until_she_buys_has_nothing_to_send(
    home: Callable[..., Home], inbox: tuple[Inbox, str], clock: FakeClock
) -> None:
    """Every attempt asks anew."""
    server, _ = inbox
    server.answers = ["451 come back later"]
    ada = home(ONCE)
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    ada.round()
    clock.advance(DAY_S)
    JourneySweep(ada.parts).sweep()
    with reading(ada.parts.engine) as db:
        [message_id] = sending.waiting(db, clock.now(), 10)
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.LATER
    Desk.of(ada.app).sell(ada.phone)
    assert try_once(ada.parts, "journey", message_id).outcome is Outcome.NOTHING
    with reading(ada.parts.engine) as db:
        row = db.get_one(JourneyMessageRow, message_id)
        assert (row.state, row.reason, row.taken_at) == ("refused", "bought", None)
    assert server.taken == []


@pytest.mark.parametrize(
    ("database_url", "mark"),
    [("postgresql", "composed"), ("sqlite", "deciding"), ("sqlite", "delivered")],
    indirect=["database_url"],
)
@pytest.mark.timeout(FIRST_S)
def test_a_process_that_dies_while_it_sends_sends_one(
    home: Callable[..., Home],
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    tmp_path: Path,
    mark: str,
) -> None:
    """Killed before the send, after it, and before the answer was noted: never a second one."""
    server, url = inbox
    ada = home(ONCE)
    shop_engine = ada.parts.engine
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    JourneySweep(ada.parts).sweep()
    clock.advance(DAY_S + 60)
    JourneySweep(ada.parts).sweep()
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": shop_engine.url.render_as_string(hide_password=False),
        "SMTP_URL": url,
        "SECRET_KEY": SECRET,
    }
    assert run_process(environment, clock.now(), mark) == -signal.SIGKILL
    assert len(server.taken) == (0 if mark == "composed" else 1)
    assert run_process(environment, clock.now()) == 0
    assert [message["To"] for message in server.taken] == [ADA]
    with reading(shop_engine) as db:
        [state] = [row.state for row in db.exec(select(JourneyMessageRow))]
    assert state == ("unknown" if mark == "delivered" else "sent")


@ON_SQLITE
@pytest.mark.parametrize("bounced", [False, True])
def test_from_the_facts_to_the_mail_and_back_into_her_story(
    home: Callable[..., Home], inbox: tuple[Inbox, str], clock: FakeClock, *, bounced: bool
) -> None:
    """Nothing is told by hand: what she did is collected, and so is the mail. Bounced: none."""
    server, _ = inbox
    ada = home(ONCE)
    if bounced:
        with unit_of_work(ada.parts.engine) as db:
            suppress(db, clock, ada.parts.secret, ADA, Reason.HARD_BOUNCE)
    add(ada.phone, RED)
    for _ in range(8):
        clock.advance(6 * HOUR_S)
        collect(ada.parts.engine, clock, SOURCES)
        ada.round()
    collect(ada.parts.engine, clock, SOURCES)
    with reading(ada.parts.engine) as db:
        mails = stories.story(db, ada.session.id, 10, kinds=frozenset({Kind.MAIL_SENT}))
        states = {(one.state, one.reason) for one in db.exec(select(JourneyMessageRow))}
    if bounced:
        assert (server.taken, states) == ([], {("refused", "suppressed")})
        assert mails == []
        return
    assert [message["To"] for message in server.taken] == [ADA]
    assert server.taken[0]["List-Id"].startswith("Reminders by e-mail <reminders.letters.")
    assert [one.interaction.ref for one in mails if "journey" in one.interaction.id] != []
