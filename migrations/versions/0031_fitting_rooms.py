"""Fitting rooms: what was brought in, and what staff are asked to bring."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0031"
down_revision: Final = "0030"
branch_labels: Final = None
depends_on: Final = None

OPEN: Final = sa.text("state IN ('asked', 'taken', 'coming')")


def upgrade() -> None:
    op.create_table(
        "size_request",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("binding_id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("had_gtin", sa.String(length=14), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.String(length=64), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("coming_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_gtin", sa.String(length=14), nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'taken', 'coming', 'brought', 'alternative', 'not_here',"
            " 'cancelled', 'lapsed')",
            name=op.f("ck_size_request_state"),
        ),
        sa.ForeignKeyConstraint(
            ["binding_id"], ["binding.id"], name=op.f("fk_size_request_binding_id")
        ),
        sa.ForeignKeyConstraint(["taken_by"], ["staff.id"], name=op.f("fk_size_request_taken_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_size_request")),
        sa.UniqueConstraint(
            "binding_id", "request", name=op.f("uq_size_request_binding_id_request")
        ),
    )
    op.create_index("ix_size_request_location_id_state", "size_request", ["location_id", "state"])
    op.create_index(
        "ix_size_request_open",
        "size_request",
        ["asked_at"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_size_request_ended_at", "size_request", ["ended_at"])
    op.create_table(
        "tried_item",
        sa.Column("binding_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("reader", sa.String(length=16), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["binding_id"], ["binding.id"], name=op.f("fk_tried_item_binding_id")
        ),
        sa.PrimaryKeyConstraint("binding_id", "gtin", name=op.f("pk_tried_item")),
    )
    op.create_index("ix_tried_item_tried_at", "tried_item", ["tried_at"])


def downgrade() -> None:
    for table in ("tried_item", "size_request"):
        op.drop_table(table)
