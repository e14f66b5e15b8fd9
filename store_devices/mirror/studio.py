"""What the mirror does with its camera's pictures: shows, records, judges, holds, wipes.

Owns the state of the turn, the film and the held turns of one visit. One thread brings frames;
touches and the end of a visit come from others. A frame is kept only between a start that
somebody pressed and the end of eight seconds, with the light on. Keeps nothing on a disk.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread

from cart.kernel.errors import CarryoverError, Conflict, LimitExceeded, Unavailable
from cart.kernel.ids import Ids
from store_devices.hardware import Frame, Light
from store_devices.mirror import model
from store_devices.mirror.beside import Beside, Side, eight_sides, side_by_side
from store_devices.mirror.eyes import Eyes, Glance
from store_devices.mirror.front import Front
from store_devices.mirror.hands import Hand, Hands
from store_devices.mirror.held import HeldTurn, HeldTurns, held
from store_devices.mirror.looking import Looking
from store_devices.mirror.model import MirrorState
from store_devices.mirror.seen import Mode, Showing, left_s
from store_devices.mirror.straight import Calibration

STALLED_S = 2.0
"""No frame for that long: whatever was being recorded is broken off."""

WIPE_WAIT_S = 0.3
"""One frame is looked at in a tenth of that; only finishing a turn takes longer."""

_LOG = logging.getLogger(__name__)


class Studio:
    """One mirror's turns. Safe to use from several threads; ``take`` from one alone.

    ``monotonic`` is the clock that the frames' times are in.
    """

    def __init__(
        self,
        *,
        light: Light,
        ids: Ids,
        monotonic: Callable[[], float],
        calibration: Calibration | None = None,
        hands: bool = False,
    ) -> None:
        self._light = light
        self._ids = ids
        self._monotonic = monotonic
        self._changed: Callable[[], None] = lambda: None
        self._hands = Hands() if hands else None
        self._press: Callable[[Hand], None] = lambda _: None
        self._lock = Lock()  # of the state, held for a moment
        self._eyes_lock = Lock()  # of film and eyes, held while a frame is looked at
        self._looking = Looking(calibration)
        self._state = MirrorState()
        self._mode: Mode = ""
        self._turns = HeldTurns()
        self._current: HeldTurn | None = None
        self._beside = Beside()
        self._side: Side | None = 0
        self._recorded = False  # the eyes have begun this recording
        self._wipes = self._wiped = 0  # asked for, and done to the eyes
        self._frame_s = monotonic()
        self._told: Showing | None = None
        self._dark()

    def listen(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever the page should be drawn again."""
        self._changed = changed

    def listen_to_hands(self, press: Callable[[Hand], None]) -> None:
        """Call ``press`` when a hand was held up at a side of the glass, in the camera's thread."""
        self._press = press

    # -- what a person does

    def start(self) -> None:
        """Count down to a recording; nothing while one is under way or waits for her."""
        with self._lock, suppress(Conflict):
            self._recorded = False
            self._mode = ""
            self._set(model.started(self._state, self._now()))
        self._changed()

    def discard(self) -> None:
        """Break off, or let the turn go that waits for her decision."""
        with self._lock:
            self._set(model.discarded(self._state, self._now()))
        self._wipe_eyes()
        self._changed()

    def show(self, mode: Mode) -> None:
        """Show her back as it was five seconds ago, or her last two turns in step, or neither."""
        with self._lock:
            if self._state.phase in ("countdown", "recording", "judging"):
                return
            if mode == "beside" and len(self._turns) < 2:  # noqa: PLR2004 - beside each other
                return
            self._mode = mode
            self._beside.wipe()
            self._side = 0
            self._stay()
            two = self._turns.newest(2)
        if mode == "beside":
            Thread(target=self._join, args=(two, False), name="beside", daemon=True).start()
        if mode != "back":
            self._wipe_eyes()
        self._changed()

    def step(self, side: Side | None) -> None:
        """Show her two turns from this side; None: let both turn, in step."""
        with self._lock:
            if self._mode != "beside":
                return
            self._side = side
            self._stay()
            two = self._turns.newest(2)
            plays = side is None and not self._beside.video
        if plays:
            Thread(target=self._join, args=(two, True), name="beside", daemon=True).start()
        self._changed()

    def stay(self) -> None:
        """She is still deciding: the time for it begins again."""
        with self._lock:
            self._stay()
        self._changed()

    def waits(self, turn_id: str) -> bool:
        """Say whether this turn waits for her decision; if so, the time for it begins again."""
        with self._lock:
            self._stay()
            return self._current is not None and self._current.id == turn_id

    def keep(self, turn_id: str) -> bool:
        """Say that the turn she decides on is kept; False: it is gone meanwhile."""
        with self._lock:
            turn = self._current
            if turn is None or turn.id != turn_id or self._state.phase != "deciding":
                return False
            turn.kept, self._current = True, None
            self._mode = ""
            self._set(model.kept(self._state, self._now()))
        self._changed()
        return True

    def wipe(self) -> None:
        """Forget everything of this visit: film, turns, what is shown. May be called twice."""
        with self._lock:
            self._wipes += 1
            self._set(MirrorState())
            self._mode, self._current = "", None
            self._turns.wipe()
            self._beside.wipe()
        self._wipe_eyes()
        self._changed()

    # -- what the page shows

    def showing(self) -> Showing:
        """Return what is to be said."""
        with self._lock:
            return self._showing()

    def deciding(self) -> HeldTurn | None:
        """Return the turn that waits for her decision."""
        with self._lock:
            return self._current

    def picture(self, turn_id: str, part: str) -> bytes | None:
        """Return ``video`` or ``sheet`` of a turn, or a part of two beside each other."""
        with self._lock:
            if turn_id == "beside":
                return self._beside.part(part)
            turn = self._turns.get(turn_id)
            data = None if turn is None else {"video": turn.video, "sheet": turn.sheet}.get(part)
            return bytes(data) if data else None

    def front(self, turn_id: str) -> Front | None:
        """Return a turn's picture from the front; None: it is gone."""
        with self._lock:
            turn = self._turns.get(turn_id)
            return turn.front if turn is not None else None

    def live(self) -> bytes | None:
        """Return the newest picture of the live view (JPEG), only while there is one to be."""
        with self._lock:
            shown = self._mode == "back" or self._state.phase in ("countdown", "recording")
        live = self._looking.live
        return live.newest if shown and live is not None else None

    # -- what the camera brings

    def take(self, frame: Frame, *, visited: bool) -> bool:
        """Look at the next frame; return whether codes may be read from it.

        ``visited``: somebody is here, so that this is not how the empty room looks.
        """
        pressed: Hand = ""
        if self._looking.changes(
            frame.pixels
        ):  # another camera: what was recorded was the old one's
            self.lost()
        with self._eyes_lock:
            eyes, live = self._looking.through(frame.pixels)
            self._catch_up()
            with self._lock:
                self._frame_s = now_s = self._now()
                if self._state.phase in ("countdown", "recording"):
                    self._set(model.ticked(self._state, now_s))
                phase, mode = self._state.phase, self._mode
            match phase:
                case "recording":
                    self._record(eyes, frame)
                    live.show(frame)
                case "judging":
                    live.wipe()
                    self._judge(eyes)
                case _:
                    glance = eyes.idle(frame, learns=not visited or not eyes.ready)
                    pressed = self._look_for_hands(glance, frame, visited=visited)
                    if phase == "countdown":
                        live.show(frame)
                    elif mode == "back":
                        live.show_late(frame)
            self._catch_up()
        self._ring()
        if pressed:
            self._press(pressed)
        return phase in ("idle", "refused", "kept") and mode == ""

    def lost(self) -> None:
        """The camera gives no more frames: what was being recorded is broken off."""
        with self._eyes_lock:
            with self._lock:
                self._set(model.broken_off(self._state, self._now()))
                broken = self._state.phase == "judging"
            if broken and self._looking.eyes is not None:
                self._looking.eyes.judge(broken=True)
            with self._lock:
                if self._state.phase == "judging":
                    self._set(model.judged(self._state, self._now(), "camera_stopped"))
            self._looking.wipe_live()
        self._ring()

    def tick(self) -> None:
        """Let time pass; call it a few times a second."""
        with self._lock:
            filming = self._state.phase in ("countdown", "recording")
            stalled = filming and self._now() - self._frame_s > STALLED_S
            if not filming:
                self._set(model.ticked(self._state, self._now()))
            owed = self._wiped != self._wipes
        if stalled:
            self.lost()
        elif owed:
            self._wipe_eyes()
        self._ring()

    # -- inside

    def _now(self) -> float:
        return self._monotonic()

    def _set(self, state: MirrorState) -> None:
        """Go to a state: the light follows the recording, pictures follow the decision."""
        before, self._state = self._state, state
        if state.records and not before.records:
            try:
                self._light.switch(on=True)
            except Unavailable as error:
                _LOG.warning("nothing is recorded: %s", error.message)
                self._state = MirrorState("refused", state.since_s, "camera_stopped")
        elif before.records and not state.records:
            self._dark()
        if before.phase == "judging" and state.phase == "idle":
            self._wipes += 1  # whoever looks at the film wipes it when done, or the next tick
        if before.phase == "deciding" and state.phase == "idle" and self._current is not None:
            self._turns.drop(self._current.id)
            self._current, self._mode = None, ""
            self._beside.wipe()

    def _dark(self) -> None:
        try:
            self._light.switch(on=False)
        except Unavailable as error:
            _LOG.warning("the light stays on: %s", error.message)

    def _stay(self) -> None:
        if self._state.phase == "deciding":
            self._state = MirrorState("deciding", self._now())

    def _look_for_hands(self, glance: Glance, frame: Frame, *, visited: bool) -> Hand:
        if self._hands is None:
            return ""
        with self._lock:
            takes = visited and not self._mode and self._state.phase != "countdown"
        if takes:
            return self._hands.see(glance.body, glance.mask, frame.at_s)
        self._hands.reset()
        return ""

    def _record(self, eyes: Eyes, frame: Frame) -> None:
        try:
            if not self._recorded:
                eyes.begin()
                self._recorded = True
            eyes.record(frame)
        except LimitExceeded as error:  # a sharper camera than was thought of: judge what there is
            _LOG.info("the recording ends early: %s", error.message)
            with self._lock:
                self._set(model.broken_off(self._state, self._now()))
        except Conflict as error:
            _LOG.warning("nothing is recorded: %s", error.message)
            with self._lock:
                self._set(MirrorState("refused", self._now(), "nobody"))

    def _judge(self, eyes: Eyes) -> None:
        reason = eyes.judge().reason
        made = None
        if reason is None:
            self._ring()
            made = held(eyes.finish(), self._ids.new("turn"))
        eyes.discard()
        with self._lock:
            if self._state.phase != "judging" or self._wiped != self._wipes:
                if made is not None:
                    made.wipe()
                return
            self._set(model.judged(self._state, self._now(), reason))
            if made is not None:
                self._turns.add(made)
                self._current = made

    def _wipe_eyes(self) -> None:
        """Wipe film and live view now, or as soon as the frame that is looked at is done with."""
        with self._lock:
            self._wipes += 1
        if self._eyes_lock.acquire(timeout=WIPE_WAIT_S):
            try:
                self._catch_up()
            finally:
                self._eyes_lock.release()

    def _catch_up(self) -> None:
        with self._lock:
            wipes = self._wipes
        if self._wiped != wipes:
            self._looking.wipe()
            self._wiped = wipes

    def _join(self, two: list[HeldTurn], plays: bool) -> None:  # noqa: FBT001 - a thread's argument
        made = Beside()
        try:
            if plays:
                made.video += side_by_side(*two)
            else:
                made.stills = eight_sides(*two)
        except CarryoverError as error:  # it was wiped meanwhile
            _LOG.info("two turns are not beside each other: %s", error.message)
        with self._lock:
            if self._mode != "beside" or self._turns.newest(2) != two:
                made.wipe()
            elif made.video or made.stills:
                self._beside.video = made.video or self._beside.video
                self._beside.stills = made.stills or self._beside.stills
            else:
                self._mode = ""
        self._changed()

    def _showing(self) -> Showing:
        state = self._state
        return Showing(
            phase=state.phase,
            mode=self._mode,
            left_s=left_s(state, self._now()),
            reason=state.reason,
            turn_id=self._current.id if self._current else "",
            turns=len(self._turns),
            side=self._side,
            joined=bool(self._beside.stills if self._side is not None else self._beside.video),
            hands=self._hands is not None,
            hand=self._hands.over if self._hands is not None else "",
            ready=self._looking.eyes is not None and self._looking.eyes.ready,
        )

    def _ring(self) -> None:
        with self._lock:
            now = self._showing()
            changed, self._told = now != self._told, now
        if changed:
            self._changed()
