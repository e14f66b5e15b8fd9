"""Floors: areas of zones, where receivers hang, which band is in which zone, how many came."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0022"
down_revision: Final = "0021"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "floor_area",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("left_m", sa.Float(), nullable=False),
        sa.Column("top_m", sa.Float(), nullable=False),
        sa.Column("right_m", sa.Float(), nullable=False),
        sa.Column("bottom_m", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "left_m < right_m AND top_m < bottom_m", name=op.f("ck_floor_area_area")
        ),
        sa.PrimaryKeyConstraint("location_id", "zone_id", "place", name=op.f("pk_floor_area")),
    )
    op.create_table(
        "floor_receiver",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("x_m", sa.Float(), nullable=False),
        sa.Column("y_m", sa.Float(), nullable=False),
        sa.Column("stands_at", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_floor_receiver_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["stands_at"], ["device.id"], name=op.f("fk_floor_receiver_stands_at")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_floor_receiver")),
    )
    for column in ("location_id", "stands_at"):
        op.create_index(op.f(f"ix_floor_receiver_{column}"), "floor_receiver", [column])
    op.create_table(
        "band_presence",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("loan_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_band_presence")),
    )
    for column in ("loan_id", "location_id"):
        op.create_index(op.f(f"ix_band_presence_{column}"), "band_presence", [column])
    op.create_table(
        "zone_traffic",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("hour_us", sa.BigInteger(), nullable=False),
        sa.Column("entered", sa.Integer(), nullable=False),
        sa.CheckConstraint("entered >= 0", name=op.f("ck_zone_traffic_entered")),
        sa.PrimaryKeyConstraint("location_id", "zone_id", "hour_us", name=op.f("pk_zone_traffic")),
    )


def downgrade() -> None:
    for table in ("zone_traffic", "band_presence", "floor_receiver", "floor_area"):
        op.drop_table(table)
