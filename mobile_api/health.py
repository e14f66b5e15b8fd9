"""Whether this process lives, and whether it can serve. For operators' probes; tells no data."""

from collections.abc import Mapping

from fastapi import APIRouter, Response
from pydantic import BaseModel

from gateway.monitor.health import Check, Health, database_answers
from mobile_api.edge.access import Role, allow
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/health", dependencies=[allow(Role.MONITOR)], tags=["health"])


class Readiness(BaseModel):
    """``ready``: every part that is needed answers. ``reasons``: why not, by part."""

    ready: bool
    database: bool
    broker: bool
    open_phones: int
    reasons: Mapping[str, str]


def readiness(parts: Parts) -> Health:
    """Return what has to be well for this process to serve."""
    return Health(
        {
            "database": lambda: database_answers(parts.engine),
            "broker": lambda: _broker_trouble(parts),
            "queue": lambda: "as many requests wait as may" if parts.adding.full else "",
        }
    )


def liveness(beat: Check) -> Health:
    """Return what has to be well for this process not to be started anew: its event loop."""
    return Health({"loop": beat})


def _broker_trouble(parts: Parts) -> str:
    if not parts.listening:
        return ""
    if parts.fan is None:
        return "no gateway has said yet where the broker is"
    return "" if parts.fan.online else "not connected: open pages hear of nothing"


@router.get("/live")
async def live() -> dict[str, str]:
    """Answer as long as the event loop does."""
    return {"status": "live"}


@router.get("/ready", responses={503: {"model": Readiness}})
def ready(wired: Wired, response: Response) -> Readiness:
    """Say whether database and broker answer; 503 with the reasons while one does not."""
    verdict = wired.health.look()
    response.status_code = 200 if verdict.ready else 503
    return Readiness(
        ready=verdict.ready,
        database=verdict.well("database"),
        broker=verdict.well("broker"),
        open_phones=wired.hub.open_phones,
        reasons=verdict.reasons,
    )
