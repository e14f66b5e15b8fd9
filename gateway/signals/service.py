"""Whoever is called has her band vibrate: once a call, by one gateway, with one second try.

It looks at calls when a queue rings, and every few seconds for a ring that was lost. What was
asked is in the commands' table, under ids that follow from the call; who is still to answer is in
memory only: a gateway that dies asks no second time. Nobody waits for any of it, since her page
has called already.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError
from gateway.bands import queries as bands
from gateway.bands.sealing import Sealing
from gateway.commands.service import ask_signal
from gateway.commands.tables import DeviceCommandRow
from gateway.floor.there import CalledBand, called_bands
from gateway.registry.queries import receivers_at
from gateway.signals.model import (
    ANSWER_WITHIN,
    ASKED_AT_ONCE_MAX,
    LASTS,
    TENTHS,
    TIMES,
    command_id,
    identifiers_of,
)
from gateway.wire.band_asked import SignalData
from gateway.wire.downlink import AckOutcome
from gateway.wire.topics import partition_of

logger = logging.getLogger(__name__)
LOOKED_EVERY_S: Final = 5.0  # for a ring that was lost: a quarter of the time that a call is felt
ANSWERS_LOOKED_EVERY_S: Final = 0.5
OPEN_MAX: Final = (
    500  # calls of the last seconds, of a chain; of more the newest have no second try
)
STOP_WAIT_S: Final = 5.0
ATTEMPTS_MAX: Final = 2


@dataclass(slots=True)
class _Call:
    """A call that nobody has answered for yet."""

    of: CalledBand
    attempt: int = 1
    asked_at: datetime | None = None
    ids: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)


class Signals:
    """Calls by wrist, in a thread of its own; :meth:`wake` from any."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        sealing: Sealing,
        *,
        heard_by: Callable[[str, int], list[str]],
        send: Callable[[str], None],
        holds: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``heard_by``: the receivers of a location that hear a band, the strongest first.

        ``send``: has a device told of its commands; ``holds``: whether those of a partition are
        ours to tell.
        """
        self._engine = engine
        self._clock = clock
        self._sealing = sealing
        self._heard_by = heard_by
        self._send = send
        self._holds = holds
        self._open: dict[tuple[str, datetime], _Call] = {}
        self._known: set[tuple[str, datetime]] = set()  # calls of the last LASTS, seen here
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def wake(self) -> None:
        """Look: somebody may have been called."""
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except (SQLAlchemyError, CarryoverError) as error:
                logger.warning("calls by wristband are tried again in a moment: %s", error)
            except Exception:  # a mistake of ours in one turn must not end the calling for good
                logger.exception("calling by wristband")
            self._woken.wait(ANSWERS_LOOKED_EVERY_S if self._open else LOOKED_EVERY_S)
            self._woken.clear()

    def turn(self) -> None:
        """Do what is due: ask for calls that are new, and once more for those that failed.

        Raises:
            SQLAlchemyError: the database is away; the next turn does it.
        """
        now = self._clock.now()
        with reading(self._engine) as db:
            called = [
                one
                for one in called_bands(db, after=now - LASTS)
                if self._holds(partition_of(one.location_id))
            ]
            outcomes = self._outcomes(db)
        live = {(one.turn_id, one.called_at) for one in called}
        fresh = [one for one in called if (one.turn_id, one.called_at) not in self._known]
        calls = [_Call(one) for one in fresh] + self._failed(outcomes, live, now)
        told: set[str] = set()
        if calls:
            with unit_of_work(self._engine) as db:
                for call in calls:
                    told |= self._ask(db, call, now)
        self._known = live
        for call in calls:
            if call.ids and len(self._open) < OPEN_MAX:
                self._open[call.of.turn_id, call.of.called_at] = call
        for device_id in sorted(told):
            self._send(device_id)

    def _outcomes(self, db: Session) -> dict[str, str]:
        wanted = [one for call in self._open.values() for one in call.ids]
        if not wanted:
            return {}
        rows = db.exec(
            select(DeviceCommandRow.id, DeviceCommandRow.outcome).where(
                col(DeviceCommandRow.id).in_(wanted), col(DeviceCommandRow.acked_at).is_not(None)
            )
        ).all()
        return {one: outcome for one, outcome in rows}  # noqa: C416 - rows are no pairs to dict

    def _failed(
        self, outcomes: dict[str, str], live: set[tuple[str, datetime]], now: datetime
    ) -> list[_Call]:
        """Take the calls away that are settled; return those that are to be tried once more."""
        again = []
        for key, call in list(self._open.items()):
            answers = [outcomes[one] for one in call.ids if one in outcomes]
            waits = call.asked_at is not None and now - call.asked_at < ANSWER_WITHIN
            if AckOutcome.DONE.value in answers:
                del self._open[key]
            elif len(answers) < len(call.ids) and waits:
                continue
            else:
                del self._open[key]
                if call.attempt < ATTEMPTS_MAX and key in live:
                    again.append(_Call(call.of, call.attempt + 1, tried=call.tried))
                else:
                    logger.info("a band could not be reached; her page has called her")
        return again

    def _ask(self, db: Session, call: _Call, now: datetime) -> set[str]:
        """Ask the receivers that are to reach her; return them."""
        one = call.of
        holder = bands.holder_of(db, one.number)
        band = bands.band_out(db, self._sealing, one.number)
        if holder is None or not holder.follow or band is None:
            return set()
        identifiers = identifiers_of(band, now)
        if not identifiers:
            return set()
        signal = SignalData(
            identifiers=identifiers, times=TIMES, tenths=TENTHS, until=one.called_at + LASTS
        )
        asked: set[str] = set()
        for place, device_id in enumerate(self._who(db, call)):
            key = command_id(one.turn_id, one.called_at, call.attempt, place)
            if not ask_signal(db, self._clock, command_id=key, device_id=device_id, signal=signal):
                break  # another gateway asks, or asked before it died
            call.ids.append(key)
            asked.add(device_id)
        call.asked_at = now
        call.tried |= asked
        return asked

    def _who(self, db: Session, call: _Call) -> Sequence[str]:
        """Return whom to ask: who hears her best and was not asked; or, unknown, all there."""
        here = receivers_at(db, call.of.location_id)
        heard = [one for one in self._heard_by(call.of.location_id, call.of.number) if one in here]
        others = [one for one in heard if one not in call.tried]
        if heard:
            return (others or heard)[:1]
        return [one for one in here if one not in call.tried][:ASKED_AT_ONCE_MAX]
