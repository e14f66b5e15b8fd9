"""The goods' pictures, kept in a folder so that they show without any network.

Owns the folder. A picture's name is made from its content by the server, so a
kept one is right for ever and is never fetched twice.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final, Protocol

from cart.kernel.errors import CarryoverError
from store_devices.tablet.goods import PICTURE_NAME

FOLDER_MAX_BYTES: Final = 512 * 1024 * 1024  # 5,000 pictures of 100 kB: a large shop's range
_NAME: Final = re.compile(PICTURE_NAME)


class Drawn(Protocol):
    """Who has the pictures; the server, over HTTP."""

    def picture(self, name: str) -> bytes:
        """Return a picture's bytes."""
        ...


class Pictures:
    """A folder of pictures and where missing ones come from."""

    def __init__(self, folder: Path, source: Drawn) -> None:
        """Make the folder if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._source = source

    def path(self, name: str) -> Path | None:
        """Return the file of a picture, fetched now if need be; None when it is not to be had."""
        kept = self.kept(name)
        if kept is not None or not _NAME.match(name):
            return kept
        try:
            body = self._source.picture(name)
        except CarryoverError:
            return None
        return self._keep(name, body)

    def kept(self, name: str) -> Path | None:
        """Return the file of a picture that is here already."""
        if not _NAME.match(name):
            return None
        path = self._folder / name
        return path if path.is_file() else None

    def tidy(self, wanted: Collection[str]) -> None:
        """Delete pictures that no product has any more."""
        for path in self._folder.iterdir():
            if path.name not in wanted:
                path.unlink(missing_ok=True)

    def has_room(self) -> bool:
        """Say whether more may be fetched ahead of being asked for."""
        return sum(path.stat().st_size for path in self._folder.iterdir()) < FOLDER_MAX_BYTES

    def _keep(self, name: str, body: bytes) -> Path | None:
        path = self._folder / name
        fresh = path.with_name(f".{name}.part")
        try:
            fresh.write_bytes(body)
            fresh.replace(path)
        except OSError:  # a full disk: the product shows without its picture
            fresh.unlink(missing_ok=True)
            return None
        return path
