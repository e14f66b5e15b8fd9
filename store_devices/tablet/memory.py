"""What the tablet remembers over a reboot, in the spool's file: the visit and the twin's wish.

And when the server last had it begin a visit, so that it begins each once. Owns the three keys
and nothing else. A visit is written in the transaction of the
event that changed it, so that the two can never disagree.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from cart.kernel.errors import CarryoverError, SpoolFull
from gateway.wire.downlink import DesiredData
from gateway.wire.events import DeviceEvent, PutDownData
from store_devices.sayings import Saying
from store_devices.spool import Spool
from store_devices.tablet.model import NoticeKind, Visit

VISIT_KEY: Final = "visit"
DESIRED_KEY: Final = "desired"
BEGUN_KEY: Final = "begun"

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

    def say(
        self,
        data: Saying,
        after: Callable[[DeviceEvent], Visit],
        seen_at: datetime,
        begun_at: datetime | None = None,
    ) -> DeviceEvent | NoticeKind:
        """Spool an event together with the visit it leads to; what is the trouble if it cannot.

        ``begun_at``: the time of the server's command that begins the visit.
        """
        begun = {} if begun_at is None else {BEGUN_KEY: begun_at.isoformat()}
        try:
            return self._spool.add(
                data, lambda event: {VISIT_KEY: _dumped(after(event), seen_at), **begun}
            )
        except CarryoverError as error:
            _LOG.warning("an event is not in the spool: %s", error.message)
            return "full" if isinstance(error, SpoolFull) else "broken"

    def end(self, data: PutDownData) -> None:
        """Spool the end of a visit and drop it with that; drop it also if it cannot be spooled."""
        try:
            self._spool.add(data, lambda _: {VISIT_KEY: None})
        except CarryoverError as error:
            _LOG.warning("the end of a visit is not in the spool: %s", error.message)
            self.forget()

    def begun_before(self, at: datetime) -> bool:
        """Say whether a command of this time was carried out: that one, or a later one."""
        kept = self._spool.recall(BEGUN_KEY)
        return kept is not None and at <= datetime.fromisoformat(kept)

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
    """Her name and her plan are left out.

    What a file once had is in its log for a while after it was deleted.
    """
    left_out = {"greeting": visit.greeting and "", "next_stop": None}
    return visit.model_copy(update={"seen_at": seen_at, **left_out}).model_dump_json()
