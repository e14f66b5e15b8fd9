"""The only way to the database: one engine, one unit of work, the column types.

Owns connections, pragmas and commits. Knows no table: those live in the
features' ``tables.py``.
"""

from cart.db.engine import is_sqlite, make_engine
from cart.db.unit_of_work import before_commit, glancing, on_commit, reading, unit_of_work

__all__ = [
    "before_commit",
    "glancing",
    "is_sqlite",
    "make_engine",
    "on_commit",
    "reading",
    "unit_of_work",
]
