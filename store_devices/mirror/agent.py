"""The mirror's agent: a tablet's, with what was brought in instead of a list, and a studio.

Visits begin and end as a tablet's do. What is shown to the camera is listed here and nowhere
else: a mirror puts nothing into anybody's cart. The end of a visit, for any reason, wipes the
studio; then as the tablet does, everything else.
"""

from collections.abc import Callable
from typing import Final, Unpack

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import Gtin
from gateway.wire.events import TRIED_MAX, LookData, PutDownReason, Reader
from store_devices.mirror.keeping import Keeping
from store_devices.mirror.outbox import Outbox
from store_devices.mirror.seen import Mode
from store_devices.mirror.studio import Studio
from store_devices.tablet.agent import Agent
from store_devices.tablet.model import Visit
from store_devices.tablet.surroundings import Parts, Place

BROUGHT_MAX: Final = TRIED_MAX


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
        self._brought: tuple[Gtin, ...] = ()
        super().__init__(place, **parts)
        studio.listen(self.ring)
        outbox.listen(self.ring)

    @property
    def brought(self) -> tuple[Gtin, ...]:
        """What was shown to the camera on this visit, the newest first."""
        return self._brought

    @property
    def open(self) -> bool:
        """Whether somebody is here whom her pictures may be shown to."""
        visit = self._visit
        return visit is not None and visit.veiled_at is None

    def code_read(self, code: str, reader: Reader) -> None:  # noqa: ARG002 - the tablet's form
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
                others = tuple(one for one in self._brought if one != gtin)
                self._brought = (gtin, *others)[:BROUGHT_MAX]
                self.look_at(gtin)

    def put_back(self, gtin: Gtin) -> None:
        """Take a garment off what was brought in."""
        with self._lock:
            self.touch()
            self._brought = tuple(one for one in self._brought if one != gtin)
            self.ring()

    def record(self) -> None:
        """Count down to a turn, for whoever is here."""
        self.touch()
        if self.open:
            self.keeping.give_up()
            self.studio.start()

    def discard(self) -> None:
        """Let the turn go, or break it off."""
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
        self.touch()
        if self.open or not mode:
            self.studio.show(mode)

    def look_kept(self, visit: str, look_id: str, duration_ms: int) -> bool:
        """Say that a turn was kept; False: its visit is over, or it cannot be said."""
        with self._lock:
            present = self._visit
            if present is None or present.id != visit:
                return False
            data = LookData(visit=visit, look=look_id, gtins=self._brought, duration_ms=duration_ms)
            return self._say(data, lambda _: present) is not None

    def change(self, visit_id: str | None, rule: Callable[[Visit], Visit]) -> bool:
        """Apply a rule to this visit; hidden by it, whoever is filmed now may be somebody else."""
        done = super().change(visit_id, rule)
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
            self.keeping.give_up()
            self.studio.wipe()
            self.outbox.end(self.visit_id)
            self._brought = ()
            super().finish(reason)

    def tick(self) -> None:
        """Let time pass; call it a few times a second."""
        self.studio.tick()
        super().tick()
