"""What tests of the timeline ask: let it be collected, and read a phone's story."""

from datetime import datetime
from typing import Final

from fastapi import FastAPI
from sqlalchemy import bindparam, text
from sqlmodel import Session, select
from sqlmodel.sql.sqltypes import UTCDateTime

from cart.carts.queries import session_of_key
from cart.db import reading, unit_of_work
from cart.journeys.collecting.collecting import collect
from cart.profile.consent import queries as consent
from cart.profile.consent import service as consents
from cart.profile.consent.model import VERSIONS, How, Purpose, Shown, Source, Subject
from cart.profile.timeline import queries
from cart.profile.timeline.model import Interaction
from cart.profile.timeline.tables import InteractionRow
from mobile_api.timeline.sweep import SOURCES
from mobile_api.wiring import Parts
from tests.mobile_api.signing_in import Client

MUCH: Final = 1_000


def told(app: FastAPI) -> int:
    """Let everything be collected; return how many interactions were new."""
    parts: Parts = app.state.parts
    return collect(parts.engine, parts.clock, SOURCES)


def session_of(app: FastAPI, phone: Client) -> str:
    """Return the session that a phone's cookie opens."""
    parts: Parts = app.state.parts
    with reading(parts.engine) as db:
        found = session_of_key(db, phone.cookies["carryover"], parts.clock.now())
    assert found is not None
    return found.id


def story(app: FastAPI, session_id: str) -> list[Interaction]:
    """Return somebody's whole story, the oldest first."""
    with reading(app.state.parts.engine) as db:
        home = queries.home_of(db, session_id)
        found = queries.story(db, home, MUCH)
    return [one.interaction for one in reversed(found)]


def kinds(app: FastAPI, session_id: str) -> list[str]:
    """Return the kinds of somebody's story, the oldest first."""
    return [one.kind.value for one in story(app, session_id)]


def all_kept(db: Session) -> list[InteractionRow]:
    """Return the whole timeline by its positions."""
    rows = select(InteractionRow).order_by(InteractionRow.position)  # type: ignore[arg-type]
    return list(db.exec(rows).all())


def change(app: FastAPI, statement: str, **values: object) -> None:
    """Change rows behind the program's back."""
    times = [name for name, value in values.items() if isinstance(value, datetime)]
    typed = text(statement).bindparams(*(bindparam(name, type_=UTCDateTime()) for name in times))
    with unit_of_work(app.state.parts.engine) as db:
        assert db.connection().execute(typed, values).rowcount >= 1, statement


def grant(app: FastAPI, subject: Subject, purpose: Purpose = Purpose.ANALYTICS) -> None:
    """Let somebody allow a purpose."""
    parts: Parts = app.state.parts
    how = How(Source.PAGE, Shown(VERSIONS[purpose].current, "en", "Statistics"))
    with unit_of_work(parts.engine) as db:
        seen = consent.own_numbers(db, subject).get(purpose, 0)
        doing = (parts.clock, parts.ids, subject, purpose)
        consents.grant(db, *doing, how=how, seen=seen)
