"""The file of erasures: outside of the database, so that a restore cannot bring anybody back.

One JSON object a line, added and synced to disk before the first row is erased. It names
nobody: only with the server's key can a line be compared with a customer.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FILE_NAME: Final = "erasures.jsonl"  # cart.db.backup leaves it where it is


@dataclass(frozen=True, slots=True)
class Erased:
    """One line. ``at``: ISO 8601, when it was asked for."""

    id: str
    customer_hash: str
    at: str


def customer_hash(secret: bytes, customer_id: str) -> str:
    """Return the name under which a customer's erasure is kept."""
    return hmac.new(secret, f"erasure\0{customer_id}".encode(), hashlib.sha256).hexdigest()


def address_hash(secret: bytes, address: str) -> str:
    """Return the name of an address, for a record of work that outlives it for a moment."""
    return hmac.new(secret, f"erasure address\0{address}".encode(), hashlib.sha256).hexdigest()


def append(data_dir: Path, line: Erased) -> None:
    """Add a line and wait until it is on disk; one that is there already is not added again."""
    if any(one.id == line.id for one in read(data_dir)):
        return
    path = data_dir / FILE_NAME
    fresh = not path.exists()
    with path.open("ab") as file:
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            file.write(b"\n")  # the power went while the line before was written
        file.write(json.dumps(asdict(line)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        folder = os.open(data_dir, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read(data_dir: Path) -> Iterator[Erased]:
    """Yield every line; half a line, of a power cut, was of an erasure that had not begun."""
    path = data_dir / FILE_NAME
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield Erased(**json.loads(line))
            except (ValueError, TypeError):
                continue
