"""What this device proves itself with, on the disk before it is used.

A fresh credential is made here and kept beside the present one; the server gets its hash
only. Whichever of the two the broker knows is used, the fresh one tried first; once it was
taken, it replaces the present one. So a device that loses power at any moment comes back.
"""

from contextlib import suppress
from pathlib import Path

from cart.kernel.errors import Unavailable
from cart.kernel.ids import Ids
from gateway.wire.credential import credential_hash
from store_devices import identity
from store_devices.enrolling import Enrolled


class DeviceKeyring:
    """The credential in the identity's file, and the next one. For the uplink's worker alone."""

    def __init__(self, folder: Path, enrolled: Enrolled, ids: Ids) -> None:
        """Read what is kept; ``enrolled`` is the identity in ``folder``."""
        self._folder = folder
        self._enrolled = enrolled
        self._ids = ids
        self._path = folder / identity.NEXT_FILE
        self._next = ""
        with suppress(FileNotFoundError):
            self._next = self._path.read_text().strip()

    def candidates(self) -> tuple[str, ...]:
        """Return what may be known to the broker, in the order in which to try."""
        present = self._enrolled.credential
        return (self._next, present) if self._next not in {"", present} else (present,)

    def used(self, credential: str) -> None:
        """The broker took it: a fresh one is the present one from now on.

        A disk that refuses is asked again at the next connection: both are still there.
        """
        if credential != self._next:
            return
        self._enrolled = self._enrolled.model_copy(update={"credential": credential})
        with suppress(OSError):
            identity.keep(self._folder, self._enrolled)
            self._next = ""

    def rotate(self) -> str:
        """Make a fresh credential, or stay with the one that was made; return its hash.

        Raises:
            Unavailable: the disk refuses; nothing has changed.
        """
        if self._next in {"", self._enrolled.credential}:
            fresh = self._ids.token()
            try:
                identity.write(self._path, fresh)
            except OSError as error:
                msg = f"{self._path} cannot be written: {error.strerror}"
                raise Unavailable(msg) from error
            self._next = fresh
        return credential_hash(self._next)
