"""The test bank's books: a SQLite file of its own, which survives what kills the process.

Strict as a real one: a payment is made once per reference, captured once,
refunded once per key and never above its amount. Every change is one guarded
UPDATE, and the webhook that tells of it is written in the same transaction.
Imports nothing of the shop's database.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cart.kernel.clock import Clock, from_us, to_us
from cart.kernel.errors import NotFound, Refused
from cart.kernel.ids import Ids
from cart.ports import PaymentWish
from mobile_api.payment.sandbox.model import (
    UNSETTLED,
    Choice,
    Payment,
    PaymentState,
    Told,
    Webhook,
)

BUSY_TIMEOUT_S: Final = 10
DUE_AT_ONCE_MAX: Final = 50  # webhooks, or payments that time moves, in one round
WAIT_FIRST_S, WAIT_MAX_S = 1, 600  # doubles: a shop that restarts is back in seconds
TRIES_MAX: Final = 450  # about three days, as real providers do; then only asking helps

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS payment (
    ref TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0), currency TEXT NOT NULL,
    description TEXT NOT NULL, email TEXT NOT NULL,
    success_url TEXT NOT NULL, cancel_url TEXT NOT NULL,
    expires_at_us INTEGER NOT NULL, captures_at_us INTEGER,
    state TEXT NOT NULL, failure TEXT NOT NULL DEFAULT '',
    refunded_minor INTEGER NOT NULL DEFAULT 0,
    CHECK (refunded_minor BETWEEN 0 AND CASE state WHEN 'captured' THEN amount_minor ELSE 0 END)
);
CREATE INDEX IF NOT EXISTS ix_payment_state ON payment (state);
CREATE TABLE IF NOT EXISTS refund (
    id TEXT PRIMARY KEY, ref TEXT NOT NULL REFERENCES payment (ref), key TEXT NOT NULL UNIQUE,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0)
);
CREATE TABLE IF NOT EXISTS outbox (
    event_id TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
    due_at_us INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (event_id, number)
);
CREATE INDEX IF NOT EXISTS ix_outbox_due ON outbox (due_at_us);
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook to be posted: the same event may be due twice."""

    event_id: str
    number: int
    body: bytes


class Bank:
    """The books in ``path``."""

    def __init__(self, path: Path, clock: Clock, ids: Ids) -> None:
        self._path, self._clock, self._ids = path, clock, ids
        path.parent.mkdir(parents=True, exist_ok=True)
        # One, kept open: the last to close a book in WAL mode copies and deletes its log, which
        # costs ten times what a payment does.
        self._books = self._connect()
        self._one_at_a_time = threading.Lock()
        self._books.execute("PRAGMA journal_mode = WAL")
        self._books.execute("PRAGMA secure_delete = ON")
        self._books.executescript(_TABLES)

    def create(self, wish: PaymentWish) -> Payment:
        """Open a payment; the same reference again is the same one.

        Raises:
            Refused: the reference was used for another amount.
        """
        with self._writing() as books:
            books.execute(
                "INSERT INTO payment (ref, reference, amount_minor, currency, description, email,"
                " success_url, cancel_url, expires_at_us, state) VALUES (?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (reference) DO NOTHING",
                (
                    self._ids.new("sbx"),
                    wish.reference,
                    wish.amount_minor,
                    wish.currency,
                    wish.description,
                    wish.email,
                    wish.success_url,
                    wish.cancel_url,
                    to_us(wish.expires_at),
                    PaymentState.OPEN,
                ),
            )
            made = _payment(books, "reference", wish.reference)
        if (made.amount_minor, made.currency) != (wish.amount_minor, wish.currency):
            msg = f"reference {wish.reference} was used for another amount"
            raise Refused(msg)
        return made

    def forget(self, references: Collection[str]) -> int:
        """Empty the e-mail addresses of these payments; return how many had one."""
        with self._writing() as books:
            gone = sum(
                books.execute(
                    "UPDATE payment SET email = '' WHERE reference = ? AND email <> ''", (one,)
                ).rowcount
                for one in references
            )
        self._books.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def payment(self, ref: str) -> Payment:
        """Return a payment as it is now. Raises NotFound."""
        with self._writing() as books:
            self._let_time_pass(books, ref)
            return _payment(books, "ref", ref)

    def choose(self, ref: str, choice: Choice, seconds: int = 0) -> Payment:
        """Do what the shopper chose at the page; where it is closed nothing changes.

        Raises:
            NotFound: no such payment.
        """
        with self._writing() as books:
            self._let_time_pass(books, ref)
            later = self._clock.now() + timedelta(seconds=seconds)
            asked = (PaymentState.OPEN,)
            match choice:
                case Choice.CONFIRM:
                    self._move(books, ref, asked, PaymentState.CHALLENGE)
                case Choice.DELAY:
                    self._move(books, ref, asked, PaymentState.WAITING, captures_at=later)
                case Choice.REFUSE:
                    if self._move(books, ref, asked, PaymentState.FAILED, "card declined"):
                        self._tell(books, ref)
                case Choice.LEAVE:
                    if self._move(books, ref, asked, PaymentState.CANCELLED):
                        self._tell(books, ref)
                case _:
                    if self._move(books, ref, asked, PaymentState.CAPTURED):
                        self._tell(books, ref, choice, later)
            return _payment(books, "ref", ref)

    def confirm(self, ref: str, *, approved: bool) -> Payment:
        """Take the answer of the second page. Raises NotFound."""
        with self._writing() as books:
            self._let_time_pass(books, ref)
            asked = (PaymentState.CHALLENGE,)
            state = PaymentState.CAPTURED if approved else PaymentState.FAILED
            failure = "" if approved else "authentication failed"
            if self._move(books, ref, asked, state, failure):
                self._tell(books, ref)
            return _payment(books, "ref", ref)

    def cancel(self, ref: str) -> Payment:
        """Close the page. Where the money came first it stays captured. Raises NotFound."""
        with self._writing() as books:
            self._let_time_pass(books, ref)
            if self._move(books, ref, UNSETTLED, PaymentState.CANCELLED):
                self._tell(books, ref)
            return _payment(books, "ref", ref)

    def refund(self, ref: str, *, amount_minor: int, key: str) -> str:
        """Give back; the same key again is the same refund. Return its id.

        Raises:
            Refused: not captured, more than is left of it, or a key that was used otherwise.
        """
        with self._writing() as books:
            known = books.execute("SELECT * FROM refund WHERE key = ?", (key,)).fetchone()
            if known is not None:
                if (known["ref"], known["amount_minor"]) != (ref, amount_minor):
                    msg = f"key {key} was used for another refund"
                    raise Refused(msg)
                return str(known["id"])
            moved = books.execute(
                "UPDATE payment SET refunded_minor = refunded_minor + :amount WHERE ref = :ref"
                " AND state = 'captured' AND refunded_minor + :amount <= amount_minor",
                {"ref": ref, "amount": amount_minor},
            )
            if amount_minor <= 0 or moved.rowcount != 1:
                msg = f"{amount_minor} cannot be refunded of payment {ref}"
                raise Refused(msg)
            refund_id = self._ids.new("rfn")
            books.execute(
                "INSERT INTO refund (id, ref, key, amount_minor) VALUES (?,?,?,?)",
                (refund_id, ref, key, amount_minor),
            )
            return refund_id

    def balance_minor(self) -> int:
        """Return all that was captured and not refunded."""
        with self._one_at_a_time:
            row = self._books.execute(
                "SELECT COALESCE(SUM(amount_minor - refunded_minor), 0) FROM payment"
                " WHERE state = 'captured'"
            ).fetchone()
        return int(row[0])

    def payments(self) -> list[Payment]:
        """Return every payment, in the order of their references: for tests and curious people."""
        with self._one_at_a_time:
            return [
                _of_row(row) for row in self._books.execute("SELECT * FROM payment ORDER BY ref")
            ]

    def waiting(self) -> int:
        """Return how many webhooks the shop has not taken yet."""
        with self._one_at_a_time:
            row = self._books.execute("SELECT COUNT(*) FROM outbox").fetchone()
        return int(row[0])

    def take_due(self) -> list[Delivery]:
        """Let time pass, and return webhooks that are due; each is due again unless delivered."""
        with self._writing() as books:
            now_us = to_us(self._clock.now())
            moved = books.execute(
                "SELECT ref FROM payment WHERE state IN ('open', 'challenge', 'waiting')"
                " AND (captures_at_us <= ? OR (state <> 'waiting' AND expires_at_us <= ?)) LIMIT ?",
                (now_us, now_us, DUE_AT_ONCE_MAX),
            ).fetchall()
            for row in moved:
                self._let_time_pass(books, row["ref"])
            due = books.execute(
                "SELECT * FROM outbox WHERE due_at_us <= ? AND tries < ?"
                " ORDER BY due_at_us, event_id, number LIMIT ?",
                (now_us, TRIES_MAX, DUE_AT_ONCE_MAX),
            ).fetchall()
            for row in due:
                wait_s = min(WAIT_MAX_S, WAIT_FIRST_S << min(row["tries"], 10))
                books.execute(
                    "UPDATE outbox SET tries = tries + 1, due_at_us = ?"
                    " WHERE event_id = ? AND number = ?",
                    (now_us + wait_s * 1_000_000, row["event_id"], row["number"]),
                )
            return [Delivery(row["event_id"], row["number"], row["body"]) for row in due]

    def delivered(self, delivery: Delivery) -> None:
        """Forget a webhook that the shop has taken."""
        with self._writing() as books:
            books.execute(
                "DELETE FROM outbox WHERE event_id = ? AND number = ?",
                (delivery.event_id, delivery.number),
            )

    def _let_time_pass(self, books: sqlite3.Connection, ref: str) -> None:
        """Capture what was confirmed and is due; close a page that is too old."""
        row = books.execute("SELECT * FROM payment WHERE ref = ?", (ref,)).fetchone()
        now_us = to_us(self._clock.now())
        if row is None:
            msg = "the bank knows no such payment"
            raise NotFound(msg)
        waiting, asked = (PaymentState.WAITING,), (PaymentState.OPEN, PaymentState.CHALLENGE)
        due = row["captures_at_us"] is not None and row["captures_at_us"] <= now_us
        old = row["expires_at_us"] <= now_us
        moved = due and self._move(books, ref, waiting, PaymentState.CAPTURED)
        if moved or (old and self._move(books, ref, asked, PaymentState.CANCELLED, "expired")):
            self._tell(books, ref)

    def _move(
        self,
        books: sqlite3.Connection,
        ref: str,
        before: tuple[PaymentState, ...],
        after: PaymentState,
        failure: str = "",
        *,
        captures_at: datetime | None = None,
    ) -> bool:
        marks = ", ".join("?" for _ in before)
        moved = books.execute(
            "UPDATE payment SET state = ?, failure = ?, captures_at_us = ?"  # noqa: S608 - marks only
            f" WHERE ref = ? AND state IN ({marks})",
            (after, failure, to_us(captures_at) if captures_at else None, ref, *before),
        )
        return moved.rowcount == 1

    def _tell(
        self,
        books: sqlite3.Connection,
        ref: str,
        choice: Choice = Choice.PAY,
        later: datetime | None = None,
    ) -> None:
        if choice is Choice.LOST:
            return
        one, now = _payment(books, "ref", ref), self._clock.now()
        told = Told(
            ref=ref,
            reference=one.reference,
            amount_minor=one.amount_minor,
            currency=one.currency,
            state=one.state,
            failure=one.failure,
        )
        webhook = Webhook(id=self._ids.new("evt"), created_at=now, payment=told)
        due = later if choice is Choice.LATE and later is not None else now
        for number in range(2 if choice is Choice.TWICE else 1):
            books.execute(
                "INSERT INTO outbox (event_id, number, body, due_at_us) VALUES (?,?,?,?)",
                (webhook.id, number, webhook.model_dump_json().encode(), to_us(due)),
            )

    def _connect(self) -> sqlite3.Connection:
        books = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        books.row_factory = sqlite3.Row
        books.execute("PRAGMA synchronous = FULL")
        books.execute("PRAGMA foreign_keys = ON")
        return books

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._one_at_a_time:
            self._books.execute("BEGIN IMMEDIATE")
            try:
                yield self._books
            except BaseException:
                self._books.execute("ROLLBACK")
                raise
            self._books.execute("COMMIT")


def _payment(books: sqlite3.Connection, column: str, value: str) -> Payment:
    row = books.execute(f"SELECT * FROM payment WHERE {column} = ?", (value,)).fetchone()  # noqa: S608
    if row is None:
        msg = "the bank knows no such payment"
        raise NotFound(msg)
    return _of_row(row)


def _of_row(row: Any) -> Payment:  # noqa: ANN401 - sqlite3.Row is typed loosely
    return Payment(
        ref=row["ref"],
        reference=row["reference"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        description=row["description"],
        email=row["email"],
        success_url=row["success_url"],
        cancel_url=row["cancel_url"],
        expires_at=from_us(row["expires_at_us"]),
        state=PaymentState(row["state"]),
        refunded_minor=row["refunded_minor"],
        failure=row["failure"],
    )
