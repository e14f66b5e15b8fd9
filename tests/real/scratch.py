"""Where tests put their files: in memory, where there is enough of it.

SQLite waits for the disk at every commit, as it should, and there are a hundred thousand
in a test run: 5 ms each on a disk, nothing in memory. A process that is killed loses no file.
"""

import os
import shutil
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
FREE_BYTES_MIN: Final = 2 * 2**30  # a test's files go when it has passed; a few weigh 100 MB
SETTING: Final = "PYTEST_DEBUG_TEMPROOT"  # pytest's own; who sets it is asked first


def use_memory() -> None:
    """Let pytest's temporary folders be in memory from now on, if that is possible."""
    if SETTING in os.environ or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free >= FREE_BYTES_MIN:
        os.environ[SETTING] = str(MEMORY)
