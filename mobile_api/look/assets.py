"""Our own static files, read once and named by their content, so that a phone keeps them for ever.

Owns the URL of an asset. There are a handful and they are small; a folder that
outgrows FILES_MAX_BYTES is a mistake and stops the start.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "static"
FILES_MAX_BYTES = 512_000
FILES_MAX = 64  # kept compressed; there are 27
FINGERPRINT_LENGTH = 10
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is and compressed."""

    content: bytes
    compressed: bytes
    media_type: str
    fingerprint: str


class Assets:
    """The files under ``static/`` by name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: dict[str, Asset] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix in MEDIA_TYPES:
                self._files[path.name] = _read(path)
        size = sum(len(one.content) for one in self._files.values())
        if size > FILES_MAX_BYTES:
            msg = f"{folder} has {size} bytes of static files; the limit is {FILES_MAX_BYTES}"
            raise ValueError(msg)
        every = "".join(one.fingerprint for one in self._files.values())
        self.fingerprint = hashlib.sha256(every.encode()).hexdigest()[:FINGERPRINT_LENGTH]

    def get(self, name: str) -> Asset | None:
        """Return the file, None if there is none."""
        return self._files.get(name)

    def url(self, name: str) -> str:
        """Return the address of a file; a name that is not there is a mistake of ours.

        Raises:
            KeyError: no such file.
        """
        return f"/static/{name}?v={self._files[name].fingerprint}"


@lru_cache(maxsize=FILES_MAX)
def _compressed(content: bytes) -> bytes:
    """Compress once, also where a process makes the application again and again, as tests do."""
    return gzip.compress(content, mtime=0)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(
        content,
        _compressed(content),
        MEDIA_TYPES[path.suffix],
        hashlib.sha256(content).hexdigest()[:FINGERPRINT_LENGTH],
    )
