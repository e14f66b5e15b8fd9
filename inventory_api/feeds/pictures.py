"""Takes the pictures that a catalogue feed names into the folder they are served from.

A picture's name there is a digest of its content: the same picture is kept once,
a changed one gets a new name, and browsers may keep each for ever. Reads only
below the feed's folder, writes only below the pictures' folder.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from cart.kernel.errors import InvalidInput

PICTURE_BYTES_MAX: Final = 8 << 20  # a sharp photograph has two; a phone has to load it
NAME_DIGITS: Final = 40


def suffix_of(content: bytes) -> str | None:
    """Return the suffix of a picture by its first bytes, whatever its file is called."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    return None


class Pictures:
    """The pictures of one feed. Remembers what it has taken; for one thread."""

    def __init__(self, source: Path, target: Path) -> None:
        """Take from below ``source`` (the feed's folder) into ``target``."""
        self._source = source.resolve()
        self._target = target
        self._taken: dict[str, str] = {}

    def take(self, path: str) -> str:
        """Copy a picture, unless it is there already, and return its name.

        Raises:
            InvalidInput: outside the feed's folder, not there, too large, or not
                WebP, PNG or JPEG.
        """
        name = self._taken.get(path)
        if name is None:
            name = self._taken[path] = self._copy(self._inside(path))
        return name

    def _inside(self, path: str) -> Path:
        found = (self._source / path).resolve()  # links are followed before they are judged
        if not found.is_relative_to(self._source) or "\\" in path:
            msg = "the picture lies outside the feed's folder"
            raise InvalidInput(msg)
        if not found.is_file():
            msg = "there is no such picture beside the feed"
            raise InvalidInput(msg)
        if found.stat().st_size > PICTURE_BYTES_MAX:
            msg = f"the picture is larger than {PICTURE_BYTES_MAX >> 20} MB"
            raise InvalidInput(msg)
        return found

    def _copy(self, path: Path) -> str:
        content = path.read_bytes()
        suffix = suffix_of(content)
        if suffix is None:
            msg = "the picture is not WebP, PNG or JPEG"
            raise InvalidInput(msg)
        name = hashlib.sha256(content).hexdigest()[:NAME_DIGITS] + suffix
        place = self._target / name
        if not place.exists():
            self._target.mkdir(parents=True, exist_ok=True)
            half = place.with_name(f"{name}.{os.getpid()}.part")
            half.write_bytes(content)
            half.replace(place)  # at once: nobody is ever served half a picture
        return name
