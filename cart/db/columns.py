"""Column types and names that tables share."""

from sqlalchemy import JSON, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

# JSON text on SQLite, binary JSON on PostgreSQL.
JSON_COLUMN = JSON().with_variant(JSONB(), "postgresql")

ID_LENGTH_MAX = 64
CODE_LENGTH_MAX = 64
NAME_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 4_000

# Alembic needs every constraint to have a name; these are the same on both databases.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA: MetaData = SQLModel.metadata
METADATA.naming_convention = NAMING
