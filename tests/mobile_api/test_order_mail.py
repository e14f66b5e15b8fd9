"""Letters about orders: what they say, to whom, and that each goes out once."""

import signal
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlmodel import Session, col, select, update
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.orders import letters
from cart.orders.tables import OrderLetterRow, OrderRow
from mobile_api.mail.kinds import KINDS
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import settle, to_start
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import EMAIL, Desk
from tests.mobile_api.inbox import Inbox, part
from tests.mobile_api.mail_process import run_process
from tests.mobile_api.shop import BLUE, HERE, RED, SECRET, add, stock
from tests.real.nursery import FIRST_S

Bought = Callable[..., str]


@pytest.fixture
def desk(app: FastAPI, phone: TestClient, tmp_path: Path) -> Desk:
    """The desk of a running shop that has a picture of its lamps."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    Image.new("RGB", (800, 800), "#884422").save(tmp_path / "pictures" / f"{'ab' * 20}.webp")
    assert phone
    return Desk.of(app)


@pytest.fixture
def bought(desk: Desk, phone: TestClient) -> Bought:
    """Buy two red lamps and a blue one, for a person who reads ``locale``."""

    def buy(locale: str = "en", **choices: str) -> str:
        stock(desk.parts.engine, desk.parts.clock, HERE, "lamp-blue", 1)
        stock(desk.parts.engine, desk.parts.clock, HERE, "lamp-red", 2)
        add(phone, RED, 2)
        add(phone, BLUE)
        order_id = desk.sell(phone, **choices)
        with unit_of_work(desk.parts.engine) as db:
            db.exec(update(OrderRow).where(col(OrderRow.id) == order_id).values(locale=locale))
        return order_id

    return buy


def asked(desk: Desk, order_id: str, kind: str, suffix: str = "") -> str:
    """Ask for a letter; return its id."""
    with unit_of_work(desk.parts.engine) as db:
        letters.ask(db, desk.parts.clock, order_id=order_id, kind=kind, suffix=suffix)
    return letters.letter_id(order_id, kind, suffix)


def written(desk: Desk, letter_id: str) -> EmailMessage:
    """Compose a letter and read it back as a mail program does."""
    with reading(desk.parts.engine) as db:
        message = KINDS["order"].message(desk.parts, db, letter_id)
    assert message is not None
    return BytesParser(policy=policy.default).parsebytes(message.as_bytes())


def test_a_receipt_says_what_was_bought_and_when_it_is_ready(
    desk: Desk, bought: Bought, phone: TestClient
) -> None:
    """Text and HTML say the same; the link opens the order on any device; pictures are inside."""
    order_id = bought()
    message = written(desk, f"{order_id}:receipt")
    ticket = desk.ticket(order_id)
    assert message["Subject"] == f"Your order {ticket} at Harbour Street"
    assert message["To"] == EMAIL
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = part(message, "plain"), part(message, "html")
    for said in (ticket, "€378.00", "€199.00", "€577.00", "Ready about", "Harbour Street", "Cork"):
        assert said in text
        assert said in html
    assert "Arc &lt;lamp&gt;" in html
    assert "2 pieces" in text
    link = next(line for line in text.splitlines() if line.startswith("http"))
    assert link in html
    page = phone.get(link)
    assert page.status_code == 200
    assert ticket in page.text
    (picture,) = [one for one in message.walk() if one.get_content_maintype() == "image"]
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [
        ("ready", "Ready at Harbour Street: your order {}", "We keep it for you until"),
        ("reminder", "Your order {} still waits at Harbour Street", "goes back on the shelf"),
        (
            "uncollected",
            "Nobody has collected your order {} at Harbour Street",
            "Nobody has collected this order",
        ),
        ("refund", "Money goes back to you: your order {} at Harbour Street", "goes back to you."),
    ],
)
def test_each_kind_says_its_one_thing(
    desk: Desk, bought: Bought, kind: str, subject: str, said: str
) -> None:
    """In subject, text and HTML."""
    order_id = bought()
    message = written(desk, asked(desk, order_id, kind))
    assert message["Subject"] == subject.format(desk.ticket(order_id))
    assert said in part(message, "plain")
    assert said in part(message, "html")


def test_a_short_pick_s_letter_says_how_much_goes_back(desk: Desk, bought: Bought) -> None:
    """The amount of that fact, whatever else went back before or after."""
    order_id = bought()
    task_id = desk.claim(order_id)
    desk.short(task_id, RED)
    desk.short(task_id, BLUE)
    with reading(desk.parts.engine) as db:
        of_order = select(OrderLetterRow.id).where(OrderLetterRow.kind == "refund")
        ids = sorted(db.exec(of_order), key=lambda one: int(one.rpartition(":")[2]))
    first, second = (part(written(desk, one), "plain") for one in ids)
    assert first.startswith("€189.00 goes back to you.")
    assert second.startswith("€199.00 goes back to you.")
    assert "1 piece not delivered" in first


@pytest.mark.parametrize(
    ("locale", "direction", "said"),
    [
        ("he", "rtl", ("תודה על ההזמנה", "לפתיחת ההזמנה")),
        ("pl", "ltr", ("Dziękujemy za zamówienie", "Otwórz zamówienie")),
    ],
)
def test_a_letter_speaks_the_language_of_the_order(
    desk: Desk, bought: Bought, locale: str, direction: str, said: tuple[str, str]
) -> None:
    """Hebrew runs from right to left; nothing English is left in it."""
    message = written(desk, f"{bought(locale)}:receipt")
    html = part(message, "html")
    assert message["Content-Language"] == locale
    assert f'dir="{direction}"' in html
    for words in said:
        assert words in html
    assert "order" not in part(message, "plain").replace("/o/order", "")


def test_a_parcel_s_letter_has_no_ticket(desk: Desk, bought: Bought) -> None:
    """It names the address that it goes to instead."""
    order_id = bought()
    with unit_of_work(desk.parts.engine) as db:
        parcel = {"method": "ship", "address": {"name": "Ada Quay", "city": "Cork"}}
        db.exec(update(OrderRow).where(col(OrderRow.id) == order_id).values(**parcel))
    text = part(written(desk, f"{order_id}:receipt"), "plain")
    assert "Ada Quay, Cork" in text
    assert "We are packing your order" in text
    assert "Your ticket" not in text


def test_an_order_without_an_address_gets_no_letter(desk: Desk, bought: Bought) -> None:
    """Neither at first nor when it is ready; and one whose address went later is not sent."""
    silent = bought(email="")
    desk.make_ready(silent)
    with reading(desk.parts.engine) as db:
        assert db.exec(select(OrderLetterRow)).all() == []
    order_id = bought()
    with unit_of_work(desk.parts.engine) as db:
        db.exec(update(OrderRow).where(col(OrderRow.id) == order_id).values(email=""))
    with reading(desk.parts.engine) as db:
        assert KINDS["order"].message(desk.parts, db, f"{order_id}:receipt") is None


def test_a_resend_is_a_letter_of_its_own(desk: Desk, bought: Bought, clock: FakeClock) -> None:
    """The same suffix again is the same letter: one Message-ID, sent once; settled stays so."""
    order_id = bought()
    first = written(desk, f"{order_id}:receipt")
    assert first["Message-ID"] == written(desk, f"{order_id}:receipt")["Message-ID"]
    again = asked(desk, order_id, "receipt", "again")
    assert asked(desk, order_id, "receipt", "again") == again
    assert written(desk, again)["Message-ID"] != first["Message-ID"]
    clock.advance(5)
    engine, kind = desk.parts.engine, KINDS["order"]
    settle(engine, again, Attempt(Outcome.FAILED, "550 no"), clock.now(), kind.rows)
    settle(engine, again, Attempt(Outcome.SENT), clock.now(), kind.rows)
    with reading(engine) as db:
        row = db.get_one(OrderLetterRow, again)
        assert (row.state, row.failure) == ("failed", "550 no")
        assert kind.message(desk.parts, db, again) is None
        assert to_start(db, clock.now(), set(), 9, kind.waiting) == [f"{order_id}:receipt"]


@pytest.fixture
def environment(inbox: tuple[Inbox, str], tmp_path: Path, database_url: str) -> dict[str, str]:
    """What an API process beside the test is told."""
    return {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "SMTP_URL": inbox[1],
        "SECRET_KEY": SECRET,
    }


@pytest.mark.parametrize("mark", ["composed", "delivered", "deciding"])
@pytest.mark.timeout(FIRST_S)
def test_a_letter_is_sent_once_also_when_the_process_is_killed(
    desk: Desk,
    bought: Bought,
    inbox: tuple[Inbox, str],
    environment: dict[str, str],
    clock: FakeClock,
    *,
    mark: str,
) -> None:
    """At each boundary of its steps; what a server took twice has one Message-ID."""
    order_id = bought()
    server, _ = inbox
    assert run_process(environment, clock.now(), mark) == -signal.SIGKILL
    for _ in range(2):
        assert run_process(environment, clock.now()) == 0
    assert {message["To"] for message in server.taken} == {EMAIL}
    assert len({message["Message-ID"] for message in server.taken}) == 1
    assert len(server.taken) == (2 if mark == "delivered" else 1)
    with Session(desk.parts.engine) as db:
        assert db.get_one(OrderLetterRow, f"{order_id}:receipt").state == "sent"
