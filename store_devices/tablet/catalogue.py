"""The catalogue that the tablet keeps, so that it can show a product without any network.

Owns one SQLite file: products as they came, variants by GTIN, and from when
they are. It fetches nothing; :mod:`catalogue_sync` does.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Final

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from store_devices.tablet.goods import Location, Product, Variant

BUSY_MS: Final = 5_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS product (product_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS variant (gtin TEXT PRIMARY KEY, product_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS picture (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS location (
  position INTEGER PRIMARY KEY, location_id TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Edition:
    """Which snapshot is kept: the server's ETag, and when the server said it was current."""

    etag: str
    as_of: datetime


class Catalogue:
    """Looks products up by GTIN. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open ``path``, or make it empty.

        Raises:
            Unavailable: the file cannot be opened.
        """
        self._lock = RLock()
        try:
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            msg = f"the catalogue {path} does not open: {error}"
            raise Unavailable(msg) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def product_of(self, gtin: Gtin) -> tuple[Product, Variant] | None:
        """Return the product that this code is a variant of, and that variant; None if unknown."""
        body = self._one(
            "SELECT body FROM product JOIN variant USING (product_id) WHERE gtin = ?", gtin
        )
        if body is None:
            return None
        product = Product.model_validate_json(body)
        return product, next(each for each in product.variants if each.gtin == gtin)

    def locations(self) -> list[Location]:
        """Return the shops, in the order in which the server gave them."""
        with self._lock:
            rows = self._db.execute("SELECT body FROM location ORDER BY position").fetchall()
        return [Location.model_validate_json(body) for (body,) in rows]

    @property
    def edition(self) -> Edition | None:
        """Which snapshot this is; None before the first."""
        as_of, etag = self._meta("as_of"), self._meta("etag")
        return None if as_of is None else Edition(etag or "", datetime.fromisoformat(as_of))

    def pictures(self) -> list[str]:
        """Return the names of all pictures, those shown first in front."""
        with self._lock:
            rows = self._db.execute("SELECT name FROM picture").fetchall()
        return [name for (name,) in rows]

    def replace(self, products: Iterable[Product], edition: Edition) -> int:
        """Put a whole new snapshot in place of the old one, at once; return its variants.

        Whoever looks meanwhile sees the old one. A failure on the way leaves it.

        Raises:
            Unavailable: the disk refuses.
        """
        count = 0
        with self._write():
            for table in ("product", "variant", "picture"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            for product in products:
                self._db.execute(
                    "INSERT OR REPLACE INTO product VALUES (?, ?)",
                    (product.product_id, product.model_dump_json(exclude_defaults=True)),
                )
                self._db.executemany(
                    "INSERT OR REPLACE INTO variant VALUES (?, ?)",
                    [(variant.gtin, product.product_id) for variant in product.variants],
                )
                self._db.executemany(
                    "INSERT OR IGNORE INTO picture VALUES (?)",
                    [(p.name,) for variant in product.variants for p in variant.pictures],
                )
                count += len(product.variants)
            self._say(edition)
        return count

    def confirm(self, edition: Edition) -> None:
        """Note that the kept snapshot is still the server's, as of now."""
        with self._write():
            self._say(edition)

    def replace_locations(self, locations: Iterable[Location]) -> None:
        """Put the shops in place of those kept."""
        with self._write():
            self._db.execute("DELETE FROM location")
            self._db.executemany(
                "INSERT INTO location (location_id, body) VALUES (?, ?)",
                [(each.id, each.model_dump_json(by_alias=True)) for each in locations],
            )

    def _say(self, edition: Edition) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [("etag", edition.etag), ("as_of", edition.as_of.isoformat())],
        )

    def _meta(self, key: str) -> str | None:
        return self._one("SELECT value FROM meta WHERE key = ?", key)

    def _one(self, query: str, value: str) -> str | None:
        with self._lock:
            row = self._db.execute(query, (value,)).fetchone()
        return None if row is None else str(row[0])

    @contextmanager
    def _write(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    msg = f"the catalogue cannot be written: {error}"
                    raise Unavailable(msg) from error
                raise
