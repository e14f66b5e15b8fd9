"""Joins the parts of the gateway process; the one place that knows which is which."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.db import make_engine, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.clock import SystemClock
from cart.kernel.errors import CarryoverError
from cart.kernel.ids import RandomIds
from cart.memory import give_back
from cart.process import open_many_files, take_short_turns
from cart.run_files import announce
from gateway.bands.sealing import Sealing
from gateway.binding import service as bindings
from gateway.binding import tapping
from gateway.binding.news import changed
from gateway.broker import EmbeddedBroker
from gateway.broker.key import broker_key
from gateway.broker_control import RuleKeeper
from gateway.commands import service as commands
from gateway.desks import service as desks
from gateway.downlink import Downlink
from gateway.fanout import Fanout
from gateway.findings.seen import note_seen
from gateway.floor.service import forget_traffic
from gateway.ingest.batch import Domain
from gateway.ingest.condensing import Condenser
from gateway.ingest.lanes import Lanes
from gateway.ingest.loop import IngestLoop
from gateway.ingest.share import Share
from gateway.ingest.traces import Traces
from gateway.leases.shared import SharedSessions
from gateway.limits import DeviceLimits
from gateway.links import Identity, hearing, speaking
from gateway.monitor import fleet
from gateway.monitor.exposition import DatabaseFigures, Readiness, fresh_registry, metrics_page
from gateway.monitor.followed import BandFigures
from gateway.monitor.health import Health, database_answers
from gateway.monitor.listener import Monitor, health_pages
from gateway.monitor.pulse import Pulse
from gateway.monitor.tally import State, Tally
from gateway.mosquitto_news import MosquittoNews
from gateway.notices import BandChanged, BindingChanged, Notice, PlanChanged, TurnsChanged
from gateway.presence.joining import ShopBands
from gateway.presence.service import Presence
from gateway.sessions import Sessions, SoleSession
from gateway.settings import MqttSettings
from gateway.signals.service import Signals
from gateway.tail import StockTail
from gateway.wire.topics import Channel
from gateway.wire.tracing import make_tracer
from inventory_api.catalogue.queries import sellables

logger = logging.getLogger(__name__)

SWEEP_EVERY_S = 15.0  # an idle visit is cleared at most this much late
TIDY_EVERY_S = 600.0  # a thousand rows of each table: more than a shop makes in that time
STOP_WAIT_S = 5.0


@dataclass(slots=True)
class Counts:
    """What the gateway has done since it started."""

    stored: int
    dead: int
    waiting: int


class Gateway:
    """The whole process: broker (unless MQTT_URL names one), ingest, downlink, tail, sweep."""

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        clock, ids = SystemClock(), RandomIds()
        self._sealing = Sealing(settings.key())
        self._bands = ShopBands(clock, ids, self._sealing)
        self._domain = Domain(clock, ids, sellables, self._bands)
        self._identity = Identity.of(settings, self._domain.ids)
        self._engine: Engine = make_engine(self._identity.database_url)
        upgrade(self._engine)
        self._broker: EmbeddedBroker | None = None
        if settings.embedded:
            secret = broker_key(settings.data_dir, self._domain.ids)
            self._broker = EmbeddedBroker(self._engine, settings, secret)
        # The embedded broker slows a device down itself; of another's messages we leave some.
        self.limits = self._broker.limits if self._broker else DeviceLimits.of(settings)
        self._tracer = make_tracer("gateway", settings.otel_exporter_otlp_endpoint)
        self._registry = fresh_registry()
        self._tally = Tally(self._registry)
        self._stopping = threading.Event()
        self._mosquitto = MosquittoNews(self._engine, settings, self._domain.ids)
        self._sweeper = threading.Thread(target=self._sweep, name="sweep", daemon=True)

    def start(self) -> int:
        """Start every part; return the port of the embedded broker, 0 without one."""
        open_many_files()
        take_short_turns()
        # Closes the window of a command that died between its commit and the password file.
        self._mosquitto.look()
        self._presence = Presence(
            self._engine,
            self._domain.clock,
            self._bands,
            publish=self._tell,
            holds=lambda one: self._sessions.holds(one),  # noqa: PLW0108 - there are none yet
        )
        self._bands.resolve, self._bands.learn = self._presence.shown, self._presence.learn
        self._monitor = self._make_monitor()
        port = self._broker.start() if self._broker else 0
        where: dict[str, str | int] = {"monitor_port": self._monitor.port}
        if port:
            where |= {"mqtt_host": self._settings.mqtt_host, "mqtt_port": port}
        if self._broker and self._broker.tls_port:
            where["mqtt_tls_port"] = self._broker.tls_port
        announce(self._settings.data_dir, self._identity.run_file, **where)
        self._lanes = Lanes(self._settings.gateway_queue_events)
        self._fanout = Fanout(
            self._settings, "gateway", listen=self._hear, hears="api", hears_stock=False
        )
        self._sessions = self._make_sessions()
        self._downlink = Downlink(
            self._engine,
            self._domain,
            self._sessions.voice,
            self._fanout,
            holds=self._sessions.holds,
        )
        self._signals = Signals(
            self._engine,
            self._domain.clock,
            self._sealing,
            heard_by=self._presence.heard_by,
            send=self._downlink.remind,
            holds=self._sessions.holds,
        )
        self._loop = IngestLoop(
            self._engine,
            self._domain,
            self._lanes,
            ack=self._sessions.ack,
            voice=self._downlink,
            batch_events=self._settings.gateway_batch_events,
            batch_ms=self._settings.gateway_batch_ms,
            tally=self._tally,
            traces=Traces(self._tracer) if self._tracer else None,
            fence=self._sessions.fence,
            share=None if self._broker else Share(self.limits, self._domain.clock.monotonic),
        )
        self._tail = StockTail(
            self._engine,
            self._domain.clock.monotonic,
            self._fanout,
            is_ours=lambda: self._sessions.has_chores,
        )
        self._rules = RuleKeeper(
            self._engine,
            self._settings,
            self._domain.ids,
            connections=lambda: self.connections,
            is_ours=lambda: self._sessions.has_chores,
        )
        self._condenser = Condenser(
            self._engine,
            self._domain.clock,
            keep_days=self._settings.device_events_keep_days,
            is_ours=lambda: self._sessions.has_chores,
        )
        self._pulse = Pulse(
            self._engine,
            self._domain.clock,
            name=self._identity.name,
            tally=self._tally,
            source=self,
        )
        self._downlink.start()
        self._loop.start()
        self._fanout.start()
        self._sessions.start()
        self._tail.start()
        self._presence.start()
        self._signals.start()
        self._sweeper.start()
        self._rules.start()
        self._condenser.start()
        self._pulse.start()
        self._monitor.start()
        give_back()
        return port

    def wait_online(self, timeout_s: float) -> bool:
        """Wait until events can come in and notices can go out."""
        return self._sessions.wait_online(timeout_s) and self._fanout.wait_online(timeout_s)

    @property
    def counts(self) -> Counts:
        """What was done since the start."""
        return Counts(self._loop.stored, self._loop.dead, len(self._lanes))

    def stop(self) -> None:
        """Stop in the order that loses nothing: the batch in hand, the network, the broker."""
        self._stopping.set()
        self._monitor.stop()
        self._pulse.stop()
        self._loop.stop()
        self._rules.stop()
        self._condenser.stop()
        self._signals.stop()
        self._downlink.stop()
        self._tail.stop()
        self._sessions.stop()
        self._presence.stop()
        self._fanout.stop()
        self._sweeper.join(STOP_WAIT_S)
        if self._broker:
            self._broker.stop()
        self._engine.dispose()
        if self._tracer:
            self._tracer.close()

    def _make_sessions(self) -> Sessions:
        if not self._settings.gateway_shared:
            return SoleSession(hearing(self._settings, self._lanes, sightings=self._presence.put))
        return SharedSessions(
            self._engine,
            self._domain.clock,
            partial(hearing, self._settings, self._lanes, sightings=self._presence.put),
            me=self._identity.id,
            name=self._identity.name,
            voice=speaking(self._settings, self._domain.ids),
            catch_up=lambda one: self._downlink.catch_up(one),  # noqa: PLW0108 - there is none yet
        )

    def _make_monitor(self) -> Monitor:
        live = Health({"ingest": lambda: "" if self._loop.alive else "its thread has ended"})
        ready = Health(
            {
                "database": lambda: database_answers(self._engine),
                "ingest": lambda: self._loop.trouble(),  # noqa: PLW0108 - there is no loop yet
                "broker": self._broker_trouble,
                "queue": self._queue_trouble,
            }
        )
        clock = self._domain.clock
        self._registry.register(Readiness(ready))
        self._registry.register(State(self))
        self._registry.register(BandFigures(self._presence))
        self._registry.register(DatabaseFigures(self._engine, clock, fleet.figures(clock)))
        return Monitor(
            health_pages(live, ready) | {"/metrics": metrics_page(self._registry)},
            host=self._settings.monitor_host,
            port=self._settings.monitor_port,
        )

    @property
    def held(self) -> dict[str, int]:
        """Messages taken from the broker and not acknowledged yet, by lane."""
        return self._lanes.held(self._loop.in_hand)

    @property
    def held_max(self) -> dict[str, int]:
        """How many may be held."""
        return self._lanes.limits

    @property
    def connected(self) -> bool:
        """Whether the broker sends what devices say."""
        return self._sessions.online

    @property
    def connections(self) -> int:
        """How often it connected to the broker."""
        return self._sessions.connections

    @property
    def acknowledged(self) -> int:
        """Messages that the broker need not send again."""
        return self._sessions.acked

    def _broker_trouble(self) -> str:
        if trouble := self._sessions.trouble():
            return trouble
        return "" if self._fanout.online else "connected, but notices do not go out"

    def _queue_trouble(self) -> str:
        # Of telemetry as much waits as may whenever scans take all there is: that is meant so.
        waiting, limit = self.held[Channel.EVENTS], self.held_max[Channel.EVENTS]
        if waiting < limit:  # the broker sends no more than this without acknowledgement
            return ""
        return f"{waiting} messages wait, {limit} may: the broker is held back"

    def _hear(self, notices: Sequence[Notice]) -> None:
        if any(isinstance(one, BandChanged) for one in notices):
            self._presence.reload()
        if any(isinstance(one, TurnsChanged) for one in notices):
            self._signals.wake()
        self._downlink.hear(notices)

    def _tell(self, *notices: Notice) -> None:
        """Tell other processes, and the devices that a change of ours concerns."""
        self._fanout.publish(*notices)
        for one in notices:
            if isinstance(one, BindingChanged):
                self._downlink.remind(one.device_id)
            elif isinstance(one, PlanChanged):
                self._downlink.hear([one])

    def _tidy(self) -> None:
        with unit_of_work(self._engine) as db:
            commands.forget(db, self._domain.clock)
            forget_traffic(db, self._domain.clock)
            desks.forget(db, self._domain.clock)

    def note_seen(self) -> None:
        """Keep what the broker and the limits saw since the last call, for the operator."""
        strays = self._broker.strays() if self._broker else {}
        note_seen(self._engine, self._domain.clock, self.limits, strays)

    def tell_broker(self) -> None:
        """Tell Mosquitto of devices that others changed; what fails is tried at the next sweep."""
        try:
            self._mosquitto.look()
        except (SQLAlchemyError, OSError) as error:
            logger.warning("mosquitto will be told of fresh credentials later: %s", error)

    def _sweep(self) -> None:
        tidied = float("-inf")
        while not self._stopping.wait(SWEEP_EVERY_S):
            try:
                self._downlink.make_up()
            except SQLAlchemyError as error:
                logger.warning("devices will be told again later: %s", error)
            self.note_seen()
            self.tell_broker()
            if not self._sessions.has_chores:
                continue
            try:
                with unit_of_work(self._engine) as db:
                    ended = bindings.end_idle(
                        db,
                        self._domain.clock,
                        self._domain.ids,
                        idle_s=self._settings.binding_idle_s,
                    )
                    ended += tapping.unanswered(db, self._domain.clock, self._domain.ids)
                    silent = commands.unheard(db, self._domain.clock)
                self._fanout.publish(*map(changed, ended))
                for device_id in {*silent, *(bound.device_id for bound in ended)}:
                    self._downlink.remind(device_id)
                if self._domain.clock.monotonic() - tidied > TIDY_EVERY_S:
                    tidied = self._domain.clock.monotonic()
                    self._tidy()
            except (SQLAlchemyError, CarryoverError) as error:
                logger.warning("the idle sweep will be tried again: %s", error)
