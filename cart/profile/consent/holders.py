"""Who has allowed a purpose, of many people at once; the same rules as for one.

Reads the ledger by SQL of its own, so that a question about a million people is one statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from cart.db.rows import AnyRow, Ask, Batch
from cart.profile.consent.model import VERSIONS, Decision, Purpose, Source, holds, standing
from cart.profile.consent.tables import ConsentRow, ConsentSubjectRow

_NEWEST: Final = (
    "NOT EXISTS (SELECT 1 FROM consent AS l WHERE l.subject_id = c.subject_id"
    " AND l.purpose = c.purpose AND l.number > c.number)"
)
_AMONG: Final = (
    "SELECT x.home, x.brought, c.purpose, c.number, c.granted, c.source,"  # noqa: S608 - our own texts, values are bound
    " COALESCE(w.version, 0), c.decided_at FROM ("
    " SELECT d.home, s.id, 0 AS brought FROM {rows} JOIN shopper_session AS p ON p.id = d.home"
    " JOIN consent_subject AS s ON s.customer_id = p.customer_id"
    " UNION ALL SELECT d.home, s.id, 0 FROM {rows} JOIN shopper_session AS p ON p.id = d.home"
    " JOIN consent_subject AS s ON s.session_id = p.id WHERE p.customer_id IS NULL"
    " UNION ALL SELECT d.home, s.id, 1 FROM {rows} JOIN shopper_session AS p ON p.id = d.home"
    " JOIN consent_subject AS o ON o.customer_id = p.customer_id"
    " JOIN consent_subject AS s ON s.joined_id = o.id"
    ") AS x JOIN consent AS c ON c.subject_id = x.id"
    f" LEFT JOIN consent_wording AS w ON w.hash = c.wording_hash WHERE {_NEWEST}"
)
# The words of `standing`: a refusal that came along holds until she decides anew; a grant that
# came along counts where she has decided nothing.
_HOLDING: Final = """
newest_{name} AS (
  SELECT c.subject_id, c.granted, c.decided_at, COALESCE(w.version, 0) AS version
  FROM consent AS c LEFT JOIN consent_wording AS w ON w.hash = c.wording_hash
  WHERE c.purpose = :{name}_purpose AND {newest}),
brought_{name} AS (
  SELECT s.joined_id, n.granted, n.version, n.decided_at,
    ROW_NUMBER() OVER (PARTITION BY s.joined_id ORDER BY n.decided_at DESC) AS place
  FROM consent_subject AS s JOIN newest_{name} AS n ON n.subject_id = s.id
  WHERE s.joined_id IS NOT NULL),
{name} AS (
  SELECT NULL AS customer_id, s.session_id
  FROM consent_subject AS s JOIN newest_{name} AS n ON n.subject_id = s.id
  WHERE s.session_id IS NOT NULL AND n.granted AND n.version >= :{name}_version
  UNION ALL
  SELECT s.customer_id, NULL
  FROM consent_subject AS s LEFT JOIN newest_{name} AS n ON n.subject_id = s.id
  LEFT JOIN brought_{name} AS b ON b.joined_id = s.id AND b.place = 1
  WHERE s.customer_id IS NOT NULL
    AND CASE WHEN n.subject_id IS NULL THEN b.granted AND b.version >= :{name}_version
        ELSE n.granted AND n.version >= :{name}_version END
    AND NOT EXISTS (SELECT 1 FROM brought_{name} AS r WHERE r.joined_id = s.id AND NOT r.granted
        AND (n.subject_id IS NULL OR r.decided_at >= n.decided_at)))"""


def among_ask(homes: Batch) -> Ask:
    """Ask what these have decided, a batch of ``home``, sessions; :func:`among_of` reads it."""
    return homes.ask(_AMONG)


def among_of(rows: Sequence[AnyRow]) -> dict[str, frozenset[Purpose]]:
    """Return by home what is allowed; who has allowed nothing is absent."""
    own: dict[tuple[str, Purpose], Decision] = {}
    brought: dict[tuple[str, Purpose], list[Decision]] = {}
    for home, along, purpose, number, granted, source, version, at in rows:
        decision = Decision(
            Purpose(purpose), number, bool(granted), Source(source), version, _moment(at),
            brought=bool(along),
        )  # fmt: skip
        if along:
            brought.setdefault((home, decision.purpose), []).append(decision)
        else:
            own[home, decision.purpose] = decision
    found: dict[str, frozenset[Purpose]] = {}
    for key in own.keys() | brought.keys():
        if holds(standing(own.get(key), brought.get(key, []))):
            found[key[0]] = found.get(key[0], frozenset()) | {key[1]}
    return found


@dataclass(frozen=True, slots=True)
class Holders:
    """Part of a ``WITH``: a table ``name`` of ``customer_id`` or ``session_id`` that allow it."""

    sql: str
    bound: Mapping[str, str | int]


def holders(name: str, purpose: Purpose) -> Holders:
    """Return the table of all who have allowed a purpose, under this name."""
    sql = _HOLDING.format(name=name, newest=_NEWEST).strip()
    good_since = VERSIONS[purpose].good_since
    return Holders(sql, {f"{name}_purpose": purpose.value, f"{name}_version": good_since})


def decided_between(db: Session, since: datetime, until: datetime) -> list[tuple[str, str]]:
    """Return (customer id, session id) of whose decisions were made then; one of the two is "".

    Of a session that joined a customer, the customer.
    """
    joined = aliased(ConsentSubjectRow)
    found = db.exec(
        select(ConsentSubjectRow.customer_id, ConsentSubjectRow.session_id, joined.customer_id)
        .join(ConsentRow, col(ConsentRow.subject_id) == ConsentSubjectRow.id)
        .outerjoin(joined, col(joined.id) == ConsentSubjectRow.joined_id)
        .where(ConsentRow.decided_at > since, ConsentRow.decided_at <= until)
        .distinct()
    )
    both = (
        ((joined_to or customer or ""), session or "") for customer, session, joined_to in found
    )
    return [(customer, "" if customer else session) for customer, session in both]


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
