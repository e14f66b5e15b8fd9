"""Journeys: their versions, who is on the way, and what was to be sent."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0037"
down_revision: Final = "0035"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "journey",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_journey")),
    )
    op.create_table(
        "journey_version",
        sa.Column("journey", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20000), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["journey"], ["journey.name"], name=op.f("fk_journey_version_journey")
        ),
        sa.PrimaryKeyConstraint("journey", "version", name=op.f("pk_journey_version")),
    )
    op.create_table(
        "journey_run",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("journey", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("trigger_id", sa.String(length=200), nullable=False),
        sa.Column("about", sa.String(length=160), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=True),
        sa.Column("message_id", sa.String(length=96), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'done', 'left')", name=op.f("ck_journey_run_state")
        ),
        sa.CheckConstraint("step >= 0", name=op.f("ck_journey_run_step")),
        sa.ForeignKeyConstraint(["journey"], ["journey.name"], name=op.f("fk_journey_run_journey")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_journey_run_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey_run")),
    )
    with op.batch_alter_table("journey_run", schema=None) as batch_op:
        batch_op.create_index(
            "ix_journey_run_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('pending', 'running')"),
            postgresql_where=sa.text("state IN ('pending', 'running')"),
        )
        batch_op.create_index(batch_op.f("ix_journey_run_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index("ix_journey_run_journey", ["journey", "entered_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_journey_run_session_id"), ["session_id"], unique=False)
        batch_op.create_index(
            "uq_journey_run_live",
            ["journey", "session_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('pending', 'running')"),
            postgresql_where=sa.text("state IN ('pending', 'running')"),
        )

    op.create_table(
        "journey_message",
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("journey", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("lines", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'failed', 'refused', 'postponed', 'held_out')",
            name=op.f("ck_journey_message_state"),
        ),
        sa.ForeignKeyConstraint(
            ["journey"], ["journey.name"], name=op.f("fk_journey_message_journey")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["journey_run.id"], name=op.f("fk_journey_message_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_journey_message_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey_message")),
    )
    with op.batch_alter_table("journey_message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_journey_message_journey", ["journey", "state", "reason"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_journey_message_run_id"), ["run_id"], unique=False)
        batch_op.create_index(
            "ix_journey_message_session_id_taken_at", ["session_id", "taken_at"], unique=False
        )
        batch_op.create_index("ix_journey_message_state", ["state", "requested_at"], unique=False)


def downgrade() -> None:
    for table in ("journey_message", "journey_run", "journey_version", "journey"):
        op.drop_table(table)
