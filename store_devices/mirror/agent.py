"""The mirror's agent: a tablet's, with what was brought in instead of a list, and a studio.

Visits begin and end as a tablet's do. What is shown to the camera is listed here, and staff hear
of it; a mirror puts nothing into anybody's cart. What she asks to be brought is a wish of her
visit (:mod:`store_devices.wishes`). The end of a visit, for any reason, wipes the studio; then as
the tablet does, everything else.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, Unpack

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import Gtin
from cart.kernel.i18n import direction
from gateway.wire.events import (
    TRIED_MAX,
    DeviceEvent,
    LookData,
    PutDownReason,
    Reader,
    SizeCancelledData,
    SizeData,
    SizeRequested,
    TriedData,
)
from store_devices import wishes
from store_devices.mirror.beside import Side
from store_devices.mirror.hands import Hand
from store_devices.mirror.held import HeldTurn
from store_devices.mirror.keeping import Keeping
from store_devices.mirror.outbox import Outbox, Parcel
from store_devices.mirror.seen import Mode
from store_devices.mirror.studio import Studio
from store_devices.mirror.tinting import Tinting
from store_devices.tablet.agent import Agent
from store_devices.tablet.model import Visit
from store_devices.tablet.surroundings import Parts, Place
from store_devices.tags.watching import TagsState

BROUGHT_MAX: Final = TRIED_MAX
WAITING_IDLE_S: Final = 300
"""Who waits for another size touches nothing meanwhile: so long, at least, her visit goes on."""


class MirrorAgent(Agent):
    """The mirror's mind. Safe to use from several threads."""

    def __init__(
        self,
        place: Place,
        *,
        studio: Studio,
        keeping: Keeping,
        outbox: Outbox,
        **parts: Unpack[Parts],
    ) -> None:
        """Take up where a reboot broke off; pictures and what was brought in are gone then."""
        self.studio: Final = studio
        self.keeping: Final = keeping
        self.outbox: Final = outbox
        self.tinting: Final = Tinting(studio, parts["catalogue"])
        self._brought: tuple[Gtin, ...] = ()
        self._told: set[Gtin] = set()
        self._minutes: tuple[int, ...] = ()
        self.called_off = False
        super().__init__(place, **parts)
        studio.listen(self.ring)
        studio.listen_to_hands(self.hand_raised)
        outbox.listen(self.ring)

    @property
    def brought(self) -> tuple[Gtin, ...]:
        """What was shown to the camera on this visit, the newest first."""
        return self._brought

    @property
    def idle_after_s(self) -> int:
        """Seconds without a touch that end a visit; more while she waits for something."""
        own, visit = super().idle_after_s, self._visit
        waits = visit is not None and wishes.any_open(visit.wishes)
        return max(own, WAITING_IDLE_S) if waits else own

    @property
    def open(self) -> bool:
        """Whether somebody is here whom her pictures may be shown to."""
        visit = self._visit
        return visit is not None and visit.veiled_at is None

    @property
    def camera_off(self) -> bool:
        """Whether she who is here wants no camera to look at her: no frame is looked at then."""
        visit = self._visit
        return visit is not None and visit.camera_off

    def code_read(self, code: str, reader: Reader) -> None:
        """Take a code from the camera: list the garment and show it."""
        with self._lock:
            if self.touch():  # whoever shows something now is the next one
                self.finish(PutDownReason.DONE)
            self.take_up()
            try:
                gtin = Gtin.parse(code)
            except InvalidGtin:
                self.note("not_a_code")
                return
            if self._catalogue.product_of(gtin) is None:
                self.note("unknown", gtin.shortest)
                return
            if self._visit is not None:
                self._bring_in(gtin, reader)
                self.look_at(gtin)

    def tags_moved(self, visit_id: str, arrived: tuple[Gtin, ...], left: tuple[Gtin, ...]) -> None:
        """Take what a reader of tags heard come into the room of this visit, or be carried out."""
        with self._lock:
            visit = self._visit
            if visit is None or visit.id != visit_id:
                return
            known = [gtin for gtin in arrived if self._catalogue.product_of(gtin) is not None]
            for gtin in known:
                self._bring_in(gtin, Reader.RFID)
            self._brought = tuple(one for one in self._brought if one not in left)
            if known and visit.product is None:
                self._now(visit.model_copy(update={"product": known[0]}))
            self.ring()

    def watch_tags(self, state: Callable[[], TagsState]) -> None:
        """Say in the health how the reader of tags does."""
        self._health = replace(self._health, tags=state)

    def put_back(self, gtin: Gtin) -> None:
        """Take a garment off what was brought in."""
        with self._lock:
            self.touch()
            self._brought = tuple(one for one in self._brought if one != gtin)
            self.ring()

    def had_of(self, gtin: Gtin) -> Gtin | None:
        """Return what of the same product she has in there, the newest; None: nothing."""
        of = {gtin: self._product_id(gtin) for gtin in (gtin, *self._brought)}
        return next((one for one in self._brought if of[one] == of[gtin]), None)

    def ask_for(self, gtin: Gtin) -> None:
        """Ask staff to bring this; nothing where it is asked for already, or too much is."""
        with self._lock:
            self.touch()
            visit = self._visit
            if visit is None or not self.open or self._catalogue.product_of(gtin) is None:
                return
            if wishes.open_for(visit.wishes, gtin) or wishes.is_full(visit.wishes):
                return
            data = SizeData(
                visit=visit.id, request=self._ids.new("wish"), gtin=gtin, had=self.had_of(gtin)
            )

            def after(event: DeviceEvent) -> Visit:
                if not isinstance(event, SizeRequested):
                    return visit
                return visit.model_copy(update={"wishes": wishes.asked(visit.wishes, event)})

            event = self._say(data, after)
            if event is not None:
                self._now(after(event), kept=True)

    def drop_wish(self, request: str) -> None:
        """Call a wish off; of one that is over: show it no more."""
        with self._lock:
            self.touch()
            visit = self._visit
            wish = next((w for w in visit.wishes if w.request == request), None) if visit else None
            if visit is None or wish is None:
                return
            after = visit.model_copy(update={"wishes": wishes.without(visit.wishes, request)})
            if not wish.is_open:
                self._now(after)
            elif self._say(SizeCancelledData(visit=visit.id, request=request), lambda _: after):
                self._now(after, kept=True)

    def now(self) -> datetime:
        """Return the time by the server's clock."""
        return self._spool.server_now()

    def waits_for_line(self, wish: wishes.SizeWish) -> bool:
        """Say whether this wish has not reached the shop yet."""
        return self._spool.count_through(wish.sequence) > 0

    def hand_raised(self, hand: Hand) -> None:
        """Press what is drawn on this side of the glass; as a touch does, but never through a veil.

        Where one button is drawn, either hand presses it; where two are, the first of them begins
        the line: on the left, or on the right in Hebrew.
        """
        snapshot = self.snapshot()
        visit = snapshot.visit
        if visit is None or not self.open or visit.sheet or snapshot.countdown_s is not None:
            return
        first = hand == ("right" if direction(snapshot.locale) == "rtl" else "left")
        match self.studio.showing().phase:
            case "idle":
                self.record()
            case "deciding" if first:
                self.keep()
            case "refused" if first:
                self.record()
            case "deciding" | "refused" | "kept":
                self.discard()

    def record(self) -> None:
        """Count down to a turn, for whoever is here; not where she wants no camera."""
        with self._lock:  # so that a word that the camera is off comes before it, or breaks it off
            self.touch()
            if self.open and not self.camera_off:
                self.keeping.give_up()
                self.tinting.wanted = None
                self.studio.start()

    def discard(self) -> None:
        """Let the turn go, or break it off."""
        with self._lock:
            self.touch()
            self.keeping.give_up()
            self.studio.discard()

    def keep(self) -> None:
        """Keep the turn that she sees."""
        self.touch()
        visit = self._visit
        if visit is not None and self.open:
            self.keeping.want(visit.id, self, self.ring)
            self.ring()

    def show(self, mode: Mode) -> None:
        """Show her back, two turns in step, or neither."""
        with self._lock:  # as of recording
            self.touch()
            if not mode or (self.open and not (mode == "back" and self.camera_off)):
                self.studio.show(mode)

    def step(self, side: Side | None) -> None:
        """Show her two turns from this side, or let both turn."""
        self.touch()
        if self.open:
            self.studio.step(side)

    def tint(self, gtin: Gtin | None) -> None:
        """Show her turn from the front in the colour of this variant, or as it is."""
        self.touch()
        if self.open:
            self.tinting.wanted = gtin
            self.studio.stay()

    def look_kept(self, turn: HeldTurn, parcel: Parcel) -> bool:
        """Say that a turn was kept, and keep it; False: its visit is over, or it cannot be said.

        Under the lock of the visit: what ends it, or lets the turn go, comes before or after all.
        """
        with self._lock:
            present = self._visit
            if present is None or present.id != parcel.visit or not self.studio.waits(turn.id):
                return False
            data = LookData(
                visit=present.id,
                look=parcel.granted.look_id,
                gtins=self._brought,
                duration_ms=turn.duration_ms,
            )
            if self._say(data, lambda _: present) is None:
                return False
            self.studio.keep(turn.id)
            self.outbox.add(parcel)
            return True

    def change(self, visit_id: str | None, rule: Callable[[Visit], Visit]) -> bool:
        """Apply a rule to this visit; hidden by it, whoever is filmed now may be somebody else."""
        before = self._visit
        done = super().change(visit_id, rule)
        after = self._visit
        told = before is not None and after is not None and before.wishes != after.wishes
        if done and told and self._idle.countdown_s is None:
            self._idle.touch()  # an answer is to be read
        if done and self.camera_off and (before is None or not before.camera_off):
            self._look_away()
        if done and not self.open:
            showing = self.studio.showing()
            if showing.phase in ("countdown", "recording"):
                self.studio.discard()
            elif showing.mode == "back":
                self.studio.show("")
        return done

    def finish(self, reason: PutDownReason) -> None:
        """End the visit: pictures first, whatever else fails."""
        with self._lock:
            self._look_away()
            self.outbox.end(self.visit_id)
            self._brought, self._minutes = (), ()
            self._told.clear()
            self.called_off = self._visit is not None and wishes.any_open(self._visit.wishes)
            super().finish(reason)

    def tick(self) -> None:
        """Let time pass; call it a few times a second."""
        self.studio.tick()
        super().tick()
        with self._lock:
            self._age()

    def _look_away(self) -> None:
        """Break off what is recorded, and forget every picture of her that she has not kept."""
        self.keeping.give_up()
        self.tinting.wanted = None
        self.studio.wipe()

    def _bring_in(self, gtin: Gtin, reader: Reader) -> None:
        """List a garment; staff hear of it once in a visit."""
        visit = self._visit
        others = tuple(one for one in self._brought if one != gtin)
        self._brought = (gtin, *others)[:BROUGHT_MAX]
        if visit is None or gtin in self._told:
            return
        if self._say(TriedData(visit=visit.id, gtin=gtin, reader=reader), lambda _: visit):
            self._told.add(gtin)

    def _product_id(self, gtin: Gtin) -> str:
        found = self._catalogue.product_of(gtin)
        return found[0].product_id if found else gtin

    def _age(self) -> None:
        """Let wishes grow old, and minutes that are shown."""
        visit = self._visit
        if visit is None or not visit.wishes:
            return
        now = self._spool.server_now()
        aged = wishes.aged(visit.wishes, now)
        minutes = tuple(wishes.waited_min(wish, now) for wish in aged)
        changed, self._minutes = minutes != self._minutes, minutes
        if aged != visit.wishes:
            self._now(visit.model_copy(update={"wishes": aged}))
        elif changed:
            self.ring()
