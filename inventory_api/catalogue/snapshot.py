"""The whole catalogue as one compressed file, for devices that must know it offline.

JSON Lines: one :class:`ProductView` per line. Made once per version of the
catalogue, in the data folder, and served as it lies there.
"""

import gzip
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.errors import Unavailable
from inventory_api.catalogue import queries
from inventory_api.catalogue.model import ProductView

# The shape of a line; a device that has another one kept fetches anew.
FORMAT: Final = 1
PAGE_PRODUCTS: Final = 500
# Level 3 takes a third of level 6's time for a file a tenth larger.
COMPRESSION: Final = 3
# A few thousand products take a second or two. Whoever waits longer holds a thread that
# shoppers need: a hundred tablets after a night's import shall not stop the shop.
WAIT_MAX_S: Final = 2.0
KEPT_EDITIONS: Final = 2  # the old one may be on its way to somebody

_LINE: Final = TypeAdapter(ProductView)


@dataclass(frozen=True, slots=True)
class Edition:
    """A snapshot on disk, gzip-compressed. ``tag`` changes with every change of the catalogue."""

    path: Path
    tag: str


class Snapshots:
    """Makes and finds the snapshot of the present catalogue. For any number of threads."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._making = threading.Lock()
        self._latest: Edition | None = None

    def current(self) -> Edition:
        """Return the snapshot; while a new one is being made for others, the one before.

        Raises:
            Unavailable: the first one is being made; ask again shortly.
        """
        with reading(self._engine) as db:
            edition = self._edition(queries.edition(db))
        if edition.path.exists():
            self._latest = edition
            return edition
        if not self._making.acquire(timeout=WAIT_MAX_S):
            if self._latest and self._latest.path.exists():
                return self._latest
            msg = "the catalogue's snapshot is being made; ask again shortly"
            raise Unavailable(msg)
        try:
            self._latest = self._make()
            return self._latest
        finally:
            self._making.release()

    def _edition(self, name: str) -> Edition:
        tag = f"{FORMAT}-{name}"
        return Edition(self._folder / f"catalogue-{tag}.jsonl.gz", tag)

    def _make(self) -> Edition:
        self._folder.mkdir(parents=True, exist_ok=True)
        half = self._folder / f"making-{os.getpid()}.part"
        with reading(self._engine) as db:  # one state, however long it takes
            edition = self._edition(queries.edition(db))
            if edition.path.exists():
                return edition
            with gzip.open(half, "wb", compresslevel=COMPRESSION) as file:
                after = ""
                while page := queries.product_ids_after(db, after, PAGE_PRODUCTS):
                    for product in queries.products(db, page):
                        file.write(_LINE.dump_json(product) + b"\n")
                    after = page[-1]
        half.replace(edition.path)
        self._sweep()
        return edition

    def _sweep(self) -> None:
        kept = sorted(
            self._folder.glob("catalogue-*.jsonl.gz"), key=lambda one: one.stat().st_mtime
        )
        for old in kept[:-KEPT_EDITIONS]:
            old.unlink(missing_ok=True)
