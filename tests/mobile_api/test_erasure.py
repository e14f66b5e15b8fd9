"""Erasing a customer: what goes, what stays, whatever kills the process, and after a restore."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, inspect, text
from sqlmodel import select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.db.backup import back_up, restore
from cart.kernel.clock import SystemClock
from cart.kernel.errors import CarryoverError, ErasureWaits, InvalidPayload
from cart.orders.tables import AttemptRow, OrderRow
from cart.personal.tables import ErasureRow
from cart.ports import PaymentWish
from cart.profile.queries import customer_of
from gateway.dead_letters.service import Letter, bury
from mobile_api.mail.sink import Mailbox
from mobile_api.rights import erasing, evidence
from tests.mobile_api.desk import Desk
from tests.mobile_api.office_process import run_office
from tests.mobile_api.shop import BLUE, HERE, MUG, add, key, quantities, stock
from tests.mobile_api.signing_in import ADA, BEN, sign_in
from tests.real.nursery import FIRST_S
from tests.real.postgres import client_programs

NAMES = {ADA: "Hall of Ada Quay", BEN: "Attic of Ben Rook"}
MARKS = ("evidence", "beside", "workflows", "erasing", "rows")


@dataclass
class Shop:
    """Two customers, each with a list, an order, mails, and a message that could not be done."""

    app: FastAPI
    engine: Engine
    folder: Path
    phones: dict[str, TestClient]
    desk: Desk

    def ask(self, email: str = ADA) -> str:
        """Ask for an erasure, as the command line does."""
        parts = self.app.state.parts
        with unit_of_work(self.engine) as db:
            customer_id = customer_of(db, email)
            assert customer_id is not None
            found, notices = erasing.ask(
                db,
                parts.clock,
                parts.ids,
                parts.secret,
                customer_id=customer_id,
                asked_by="terminal",
            )
            parts.tell(db, *notices)
        return found

    def close_orders(self) -> None:
        """Hand everything out."""
        with unit_of_work(self.engine) as db:
            db.connection().execute(text("UPDATE placed_order SET state = 'handed_over'"))

    def run(self, mark: str = "") -> int:
        """Run an API process until no erasure waits, or until it dies at the mark."""
        return run_office(self.engine, self.folder, self.app.state.parts.clock.now(), mark)

    def lose_database(self) -> None:
        """Leave none, as after a disk that broke; files beside it stay."""
        self.engine.dispose()
        for path in self.folder.glob("*.db*"):
            path.unlink()
        if self.engine.dialect.name == "sqlite":
            return
        with self.engine.begin() as connection:
            for schema in ("public", "dbos"):
                connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        self.engine.dispose()

    def rows(self) -> str:
        """Return every row of every table, of the workflows too, as text."""
        lines = []
        with self.engine.connect() as connection:
            seen = inspect(connection)
            for schema in seen.get_schema_names():
                if schema in {"information_schema", "pg_catalog"}:
                    continue
                for name in seen.get_table_names(schema):
                    rows = connection.execute(text(f'SELECT * FROM "{schema}"."{name}"'))  # noqa: S608 - ours
                    lines += [f"{name} {[_plain(value) for value in row]}" for row in rows]
        return "\n".join(lines)

    def left(self, *words: str) -> list[str]:
        """Return where one of these words stands, in tables or files."""
        found = ["tables" for word in words if word in self.rows()]
        for path in self.folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                found += [path.name for word in words if word.encode() in content]
        return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    return bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else value


def mail(email: str) -> bytes:
    """Return a mail."""
    message = EmailMessage()
    message["To"], message["Subject"], message["Message-ID"] = email, NAMES[email], f"<{email}>"
    message.set_content(f"For {email}")
    return message.as_bytes()


@pytest.fixture
def shop(system_app: FastAPI, shop_engine: Engine, tmp_path: Path) -> Iterator[Shop]:
    """Let both do what leaves something behind."""
    app, parts = system_app, system_app.state.parts
    stock(shop_engine, parts.clock, HERE, "mug", 20)
    with TestClient(app) as first:
        desk = Desk.of(app)
        made = Shop(app, shop_engine, tmp_path, {ADA: first, BEN: TestClient(app)}, desk)
        for email, phone in made.phones.items():
            add(phone, BLUE)
            sign_in(app, phone, email)
            add(phone, MUG)
            saved = phone.post("/api/v1/lists", json={"name": NAMES[email]}, headers=key()).json()
            body = {"email": email, "locale": "en"}
            path = f"/api/v1/lists/{saved['id']}/mail"
            assert phone.post(path, json=body, headers=key()).is_success
            phone.delete(f"/api/v1/cart/lines/{BLUE}", headers=key())
            _pay(made, desk, phone, email)
            add(phone, BLUE)
            Mailbox(tmp_path / "mail").keep(mail(email))
            error: CarryoverError = InvalidPayload("no catalogue")
            payload = json.dumps({"data": {"email": email.upper()}}).encode()
            with unit_of_work(shop_engine) as db:
                bury(db, parts.clock, parts.ids, [Letter("tab-1", "shop/v1/x", payload, error)])
        yield made


def _pay(made: Shop, desk: Desk, phone: TestClient, email: str) -> None:
    order_id = desk.sell(phone, email=email)
    parts = made.app.state.parts
    with reading(made.engine) as db:
        order = db.get_one(OrderRow, order_id)
        attempt = db.exec(
            select(AttemptRow).where(AttemptRow.checkout_id == order.checkout_id)
        ).one()
    parts.payments.active.bank.create(
        PaymentWish(
            reference=attempt.id,
            amount_minor=attempt.total_minor,
            currency="EUR",
            description="Harbour Street",
            locale="en",
            success_url="http://testserver/back",
            cancel_url="http://testserver",
            expires_at=attempt.reserved_until,
            email=email,
        )
    )


def orders(shop: Shop) -> dict[str, tuple[int, int, str]]:
    """Return what the books want of every order."""
    with reading(shop.engine) as db:
        return {
            one.id: (one.total_minor, one.tax_minor, one.placed_at.isoformat())
            for one in db.exec(select(OrderRow)).all()
        }


def lines_of(rows: str, word: str) -> list[str]:
    """Return the rows in which a word stands, but wishes for mails, which go out meanwhile."""
    lines = (line for line in rows.splitlines() if not line.startswith("list_request"))
    return sorted(line for line in lines if word in line)


@pytest.mark.parametrize("mark", ["", *MARKS])
@pytest.mark.timeout(FIRST_S)
def test_nothing_of_her_is_left_whatever_kills_the_process(shop: Shop, mark: str) -> None:
    """Tables, free pages, mails, bank and workflows; the books and the other customer stay."""
    shop.close_orders()
    books, bens = orders(shop), lines_of(shop.rows(), BEN)
    assert len(shop.left(ADA)) >= 3
    assert len(lines_of(shop.rows(), NAMES[ADA])) >= 1
    erasure_id = shop.ask()
    assert quantities(shop.phones[ADA]) == {}, "her phone is nobody's at once"
    assert shop.run(mark) == (-signal.SIGKILL if mark else 0)
    if mark:
        assert shop.run() == 0
    shop.engine.dispose()  # the last one to go folds SQLite's log into the file
    assert shop.left(ADA, ADA.upper(), NAMES[ADA]) == []
    assert orders(shop) == books
    assert [one for one in bens if one not in lines_of(shop.rows(), BEN)] == []
    assert quantities(shop.phones[BEN]) == {BLUE: 1}
    assert [one.to for one in Mailbox(shop.folder / "mail").letters()].count(BEN) >= 1
    with reading(shop.engine) as db:
        row = db.get_one(ErasureRow, erasure_id)
    assert (row.state, row.customer_id, row.asked_by) == ("done", None, "terminal")
    assert row.counts["customer_email"] == 1
    assert row.counts["dead_letter"] == 1
    assert [one.id for one in evidence.read(shop.folder)] == [erasure_id]


def test_an_address_is_hers_however_it_was_typed_and_by_whom(shop: Shop) -> None:
    """Ben once typed it with capitals, for a list, a checkout and what it was paid with.

    Answers to his own requests repeat it for a week: without them a repeat would be done twice.
    """
    typed = "Ada@Example.org"
    ben = shop.phones[BEN]
    saved = ben.post("/api/v1/lists", json={"name": "For Ada"}, headers=key()).json()
    body = {"email": typed, "locale": "en"}
    path = f"/api/v1/lists/{saved['id']}/mail"
    assert ben.post(path, json=body, headers=key()).is_success
    ben.delete(f"/api/v1/cart/lines/{BLUE}", headers=key())
    add(ben, MUG)
    shop.desk.sell(ben, email=typed)
    shop.close_orders()
    assert len(lines_of(shop.rows(), typed)) >= 3
    shop.ask()
    assert shop.run() == 0
    shop.engine.dispose()
    left = [line for line in shop.rows().splitlines() if typed in line]
    assert [line for line in left if not line.startswith("request_key ")] == []
    assert lines_of(shop.rows(), "For Ada") != []


def test_an_open_order_is_waited_for(shop: Shop) -> None:
    """She is told so; nothing was changed, and once it is handed out nothing stands in the way."""
    before = shop.rows()
    with pytest.raises(ErasureWaits, match="still to be collected"):
        shop.ask()
    assert shop.rows() == before
    shop.close_orders()
    assert shop.ask() == shop.ask(), "twice is once"


def test_who_was_erased_is_erased_again_after_a_restore(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of the day before is put back; the next start of the API erases her again."""
    monkeypatch.setenv("PATH", f"{client_programs()}:{os.environ['PATH']}")
    url = shop.engine.url.render_as_string(hide_password=False)
    shop.close_orders()
    shop.engine.dispose()
    copy = tmp_path.parent / f"{tmp_path.name}-of-yesterday"
    back_up(tmp_path, url, copy, SystemClock().now())
    erasure_id = shop.ask()
    shop.run()
    assert shop.left(ADA) == []
    shop.lose_database()
    restore(copy, tmp_path, url)
    assert "tables" in shop.left(ADA)
    shop.run()
    shop.engine.dispose()
    assert shop.left(ADA, NAMES[ADA]) == []
    with reading(shop.engine) as db:
        row = db.get_one(ErasureRow, erasure_id)
    assert (row.state, row.asked_by) == ("done", "restore")


def test_half_a_line_of_evidence_is_no_line(tmp_path: Path) -> None:
    """The power went while it was written: its erasure had not begun, and the next is whole."""
    one, two = evidence.Erased("e1", "a" * 64, "now"), evidence.Erased("e2", "b" * 64, "now")
    evidence.append(tmp_path, one)
    with (tmp_path / evidence.FILE_NAME).open("ab") as file:
        file.write(b'{"id": "e')
    evidence.append(tmp_path, two)
    evidence.append(tmp_path, two)
    assert list(evidence.read(tmp_path)) == [one, two]
