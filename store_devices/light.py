"""The lamp beside a mirror's camera: an LED that the machine's kernel switches by a file.

Owns the file's words (``1`` and ``0``, as in /sys/class/leds/NAME/brightness).
"""

from pathlib import Path

from cart.kernel.errors import Unavailable


class FileLight:
    """A lamp by its file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def switch(self, *, on: bool) -> None:
        """Turn it on or off.

        Raises:
            Unavailable: the file cannot be written.
        """
        try:
            self._path.write_text("1" if on else "0")
        except OSError as error:
            msg = f"the light {self._path} does not obey"
            raise Unavailable(msg) from error


class NoLight:
    """A mirror without a lamp: its page alone says that it records."""

    def switch(self, *, on: bool) -> None:
        """Do nothing."""
