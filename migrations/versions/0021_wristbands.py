"""Wristbands, and who has which; a loan goes along when carts are joined."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0021"
down_revision: Final = "0020"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "wristband",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("secret_sealed", sa.String(length=80), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("clock_low_s", sa.Float(), nullable=False),
        sa.Column("clock_high_s", sa.Float(), nullable=False),
        sa.Column("clock_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("battery_percent", sa.Integer(), nullable=True),
        sa.Column("presses", sa.Integer(), nullable=False),
        sa.Column("firmware", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('drawer', 'out', 'lost', 'retired')", name=op.f("ck_wristband_state")
        ),
        sa.CheckConstraint(
            "battery_percent BETWEEN 0 AND 100", name=op.f("ck_wristband_battery_percent")
        ),
        sa.CheckConstraint("clock_low_s <= clock_high_s", name=op.f("ck_wristband_clock")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_wristband_number")),
        sa.CheckConstraint("presses BETWEEN 0 AND 255", name=op.f("ck_wristband_presses")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_wristband")),
    )
    with op.batch_alter_table("wristband", schema=None) as batch_op:
        batch_op.create_index(
            "ix_wristband_location_id_state", ["location_id", "state"], unique=False
        )

    op.create_table(
        "band_loan",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("greeting", sa.String(length=40), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("follow", sa.Boolean(), nullable=False),
        sa.Column("handed_out_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_out_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "end_reason = '' OR end_reason IN ('handed_back', 'lost', 'replaced', 'erased')",
            name=op.f("ck_band_loan_end_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["handed_out_by"], ["staff.id"], name=op.f("fk_band_loan_handed_out_by")
        ),
        sa.ForeignKeyConstraint(["number"], ["wristband.number"], name=op.f("fk_band_loan_number")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_band_loan_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_band_loan")),
    )
    with op.batch_alter_table("band_loan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_band_loan_number"), ["number"], unique=False)
        batch_op.create_index(batch_op.f("ix_band_loan_session_id"), ["session_id"], unique=False)
        batch_op.create_index(
            "uq_band_loan_live_number",
            ["number"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "uq_band_loan_live_session",
            ["session_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "desk_code",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_desk_code_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_desk_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_desk_code_code_hash")),
    )
    with op.batch_alter_table("desk_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desk_code_expires_at"), ["expires_at"], unique=False)

    with op.batch_alter_table("joining_moved", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_joining_moved_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_joining_moved_kind"),
            "kind IN ('list', 'order', 'checkout', 'binding', 'loan')",
        )


def downgrade() -> None:
    op.execute("DELETE FROM joining_moved WHERE kind = 'loan'")
    with op.batch_alter_table("joining_moved", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_joining_moved_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_joining_moved_kind"),
            "kind IN ('list', 'order', 'checkout', 'binding')",
        )

    with op.batch_alter_table("desk_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_desk_code_expires_at"))

    op.drop_table("desk_code")
    with op.batch_alter_table("band_loan", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_band_loan_live_session",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_band_loan_live_number",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_band_loan_session_id"))
        batch_op.drop_index(batch_op.f("ix_band_loan_number"))

    op.drop_table("band_loan")
    with op.batch_alter_table("wristband", schema=None) as batch_op:
        batch_op.drop_index("ix_wristband_location_id_state")

    op.drop_table("wristband")
