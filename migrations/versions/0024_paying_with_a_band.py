"""Paying with a wristband: purses, desks at which a receiver stands, and the band at each."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0024"
down_revision: Final = "0023"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "purse",
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("voucher_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("pin_hash", sa.String(length=160), nullable=False),
        sa.Column("limit_payment_minor", sa.BigInteger(), nullable=False),
        sa.Column("limit_day_minor", sa.BigInteger(), nullable=False),
        sa.Column("spent_on", sa.String(length=10), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=False),
        sa.Column("wrong_pins", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("limit_payment_minor > 0", name=op.f("ck_purse_limit_payment")),
        sa.CheckConstraint(
            "limit_day_minor >= limit_payment_minor", name=op.f("ck_purse_limit_day")
        ),
        sa.CheckConstraint("spent_minor >= 0", name=op.f("ck_purse_spent")),
        sa.CheckConstraint("wrong_pins >= 0", name=op.f("ck_purse_wrong_pins")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_purse_customer_id")
        ),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name=op.f("fk_purse_voucher_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_purse")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_purse_voucher_id")),
    )
    op.create_table(
        "band_at_desk",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("loan_id", sa.String(length=64), nullable=False),
        sa.Column("tapped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wrong_pins", sa.Integer(), nullable=False),
        sa.Column("wrong_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('one', 'several', 'nobody')", name=op.f("ck_band_at_desk_state")
        ),
        sa.CheckConstraint("wrong_pins >= 0", name=op.f("ck_band_at_desk_wrong_pins")),
        sa.PrimaryKeyConstraint("location_id", "desk", name=op.f("pk_band_at_desk")),
    )
    op.create_index(op.f("ix_band_at_desk_loan_id"), "band_at_desk", ["loan_id"])
    op.add_column("floor_receiver", sa.Column("desk", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("floor_receiver", "desk")
    op.drop_table("band_at_desk")
    op.drop_table("purse")
