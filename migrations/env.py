"""Alembic calls this. ``cart.db.migrate`` hands it a connection inside a transaction."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, DateTime, String
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from cart.db.migrate import load_tables


def render_item(kind: str, item: object, context: AutogenContext) -> str | Literal[False]:
    """Write SQLModel's types as SQLAlchemy's: history must not change when a library does."""
    if kind == "type" and isinstance(item, JSON):
        context.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
        return 'sa.JSON().with_variant(JSONB(), "postgresql")'
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.{String(item.length)!r}"
    if kind == "type" and isinstance(item, UTCDateTime):
        return f"sa.{DateTime(timezone=True)!r}"
    return False


load_tables()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    transactional_ddl=True,  # all of it or nothing, on both databases
    render_item=render_item,
)
context.run_migrations()
