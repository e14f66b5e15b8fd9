"""A wish for a list becomes exactly one mail, also when this process dies on the way.

The workflow's id is the wish's: a doorbell, a sweep and a restart all start the
same one. Its steps are recorded by DBOS; after a crash it goes on at the first
step that was not. One window remains: the mail server has said 250 and we die
before that is recorded. Then the mail goes out again under the same Message-ID,
which our own sink, and many servers, keep once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import Engine

from cart.carts.tables import ListRequestRow
from cart.db import reading
from cart.kernel.clock import Clock
from cart.ports import CatalogueLookup
from mobile_api.mail.compose import compose, letter_of
from mobile_api.mail.model import WAITS_S, Attempt, Outcome
from mobile_api.mail.queries import settle
from mobile_api.mail.smtp import deliver
from mobile_api.products.pictures import Pictures
from mobile_api.settings import ApiSettings

logger = logging.getLogger(__name__)
NAME: Final = "carryover"
# Workflows in flight are finished by the next release: raise only when their steps change.
VERSION: Final = "1"
OVER: Final = frozenset({"ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class Office:
    """What the steps need. ``marked`` is called at each boundary between them."""

    engine: Engine
    clock: Clock
    lookup: CatalogueLookup
    settings: ApiSettings
    smtp_url: str
    marked: Callable[[str], None] = lambda _: None

    def try_once(self, request_id: str) -> Attempt:
        """Compose with today's prices and hand over to the mail server."""
        with reading(self.engine) as db:
            row = db.get(ListRequestRow, request_id)
            if row is None or row.state != "requested":
                return Attempt(Outcome.NOTHING)
            letter = letter_of(db, self.lookup, self.settings, row)
            message = compose(letter, row, self.settings, Pictures(self.settings.data_dir))
        self.marked("composed")
        attempt = deliver(self.smtp_url, message)
        self.marked("delivered")
        return attempt


_office: Office | None = None  # DBOS finds its functions by name, in the process


def _opened() -> Office:
    if _office is None:
        msg = "the mail office is closed"
        raise RuntimeError(msg)
    return _office


@DBOS.step(name="try_once")
async def _try_once(request_id: str) -> dict[str, str]:
    attempt = await asyncio.to_thread(_opened().try_once, request_id)
    return {"outcome": attempt.outcome.value, "reason": attempt.reason}


@DBOS.step(name="settle")
async def _settle(request_id: str, outcome: str, reason: str) -> None:
    office = _opened()
    attempt = Attempt(Outcome(outcome), reason)
    await asyncio.to_thread(settle, office.engine, request_id, attempt, office.clock.now())


@DBOS.workflow(name="send_list")
async def send_list(request_id: str) -> str:
    """Try until the mail is taken, refused for good, or the waits are used up."""
    attempt = {"outcome": Outcome.LATER.value, "reason": ""}
    for wait_s in (*WAITS_S, 0):
        attempt = await _try_once(request_id)
        if attempt["outcome"] != Outcome.LATER or not wait_s:
            break
        await DBOS.sleep_async(wait_s)
    if attempt["outcome"] != Outcome.NOTHING:
        _opened().marked("deciding")
        await _settle(request_id, attempt["outcome"], attempt["reason"])
    return attempt["outcome"]


def system_database_url(settings: ApiSettings) -> str:
    """Return where workflows are kept: a file of its own, or a schema beside the tables."""
    if settings.effective_database_url.startswith("sqlite"):
        return f"sqlite:///{Path(settings.data_dir).resolve()}/workflows.db"
    return settings.database_url


def open_office(office: Office) -> None:
    """Start DBOS and go on with what a crash interrupted."""
    global _office  # noqa: PLW0603 - see above
    _office = office
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": system_database_url(office.settings),
        "application_version": VERSION,
        "executor_id": office.settings.api_name,
        "log_level": "WARNING",
        "sys_db_pool_size": 4,
    }
    DBOS(config=config)
    DBOS.launch()


def close_office() -> None:
    """Stop DBOS; what is unfinished is finished after the next start."""
    global _office  # noqa: PLW0603 - see above
    DBOS.destroy()
    _office = None


async def ensure_started(request_id: str) -> bool:
    """Start the workflow of a wish, if it is not; say whether it can still end well."""
    with SetWorkflowID(request_id):
        handle = await DBOS.start_workflow_async(send_list, request_id)
    status = await handle.get_status()
    return status.status not in OVER
