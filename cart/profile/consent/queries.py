"""Selects on the consent ledger. Nothing is remembered between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, SQLColumnExpression
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, func, or_, select

from cart.profile.consent.model import Decision, Purpose, Source, Subject, standing
from cart.profile.consent.tables import ConsentRow, ConsentSubjectRow, ConsentWordingRow

HISTORY_MAX: Final = 200  # decisions that are shown; more are hers by an export


@dataclass(frozen=True, slots=True)
class Past:
    """A decision as its history tells it, with the words that it was made on ("" for none)."""

    decision: Decision
    location_id: str
    locale: str
    text: str


def subject_id_of(db: Session, subject: Subject) -> str | None:
    """Return the id that this subject's decisions hang on, None before her first."""
    return db.exec(select(ConsentSubjectRow.id).where(_is(subject))).first()


def is_subject(db: Session, subject_id: str) -> bool:
    """Say whether decisions hang on this id."""
    return db.get(ConsentSubjectRow, subject_id) is not None


def customer_of_subject(db: Session, subject_id: str) -> str | None:
    """Return whose decisions hang on this id; None: no customer's, or nobody's any more."""
    row = db.get(ConsentSubjectRow, subject_id)
    return row.customer_id if row is not None else None


def own_newest(db: Session, subject_id: str, purpose: Purpose) -> Decision | None:
    """Return the subject's own newest decision on a purpose."""
    found = db.exec(
        select(ConsentRow, ConsentWordingRow.version)
        .outerjoin(ConsentWordingRow)
        .where(ConsentRow.subject_id == subject_id, ConsentRow.purpose == purpose.value)
        .order_by(col(ConsentRow.number).desc())
        .limit(1)
    ).first()
    return None if found is None else _decision(*found, brought=False)


def own_numbers(db: Session, subject: Subject) -> dict[Purpose, int]:
    """Return the number of the subject's own newest decision, by purpose."""
    rows = db.exec(
        select(ConsentRow.purpose, func.max(ConsentRow.number))
        .join(ConsentSubjectRow)
        .where(_is(subject))
        .group_by(ConsentRow.purpose)
    )
    return {Purpose(purpose): number for purpose, number in rows}


def all_standing(
    db: Session, subject: Subject, purposes: Sequence[Purpose] = tuple(Purpose)
) -> dict[Purpose, Decision | None]:
    """Return the decision that holds on each purpose, as the database has it at this moment."""
    later = aliased(ConsentRow)
    newest = (
        select(func.max(later.number))
        .where(later.subject_id == ConsentRow.subject_id, later.purpose == ConsentRow.purpose)
        .scalar_subquery()
    )
    rows = db.exec(
        select(ConsentRow, ConsentWordingRow.version, ConsentSubjectRow.joined_id)
        .join(ConsentSubjectRow)
        .outerjoin(ConsentWordingRow)
        .where(
            _hers(subject),
            col(ConsentRow.purpose).in_([one.value for one in purposes]),
            col(ConsentRow.number) == newest,
        )
    ).all()
    own: dict[Purpose, Decision] = {}
    brought: dict[Purpose, list[Decision]] = {one: [] for one in purposes}
    for row, version, joined_id in rows:
        along = bool(subject.customer_id and joined_id)
        decision = _decision(row, version, brought=along)
        if along:
            brought[decision.purpose].append(decision)
        else:
            own[decision.purpose] = decision
    return {one: standing(own.get(one), brought[one]) for one in purposes}


def standing_of(
    db: Session, subjects: Sequence[Subject], purpose: Purpose
) -> dict[Subject, Decision]:
    """Return the decision on one purpose that holds for each of these, if there is one.

    One statement; a few hundred subjects at most.
    """
    customers = sorted({one.customer_id for one in subjects if one.customer_id})
    sessions = sorted({one.session_id for one in subjects if not one.customer_id})
    if not customers and not sessions:
        return {}
    later, joined = aliased(ConsentRow), aliased(ConsentSubjectRow)
    newest = (
        select(func.max(later.number))
        .where(later.subject_id == ConsentRow.subject_id, later.purpose == ConsentRow.purpose)
        .scalar_subquery()
    )
    rows = db.exec(
        select(ConsentRow, ConsentWordingRow.version, ConsentSubjectRow, joined.customer_id)
        .join(ConsentSubjectRow, col(ConsentSubjectRow.id) == ConsentRow.subject_id)
        .outerjoin(joined, col(joined.id) == ConsentSubjectRow.joined_id)
        .outerjoin(ConsentWordingRow, col(ConsentWordingRow.hash) == ConsentRow.wording_hash)
        .where(
            ConsentRow.purpose == purpose.value,
            col(ConsentRow.number) == newest,
            or_(
                col(ConsentSubjectRow.customer_id).in_(customers),
                col(ConsentSubjectRow.session_id).in_(sessions),
                col(joined.customer_id).in_(customers),
            ),
        )
    ).all()
    own: dict[Subject, Decision] = {}
    brought: dict[Subject, list[Decision]] = {}
    for row, version, whose, joined_to in rows:
        if joined_to is not None:
            along = Subject(customer_id=joined_to)
            brought.setdefault(along, []).append(_decision(row, version, brought=True))
        mine = Subject(customer_id=whose.customer_id or "", session_id=whose.session_id or "")
        own[mine] = _decision(row, version, brought=False)
    found = {one: standing(own.get(one), brought.get(one, [])) for one in set(subjects)}
    return {one: decision for one, decision in found.items() if decision is not None}


def with_newest(
    statement: Select[*tuple[Any, ...]],
    purpose: Purpose,
    *,
    customer_id: SQLColumnExpression[Any],
    session_id: SQLColumnExpression[Any],
    asked: SQLColumnExpression[bool],
) -> Select[*tuple[Any, ...]]:
    """Add to each row of a statement what was decided last by whom these columns name.

    For many people at once. Three columns more: ``granted`` and the wording's ``version``, both
    NULL where nothing was decided or not ``asked``; and whether decisions of a session came along
    to this customer, which :func:`standing_of` weighs.
    """
    of_her, of_session = aliased(ConsentSubjectRow), aliased(ConsentSubjectRow)
    joined, later = aliased(ConsentSubjectRow), aliased(ConsentRow)
    subject_id = func.coalesce(of_her.id, of_session.id)
    newest = (
        select(func.max(later.number))
        .where(later.subject_id == subject_id, later.purpose == purpose.value)
        .scalar_subquery()
    )
    brought = select(joined.id).where(joined.joined_id == of_her.id).exists()
    return (
        statement.add_columns(ConsentRow.granted, ConsentWordingRow.version, brought)  # type: ignore[arg-type]  # sqlmodel's columns are typed as values
        .outerjoin(of_her, and_(asked, col(of_her.customer_id) == customer_id))
        .outerjoin(
            of_session,
            and_(asked, col(of_session.session_id) == session_id, customer_id.is_(None)),
        )
        .outerjoin(
            ConsentRow,
            and_(
                col(ConsentRow.subject_id) == subject_id,
                col(ConsentRow.purpose) == purpose.value,
                col(ConsentRow.number) == newest,
            ),
        )
        .outerjoin(ConsentWordingRow, col(ConsentWordingRow.hash) == ConsentRow.wording_hash)
    )


def history(db: Session, subject: Subject, limit: int = HISTORY_MAX) -> Sequence[Past]:
    """Return the decisions of a subject and of what joined her, the newest first."""
    rows = db.exec(
        select(ConsentRow, ConsentWordingRow, ConsentSubjectRow.joined_id)
        .join(ConsentSubjectRow)
        .outerjoin(ConsentWordingRow)
        .where(_hers(subject))
        .order_by(
            col(ConsentRow.decided_at).desc(),
            col(ConsentRow.number).desc(),
            col(ConsentRow.purpose),
        )
        .limit(min(limit, HISTORY_MAX))
    ).all()
    return [
        Past(
            _decision(
                row,
                wording.version if wording else None,
                brought=bool(subject.customer_id and joined_id),
            ),
            row.location_id,
            wording.locale if wording else "",
            wording.text if wording else "",
        )
        for row, wording, joined_id in rows
    ]


def granted_since(db: Session, subject_id: str, since: datetime) -> int:
    """Return how many grants a subject has given since a moment."""
    return db.exec(
        select(func.count())
        .select_from(ConsentRow)
        .where(
            ConsentRow.subject_id == subject_id,
            col(ConsentRow.granted).is_(True),
            ConsentRow.decided_at > since,
        )
    ).one()


def _is(subject: Subject) -> ColumnElement[bool]:
    if subject.customer_id:
        return col(ConsentSubjectRow.customer_id) == subject.customer_id
    return col(ConsentSubjectRow.session_id) == subject.session_id


def _hers(subject: Subject) -> ColumnElement[bool]:
    if not subject.customer_id:
        return _is(subject)
    mine = aliased(ConsentSubjectRow)
    own_id = select(mine.id).where(mine.customer_id == subject.customer_id).scalar_subquery()
    return or_(_is(subject), col(ConsentSubjectRow.joined_id) == own_id)


def _decision(row: ConsentRow, version: int | None, *, brought: bool) -> Decision:
    return Decision(
        Purpose(row.purpose),
        row.number,
        row.granted,
        Source(row.source),
        version or 0,
        row.decided_at,
        brought,
    )
