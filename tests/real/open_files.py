"""How many files this process has open, with nothing cleared away by chance."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LISTED = Path("/proc/self/fd")  # only Linux lists them so


def open_files() -> int:
    """Return how many files, sockets and pipes this process has open."""
    return len(list(LISTED.iterdir()))


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the cycle collector away: what is let go of has to be closed all the same."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
