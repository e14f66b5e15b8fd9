"""The loop: take a batch, commit it, only then acknowledge it and tell who shows it.

A batch that fails is done again one message at a time, so that one bad message
stops no other; a database that is away is waited for. Nothing is given up here.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cart.db import unit_of_work
from cart.kernel.errors import CarryoverError
from gateway.dead_letters.service import Letter, bury
from gateway.findings.clones import Clones
from gateway.ingest import sequences
from gateway.ingest.batch import Domain, Outcome, process
from gateway.ingest.fence import Fence, Unfenced, left_out
from gateway.ingest.read import Item, read
from gateway.ingest.stations import Heard, stations_heard
from gateway.mqtt import Incoming
from gateway.wire.downlink import Status
from gateway.wire.topics import Channel, DeviceAddress

logger = logging.getLogger(__name__)

IDLE_WAIT_S = 0.5  # how soon a quiet loop sees that it is to stop
RETRY_MIN_S, RETRY_MAX_S = 0.1, 5.0
STUCK_S = 30.0  # a batch takes a tenth of a second; the longest wait for a lock is ten
T = TypeVar("T")
AWAY = (OperationalError, InterfaceError, PoolTimeout)


class Supply(Protocol):
    """Whoever has what came from the broker."""

    def take(self, most: int, wait_s: float) -> list[Incoming]:
        """Return up to ``most`` messages, waiting ``wait_s`` for the first; maybe none."""
        ...

    def close(self) -> None:
        """Take in nothing more."""
        ...


class Voice(Protocol):
    """Whoever says things once they are committed."""

    def after(self, outcome: Outcome) -> None:
        """Send receipts, notices and refusals of a committed batch."""
        ...

    def greet(self, address: DeviceAddress, status: Status) -> None:
        """Tell a device that has just come online what it missed."""
        ...


class Counting(Protocol):
    """Whoever counts what was done, once per batch."""

    def committed(self, items: Sequence[Item], outcome: Outcome, seconds: float) -> None:
        """Count events that are committed."""
        ...

    def heard(self, items: Sequence[Item]) -> None:
        """Count statuses and acks."""
        ...

    def left(self, count: int) -> None:
        """Count messages that were left with their devices."""
        ...


class Traced(Protocol):
    """A batch of which something is traced."""

    def committed(self, outcome: Outcome) -> None:
        """It is stored; the notices of ``outcome`` carry its traces on."""
        ...


class Tracing(Protocol):
    """Whoever goes on with the traces that devices began."""

    def taken(self, items: Sequence[Item]) -> Traced | None:
        """Look at a batch that was read; None when nothing of it is traced."""
        ...


class Leaving(Protocol):
    """Whoever says what of a batch is more than its device may say."""

    def beyond(self, messages: Sequence[Incoming]) -> set[int]:
        """Return the ``id()`` of messages that are left with their devices."""
        ...


class InternalError(CarryoverError):
    """A message that our own code could not do; the operator sees it and can replay it."""

    code = "internal_error"


class IngestLoop:
    """One thread between inbox and database."""

    def __init__(  # noqa: PLR0913 - the parts that meet here
        self,
        engine: Engine,
        domain: Domain,
        inbox: Supply,
        *,
        ack: Callable[[Sequence[Incoming]], object],
        voice: Voice,
        batch_events: int,
        batch_ms: int = 0,
        tally: Counting | None = None,
        traces: Tracing | None = None,
        fence: Fence | None = None,
        share: Leaving | None = None,
    ) -> None:
        self._engine = engine
        self._domain = domain
        self._inbox = inbox
        self._ack = ack
        self._voice = voice
        self._batch_events = batch_events
        self._batch_s = batch_ms / 1000
        self._tally = tally
        self._traces = traces
        self._fence = fence or Unfenced()
        self._share = share
        self._clones = Clones(domain.clock.monotonic)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._trouble = ""
        self._busy_since: float | None = None
        self.in_hand: Sequence[Incoming] = ()  # the batch that is on its way
        self.stored = 0
        self.dead = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait_s: float = 10) -> None:
        """Finish the batch in hand and end; what is not acknowledged comes again."""
        self._stopping.set()
        self._inbox.close()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    @property
    def alive(self) -> bool:
        """Whether anybody takes what devices say."""
        return self._thread.is_alive()

    def trouble(self) -> str:
        """Return why events are not being stored just now; empty when they are."""
        if not self.alive:
            return "nobody takes what devices say"
        if self._trouble:
            return self._trouble
        since = self._busy_since
        if since is not None and (busy_s := self._domain.clock.monotonic() - since) > STUCK_S:
            return f"one batch has been on its way for {busy_s:.0f} s"
        return ""

    def _run(self) -> None:
        while not self._stopping.is_set():
            messages = self._inbox.take(self._batch_events, IDLE_WAIT_S)
            if messages and self._batch_s and len(messages) < self._batch_events:
                time.sleep(self._batch_s)
                messages += self._inbox.take(self._batch_events - len(messages), 0)
            if messages:
                self.in_hand, self._busy_since = messages, self._domain.clock.monotonic()
                self._settle_or_leave(messages)
                self.in_hand, self._busy_since = (), None

    def _settle_or_leave(self, messages: list[Incoming]) -> None:
        try:
            self._settle(messages)
        except Exception:  # this thread must outlive a bug: nobody else takes what devices say
            logger.exception("%d messages stay unacknowledged and come again", len(messages))

    def _settle(self, messages: list[Incoming]) -> None:
        taken_s = time.monotonic()
        left = self._share.beyond(messages) if self._share is not None else ()
        items = [read(message) for message in messages if not left or id(message) not in left]
        stations = [item for item in items if item.channel in {Channel.STATUS, Channel.ACKS}]
        events = [item for item in items if item.channel not in {Channel.STATUS, Channel.ACKS}]
        self._clones.hear(
            (item.device_id, item.message.payload)
            for item in stations
            if item.channel is Channel.STATUS
        )
        traced = self._traces.taken(events) if self._traces is not None else None
        outcome = self._patiently(self._store, events) if events else Outcome()
        if outcome is None:
            return
        heard = self._patiently(self._hear, stations) if stations else Heard()
        if heard is None:
            return
        if aside := {id(one) for one in (*outcome.aside, *heard.aside)}:
            messages = [one for one in messages if id(one) not in aside]
            events = [item for item in events if id(item.message) not in aside]
            stations = [item for item in stations if id(item.message) not in aside]
        self._ack(messages)
        outcome.notices += heard.notices
        outcome.asked |= heard.asked
        outcome.shown |= heard.shown
        if traced is not None:
            traced.committed(outcome)
        if self._tally is not None:
            if events:
                self._tally.committed(events, outcome, time.monotonic() - taken_s)
            self._tally.heard(stations)
            self._tally.left(len(left))
        self.stored += outcome.fresh
        self.dead += outcome.dead
        try:
            self._voice.after(outcome)
            for address, status in heard.online:
                self._voice.greet(address, status)
        except Exception:  # all is committed; devices ask again when they hear nothing
            logger.exception("telling of a batch")

    def _patiently(self, work: Callable[[Sequence[Item]], T], items: Sequence[Item]) -> T | None:
        """Do ``work``, again and again while the database is away; None when stopping."""
        wait_s = RETRY_MIN_S
        while not self._stopping.is_set():
            try:
                done = work(items)
            except AWAY as error:
                self._trouble = "the database does not take what devices say"
                logger.error("the database is away, trying again in %.1f s: %s", wait_s, error)  # noqa: TRY400
                self._stopping.wait(wait_s)
                wait_s = min(wait_s * 2, RETRY_MAX_S)
                items = [_again(item) for item in items]
            else:
                self._trouble = ""
                return done
        return None

    def _hear(self, items: Sequence[Item]) -> Heard:
        try:
            return stations_heard(self._engine, self._domain, self._fence, items, self._clones)
        except Exception as error:
            _raise_if_away(error)
            if len(items) > 1:
                logger.exception("statuses or acks failed; they are tried one by one")
                heard = [self._hear([_again(item)]) for item in items]
                return Heard(
                    [one for each in heard for one in each.online],
                    [one for each in heard for one in each.aside],
                    [one for each in heard for one in each.notices],
                    {one for each in heard for one in each.asked},
                    {one for each in heard for one in each.shown},
                )
            return Heard(aside=self._bury(items[0], error).aside)

    def _store(self, items: Sequence[Item]) -> Outcome:
        try:
            return self._attempt(items)
        except Exception as error:
            _raise_if_away(error)
            if len(items) > 1:
                logger.exception("a batch failed; its messages are tried one by one")
                return _together([self._store([_again(item)]) for item in items])
            return self._bury(items[0], error)

    def _attempt(self, items: Sequence[Item]) -> Outcome:
        with unit_of_work(self._engine) as db:
            ours = self._fence.ours(db, items)
            outcome = process(db, self._domain, ours, copied=self._clones.lately_started)
        outcome.aside = left_out(items, ours)
        return outcome

    def _bury(self, item: Item, cause: Exception) -> Outcome:
        logger.error("a message could not be done", exc_info=cause)
        error = InternalError(f"{type(cause).__name__}: {cause}")
        letter = Letter(item.device_id, item.message.topic, item.message.payload, error)
        try:
            with unit_of_work(self._engine) as db:
                if not self._fence.ours(db, [item]):
                    return Outcome(aside=[item.message])
                bury(db, self._domain.clock, self._domain.ids, [letter])
                receipts = sequences.settle(db, self._domain.clock, [item]).receipts
        except DataError:  # what is in it cannot be written at all: left, and logged
            raise
        except DBAPIError as refused:
            # One that takes not even a dead letter (a standby, a broken file) is at fault, whatever
            # it calls that: no message is let go because of it.
            raise OperationalError(refused.statement, refused.params, refused) from refused
        item.error = error
        return Outcome(receipts=receipts, refused=[item], dead=1)


def _raise_if_away(error: Exception) -> None:
    """Raise what only waiting helps against: the database, not the message, is at fault."""
    if isinstance(error, AWAY):
        raise error
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        raise OperationalError(error.statement, error.params, error) from error


def _again(item: Item) -> Item:
    """Return the item as if just read: a failed attempt may have marked it."""
    return read(item.message)


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    whole = Outcome()
    for one in outcomes:
        whole.receipts += one.receipts
        whole.notices += one.notices
        whole.refused += one.refused
        whole.desires |= one.desires
        whole.asked |= one.asked
        whole.shown |= one.shown
        whole.taps += one.taps
        whole.fresh += one.fresh
        whole.dead += one.dead
        whole.stored += one.stored
        whole.bounds |= one.bounds
        whole.aside += one.aside
    return whole
