"""What "Keep" does: ask the server, seal, and have it said and handed over to the outbox.

Owns the wish to keep, until a phone has said yes, the shop refuses, or the turn is gone. Until
then the turn stays with the studio and nowhere else.
"""

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Final, Literal, Protocol

import httpx2

from cart.kernel.errors import CarryoverError, NoLooksKey
from store_devices.mirror.held import HeldTurn
from store_devices.mirror.outbox import BrokenOff, Outbox, Parcel
from store_devices.mirror.sealing import Turn
from store_devices.mirror.studio import Studio
from store_devices.mirror.uploading import Grant, Uploads

ASK_EVERY_S: Final = 2.0  # a phone may say yes at any moment; then it goes on by itself

Wish = Literal["", "asking", "no_key", "refused", "full"]
"""Where the wish is: none, under way, no phone has said yes, the shop takes none, too many."""

_LOG = logging.getLogger(__name__)


class Saying(Protocol):
    """Who says that a look was kept; the agent."""

    def look_kept(self, turn: HeldTurn, parcel: Parcel) -> bool:
        """Put it into the spool, then let the studio keep the turn and the outbox send it.

        All of it or nothing. False: the visit is over, the turn is gone, or the spool refuses.
        """
        ...


class Keeping:
    """Keeps turns of one studio, one wish at a time."""

    def __init__(
        self,
        studio: Studio,
        outbox: Outbox,
        http: httpx2.Client,
        randomness: Callable[[int], bytes],
    ) -> None:
        self._studio = studio
        self._outbox = outbox
        self._http = http
        self._randomness = randomness
        self._lock = Lock()
        self._given_up = Event()
        self._thread: Thread | None = None
        self._spare: tuple[str, Grant] | None = None  # of a turn that was granted and not kept
        self.wish: Wish = ""

    def want(self, visit: str, saying: Saying, changed: Callable[[], None]) -> None:
        """Keep the turn that waits for a decision; nothing without one."""
        turn = self._studio.deciding()
        if turn is None:
            return
        self._studio.stay()
        with self._lock:
            if self.wish in ("asking", "no_key") and not self._given_up.is_set():
                return
            if self._outbox.full:
                self.wish = "full"
                return
            self.wish, self._given_up = "asking", Event()
            work = (visit, turn, saying, changed, self._given_up)
            self._thread = Thread(target=self._work, args=work, name="keeping", daemon=True)
            self._thread.start()

    def give_up(self) -> None:
        """Want nothing any more: discarded, or the visit is over."""
        with self._lock:
            self._given_up.set()
            self.wish = ""

    def _work(
        self,
        visit: str,
        turn: HeldTurn,
        saying: Saying,
        changed: Callable[[], None],
        given_up: Event,
    ) -> None:
        def pause(seconds: float) -> None:
            if given_up.wait(seconds) or self._studio.deciding() is not turn:
                raise BrokenOff

        def say(wish: Wish) -> None:
            with self._lock:
                if not given_up.is_set():
                    self.wish = wish
            changed()

        uploads = Uploads(self._http, pause, self._randomness)
        try:
            granted = self._granted(uploads, visit, turn, say)
            pause(0)
            plain = Turn(bytes(turn.video), "video/webm", bytes(turn.sheet))
            parcel = Parcel(visit, granted, uploads.sealed(granted, plain))
            pause(0)
            if saying.look_kept(turn, parcel):
                self._spare = None
                say("")
            else:
                pause(0)  # it may be gone, with her or by her
                _LOG.warning("a turn is not kept: it cannot be said")
                say("refused")
        except BrokenOff:
            say("")
        except CarryoverError as error:
            _LOG.warning("a turn is not kept: %s", error.message)
            say("refused")
        finally:
            given_up.set()

    def _granted(
        self, uploads: Uploads, visit: str, turn: HeldTurn, say: Callable[[Wish], None]
    ) -> Grant:
        """Return the grant of before, if this turn has one: a mirror has few at a time."""
        while True:
            if self._spare is not None and self._spare[0] == turn.id:
                return self._spare[1]
            try:
                self._spare = turn.id, uploads.grant(visit)
            except NoLooksKey:
                if self.wish != "no_key":
                    say("no_key")
                uploads.pause(ASK_EVERY_S)
