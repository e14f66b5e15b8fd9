"""The tablet's agent: every touch, code and command becomes an event and a new screen.

Owns the present visit and its idle time. All of it happens under one lock; an
event is in the spool before the screen shows it. Screens are told by a
doorbell, never by content. When a visit ends, for whatever reason, all that
was known of it is dropped in one assignment.
"""

from collections.abc import Callable
from datetime import datetime
from threading import RLock
from typing import Unpack

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash
from gateway.wire.downlink import DesiredData, GreetData, TapOutcome
from gateway.wire.events import (
    DeviceEvent,
    ListData,
    PutDownData,
    PutDownReason,
    Reader,
    ScannedData,
    TakenUpData,
)
from store_devices.link import LinkState
from store_devices.sayings import Saying
from store_devices.tablet import model
from store_devices.tablet.battery import NoBattery
from store_devices.tablet.doorbell import Doorbell
from store_devices.tablet.following import Following
from store_devices.tablet.health import Health
from store_devices.tablet.idle import Idle, Passing
from store_devices.tablet.memory import Memory
from store_devices.tablet.model import Locale, Notice, NoticeKind, Sheet, Visit
from store_devices.tablet.surroundings import Line, NoLine, Parts, Place, Snapshot


class Agent:
    """The tablet's mind. Safe to use from several threads."""

    def __init__(
        self,
        place: Place,
        **parts: Unpack[Parts],
    ) -> None:
        """Take up where a reboot broke off, if that was not too long ago."""
        self.place = place
        spool, clock = parts["spool"], parts["clock"]
        self._spool = spool
        self._catalogue = catalogue = parts["catalogue"]
        battery = parts.get("battery") or NoBattery()
        self._health = Health(place, spool, parts["telemetry"], catalogue, battery)
        self._following = Following(catalogue, parts["stock"], place.location_id)
        self._clock = clock
        self._ids = parts["ids"]
        self._lock = RLock()
        self._line: Line = NoLine()
        self._bell = Doorbell()
        self._memory = Memory(spool)
        self._visit: Visit | None = None
        self._seen_at = spool.server_now()
        self._idle = Idle(clock)
        self._passing = Passing(clock)
        self._link = LinkState(online=False, since=clock.now())
        self._trouble: NoticeKind | None = None
        self._desired = self._memory.desired()
        self._resume()

    # -- who listens

    def attach(self, line: Line) -> None:
        """Use this uplink."""
        with self._lock:
            self._line = line
            line.announce(self._visit.id if self._visit else None)
            self._follow()

    def subscribe(self, bell: Callable[[], None]) -> Callable[[], None]:
        """Ring ``bell`` after every change, in the thread that made it; returns how to stop."""
        return self._bell.subscribe(bell)

    def ring(self) -> None:
        """Say that a screen should be drawn again."""
        self._bell.ring()

    def snapshot(self) -> Snapshot:
        """Return what the screen shows."""
        with self._lock:
            return Snapshot(
                version=self._bell.version,
                visit=self._visit,
                locale=self._visit.locale if self._visit else self._locale,
                countdown_s=self._idle.countdown_s,
                farewell=self._passing.what == "farewell",
                tap=self._passing.tap,
                link=self._link,
                trouble=self._trouble,
            )

    @property
    def visit_id(self) -> str | None:
        """The id of the present visit."""
        return visit.id if (visit := self._visit) else None

    @property
    def idle_after_s(self) -> int:
        """Seconds without a touch that end a visit: the twin's, else this tablet's own."""
        wanted = self._desired.idle_after_s if self._desired else None
        return wanted or self.place.idle_after_s

    @property
    def _locale(self) -> Locale:
        wanted = self._desired.locale if self._desired else None
        return wanted or self.place.locale

    # -- what a person does

    def take_up(self) -> None:
        """Begin a visit, unless one is in progress."""
        with self._lock:
            if self._visit is None:
                self._begin()
            self.touch()
            self.ring()

    def code_read(self, code: str, reader: Reader) -> None:
        """Take a code from camera or scanner: one more piece of it, and show the product."""
        with self._lock:
            if self.touch():  # whoever scans now is the next one
                self.finish(PutDownReason.DONE)
            visit = self._visit or self._begin()
            if visit is None:
                return
            try:
                gtin = Gtin.parse(code)
            except InvalidGtin:
                self.note("not_a_code")
                return
            self._say_line(ScannedData(visit=visit.id, gtin=gtin, reader=reader), looked_at=gtin)
            if self._catalogue.product_of(gtin) is None:
                self.note("unknown", gtin.shortest)

    def look_at(self, gtin: Gtin) -> None:
        """Show a product, or another variant of it, without putting it on the list."""
        with self._lock:
            if self._visit is not None and self._catalogue.product_of(gtin) is not None:
                self.touch()
                self._now(self._visit.model_copy(update={"product": gtin, "notice": None}))

    def more(self, gtin: Gtin) -> None:
        """Put one more piece on the list."""
        with self._lock:
            if self._visit is not None:
                self.touch()
                self._say_line(ScannedData(visit=self._visit.id, gtin=gtin, reader=Reader.TOUCH))

    def fewer(self, gtin: Gtin) -> None:
        """Take one piece off the list."""
        with self._lock:
            if self._visit is not None:
                self._want(gtin, model.quantity_of(self._visit, gtin) - 1)

    def remove(self, gtin: Gtin) -> None:
        """Take the line off the list."""
        with self._lock:
            self._want(gtin, 0)

    def undo(self) -> None:
        """Take the last change of the list back."""
        with self._lock:
            if self._visit is None:
                return
            self.touch()
            if (back := model.step_back(self._visit)) is not None:
                visit, step = back
                self._visit = visit
                self._say_line(model.wanting(visit, step.gtin, step.quantity), step=False)

    def request_list(self, email: str) -> None:
        """Have the list sent to ``email``. The address goes into the event and nowhere else."""
        with self._lock:
            visit = self._visit
            if visit is None:
                return
            self.touch()
            data = ListData(visit=visit.id, email=email, locale=visit.locale)
            after = visit.model_copy(update={"sheet": "", "notice": Notice(kind="mailed")})
            if self._say(data, lambda _: after) is not None:
                self._now(after)

    def choose_language(self, locale: Locale) -> None:
        """Speak this language until the visit ends; begins a visit if there is none."""
        with self._lock:
            self.touch()
            visit = self._visit or self._begin()
            if visit is not None:
                self._now(visit.model_copy(update={"locale": locale}))

    def open_sheet(self, sheet: Sheet) -> None:
        """Lay the large QR code or the address form over the list, or nothing."""
        with self._lock:
            if self._visit is not None:
                self.touch()
                self._now(self._visit.model_copy(update={"sheet": sheet}))

    def note(self, kind: NoticeKind, code: str = "") -> None:
        """Put one sentence on the screen, unless there is worse to say."""
        with self._lock:
            if self._visit is not None and self._trouble is None:
                self._now(self._visit.model_copy(update={"notice": Notice(kind=kind, code=code)}))

    def touch(self) -> bool:
        """Somebody is there: the idle time starts again. Return whether a veil stays."""
        with self._lock:
            self._seen_at = self._spool.server_now()
            if self._idle.touch():
                self.ring()
            if self._visit is None or self._visit.veiled_at is None:
                return False
            self._now(model.lifted(self._visit, self._seen_at))
            return self._visit.veiled_at is not None

    def finish(self, reason: PutDownReason) -> None:
        """End the visit: everything of it is gone from here, at once, whatever else fails."""
        with self._lock:
            visit, self._visit = self._visit, None
            if visit is None:
                return
            self._idle.touch()
            self._passing.say("farewell")
            self._memory.end(PutDownData(visit=visit.id, reason=reason))
            self._line.announce(None)
            self._follow()
            self._line.wake()
            self.ring()

    def tick(self) -> None:
        """Let time pass; call it a few times a second."""
        with self._lock:
            if self._passing.over():
                self.ring()
            if self._visit is None:
                return
            if self._idle.over(self.idle_after_s):
                self.finish(PutDownReason.IDLE)
            elif self._idle.count(self.idle_after_s):
                self.ring()

    # -- what the gateway says

    def change(self, visit_id: str | None, rule: Callable[[Visit], Visit]) -> bool:
        """Apply a rule to this visit; False, and nothing done, when another one is present."""
        with self._lock:
            visit = self._visit
            if visit is None or visit.id != visit_id:
                return False
            self._now(rule(visit))
            return True

    def welcome(self, data: GreetData, at: datetime) -> str:
        """Begin this visit for who held her band here; return why not, empty when it goes on.

        ``at``: when the server asked for it. It comes again until it is answered.
        """
        with self._lock:
            begun = self._memory.begun_before(at)
            why = model.not_welcome(data, self._spool.server_now(), self.visit_id, begun=begun)
            if why or self._visit is not None:
                return why
            self.touch()
            kept = self._begun(model.welcomed(data, self._seen_at), at) is not None
            self.ring()
            return "" if kept else model.UNKEPT

    def say(self, outcome: TapOutcome | None) -> None:
        """Say for a moment why a band that was held here began nothing; None: no more of it."""
        with self._lock:
            self._passing.say(outcome or "")
            self.ring()

    def clear(self, visit_id: str) -> bool:
        """End this visit because the server says so; False when another one is present."""
        with self._lock:
            if self.visit_id != visit_id:
                return False
            self.finish(PutDownReason.CLEARED)
            return True

    def become(self, desired: DesiredData) -> bool:
        """Apply the desired half of the twin; False when it is older than what holds."""
        with self._lock:
            if self._desired is not None and desired.version < self._desired.version:
                return False
            self._memory.keep_desired(desired)
            self._desired = desired
            self.report_health()
            self.ring()
            return True

    def catalogue_changed(self) -> None:
        """A newer catalogue is here: what is shown may be another product now."""
        with self._lock:
            self._follow()
            self.ring()

    def link(self, state: LinkState) -> None:
        """The broker came or went."""
        with self._lock:
            self._link = state
            self.ring()

    def report_health(self) -> None:
        """Say how this tablet is."""
        with self._lock:
            if self._health.report(locale=self._locale, desired=self._desired):
                self._line.wake()

    # -- inside

    def _resume(self) -> None:
        self._visit = visit = self._memory.visit()
        if visit is None:
            return
        if model.too_long_ago(visit, self._spool.server_now(), self.idle_after_s):
            self.finish(PutDownReason.IDLE)
            return
        # Somebody may have put it down while it was dark: ask before the time is up.
        self._idle.almost(self.idle_after_s)

    def _begin(self) -> Visit | None:
        """Start a visit; None when its first event cannot be kept."""
        visit = Visit(
            id=self._ids.new("visit"),
            secret=self._ids.token(),
            locale=self._locale,
            seen_at=self._spool.server_now(),
        )
        return self._begun(visit)

    def _begun(self, visit: Visit, at: datetime | None = None) -> Visit | None:
        claim = None if visit.secret is None else secret_hash(visit.secret)
        data = TakenUpData(visit=visit.id, claim_hash=claim, locale=visit.locale)
        self._passing.say("")
        if self._say(data, lambda _: visit, at) is None:
            return None
        self._visit = visit
        self._line.announce(visit.id)
        return visit

    def _want(self, gtin: Gtin, quantity: int) -> None:
        if self._visit is not None:
            self.touch()
            self._say_line(model.wanting(self._visit, gtin, quantity))

    def _say_line(self, data: Saying, *, step: bool = True, looked_at: Gtin | None = None) -> None:
        visit = self._visit
        if visit is None:
            return

        def after(event: DeviceEvent) -> Visit:
            shown = {"product": looked_at or visit.product}
            return model.said(visit, event, step=step).model_copy(update=shown)

        event = self._say(data, after)
        if event is not None:
            self._now(after(event), kept=True)

    def _say(
        self, data: Saying, after: Callable[[DeviceEvent], Visit], begun_at: datetime | None = None
    ) -> DeviceEvent | None:
        """Spool an event together with the visit it leads to; None, and a notice, if it cannot."""
        event = self._memory.say(data, after, self._seen_at, begun_at)
        if isinstance(event, str):
            self._trouble = event
            self.ring()
            return None
        self._trouble = None
        self._line.wake()
        return event

    def _now(self, visit: Visit, *, kept: bool = False) -> None:
        """Make this the visit, on the disk too (so that a reboot goes on with it), and show it."""
        self._visit = visit
        if not kept:
            self._memory.keep(visit, self._seen_at)
        self._follow()
        self.ring()

    def _follow(self) -> None:
        self._line.watch(self._following.follow(self._visit.product if self._visit else None))
