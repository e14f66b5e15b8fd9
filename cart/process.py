"""What every server process asks of Python and of the system when it starts."""

import gc
import resource
import sys
from typing import Final

# Objects made before the cycle collector looks. Ingest makes dozens per event and no cycles; at
# Python's 700 the collector took a fifth of the time (profiled), walking what lives for ever.
COLLECT_AFTER_OBJECTS: Final = (50_000, 20, 50)

# A thread that comes back from the database waits this long for another's turn to end. At
# Python's 5 ms a batch of lines, which comes back five times, took a fifth longer, and ingest
# beside a thread that shows carts six times as long (both measured).
SWITCH_S: Final = 0.000_5


def take_short_turns() -> None:
    """Let threads that come back from waiting run soon."""
    sys.setswitchinterval(SWITCH_S)


def collect_seldom() -> None:
    """Let the cycle collector forget what is there now, and look at the rest seldom."""
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER_OBJECTS)


def open_many_files() -> int:
    """Raise this process's limit of open files to what it may have; return it.

    Each open phone and each device is one. Debian gives a service 1,024 unless it asks,
    and lets it have half a million (``systemd.exec``, LimitNOFILE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
