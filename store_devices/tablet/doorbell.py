"""Tells screens that something changed; never what."""

from collections.abc import Callable
from threading import Lock


class Doorbell:
    """A list of bells and a number that grows with every ring."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bells: list[Callable[[], None]] = []
        self.version = 0

    def subscribe(self, bell: Callable[[], None]) -> Callable[[], None]:
        """Ring ``bell`` from now on, in the thread that rings; returns how to stop."""
        with self._lock:
            self._bells.append(bell)

        def stop() -> None:
            with self._lock:
                self._bells.remove(bell)

        return stop

    def ring(self) -> None:
        """Ring all."""
        with self._lock:
            self.version += 1
            bells = tuple(self._bells)
        for bell in bells:
            bell()
