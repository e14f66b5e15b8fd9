"""List e-mails: what they say, and that each wish becomes one."""

import signal
from collections.abc import Callable
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.carts.tables import ListRequestRow
from mobile_api.mail.compose import compose, letter_of
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import erase_addresses, settle, to_start
from mobile_api.mail.sink import Mailbox
from mobile_api.mail.smtp import deliver
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox, part
from tests.mobile_api.mail_process import run_process
from tests.mobile_api.shop import MUG, RED, SECRET, add, key
from tests.mobile_api.test_lists import save
from tests.real.nursery import FIRST_S


@pytest.fixture
def ask(app: FastAPI, phone: TestClient, tmp_path: Path) -> Callable[..., ListRequestRow]:
    """Ask for a list of two lamps and a mug by mail."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    Image.new("RGB", (800, 800), "#884422").save(tmp_path / "pictures" / f"{'ab' * 20}.webp")

    def wish(locale: str = "en") -> ListRequestRow:
        add(phone, RED, 2)
        add(phone, MUG)
        saved = save(phone)
        body = {"email": "ada@example.com", "locale": locale}
        asked = phone.post(f"/api/v1/lists/{saved['id']}/mail", json=body, headers=key())
        with Session(app.state.parts.engine) as db:
            return db.get_one(ListRequestRow, asked.json()["id"])

    return wish


def written(app: FastAPI, row: ListRequestRow, settings: ApiSettings) -> EmailMessage:
    """Compose the mail and read it back as a mail program does."""
    with Session(app.state.parts.engine) as db:
        letter = letter_of(db, app.state.parts.lookup, settings, row)
        message = compose(letter, row, settings)
    return BytesParser(policy=policy.default).parsebytes(message.as_bytes())


def test_the_mail_has_text_html_pictures_prices_stock_and_a_link(
    app: FastAPI, phone: TestClient, settings: ApiSettings, ask: Callable[..., ListRequestRow]
) -> None:
    """Both parts say the same; the link opens on any device; pictures are inside, as JPEG."""
    row = ask()
    message = written(app, row, settings)
    assert message["Subject"] == "Your list from Harbour Street: 3 things"
    assert message["To"] == "ada@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = part(message, "plain"), part(message, "html")
    for said in ("€378.00", "€390.50", "3 left here", "Mill Lane has 40 · 2 km away"):
        assert said in text
        assert said in html
    assert "Arc <lamp>" in text
    assert "Arc &lt;lamp&gt;" in html
    assert "no newsletter" in text
    link = next(line for line in text.splitlines() if line.startswith("http"))
    assert link in html
    assert phone.get(link).status_code == 200
    pictures = [one for one in message.walk() if one.get_content_maintype() == "image"]
    assert len(pictures) == 2
    for one in pictures:
        assert one.get_content_type() == "image/jpeg"
        assert f"cid:{one['Content-ID'].strip('<>')}" in html


@pytest.mark.parametrize(
    ("locale", "shown"),
    [("he", ("rtl", "סך הכול")), ("pl", ("ltr", "Lampa łukowa")), ("en", ("ltr", "Together: "))],
)
def test_the_mail_speaks_the_language_of_the_wish(
    app: FastAPI,
    settings: ApiSettings,
    ask: Callable[..., ListRequestRow],
    locale: str,
    shown: tuple[str, str],
) -> None:
    """Three languages; Hebrew runs from right to left."""
    direction, said = shown
    message = written(app, ask(locale), settings)
    assert said in part(message, "plain")
    assert f'dir="{direction}"' in part(message, "html")
    assert message["Content-Language"] == locale


def test_every_attempt_has_the_same_message_id(
    app: FastAPI, settings: ApiSettings, ask: Callable[..., ListRequestRow], tmp_path: Path
) -> None:
    """So that a second delivery can be known; our own mailbox keeps one."""
    row = ask()
    first, second = (written(app, row, settings) for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    mailbox = Mailbox(tmp_path / "box")
    assert mailbox.keep(first.as_bytes()) is True
    assert mailbox.keep(second.as_bytes()) is False
    [card] = mailbox.letters()
    assert "data:image/jpeg;base64," in mailbox.read(card.name).html


def test_a_server_that_says_later_and_one_that_says_no(
    app: FastAPI,
    settings: ApiSettings,
    ask: Callable[..., ListRequestRow],
    inbox: tuple[Inbox, str],
) -> None:
    """4xx and no connection are for later; 5xx is final and keeps the server's words."""
    server, url = inbox
    message = written(app, ask(), settings)
    server.answers = ["451 grey-listed, come back", "550 no such mailbox"]
    assert deliver(url, message) == Attempt(Outcome.LATER, "451 grey-listed, come back")
    assert deliver(url, message) == Attempt(Outcome.FAILED, "550 no such mailbox")
    assert deliver("smtp://127.0.0.1:9", message).outcome is Outcome.LATER
    assert server.taken == []
    assert deliver(url, message) == Attempt(Outcome.SENT)
    assert len(server.taken) == 1


def test_a_failed_mail_is_shown_with_its_reason(
    app: FastAPI, phone: TestClient, ask: Callable[..., ListRequestRow], clock: FakeClock
) -> None:
    """On the page of lists, and by the API."""
    row = ask()
    engine = app.state.parts.engine
    settle(engine, row.id, Attempt(Outcome.FAILED, "550 no such mailbox"), clock.now())
    assert "550 no such mailbox" in phone.get("/lists").text
    settle(engine, row.id, Attempt(Outcome.SENT), clock.now())  # settled stays settled
    state = phone.get(f"/api/v1/lists/{row.list_id}/mail/{row.id}").json()
    assert (state["state"], state["failure"]) == ("failed", "550 no such mailbox")


def test_the_address_is_erased_some_days_after_the_mail(
    app: FastAPI, ask: Callable[..., ListRequestRow], clock: FakeClock
) -> None:
    """Not before, and never while the mail still waits."""
    waiting, sent = ask(), ask()
    engine = app.state.parts.engine
    settle(engine, sent.id, Attempt(Outcome.SENT), clock.now())
    with Session(engine) as db:
        assert erase_addresses(db, clock.now() - timedelta(days=7)) == 0
        clock.advance(8 * 86_400)
        assert erase_addresses(db, clock.now() - timedelta(days=7)) == 1
        db.commit()
        emails = {row.id: row.email for row in db.exec(select(ListRequestRow))}
    assert emails == {waiting.id: "ada@example.com", sent.id: ""}


@pytest.mark.parametrize("mark", ["composed", "deciding"])
@pytest.mark.timeout(FIRST_S)
def test_a_wish_becomes_one_mail_also_when_the_process_is_killed(
    ask: Callable[..., ListRequestRow],
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    tmp_path: Path,
    database_url: str,
    *,
    mark: str,
) -> None:
    """Killed before the mail went out, or after that was recorded: the next start sends one."""
    row = ask()
    server, url = inbox
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "SMTP_URL": url,
        "SECRET_KEY": SECRET,
    }
    assert run_process(environment, clock.now(), mark) == -signal.SIGKILL
    assert len(server.taken) == (0 if mark == "composed" else 1)
    assert run_process(environment, clock.now()) == 0
    assert [message["To"] for message in server.taken] == ["ada@example.com"]
    assert run_process(environment, clock.now()) == 0
    assert len(server.taken) == 1
    assert row.state == "requested"  # as it was read before


@pytest.mark.timeout(FIRST_S)
def test_the_remaining_window_is_closed_by_the_message_id(
    ask: Callable[..., ListRequestRow],
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    tmp_path: Path,
    database_url: str,
) -> None:
    """Killed after the server's 250 and before our record: sent twice, under one Message-ID."""
    ask()
    server, url = inbox
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "SMTP_URL": url,
        "SECRET_KEY": SECRET,
    }
    assert run_process(environment, clock.now(), "delivered") == -signal.SIGKILL
    assert run_process(environment, clock.now()) == 0
    assert len(server.taken) == 2
    mailbox = Mailbox(tmp_path / "box")
    assert [mailbox.keep(one.as_bytes()) for one in server.taken] == [True, False]


def test_an_unfriendly_farewell_does_not_send_the_mail_again(
    inbox: tuple[Inbox, str],
    app: FastAPI,
    settings: ApiSettings,
    ask: Callable[..., ListRequestRow],
) -> None:
    """A server that took the mail and answers QUIT with 421 has the mail."""
    server, url = inbox
    server.farewell = "421 closing"
    assert deliver(url, written(app, ask(), settings)) == Attempt(Outcome.SENT)
    assert len(server.taken) == 1


def test_mails_that_wait_for_their_server_hold_up_no_other(
    app: FastAPI, ask: Callable[..., ListRequestRow]
) -> None:
    """Wishes that are on their way already take no place among those to be started."""
    rows = [ask() for _ in range(3)]
    ids = [row.id for row in rows]
    before = app.state.parts.clock.now() + timedelta(seconds=1)
    with Session(app.state.parts.engine) as db:
        assert to_start(db, before, set(), 2) == ids[:2]
        assert to_start(db, before, set(ids[:2]), 2) == ids[2:]
