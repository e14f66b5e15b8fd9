"""Keeps an idle process small. Linux with glibc only; elsewhere it does nothing."""

import ctypes
import gc
import sys
from typing import Final

from cart.process import collect_seldom

# mallopt(3). Every thread otherwise gets a heap of its own that never shrinks, and endpoints
# run in forty threads.
M_ARENA_MAX: Final = -8
ARENAS: Final = 2
M_TRIM_THRESHOLD: Final = -1
TRIM_BYTES: Final = 1 << 20


def few_arenas() -> None:
    """Let threads share heaps; call before there are threads."""
    if libc := _glibc():
        libc.mallopt(M_ARENA_MAX, ARENAS)
        libc.mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)


def give_back() -> None:
    """Give what starting up has used and freed back to the machine."""
    gc.collect()
    collect_seldom()  # modules and models live as long as we do
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # another C library
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
