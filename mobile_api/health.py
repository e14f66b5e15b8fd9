"""Whether this process lives, and whether it can serve. For operators' probes; tells no data."""

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cart.db import reading
from mobile_api.edge.access import Role, allow
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/health", dependencies=[allow(Role.OPERATOR)], tags=["health"])


class Health(BaseModel):
    """``ready``: every part that is needed answers."""

    ready: bool
    database: bool
    broker: bool
    open_phones: int


@router.get("/live")
def live() -> dict[str, str]:
    """Answer as long as the process does."""
    return {"status": "live"}


@router.get("/ready", responses={503: {"model": Health}})
def ready(wired: Wired, response: Response) -> Health:
    """Say whether database and broker answer; 503 while one does not."""
    database = _database_answers(wired)
    broker = not wired.listening or (wired.fan is not None and wired.fan.online)
    found = Health(
        ready=database and broker,
        database=database,
        broker=broker,
        open_phones=wired.hub.open_phones,
    )
    response.status_code = 200 if found.ready else 503
    return found


def _database_answers(wired: Parts) -> bool:
    try:
        with reading(wired.engine) as db:
            db.connection().execute(text("SELECT 1 FROM cart LIMIT 1"))
    except SQLAlchemyError:
        return False
    return True
