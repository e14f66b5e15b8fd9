"""One round of all audiences: compared in one transaction, sent outside of any, then noted."""

from collections.abc import Mapping

from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.journeys.audiences import service
from cart.journeys.audiences.targets import AudienceTarget
from cart.kernel.clock import Clock
from cart.kernel.errors import Unavailable


def bring(engine: Engine, clock: Clock, targets: Mapping[str, AudienceTarget]) -> int:
    """Bring every audience that is due up to date; return how many hashes were told."""
    with reading(engine) as db:
        waiting = service.due(db, clock)
    told = 0
    for audience_id in waiting:
        with unit_of_work(engine) as db:
            taken = service.take(db, clock, audience_id)
            if taken is None:
                continue
            target, upload = service.plan(db, taken)
        reason = ""
        if upload.add or upload.remove:
            try:
                if target not in targets:
                    msg = f"there is no target {target}"
                    raise Unavailable(msg)  # noqa: TRY301 - as if it did not answer
                targets[target].take(upload)
            except Unavailable as error:
                reason = error.message
        with unit_of_work(engine) as db:
            if reason:
                service.failed(db, clock, upload, reason)
            else:
                service.done(db, clock, upload)
                told += len(upload.add) + len(upload.remove)
    return told
