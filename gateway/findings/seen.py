"""Tells the operator what brokers and limits saw since the last look; nothing waits for it."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.db import unit_of_work
from cart.kernel.clock import Clock
from gateway.findings.places import strays
from gateway.findings.service import Found, note
from gateway.findings.tables import FindingKind
from gateway.limits import DeviceLimits

logger = logging.getLogger(__name__)
NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


def note_seen(
    engine: Engine, clock: Clock, limits: DeviceLimits, tried: Mapping[str, str] = NOWHERE
) -> None:
    """Keep who went beyond the limit, and who tried to speak where it may not (topic by device).

    What cannot be written is noted when it goes on.
    """
    floods = limits.floods()
    if floods:
        names = ", ".join(sorted(one.device_id for one in floods))
        logger.warning("devices say more than they may: %s", names)
    found = strays(tried) + [
        Found(
            one.device_id,
            FindingKind.FLOODING,
            f"{one.per_s:,.0f} messages a second; {one.beyond:,} had to wait",
        )
        for one in floods
    ]
    if not found:
        return
    try:
        with unit_of_work(engine) as db:
            note(db, clock, found)
    except SQLAlchemyError as error:
        logger.warning("what was found is noted when it goes on: %s", error)
