"""Objects as files of a folder: written beside, synced, renamed."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cart.kernel.errors import ObjectGone, StorageFull, Unavailable
from cart.kernel.ids import Ids
from cart.objects.model import Listed, checked

FILE_MODE: Final = 0o600  # nobody else on this machine has anything to look for there
FOLDER_MODE: Final = 0o700
BEGUN: Final = ".begun"  # no name of an object has a dot: what lies there is none
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FolderObjects:
    """Keeps each object in a file of its name under ``root``."""

    def __init__(self, root: Path, ids: Ids) -> None:
        self._root = root
        self._ids = ids

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Keep an object; a crash or a full disk leaves the one before, or none."""
        path = self._root / checked(name)
        fresh = self._root / BEGUN / self._ids.token()
        with _told():
            self._root.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            fresh.parent.mkdir(exist_ok=True, mode=FOLDER_MODE)
            try:
                descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
                with os.fdopen(descriptor, "wb") as file:
                    file.writelines(pieces)
                    file.flush()
                    os.fsync(file.fileno())
                path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
                fresh.replace(path)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise
            _sync_folders(path.parent, self._root)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset`` on.

        Raises:
            ObjectGone: there is none of this name.
        """
        with _told(), (self._root / checked(name)).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Yield what is kept under ``prefix/``, by name."""
        for path in sorted((self._root / checked(prefix)).rglob("*")):
            with suppress(FileNotFoundError):
                if path.is_file():
                    said = path.stat()
                    changed_at = datetime.fromtimestamp(said.st_mtime, UTC)
                    name = path.relative_to(self._root).as_posix()
                    yield Listed(name, said.st_size, changed_at)

    def delete(self, name: str) -> None:
        """Delete an object and the folders that are empty without it."""
        path = self._root / checked(name)
        with _told():
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder.parent == self._root or not folder.is_relative_to(self._root):
                    break  # the first level stays: others write there at this moment
                try:
                    folder.rmdir()
                except OSError:
                    break  # others lie in it, or another process was faster
            with suppress(FileNotFoundError):
                _sync(path.parent)

    def tidy(self, before: datetime) -> int:
        """Delete files that a process began and died over."""
        gone = 0
        for path in sorted((self._root / BEGUN).glob("*")):
            with suppress(FileNotFoundError):
                if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                    path.unlink()
                    gone += 1
        return gone


def _sync_folders(folder: Path, root: Path) -> None:
    while folder.is_relative_to(root):
        _sync(folder)
        folder = folder.parent


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the name too, not the bytes alone
    finally:
        os.close(descriptor)


@contextmanager
def _told() -> Iterator[None]:
    """Translate what the disk says."""
    try:
        yield
    except FileNotFoundError as error:
        msg = "there is no such object"
        raise ObjectGone(msg) from error
    except OSError as error:
        if error.errno in FULL:
            msg = "the disk with the objects is full"
            raise StorageFull(msg) from error
        msg = f"the folder of objects fails: {error.strerror}"
        raise Unavailable(msg) from error
