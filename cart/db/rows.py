"""Many rows in one statement, on both databases.

A batch travels as one JSON text: an array of rows, each an array of values.
:func:`source` is the ``FROM`` that turns it into columns again. One round trip
and one plan whatever the size of the batch.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.sql.elements import TextClause
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

# SQL types as PostgreSQL needs them for the cast; SQLite keeps what JSON says.
TEXT, INTEGER, BIGINT, BOOLEAN = "text", "integer", "bigint", "boolean"
Columns = tuple[tuple[str, str], ...]
AnyRow = tuple[Any, ...]


@lru_cache(maxsize=256)
def source(dialect: str, columns: Columns) -> str:
    """Return ``(SELECT … AS name, … ) AS d``: the rows bound as ``:rows``, in their order."""
    if dialect == "sqlite":
        fields = ", ".join(
            f"json_extract(value, '$[{place}]') AS {name}"
            for place, (name, _) in enumerate(columns)
        )
        return f"(SELECT {fields}, key AS place FROM json_each(:rows)) AS d"  # noqa: S608
    fields = ", ".join(
        f"(value ->> {place})::{kind} AS {name}" for place, (name, kind) in enumerate(columns)
    )
    return (
        f"(SELECT {fields}, place FROM"  # noqa: S608 - names are ours, values are bound
        " jsonb_array_elements(CAST(:rows AS jsonb)) WITH ORDINALITY AS t(value, place)) AS d"
    )


@lru_cache(maxsize=256)
def _statement(
    dialect: str, template: str, columns: Columns, moments: tuple[str, ...]
) -> TextClause:
    typed = [bindparam(name, type_=UTCDateTime()) for name in moments]
    return text(template.replace("{rows}", source(dialect, columns))).bindparams(*typed)


def run(
    db: Session,
    template: str,
    columns: Columns,
    rows: Iterable[Sequence[object]],
    extra: Mapping[str, object] | None = None,
) -> Sequence[AnyRow]:
    """Execute ``template`` with ``{rows}`` standing for the batch; return what it returns.

    ``extra``: further bound values; moments are bound as columns of moments are. An
    empty batch runs nothing.
    """
    batch = list(rows)
    if not batch:
        return []
    bound = extra or {}
    moments = tuple(name for name, value in bound.items() if isinstance(value, datetime))
    statement = _statement(db.get_bind().dialect.name, template, columns, moments)
    packed = json.dumps(batch, ensure_ascii=False, separators=(",", ":"))
    result = db.connection().execute(statement, {"rows": packed, **bound})
    if not result.returns_rows:
        return []
    # The driver's own tuples: wrapping each in a Row was a twentieth of a gateway's work.
    found: Sequence[AnyRow] = result.cursor.fetchall() if result.cursor is not None else ()
    result.close()
    return found
