"""Erasing a customer, step by step; each step may be done again after a crash.

Asking signs her out everywhere, at once. Then, in this order: the file of evidence, what
lies beside the database (as long as the database still says which mails and payments are
hers), her rows, in one transaction that also closes the request, and mails that were on
their way meanwhile.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select, update

from cart.carts.tables import ListRequestRow, ShopperSessionRow
from cart.db import is_sqlite, reading, unit_of_work
from cart.db.guarded import insert_or_change
from cart.kernel.clock import Clock
from cart.kernel.errors import ErasureWaits
from cart.kernel.ids import Ids
from cart.looks import ending
from cart.orders import checkout
from cart.orders.model import ATTEMPT_OPEN, ORDER_OPEN, CheckoutState
from cart.orders.tables import AttemptRow, CheckoutRow, OrderLetterRow, OrderRow
from cart.personal.erasing import erase
from cart.personal.finding import IDS_AT_ONCE_MAX, FoundIds, ids_of
from cart.personal.model import Scope
from cart.personal.tables import ErasureRow
from cart.profile.consent import service as consents
from cart.profile.tables import CustomerRow
from gateway.bands import service as band_service
from gateway.bands.model import EndReason as BandEnd
from gateway.fanout import BandChanged, Notice, SignedOut
from gateway.plans import service as plans
from mobile_api.account.service import sign_out_everywhere
from mobile_api.mail.sink import Mailbox
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.rights import evidence
from mobile_api.rights.registry import REGISTRY
from mobile_api.wiring import Parts
from mobile_api.workflows import office

logger = logging.getLogger(__name__)
AT_ONCE_MAX: Final = 200  # erasures that are looked at in one round; failed ones are among them
ASKED_ANEW_AFTER: Final = timedelta(minutes=10)  # the steps try for less before they give up
CUSTOMERS_AT_ONCE: Final = 1_000  # ids in memory while the file is compared with the database
GATHERED: Final = "pay_many"  # the workflow that holds the payments of several people


def ask(
    db: Session,
    clock: Clock,
    ids: Ids,
    secret: bytes,
    *,
    customer_id: str,
    asked_by: str,
    erasure_id: str = "",
    whatever: bool = False,
) -> tuple[str, list[Notice]]:
    """Keep the wish and sign her out of everything; return its id and what is to be told.

    Once more is the same wish; after ASKED_ANEW_AFTER it is tried anew. ``whatever``: she
    was erased before, so nothing can wait.

    Raises:
        ErasureWaits: an order is still to be collected or shipped, or a payment is under way.
    """
    # The doors first: what is begun meanwhile has committed, and waits, or finds them closed.
    told = _close_doors(db, clock, ids, customer_id)
    if not whatever:
        _nothing_waits(db, customer_id)
    now = clock.now()
    values = {
        "id": erasure_id or ids.new("erasure"),
        "customer_id": customer_id,
        "customer_hash": evidence.customer_hash(secret, customer_id),
        "asked_by": asked_by,
        "state": "asked",
        "asked_at": now,
        "counts": {},
    }
    insert_or_change(
        db,
        ErasureRow,
        values,
        keys=["customer_id"],
        change={"asked_at": now},  # its workflow is named by it: one that has failed begins anew
        where=col(ErasureRow.asked_at) < now - ASKED_ANEW_AFTER,
    )
    found = db.exec(select(ErasureRow.id).where(ErasureRow.customer_id == customer_id)).one()
    return found, told


def _nothing_waits(db: Session, customer_id: str) -> None:
    found = ids_of(db, REGISTRY, customer_id)
    open_order = select(OrderRow.id).where(
        col(OrderRow.id).in_(found[Scope.ORDER]), col(OrderRow.state).in_(ORDER_OPEN)
    )
    paying = select(AttemptRow.id).where(
        col(AttemptRow.id).in_(found[Scope.ATTEMPT]), col(AttemptRow.state).in_(ATTEMPT_OPEN)
    )
    for what, waits in (("an order is still to be collected", open_order), ("a payment", paying)):
        if (row := db.exec(waits.limit(1)).first()) is not None:
            msg = f"{what} is still under way: {row}" if waits is paying else f"{what}: {row}"
            raise ErasureWaits(msg)


def _close_doors(db: Session, clock: Clock, ids: Ids, customer_id: str) -> list[Notice]:
    """End her phones' keys, bindings of devices that show her cart, her band, plan, checkouts."""
    session = db.exec(
        select(ShopperSessionRow)
        .where(ShopperSessionRow.customer_id == customer_id)
        .with_for_update(key_share=True)  # a sign-in holds it, too, and looks whether we were here
    ).first()
    if session is None:
        return []
    told = sign_out_everywhere(db, clock, ids, session)
    ended = band_service.end_loans(db, clock.now(), [session.id], BandEnd.ERASED)
    told += [BandChanged(number) for number in ended]
    if (plan := plans.end(db, session.id)) is not None:  # what she booked is free for others
        told.append(plans.changed(db, plan))
    for checkout_id in db.exec(
        select(CheckoutRow.id).where(
            CheckoutRow.session_id == session.id, CheckoutRow.state == CheckoutState.OPEN
        )
    ).all():
        checkout.close(db, clock, checkout_id=checkout_id)
    return told


def write_evidence(parts: Parts, erasure_id: str) -> bool:
    """Add the line to the file; say whether there is anything to erase."""
    with reading(parts.engine) as db:
        row = db.get(ErasureRow, erasure_id)
    if row is None or row.customer_id is None:
        return False
    line = evidence.Erased(row.id, row.customer_hash, row.asked_at.isoformat())
    evidence.append(parts.settings.data_dir, line)
    parts.marked("evidence")
    with unit_of_work(parts.engine) as db:
        found = ids_of(db, REGISTRY, row.customer_id)
        _stop_mails(db, found)
        # Whoever asked at a command line could not tell the other processes.
        parts.tell(db, *(SignedOut(session_id) for session_id in found[Scope.SESSION]))
    return True


def erase_beside(parts: Parts, erasure_id: str) -> dict[str, int]:
    """Erase looks' objects, mails in the sink, the test bank's addresses, payments' workflows."""
    with reading(parts.engine) as db:
        row = db.get(ErasureRow, erasure_id)
        if row is None or row.customer_id is None:
            return {}
        found = ids_of(db, REGISTRY, row.customer_id)
    counts = {"mails": _mailbox(parts).forget(found[Scope.ADDRESS].__contains__)}
    counts["looks"] = erase_objects(parts, found)
    if isinstance(parts.payments.active, SandboxProvider):
        counts["bank"] = parts.payments.active.bank.forget(found[Scope.ATTEMPT])
    parts.marked("beside")
    counts["workflows"] = office.forget(found[Scope.ATTEMPT], GATHERED)
    url = office.system_database_url(parts.settings)
    if url.startswith("sqlite:///"):
        _rewrite(Path(url.removeprefix("sqlite:///")))
    parts.marked("workflows")
    return counts


def erase_objects(parts: Parts, found: FoundIds) -> int:
    """Delete the pictures of her looks, also of those that are coming in; return how many looks."""
    ending.delete_objects(parts.objects, found[Scope.LOOK], found[Scope.LOOK_UPLOAD])
    return len(found[Scope.LOOK])


def erase_rows(parts: Parts, erasure_id: str, beside: dict[str, int]) -> None:
    """Erase her rows and close the request, in one transaction."""
    with unit_of_work(parts.engine) as db:
        row = db.get(ErasureRow, erasure_id, with_for_update=True)
        if row is None or row.customer_id is None:
            return
        parts.tell(db, *_close_doors(db, parts.clock, parts.ids, row.customer_id))
        found = ids_of(db, REGISTRY, row.customer_id)
        addresses = sorted(found[Scope.ADDRESS])
        _stop_mails(db, found)
        consents.erase(db, parts.clock, parts.secret, row.customer_id, addresses)
        _mark_emptied(db, parts.clock, found)  # from now on nothing is told of them
        counts = erase(db, REGISTRY, found)
        parts.marked("erasing")
        row.customer_id, row.state, row.done_at = None, "done", parts.clock.now()
        row.counts = {**counts, **beside}
        db.add(row)
    parts.marked("rows")
    _fold(parts.engine)


def _mark_emptied(db: Session, clock: Clock, found: FoundIds) -> None:
    hers = sorted(found[Scope.SESSION])
    for start in range(0, len(hers), IDS_AT_ONCE_MAX):
        db.exec(
            update(ShopperSessionRow)
            .where(col(ShopperSessionRow.id).in_(hers[start : start + IDS_AT_ONCE_MAX]))
            .values(emptied_at=clock.now())
        )


def names_of_addresses(parts: Parts, erasure_id: str) -> list[str]:
    """Return keyed hashes of her addresses: the last step is recorded with them, not with these."""
    with reading(parts.engine) as db:
        row = db.get(ErasureRow, erasure_id)
        if row is None or row.customer_id is None:
            return []
        found = ids_of(db, REGISTRY, row.customer_id)
    return sorted(evidence.address_hash(parts.secret, one) for one in found[Scope.ADDRESS])


def erase_last_mails(parts: Parts, names: Sequence[str]) -> None:
    """Erase mails that were on their way to the sink while the rows were erased."""
    _mailbox(parts).forget(lambda address: evidence.address_hash(parts.secret, address) in names)


def waiting(db: Session) -> Sequence[tuple[str, datetime]]:
    """Return erasures that are not done, with when they were asked for, oldest first."""
    return db.exec(
        select(ErasureRow.id, ErasureRow.asked_at)
        .where(ErasureRow.state == "asked")
        .order_by(col(ErasureRow.asked_at), col(ErasureRow.id))
        .limit(AT_ONCE_MAX)
    ).all()


def apply_again(engine: Engine, clock: Clock, ids: Ids, secret: bytes, data_dir: Path) -> int:
    """Ask anew for erasures that the file has and this database, of an older day, has not.

    Return how many customers are to be erased again.
    """
    known = {one.customer_hash: one for one in evidence.read(data_dir)}
    with reading(engine) as db:
        done = ErasureRow.customer_hash
        missing = known.keys() - set(db.exec(select(done)).all())
    again, after = 0, ""
    while missing:
        with reading(engine) as db:
            page = db.exec(
                select(CustomerRow.id)
                .where(CustomerRow.id > after)
                .order_by(col(CustomerRow.id))
                .limit(CUSTOMERS_AT_ONCE)
            ).all()
        if not page:
            break
        after = page[-1]
        for customer_id in page:
            name = evidence.customer_hash(secret, customer_id)
            if name in missing:
                with unit_of_work(engine) as db:
                    ask(
                        db,
                        clock,
                        ids,
                        secret,
                        customer_id=customer_id,
                        asked_by="restore",
                        erasure_id=known[name].id,
                        whatever=True,
                    )
                again += 1
    return again


def _stop_mails(db: Session, found: FoundIds) -> None:
    """Settle what waits to be mailed to her: no workflow begins with it any more."""
    hers = func.lower(ListRequestRow.email).in_(sorted(found[Scope.ADDRESS]))
    to_her = (
        (ListRequestRow, hers),
        (OrderLetterRow, col(OrderLetterRow.order_id).in_(sorted(found[Scope.ORDER]))),
    )
    for rows, which in to_her:
        stopped = update(rows).where(which, col(rows.state) == "requested")
        db.exec(stopped.values(state="failed", failure="erased"))


def _mailbox(parts: Parts) -> Mailbox:
    return Mailbox(parts.settings.data_dir / "mail")


def _rewrite(path: Path) -> None:
    """Write a SQLite file anew, without its free pages."""
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as file:
        file.execute("VACUUM")
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fold(engine: Engine) -> None:
    """Fold SQLite's log into the file: what was there before stands in it no longer."""
    if not is_sqlite(engine):
        return
    with closing(engine.raw_connection()) as raw, suppress(sqlite3.OperationalError):
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
