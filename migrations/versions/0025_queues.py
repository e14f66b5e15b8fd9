"""Queues: zones that serve, how long people stay in them, and turns in a virtual queue."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0025"
down_revision: Final = "0024"
branch_labels: Final = None
depends_on: Final = None

OPEN: Final = sa.text("state IN ('waiting', 'called')")


def upgrade() -> None:
    op.create_table(
        "serving_zone",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("serves", sa.String(length=16), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("service_minutes", sa.Integer(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "serves IN ('fitting_room', 'desk')", name=op.f("ck_serving_zone_serves")
        ),
        sa.CheckConstraint(
            "places >= 1 AND service_minutes >= 1", name=op.f("ck_serving_zone_places")
        ),
        sa.PrimaryKeyConstraint("location_id", "zone_id", name=op.f("pk_serving_zone")),
    )
    op.create_table(
        "zone_stay",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.CheckConstraint("seconds >= 0 AND times >= 1", name=op.f("ck_zone_stay_seconds")),
        sa.PrimaryKeyConstraint(
            "location_id", "zone_id", "ended_us", "seconds", name=op.f("pk_zone_stay")
        ),
    )
    op.create_table(
        "turn",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'called', 'came', 'gave_up', 'missed', 'closed')",
            name=op.f("ck_turn_state"),
        ),
        sa.CheckConstraint("number >= 1 AND missed >= 0", name=op.f("ck_turn_number")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_turn_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
    )
    op.create_index(op.f("ix_turn_session_id"), "turn", ["session_id"])
    op.create_index(
        "ix_turn_location_id_zone_id_state", "turn", ["location_id", "zone_id", "state"]
    )
    op.create_index(
        "uq_turn_open",
        "turn",
        ["location_id", "zone_id", "session_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    for table in ("turn", "zone_stay", "serving_zone"):
        op.drop_table(table)
