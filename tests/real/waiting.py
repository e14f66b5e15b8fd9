"""Waiting for another process, where there is no event to await."""

import time
from collections.abc import Callable

WAIT_S = 10.0
PAUSE_S = 0.02


def wait_until(holds: Callable[[], bool], wait_s: float = WAIT_S) -> None:
    """Return as soon as ``holds()`` is true.

    Raises:
        TimeoutError: it was not within ``wait_s``.
    """
    deadline = time.monotonic() + wait_s
    while not holds():
        if time.monotonic() > deadline:
            msg = f"it did not come about within {wait_s} s"
            raise TimeoutError(msg)
        time.sleep(PAUSE_S)
