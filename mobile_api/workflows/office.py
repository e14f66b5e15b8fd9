"""The one office of durable work: starts DBOS, ends it, and starts workflows in it.

A feature writes its workflows with :data:`step` and :data:`workflow` in a module
of its own, which is imported before the office opens; its steps reach the parts
of this process by :func:`at_work`. The id of a workflow is the id of the fact
that it is about, so a doorbell, a sweep and a restart all start the same one.
Steps are recorded; after a crash a workflow goes on at the first that was not.
"""

import json
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus

from mobile_api.settings import ApiSettings
from mobile_api.wiring import Parts

P = ParamSpec("P")
R = TypeVar("R")
NAME: Final = "carryover"
# Workflows in flight are finished by the next release: raise only when their steps change.
VERSION: Final = "1"
LISTED_AT_ONCE: Final = 500  # records in memory at a time
# A record tells an operator what went wrong, and that a fact needs no second workflow; by then the
# rows say so. One of a payment has the address that its provider was told.
KEPT: Final = timedelta(days=30)
ENDED: Final = frozenset({"SUCCESS", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED"})
OVER: Final = frozenset({"ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED"})

# A database that is away for a moment: tried again after 1, 2, 4 … seconds, two minutes in all.
STEP_TRIES_MAX: Final = 8
STEP_WAIT_FIRST_S: Final = 1.0

step = DBOS.step
workflow = DBOS.workflow
sleep = DBOS.sleep_async  # durable: what is left of it is slept after a restart

_parts: Parts | None = None  # DBOS finds its functions by name, in the process


def patient_step(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return :data:`step` for what may be done again as it is, whatever went wrong with it."""
    return DBOS.step(
        name=name,
        retries_allowed=True,
        interval_seconds=STEP_WAIT_FIRST_S,
        max_attempts=STEP_TRIES_MAX,
        backoff_rate=2.0,
    )


def at_work() -> Parts:
    """Return the parts of this process, for a step."""
    if _parts is None:
        msg = "the office is closed"
        raise RuntimeError(msg)
    return _parts


def system_database_url(settings: ApiSettings) -> str:
    """Return where workflows are kept: a file of its own, or a schema beside the tables."""
    if settings.effective_database_url.startswith("sqlite"):
        return f"sqlite:///{Path(settings.data_dir).resolve()}/workflows.db"
    return settings.database_url


def open_office(parts: Parts) -> None:
    """Start DBOS and go on with what a crash interrupted."""
    global _parts  # noqa: PLW0603 - see above
    _parts = parts
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": system_database_url(parts.settings),
        "application_version": VERSION,
        "executor_id": parts.settings.api_name,
        "log_level": "WARNING",
        "sys_db_pool_size": 4,
        # Nobody here waits for notices of DBOS: its thread need not look a hundred times a second.
        "notification_coalesce_sec": 1.0,
        # It tries again by itself when a connection turns out to be dead: no question beforehand.
        "db_engine_kwargs": {"pool_pre_ping": False},
    }
    DBOS(config=config)
    DBOS.launch()


def close_office() -> None:
    """Stop DBOS; what is unfinished is finished after the next start."""
    global _parts  # noqa: PLW0603 - see above
    DBOS.destroy()
    _parts = None


def forget(ids: Collection[str], name: str) -> int:
    """Delete records of workflows of these ids, and finished ones called ``name`` that tell of one.

    Return how many.
    """
    gone = [one.workflow_id for one in DBOS.list_workflows(workflow_ids=list(ids))] if ids else []
    offset = 0
    while found := DBOS.list_workflows(name=name, limit=LISTED_AT_ONCE, offset=offset):
        gone += [one.workflow_id for one in found if one.status in ENDED and _names(one, ids)]
        offset += len(found)
    if gone:
        DBOS.delete_workflows(gone)
    return len(gone)


def forget_old(now: datetime) -> int:
    """Delete records of workflows that ended KEPT ago; return how many."""
    before, gone = (now - KEPT).isoformat(), 0
    while found := DBOS.list_workflows(
        status=sorted(ENDED),
        completed_before=before,
        limit=LISTED_AT_ONCE,
        load_input=False,
        load_output=False,
    ):
        DBOS.delete_workflows([one.workflow_id for one in found])
        gone += len(found)
    return gone


def _names(one: WorkflowStatus, ids: Collection[str]) -> bool:
    told = json.dumps(one.input, default=str)
    return any(f'"{id_}"' in told for id_ in ids)


async def ensure_started(
    function: Callable[..., Coroutine[Any, Any, Any]], workflow_id: str, *arguments: object
) -> bool:
    """Start a workflow under this id, if it is not; say whether it can still end well.

    ``arguments``: recorded with it; those of the first start are the ones that count.
    """
    with SetWorkflowID(workflow_id):
        handle = await DBOS.start_workflow_async(function, *arguments)
    if getattr(handle, "task", None) is not None:
        return True  # it has just begun, here: only such a handle has a task
    status = await handle.get_status()
    return status.status not in OVER
