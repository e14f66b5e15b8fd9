"""What the tablet remembers over a reboot, in the spool's file: the visit and the twin's wish.

Owns the two keys and nothing else. A visit is written in the transaction of the
event that changed it, so that the two can never disagree.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from cart.kernel.errors import CarryoverError
from gateway.wire.downlink import DesiredData
from gateway.wire.events import DeviceEvent
from store_devices.spool import Remember, Spool
from store_devices.tablet.model import Visit

VISIT_KEY: Final = "visit"
DESIRED_KEY: Final = "desired"

_LOG = logging.getLogger(__name__)


class Memory:
    """Reads and writes the two keys. A disk that refuses is logged: the visit itself goes on."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def visit(self) -> Visit | None:
        """Return the visit that a reboot broke off."""
        kept = self._spool.recall(VISIT_KEY)
        if kept is None:
            return None
        try:
            return Visit.model_validate_json(kept)
        except ValidationError:
            _LOG.warning("the visit before the reboot is unreadable and dropped")
            self.forget()
            return None

    def leading_to(self, after: Callable[[DeviceEvent], Visit], seen_at: datetime) -> Remember:
        """Return what to write with an event: the visit that it leads to."""
        return lambda event: {VISIT_KEY: _dumped(after(event), seen_at)}

    def without(self, _event: DeviceEvent) -> dict[str, str | None]:
        """Return what to write with the event that ends a visit."""
        return {VISIT_KEY: None}

    def keep(self, visit: Visit, seen_at: datetime) -> None:
        """Write a visit that changed without an event."""
        try:
            self._spool.remember(VISIT_KEY, _dumped(visit, seen_at))
        except CarryoverError as error:
            _LOG.warning("a reboot would not go on with this visit: %s", error.message)

    def forget(self) -> None:
        """Drop the visit."""
        try:
            self._spool.remember(VISIT_KEY, None)
        except CarryoverError as error:
            _LOG.warning("a visit is still on the disk: %s", error.message)

    def desired(self) -> DesiredData | None:
        """Return what was applied last."""
        kept = self._spool.recall(DESIRED_KEY)
        return DesiredData.model_validate_json(kept) if kept else None

    def keep_desired(self, desired: DesiredData) -> None:
        """Write what is applied now.

        Raises:
            Unavailable: the disk refuses; then it must not be applied either.
        """
        self._spool.remember(DESIRED_KEY, desired.model_dump_json())


def _dumped(visit: Visit, seen_at: datetime) -> str:
    return visit.model_copy(update={"seen_at": seen_at}).model_dump_json()
