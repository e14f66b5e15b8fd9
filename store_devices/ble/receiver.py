"""The one place where a receiver's parts are joined; nothing is decided here.

What it hears goes two ways: levels, each half second, to whom it may concern (QoS 0, nobody
misses one); and what was held to it, through the spool, until the gateway has it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from bleak.backends.device import BLEDevice

from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError
from cart.kernel.ids import Ids
from gateway.wire.codec import encode
from gateway.wire.downlink import (
    AckOutcome,
    ApplyDesired,
    Command,
    SetUpBand,
    SignalBand,
    StockNotice,
)
from gateway.wire.events import HealthData, HeardFrame
from gateway.wire.sightings import SIGHTINGS_MAX, Sightings
from gateway.wire.topics import Channel
from store_devices.ble.gathering import GATHERED_EVERY_S, Gatherer, Level
from store_devices.ble.learning import Learned
from store_devices.ble.listening import USUAL, Listening, Patience
from store_devices.ble.presenting import Presenting
from store_devices.ble.radio import Radio
from store_devices.ble.reaching import Reaching, Touch
from store_devices.ble.settings import ReceiverSettings
from store_devices.ble.touching import touched
from store_devices.certifying import Renewal, own_certificate
from store_devices.enrolling import Enrolled
from store_devices.identity import address, firmware
from store_devices.keyring import DeviceKeyring
from store_devices.link import Answer, LinkState, UplinkOptions
from store_devices.spool import TELEMETRY_LIMITS, Spool
from store_devices.uplink import Uplink

LEARNT_KEPT_EVERY_S: Final = 60.0  # a power cut costs a minute's learning, and the flash card lives

_LOG = logging.getLogger(__name__)


class Receiver:
    """A whole receiver. ``spool`` is what was presented; ``listening`` how its radio does."""

    def __init__(
        self,
        settings: ReceiverSettings,
        identity: Enrolled,
        radio: Radio,
        *,
        clock: Clock,
        ids: Ids,
        patience: Patience = USUAL,
        touch: Touch = touched,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Open files; nothing runs before :meth:`run`. ``touch``: connects to a band.

        ``wait``: lets so many seconds go by, between two looks at the radio.

        Raises:
            Unavailable: a file cannot be opened.
        """
        self._folder = settings.device_dir
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._health_every_s = settings.health_every_s
        self.spool: Final = Spool(
            self._folder / "spool.db", device_id=identity.device_id, clock=clock, ids=ids
        )
        self.telemetry: Final = Spool(
            self._folder / "telemetry.db",
            device_id=identity.device_id,
            clock=clock,
            ids=ids,
            limits=TELEMETRY_LIMITS,
        )
        self._gatherer = Gatherer()
        self._presenting = Presenting(Learned.load(self._folder, settings.band_near_dbm))
        self.listening: Final = Listening(radio, self._hear, clock, patience=patience, wait=wait)
        self._next_health_s = clock.monotonic()
        self._next_kept_s = self._next_health_s + LEARNT_KEPT_EVERY_S
        self._told_state = self.listening.state
        self._heard = 0  # frames in the last turn
        self._dropped = 0  # messages of sightings
        self._desired_version = 0
        self._renewal = Renewal(self._folder, identity, clock)
        self._uplink = Uplink(
            UplinkOptions(
                url=identity.mqtt_url,
                address=address(identity),
                credential=identity.credential,
                firmware=firmware(),
                version=settings.mqtt_version,
                ca_file=settings.mqtt_ca_file,
                cert_file=own_certificate(self._folder, settings.mqtt_cert_file),
                key_file=settings.mqtt_key_file,
                resend_after_s=settings.resend_after_s,
            ),
            spool=self.spool,
            telemetry=self.telemetry,
            clock=clock,
            hearer=self,
            keyring=DeviceKeyring(self._folder, identity, ids),
        )
        self._reaching = Reaching(
            touch,
            clock,
            server_now=self.spool.server_now,
            near_dbm=lambda: self._presenting.learned.near_dbm,
            answer=self._uplink.answer,
            connecting=self.listening.connecting,
            silenced=self._presenting.silenced,
        )

    async def run(self) -> None:
        """Run until cancelled; then end in order: what is unsent stays in the spool."""
        self._uplink.start()
        self._renewal.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.listening.run())
                tasks.create_task(self._turns())
                tasks.create_task(self._reaching.run())
        finally:
            self._presenting.learned.keep(self._folder)
            await asyncio.to_thread(self._uplink.stop)
            await asyncio.to_thread(self._renewal.stop)
            self.spool.close()
            self.telemetry.close()

    @property
    def online(self) -> bool:
        """Whether the broker is reached."""
        return self._uplink.state.online

    def health(self) -> HealthData:
        """Return how it is now; becomes the reported half of the twin."""
        return HealthData(
            firmware=firmware(),
            desired_version=self._desired_version,
            spool_events=len(self.spool),
            spool_dropped=self.spool.dropped,
            clock_offset_ms=self.spool.offset_us // 1_000,
            radio=self.listening.state,
            radio_restarts=self.listening.restarts,
            bands_heard=self._heard,
            near_dbm=round(self._presenting.learned.near_dbm, 1),
            sightings_dropped=self._dropped,
        )

    def command(self, command: Command) -> Answer | None:
        """Reach a band, or take note of what is desired: nothing can be set, and it says so."""
        if isinstance(command, SignalBand | SetUpBand):
            return self._reaching.ask(command)
        if isinstance(command, ApplyDesired):
            self._desired_version = command.data.version
            return Answer()
        return Answer(AckOutcome.REFUSED, "a receiver has no screen")

    def stock(self, notice: StockNotice) -> None:
        """Do nothing: a receiver watches no product."""

    def link(self, state: LinkState) -> None:
        """Say it in the log."""
        _LOG.info("the broker is %s", "reached" if state.online else "out of reach")

    def _hear(self, frame: bytes | None, dbm: float, sender: BLEDevice | None = None) -> None:
        if frame is None:
            return
        if sender is not None:
            self._reaching.nearby.hear(frame, dbm, sender, self._clock.monotonic())
        self._gatherer.hear(frame, dbm)
        told = self._presenting.hear(frame, dbm, self._clock.monotonic())
        if told is None:
            return
        try:
            self.spool.add(told)
        except CarryoverError as error:
            _LOG.warning("a band was presented and cannot be kept: %s", error.message)
            return
        self._uplink.wake()

    async def _turns(self) -> None:
        while True:
            await asyncio.sleep(GATHERED_EVERY_S)
            self.turn()

    def turn(self) -> None:
        """Pass on what was heard since the last turn; report and keep what is due by now."""
        self._publish(self._gatherer.take())
        now_s = self._clock.monotonic()
        self._presenting.forget(now_s)
        if now_s >= self._next_health_s or self.listening.state != self._told_state:
            self._told_state = self.listening.state
            self._next_health_s = now_s + self._health_every_s
            self._report()
        if now_s >= self._next_kept_s:
            self._next_kept_s = now_s + LEARNT_KEPT_EVERY_S
            self._presenting.learned.keep(self._folder)

    def _publish(self, levels: list[Level]) -> None:
        self._heard = len(levels)
        for begin in range(0, len(levels), SIGHTINGS_MAX):
            heard = tuple(
                # Made here, of what was checked already: the model would take it for Base64.
                HeardFrame.model_construct(
                    frame=one.frame, dbm=round(one.dbm, 1), packets=one.packets
                )
                for one in levels[begin : begin + SIGHTINGS_MAX]
            )
            message = Sightings.model_construct(at=self.spool.server_now(), heard=heard)
            if not self._uplink.say(Channel.SIGHTINGS, encode(message)):
                self._dropped += 1

    def _report(self) -> None:
        with suppress(CarryoverError):  # the next one tells as much
            self.telemetry.add(self.health())
            self._uplink.wake()
