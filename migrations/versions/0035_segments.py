"""Segments: rules in versions, who is in, when that is looked at again, and what changed."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0035"
down_revision: Final = "0034"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "segment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("unfilled", sa.Boolean(), nullable=False),
        sa.Column("stock_digest", sa.String(length=64), nullable=False),
        sa.Column("stock_at_us", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'active', 'ended')", name=op.f("ck_segment_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("name", name=op.f("uq_segment_name")),
    )
    op.create_table(
        "segment_version",
        sa.Column("segment_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_segment_version_number")),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_segment_version_segment_id")
        ),
        sa.PrimaryKeyConstraint("segment_id", "number", name=op.f("pk_segment_version")),
    )
    op.create_table(
        "segment_member",
        sa.Column("segment_id", sa.String(length=64), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["home"], ["shopper_session.id"], name=op.f("fk_segment_member_home")
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_segment_member_segment_id")
        ),
        sa.PrimaryKeyConstraint("segment_id", "home", name=op.f("pk_segment_member")),
    )
    op.create_index("ix_segment_member_home", "segment_member", ["home"])
    op.create_table(
        "segment_due",
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["home"], ["shopper_session.id"], name=op.f("fk_segment_due_home")),
        sa.PrimaryKeyConstraint("home", name=op.f("pk_segment_due")),
    )
    op.create_index("ix_segment_due_due_us", "segment_due", ["due_us"])
    op.create_table(
        "segment_change",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("segment_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("entered", sa.Boolean(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["home"], ["shopper_session.id"], name=op.f("fk_segment_change_home")
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_segment_change_segment_id")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_segment_change")),
    )
    op.create_index("ix_segment_change_at_us", "segment_change", ["at_us"])
    op.create_index("ix_segment_change_home", "segment_change", ["home"])
    op.create_index("ix_segment_change_segment_id", "segment_change", ["segment_id"])
    op.create_table(
        "audience",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("segment_id", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("style", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.CheckConstraint("batch >= 0", name=op.f("ck_audience_batch")),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_audience_state")),
        sa.CheckConstraint("style IN ('google', 'meta')", name=op.f("ck_audience_style")),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_audience_segment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience")),
    )
    op.create_index("ix_audience_segment_id", "audience", ["segment_id"])
    op.create_table(
        "audience_entry",
        sa.Column("audience_id", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('adding', 'there', 'removing')", name=op.f("ck_audience_entry_state")
        ),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_audience_entry_audience_id")
        ),
        sa.ForeignKeyConstraint(
            ["home"], ["shopper_session.id"], name=op.f("fk_audience_entry_home")
        ),
        sa.PrimaryKeyConstraint("audience_id", "hash", name=op.f("pk_audience_entry")),
    )
    op.create_index("ix_audience_entry_home", "audience_entry", ["home"])
    op.create_index("ix_joining_joined_at", "joining", ["joined_at"])
    op.create_index("ix_joining_to_session_id", "joining", ["to_session_id"])
    op.create_index("ix_joining_undone_at", "joining", ["undone_at"])
    op.create_index("ix_consent_decided_at", "consent", ["decided_at"])


def downgrade() -> None:
    op.drop_index("ix_consent_decided_at", "consent")
    op.drop_index("ix_joining_undone_at", "joining")
    op.drop_index("ix_joining_to_session_id", "joining")
    op.drop_index("ix_joining_joined_at", "joining")
    for table in (
        "audience_entry",
        "audience",
        "segment_change",
        "segment_due",
        "segment_member",
        "segment_version",
        "segment",
    ):
        op.drop_table(table)
