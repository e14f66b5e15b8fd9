"""Makes a database that a test has used like a fresh copy of its template again.

Rows go, sequences begin anew, and what workflows keep in a schema of their own goes with
the schema. Whoever is still connected, or has changed a table, a trigger or a setting of
the database, has made it one that cannot be lent again.
"""

import time
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

OTHERS_GONE_S: Final = 0.3  # a killed client's server process takes a moment to notice
ASK_AGAIN_S: Final = 0.02
OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
# What a fresh copy has; a test that leaves a table, a column, a trigger or a setting changes one.
SHAPE: Final = """
SELECT (SELECT string_agg(version_num, ' ') FROM alembic_version),
       (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute),
       (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_proc),
       (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_db_role_setting),
       (SELECT string_agg(tgname || tgenabled::text, ' ' ORDER BY oid) FROM pg_trigger)
"""
# Triggers that keep a ledger from being deleted do not count here, nor do foreign keys.
EMPTY: Final = """
SET LOCAL session_replication_role = replica;
SET LOCAL client_min_messages = warning;
DROP SCHEMA IF EXISTS dbos CASCADE;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT format('%I', tablename) FROM pg_tables
                WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    FOR name IN SELECT format('%I', sequencename) FROM pg_sequences
                WHERE schemaname = 'public' AND last_value IS NOT NULL
    LOOP EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART'; END LOOP;
END $$;
"""


@dataclass
class Lent:
    """A database that tests use one after the other: ``lent`` times so far."""

    name: str
    shape: tuple[object, ...]
    lent: int = 0


def shape_of(address: str) -> tuple[object, ...]:
    """Return what tells a database that was changed from a copy that was not."""
    with psycopg.connect(address) as connection:
        return _row(connection, SHAPE)


def emptied(address: str, shape: tuple[object, ...]) -> bool:
    """Empty the database; say whether it is as good as new."""
    try:
        with psycopg.connect(address) as connection:
            if not _alone(connection):
                return False
            connection.execute(EMPTY)
            return _row(connection, SHAPE) == shape
    except psycopg.Error:
        return False  # a table that refuses, a database that takes no writes: whatever it was


def _alone(connection: psycopg.Connection) -> bool:
    end = time.monotonic() + OTHERS_GONE_S
    while _row(connection, OTHERS) != (0,):
        if time.monotonic() > end:
            return False
        time.sleep(ASK_AGAIN_S)
    return True


def _row(connection: psycopg.Connection, query: LiteralString) -> tuple[object, ...]:
    found = connection.execute(query).fetchone()
    assert found is not None
    return found
