"""Selects: how many walk a journey, what became of its messages, and who bought.

Counts only; nobody's name. Of orders those count that somebody placed, by any of her identities,
within the journey's ``goal_days`` after she entered, and that were not cancelled.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from cart.db import is_sqlite
from cart.journeys.lift import Group
from cart.journeys.loading import version_of
from cart.journeys.model import Channel, Definition, Trigger
from cart.journeys.tables import JourneyMessageRow, JourneyRow, JourneyRunRow, JourneyVersionRow

VERSIONS_SHOWN_MAX: Final = 20
# One row for each person who entered: what she spent in the time that counts, in one currency.
# Whoever entered twice, or as two who turned out to be one, is in the group of the first time, and
# an order counts once. Hers are those that the guard "bought" knows: of her session, of those that
# joined it, and of guests with an address of hers.
_SPENT: Final = (
    "WITH run AS (SELECT r.id, r.held_out, r.entered_at,"
    " COALESCE(j.to_session_id, r.session_id) AS home FROM journey_run AS r"
    " LEFT JOIN joining AS j ON j.from_session_id = r.session_id AND j.undone_at IS NULL"
    " WHERE r.journey = :journey AND r.entered_at IS NOT NULL),"
    " person AS (SELECT home, held_out FROM (SELECT home, held_out, ROW_NUMBER() OVER"
    " (PARTITION BY home ORDER BY entered_at, id) AS nth FROM run) AS each_run WHERE nth = 1),"
    " identity AS (SELECT home, home AS session_id FROM person"
    " UNION SELECT p.home, j.from_session_id FROM person AS p"
    " JOIN joining AS j ON j.to_session_id = p.home AND j.undone_at IS NULL),"
    " hers AS (SELECT i.home, o.id FROM identity AS i"
    " JOIN placed_order AS o ON o.session_id = i.session_id"
    " UNION SELECT p.home, o.id FROM person AS p"
    " JOIN shopper_session AS s ON s.id = p.home"
    " JOIN customer_email AS e ON e.customer_id = s.customer_id"
    " JOIN placed_order AS o ON lower(o.email) = e.address),"
    " counted AS (SELECT h.home, o.id, o.total_minor FROM hers AS h"
    " JOIN placed_order AS o ON o.id = h.id AND o.state <> 'cancelled' AND o.currency = :currency"
    " WHERE EXISTS (SELECT 1 FROM run AS r WHERE r.home = h.home"
    " AND o.placed_at >= r.entered_at AND o.placed_at < {until}))"
    " SELECT p.held_out AS held_out, COALESCE(SUM(c.total_minor), 0) AS spent,"
    " COUNT(c.id) AS orders FROM person AS p LEFT JOIN counted AS c ON c.home = p.home"
    " GROUP BY p.home, p.held_out"
)
_GROUPS: Final = (
    "SELECT held_out, COUNT(*), SUM(CASE WHEN orders > 0 THEN 1 ELSE 0 END), SUM(spent),"
    " SUM(CAST(spent AS {wide}) * spent) FROM ({spent}) AS each_person GROUP BY held_out"
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A journey in numbers. ``ended``: why runs ended; ``refused``: why messages were not sent.

    ``unknown``: mails that a mail server took, and gave no answer.
    """

    name: str
    title: str
    trigger: Trigger
    version: int
    active: bool
    entered: int
    pending: int
    running: int
    sent: int
    failed: int
    postponed: int
    held_out_messages: int
    treated: Group = field(default_factory=Group)
    held_out: Group = field(default_factory=Group)
    refused: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    channels: tuple[Channel, ...] = ()
    unknown: int = 0


def all_numbers(db: Session, currency: str = "EUR") -> list[Numbers]:
    """Return every journey with its numbers, by name."""
    rows = db.exec(select(JourneyRow).order_by(col(JourneyRow.name))).all()
    return [numbers(db, row, currency) for row in rows]


def numbers(db: Session, row: JourneyRow, currency: str = "EUR") -> Numbers:
    """Return one journey with its numbers."""
    one = version_of(db, row.name, row.version)
    states = dict(
        db.exec(
            select(JourneyRunRow.state, func.count())
            .where(JourneyRunRow.journey == row.name)
            .group_by(col(JourneyRunRow.state))
        ).all()
    )
    ended = db.exec(
        select(JourneyRunRow.reason, func.count())
        .where(JourneyRunRow.journey == row.name, JourneyRunRow.reason != "")
        .group_by(col(JourneyRunRow.reason))
    ).all()
    messages = db.exec(
        select(JourneyMessageRow.state, JourneyMessageRow.reason, func.count())
        .where(JourneyMessageRow.journey == row.name)
        .group_by(col(JourneyMessageRow.state), col(JourneyMessageRow.reason))
    ).all()
    by_state: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for state, reason, number in messages:
        by_state[state] += number
        if state == "refused":
            refused[reason] += number
    treated, out = groups(db, one, currency)
    return Numbers(
        name=row.name,
        title=one.title,
        trigger=one.trigger,
        channels=one.channels,
        version=row.version,
        active=row.active,
        entered=treated.people + out.people,
        pending=states.get("pending", 0),
        running=states.get("running", 0),
        sent=by_state["sent"],
        failed=by_state["failed"],
        postponed=by_state["postponed"],
        held_out_messages=by_state["held_out"],
        unknown=by_state["unknown"],
        treated=treated,
        held_out=out,
        refused=refused,
        ended=Counter(dict(ended)),
    )


def groups(db: Session, one: Definition, currency: str) -> tuple[Group, Group]:
    """Return who entered and got messages, and who entered and was held out."""
    lite = is_sqlite(db.connection())
    # SQLite keeps moments as text of one form, which compares as the moments do.
    until = (
        f"strftime('%Y-%m-%d %H:%M:%S.999999', r.entered_at, '+{one.goal_days} days')"
        if lite
        else f"r.entered_at + INTERVAL '{one.goal_days} days'"
    )
    wide = "REAL" if lite else "NUMERIC"
    sql = _GROUPS.replace("{wide}", wide).replace("{spent}", _SPENT.replace("{until}", until))
    found = db.connection().execute(text(sql), {"journey": one.name, "currency": currency})
    by_group = {
        bool(held_out): Group(int(people), int(buyers), int(spent), int(squares))
        for held_out, people, buyers, spent, squares in found
    }
    return by_group.get(False, Group()), by_group.get(True, Group())


def versions(db: Session, name: str) -> Sequence[JourneyVersionRow]:
    """Return a journey's versions, the newest first."""
    return db.exec(
        select(JourneyVersionRow)
        .where(JourneyVersionRow.journey == name)
        .order_by(col(JourneyVersionRow.version).desc())
        .limit(VERSIONS_SHOWN_MAX)
    ).all()
