"""Plans made at home: a shopper's next visit, its lines, and what is booked for it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0026"
down_revision: Final = "0025"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("serving_zone") as batch:
        batch.add_column(sa.Column("bookable", sa.Integer(), nullable=False, server_default="0"))
        batch.create_check_constraint(
            op.f("ck_serving_zone_bookable"), "bookable >= 0 AND bookable <= places"
        )
    op.create_table(
        "shop_plan",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("comes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called", sa.String(length=40), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_shop_plan_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_shop_plan")),
    )
    op.create_index("ix_shop_plan_location_id_comes_at", "shop_plan", ["location_id", "comes_at"])
    op.create_table(
        "plan_line",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("to_try", sa.Boolean(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_plan_line_quantity")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_plan_line_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "gtin", name=op.f("pk_plan_line")),
    )
    op.create_table(
        "booking",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("serves", sa.String(length=16), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("serves IN ('fitting_room', 'adviser')", name=op.f("ck_booking_serves")),
        sa.CheckConstraint(
            "state IN ('booked', 'served', 'no_show')", name=op.f("ck_booking_state")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_booking_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
        sa.UniqueConstraint("session_id", "serves", name=op.f("uq_booking_session_id_serves")),
    )
    op.create_index("ix_booking_location_id_starts_at", "booking", ["location_id", "starts_at"])
    op.create_table(
        "booking_slot",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_booking_slot_taken")),
        sa.PrimaryKeyConstraint(
            "location_id", "zone_id", "starts_at", name=op.f("pk_booking_slot")
        ),
    )


def downgrade() -> None:
    for table in ("booking_slot", "booking", "plan_line", "shop_plan"):
        op.drop_table(table)
    with op.batch_alter_table("serving_zone") as batch:
        batch.drop_constraint(op.f("ck_serving_zone_bookable"), type_="check")
        batch.drop_column("bookable")
