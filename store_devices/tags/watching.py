"""A reader of tags over one room: its rounds to whoever is told what comes in and goes. One thread.

Owns the loop, and how the reader does; a reader that fails is opened again. A visit is looked up
at each round: what one person brought in is not the next one's.
"""

import logging
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Final, Literal, Protocol

from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError, InvalidInput
from cart.kernel.gtin import Gtin
from store_devices.hardware import TagReader
from store_devices.tags.brought_in import BroughtIn, Moved

REOPEN_S: Final = 3.0  # a reader that was unplugged is looked for this often
SILENT_AFTER_S: Final = 600.0
"""Ten minutes without one tag, with rails about: its antenna is off, or turned away."""

TagsState = Literal["reading", "silent", "gone"]

_LOG = logging.getLogger(__name__)


class Room(Protocol):
    """Who is told; the mirror's agent."""

    @property
    def visit_id(self) -> str | None:
        """The present visit."""
        ...

    def tags_moved(self, visit_id: str, arrived: tuple[Gtin, ...], left: tuple[Gtin, ...]) -> None:
        """Take what came into the room of this visit, and what was carried out."""
        ...


class Hearing:
    """The rounds of one reader, made into what a room is told. Not for two threads at once."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._brought = BroughtIn()
        self._visit: str | None = None

    def round(self, heard: set[bytes]) -> None:
        """Hear one round."""
        visit = self._room.visit_id
        if visit != self._visit or visit is None:
            self._brought.empty(heard)  # also between two visits that follow at once
            self._visit = visit
            return
        moved = self._brought.round(heard)
        if moved != Moved():
            self._room.tags_moved(visit, moved.arrived, moved.left)


class TagWatching:
    """Reads a tag reader until it is stopped; opens it again when it fails."""

    def __init__(
        self,
        open_reader: Callable[[], TagReader],
        room: Room,
        clock: Clock,
        *,
        reopen_s: float = REOPEN_S,
    ) -> None:
        self._open = open_reader
        self._hearing = Hearing(room)
        self._clock = clock
        self._reopen_s = reopen_s
        self._reader: TagReader | None = None
        self._answers = False
        self._heard_s = clock.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tags", daemon=True)

    def how_it_does(self) -> TagsState:
        """How the reader does: it hears tags, or none at all, or does not answer."""
        if not self._answers:
            return "gone"
        silent = self._clock.monotonic() - self._heard_s >= SILENT_AFTER_S
        return "silent" if silent else "reading"

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Close the reader and end."""
        self._stopping.set()
        reader = self._reader
        if reader is not None:
            reader.close()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._reader = self._open()
                self._listen(self._reader)
            except CarryoverError as error:
                _LOG.warning("no reader of tags: %s", error.message)
            self._answers = False
            self._stopping.wait(self._reopen_s)

    def _listen(self, reader: TagReader) -> None:
        try:
            while not self._stopping.is_set():
                heard = reader.read()
                if heard is None:
                    return
                if heard or not self._answers:
                    self._heard_s = self._clock.monotonic()
                self._answers = True
                self._hearing.round(set(heard))
        finally:
            reader.close()


def opener(name: str) -> Callable[[], TagReader]:
    """Return what opens a reader, by its name: ``module:function``, of a package of the shop's own.

    Raises:
        InvalidInput: there is no such function.
    """
    module, _, function = name.partition(":")
    try:
        found: Callable[[], TagReader] = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        msg = f"MIRROR_TAGS: {name} cannot be found"
        raise InvalidInput(msg) from error
    return found
