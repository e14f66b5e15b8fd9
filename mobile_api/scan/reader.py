"""Reads the code in an uploaded photo, in a process of its own.

OpenCV and the code reader take some 60 MB; a phone's photo more for a moment.
They live in a child process that is started for the first photo and goes when
none has come for a while, so an API that nobody sends photos to stays small,
and a picture that breaks the decoder breaks the child only.
"""

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from cart.kernel.errors import InvalidPayload, PayloadTooLarge, Unavailable, UnreadablePhoto

PHOTO_BYTES_MAX: Final = 12 << 20  # the largest of today's phone cameras; pages send far less
ANSWER_WAIT_S: Final = 12.0  # starting the child takes one, a hard photo two
IDLE_S: Final = 120.0
# One is read at a time. Each that waits holds a thread of the API, of which there are forty:
# more would make whoever wants a page wait for photographs.
WAITING_MAX: Final = 6


def codes_in(photo: bytes) -> list[str]:
    """Return the GTINs in a picture. Runs in the child.

    Raises:
        ValueError: not a picture, or one that unpacks to too much.
    """
    import time  # noqa: PLC0415 - the child's own

    from store_devices.vision.picture import pixels_of  # noqa: PLC0415 - only in the child
    from store_devices.vision.reading import read_photo  # noqa: PLC0415 - only in the child

    try:
        found = read_photo(pixels_of(photo), monotonic=time.monotonic)
    except (InvalidPayload, PayloadTooLarge) as error:
        raise ValueError(error.message) from error
    return [str(code.gtin) for code in found if code.gtin is not None]


class PhotoReader:
    """The child process, started when it is needed."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._room = threading.BoundedSemaphore(WAITING_MAX)

    def read(self, photo: bytes) -> list[str]:
        """Return the GTINs in ``photo`` (JPEG, PNG or WebP).

        Raises:
            UnreadablePhoto: not a picture.
            Unavailable: the reader did not answer in time, or WAITING_MAX wait already.
        """
        if not self._room.acquire(blocking=False):
            msg = f"{WAITING_MAX} photos are being read already"
            raise Unavailable(msg)
        try:
            return self._read(photo)
        finally:
            self._room.release()

    def _read(self, photo: bytes) -> list[str]:
        with self._lock:
            self._rest()
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(1, mp_context=context)
            waiting = self._pool.submit(codes_in, photo)
        try:
            return waiting.result(ANSWER_WAIT_S)
        except ValueError as error:
            raise UnreadablePhoto(str(error)) from error
        except (BrokenProcessPool, TooSlow) as error:
            self.close()
            msg = "the photo reader does not answer"
            raise Unavailable(msg) from error

    def _rest(self) -> None:
        """Put the end of the child off by IDLE_S."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(IDLE_S, self.close)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """End the child; the next photo starts another."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
