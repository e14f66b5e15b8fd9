"""Does what the gateway asks of one band: have it vibrate or shine, set one up at the desk.

Knows under which address a frame was heard just now, and nothing else of bands. One connection
at a time, as an adapter does it; what waits longer than it is good for is not done. A command
that comes again is answered as before, and done once. For one event loop, but for :meth:`ask`.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bleak.backends.device import BLEDevice

from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError, Refused
from gateway.wire.band import identifier_in, is_fresh
from gateway.wire.band_asked import SetUpFault
from gateway.wire.band_service import FIRMWARE_MAX_BYTES, Light
from gateway.wire.downlink import AckOutcome, SetUpBand, SignalBand
from store_devices.ble.gathering import level_of
from store_devices.ble.touching import TouchedBand
from store_devices.link import Answer

Touch = Callable[[BLEDevice], AbstractAsyncContextManager[TouchedBand]]
Asked = SignalBand | SetUpBand

# A band sends five times a second. One that was not heard for so long has turned its back; its
# address is good for as long as its period, 512 s, so this is about reach alone.
HEARD_WITHIN_S: Final = 6.0
HEARD_MAX: Final = 2_000  # bands, as many as a receiver tells of in one turn
NEAR_WITHIN_S: Final = 1.0  # of packets that make the level of a band at the desk: five
NEAR_PACKETS_MIN: Final = 2  # one packet may be two reflections that met
NEAR_PACKETS_MAX: Final = 16
NEAR_MAX: Final = 100  # senders whose levels are kept; more do not lie on one desk
# Staff press the button and then hold the band there, or the other way round.
HELD_WITHIN_S: Final = 8.0
LOOKS_EVERY_S: Final = 0.1
# Between the first band that is near and the choice: a second one in the hand is heard by then.
SETTLES_S: Final = 0.8
WAITING_MAX: Final = 16  # commands; at a second each the last is still in time
ANSWERS_MAX: Final = 64  # remembered, for commands that come again
# Connecting takes a band in reach a second, and each question a fraction. Before that a tap of
# somebody else is not held up: only commands wait for one another.
SIGNAL_MAX_S: Final = 10.0
# A light after a tap: she looks for it now, and a band that is connected is silent.
GLANCE_MAX_S: Final = 2.5
SET_UP_MAX_S: Final = 15.0
_LATE: Final = Answer(AckOutcome.REFUSED, SetUpFault.LATE)
_FULL: Final = Answer(AckOutcome.FAILED, "too many commands wait")

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sender:
    """What is heard under one address."""

    device: BLEDevice
    fresh: bool = False
    packets: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=NEAR_PACKETS_MAX)
    )


class Nearby:
    """Under which address which frame was heard just now, and who lies at the reader. Bounded."""

    def __init__(self) -> None:
        self._heard: OrderedDict[bytes, tuple[BLEDevice, float]] = OrderedDict()
        self._senders: OrderedDict[str, _Sender] = OrderedDict()

    def __len__(self) -> int:
        """Return how many bands are remembered."""
        return len(self._heard)

    def hear(self, frame: bytes, dbm: float, sender: BLEDevice, now_s: float) -> None:
        """Take in a packet of ours."""
        identifier = identifier_in(frame)
        if identifier is None:
            return
        self._heard[identifier] = (sender, now_s)
        self._heard.move_to_end(identifier)
        while self._heard:
            _, heard_s = next(iter(self._heard.values()))
            if len(self._heard) <= HEARD_MAX and now_s - heard_s <= HEARD_WITHIN_S:
                break
            self._heard.popitem(last=False)
        found = self._senders.pop(sender.address, None) or _Sender(sender)
        found.device, found.fresh = sender, is_fresh(frame)
        found.packets.append((now_s, dbm))
        self._senders[sender.address] = found
        if len(self._senders) > NEAR_MAX:
            self._senders.popitem(last=False)

    def sender_of(self, identifier: bytes, now_s: float) -> BLEDevice | None:
        """Return whom to connect to for a frame, None when it was not heard just now."""
        device, heard_s = self._heard.get(identifier, (None, 0.0))
        return device if now_s - heard_s <= HEARD_WITHIN_S else None

    def near(self, near_dbm: float, now_s: float) -> tuple[list[BLEDevice], list[BLEDevice]]:
        """Return who is that near: those that have no secret yet, and the others."""
        fresh: list[BLEDevice] = []
        others: list[BLEDevice] = []
        for one in self._senders.values():
            levels = [dbm for at_s, dbm in one.packets if now_s - at_s <= NEAR_WITHIN_S]
            if len(levels) >= NEAR_PACKETS_MIN and level_of(levels) >= near_dbm:
                (fresh if one.fresh else others).append(one.device)
        return fresh, others


class Reaching:
    """Carries commands out, one after the other."""

    def __init__(
        self,
        touch: Touch,
        clock: Clock,
        *,
        server_now: Callable[[], datetime],
        near_dbm: Callable[[], float],
        answer: Callable[[str, Answer], None],
        connecting: Callable[[], AbstractContextManager[None]],
        silenced: Callable[[bytes, float], None] = lambda _, __: None,
        held_within_s: float = HELD_WITHIN_S,
    ) -> None:
        """``answer``: tells the gateway; ``connecting``: around each connection.

        ``silenced``: is told of a band that could not be heard until now, as it was connected.
        """
        self.nearby: Final = Nearby()
        self._touch = touch
        self._clock = clock
        self._server_now = server_now
        self._near_dbm = near_dbm
        self._answer = answer
        self._connecting = connecting
        self._silenced = silenced
        self._held_within_s = held_within_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: asyncio.Queue[Asked] = asyncio.Queue(WAITING_MAX)
        self._answers: OrderedDict[str, Answer | None] = OrderedDict()  # None: on its way

    async def run(self) -> None:
        """Carry out what is asked, until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                command = await self._waiting.get()
                self._tell(command.id, await self._done(command))
        finally:
            self._loop = None

    def ask(self, command: Asked) -> Answer | None:
        """Take a command in, from any thread; None: its answer comes later."""
        loop = self._loop
        if loop is None:
            return Answer(AckOutcome.FAILED, "the receiver is starting or ending")
        loop.call_soon_threadsafe(self._take, command)
        return None

    def _take(self, command: Asked) -> None:
        if command.id in self._answers:
            known = self._answers[command.id]
            if known is not None:
                self._answer(command.id, known)
            return
        try:
            self._waiting.put_nowait(command)
        except asyncio.QueueFull:
            self._answer(command.id, _FULL)
            return
        self._answers[command.id] = None
        while len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)

    def _tell(self, command_id: str, answer: Answer) -> None:
        self._answers[command_id] = answer
        self._answer(command_id, answer)

    async def _done(self, command: Asked) -> Answer:
        if self._server_now() > command.data.until:
            return _LATE
        try:
            if isinstance(command, SetUpBand):
                return await self._set_up(command)
            return await self._signal(command)
        except Exception as error:  # noqa: BLE001 - of an adapter's driver; the next command goes on
            _LOG.warning("%s failed: %s", command.type.value, error or type(error).__name__)
            return Answer(AckOutcome.FAILED, SetUpFault.AWAY)

    async def _signal(self, command: SignalBand) -> Answer:
        asked, now_s = command.data, self._clock.monotonic()
        wanted = [bytes.fromhex(one) for one in asked.identifiers]
        found = [
            (one, device)
            for one in wanted
            if (device := self.nearby.sender_of(one, now_s)) is not None
        ]
        if not found:
            return Answer(AckOutcome.REFUSED, "that band is not heard here")
        identifier, device = found[-1]
        longest_s = SIGNAL_MAX_S if asked.times else GLANCE_MAX_S
        try:
            with self._connecting():
                async with asyncio.timeout(longest_s), self._touch(device) as band:
                    if asked.light is not None:
                        await band.shine(Light[asked.light.upper()])
                    if asked.times:
                        await band.vibrate(asked.times, asked.tenths)
        except (CarryoverError, TimeoutError) as error:
            why = error.message if isinstance(error, CarryoverError) else "it took too long"
            return Answer(AckOutcome.FAILED, why)
        finally:
            self._silenced(identifier, self._clock.monotonic())
        return Answer()

    async def _set_up(self, command: SetUpBand) -> Answer:
        asked, began_s = command.data, self._clock.monotonic()
        found = await self._held(asked.until)
        if isinstance(found, SetUpFault):
            return Answer(AckOutcome.REFUSED, found)
        if self._server_now() > asked.until:
            return _LATE
        clock_s = asked.clock_s + round(self._clock.monotonic() - began_s)
        try:
            with self._connecting():
                async with asyncio.timeout(SET_UP_MAX_S), self._touch(found) as band:
                    version = await band.firmware()
                    key, frame = await band.set_up(bytes.fromhex(asked.key), clock_s)
        except Refused:
            return Answer(AckOutcome.FAILED, SetUpFault.NOT_NOW)
        except (CarryoverError, TimeoutError):
            return Answer(AckOutcome.FAILED, SetUpFault.AWAY)
        said = " ".join((key.hex(), frame.hex(), version[:FIRMWARE_MAX_BYTES]))
        return Answer(AckOutcome.DONE, said)

    async def _held(self, until: datetime) -> BLEDevice | SetUpFault:
        """Wait for the one band that is held to the reader.

        One without a secret is meant even where others are near. Only without any the one that
        has a secret is asked: it does it while its button is held, and says no otherwise.
        """
        give_up_s = self._clock.monotonic() + self._held_within_s
        near_since_s: float | None = None
        while self._server_now() <= until:
            now_s = self._clock.monotonic()
            fresh, others = self.nearby.near(self._near_dbm(), now_s)
            if fresh:
                near_since_s = now_s if near_since_s is None else near_since_s
                if now_s - near_since_s >= SETTLES_S:
                    return fresh[0] if len(fresh) == 1 else SetUpFault.SEVERAL
            else:
                near_since_s = None
                if now_s >= give_up_s:
                    if not others:
                        return SetUpFault.NO_BAND
                    return others[0] if len(others) == 1 else SetUpFault.SEVERAL
            await asyncio.sleep(LOOKS_EVERY_S)
        return SetUpFault.LATE
