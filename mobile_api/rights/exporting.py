"""Everything about one customer in a ZIP: JSON for programs, and a page that she can read.

Both come from the registry, in one snapshot of the database, and are written as they are
read. Staff, keys and other people are not in it.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from typing import IO, Any, Final

from sqlalchemy import Engine
from sqlmodel import Session

from cart.db import reading
from cart.kernel.clock import Clock, from_us
from cart.kernel.money import Money
from cart.personal.exporting import rows_of
from cart.personal.finding import FoundIds, ids_of
from cart.personal.model import Holding
from cart.profile.model import Limit
from mobile_api.edge.problems import N_
from mobile_api.look.templates import environment
from mobile_api.look.words import Words, words
from mobile_api.rights.labels import COLUMNS, NO, TABLES, YES
from mobile_api.rights.registry import REGISTRY

# A major number more is another shape; what comes to the tables only adds members.
SCHEMA: Final = "carryover.export/1"
# Somebody who wants it again has lost it; nobody reads it six times in an hour.
EXPORTS_PER_CUSTOMER: Final = (Limit("export:customer:hour", 6, 3_600),)
IN_MEMORY_MAX: Final = 1 << 20  # bytes of a ZIP; a larger one goes to a file that has no name

# What she reads: tables by what they are about, in the order in which she would ask.
PARTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (N_("You"), ("customer", "customer_email")),
    (
        N_("Signing in"),
        ("session_key", "passkey", "passkey_challenge", "sign_in_code", "account_letter"),
    ),
    (
        N_("What you allowed"),
        ("consent_subject", "consent", "subscription", "topic_letter"),
    ),
    (
        N_("Carts"),
        (
            *("shopper_session", "cart", "cart_line", "cart_operation"),
            *("joining", "joining_line", "joining_moved", "request_key"),
        ),
    ),
    (N_("Lists"), ("saved_list", "saved_list_line", "list_request")),
    (
        N_("Checkouts and payments"),
        (
            *("checkout", "agreed_price", "pay_attempt", "tender", "provider_event", "refund"),
            "purse",
        ),
    ),
    (
        N_("Orders"),
        (
            *("placed_order", "order_line", "order_event", "order_letter"),
            *("pick_task", "pick_line", "substitution", "goods_return"),
        ),
    ),
    (
        N_("Devices in the shop"),
        (
            *("binding", "band_loan", "band_presence", "band_at_desk", "desk_code"),
            *("turn", "push_phone", "push_ring", "shop_plan", "plan_line", "booking"),
            *("size_request", "tried_item", "dead_letter"),
        ),
    ),
    (N_("Your story with the shop"), ("interaction", "interest_word")),
    (
        N_("Groups by what you did"),
        ("segment_member", "segment_change", "segment_due", "audience_entry"),
    ),
    (
        N_("Looks"),
        (
            *("look", "look_item", "look_choice", "look_share", "look_key", "look_phone"),
            *("look_ask", "look_upload", "look_piece"),
        ),
    ),
    (N_("Reminders by e-mail"), ("journey_run", "journey_message")),
)


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table on her page; ``rows`` are read while it is written, each as (label, value)."""

    name: str
    rows: Iterator[list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class ShownPart:
    """Tables of one subject."""

    title: str
    tables: Iterator[ShownTable]


def export(engine: Engine, clock: Clock, *, customer_id: str, locale: str) -> IO[bytes]:
    """Return an open file, at its beginning, with the ZIP: ``data.json`` and ``index.html``.

    Memory: some hundred rows, and her ids. The file has no name: when it is closed, or the
    process dies, it is gone.
    """
    made = tempfile.SpooledTemporaryFile(IN_MEMORY_MAX)  # noqa: SIM115 - the caller closes it
    now = clock.now()
    with reading(engine) as db, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        found = ids_of(db, REGISTRY, customer_id)
        with archive.open("data.json", "w") as file, TextIOWrapper(file, "utf-8") as text:
            for piece in _as_json(db, found, customer_id, now):
                text.write(piece)
        with archive.open("index.html", "w") as file, TextIOWrapper(file, "utf-8") as text:
            spoken = words(locale)
            context = {"parts": _parts(db, found, spoken), "made_at": spoken.moment(now)}
            text.writelines(environment(locale).get_template("export.html").generate(context))
    made.seek(0)
    return made


def _as_json(db: Session, found: FoundIds, customer_id: str, now: datetime) -> Iterator[str]:
    head = {"schema": SCHEMA, "customer_id": customer_id, "made_at": now.isoformat()}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "tables": {'
    held = [one for one in REGISTRY if one.shown]
    for number, one in enumerate(held):
        yield f"{',' if number else ''}\n{json.dumps(one.table)}: ["
        for at, row in enumerate(rows_of(db, one, found)):
            plain = {name: _plain(value) for name, value in row.items()}
            yield f"{',' if at else ''}\n{json.dumps(plain, ensure_ascii=False)}"
        yield "]"
    yield "}}\n"


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return value


def _parts(db: Session, found: FoundIds, spoken: Words) -> Iterator[ShownPart]:
    held = {one.table: one for one in REGISTRY}
    for title, names in PARTS:
        tables = (
            ShownTable(spoken.gettext(TABLES[name]), _shown(db, held[name], found, spoken))
            for name in names
        )
        yield ShownPart(spoken.gettext(title), tables)


def _shown(
    db: Session, one: Holding, found: FoundIds, spoken: Words
) -> Iterator[list[tuple[str, str]]]:
    for row in rows_of(db, one, found):
        currency = row.get("currency")
        yield [
            (spoken.gettext(COLUMNS[name]), _readable(name, value, currency, spoken))
            for name, value in row.items()
            if value not in (None, "")
        ]


def _readable(name: str, value: Any, currency: str | None, spoken: Words) -> str:  # noqa: ANN401
    if name.endswith("_minor") and currency:
        return spoken.money(Money(value, currency))
    if name.endswith("_us"):
        return spoken.moment(from_us(value))
    if isinstance(value, datetime):
        return spoken.moment(value)
    if isinstance(value, bool):
        return spoken.gettext(YES if value else NO)
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
