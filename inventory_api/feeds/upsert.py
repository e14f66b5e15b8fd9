"""One statement per table and chunk: new rows in, changed rows changed, equal rows untouched."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlmodel import Session

from cart.db.rows import Columns, run

# json.dumps would make a new one for every text, three times per variant.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@dataclass(frozen=True)
class Table:
    """A table's name, how many of its first columns are the key, and all columns."""

    name: str
    keys: int
    columns: Columns

    @cached_property
    def _upsert(self) -> str:
        names = [name for name, _ in self.columns]
        values = names[self.keys :]
        sets = ", ".join(f"{name} = excluded.{name}" for name in values)
        before = ", ".join(f"{self.name}.{name}" for name in values)
        after = ", ".join(f"excluded.{name}" for name in values)
        return (
            f"INSERT INTO {self.name} ({', '.join(names)})"  # noqa: S608 - names are ours
            f" SELECT {', '.join(f'd.{name}' for name in names)} FROM {{rows}} WHERE true"
            f" ON CONFLICT ({', '.join(names[: self.keys])}) DO UPDATE SET {sets}"
            f" WHERE ({before}) IS DISTINCT FROM ({after})"
            f" RETURNING {', '.join(names[: self.keys])}"
        )

    @property
    def _key(self) -> Columns:
        return self.columns[: self.keys]

    def upsert(self, db: Session, rows: Iterable[Sequence[object]]) -> set[tuple[Any, ...]]:
        """Bring rows in; return the keys of those that are new or were different."""
        return {tuple(row) for row in run(db, self._upsert, self.columns, rows)}

    def keep_only(
        self, db: Session, parents: Iterable[object], keep: set[tuple[Any, ...]]
    ) -> set[tuple[Any, ...]]:
        """Delete what stands under ``parents`` (the key's first part) and is not in ``keep``.

        Return the keys of what was deleted.
        """
        names = ", ".join(f"t.{name}" for name, _ in self._key)
        parent = self._key[0][0]
        there = run(
            db,
            f"SELECT {names} FROM {{rows}} JOIN {self.name} AS t ON t.{parent} = d.{parent}",  # noqa: S608
            self._key[:1],
            [(one,) for one in parents],
        )
        stale = {tuple(row) for row in there} - keep
        own = ", ".join(name for name, _ in self._key)
        given = ", ".join(f"d.{name}" for name, _ in self._key)
        run(
            db,
            f"DELETE FROM {self.name} WHERE ({own}) IN (SELECT {given} FROM {{rows}})",  # noqa: S608
            self._key,
            sorted(stale),
        )
        return stale


def packed(value: Mapping[Any, object]) -> str:
    """Return an object as the one text that equal objects have."""
    if not value:
        return "{}"
    return _ENCODER.encode({key: part for key, part in value.items() if part not in ("", None)})
