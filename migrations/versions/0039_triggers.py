"""What the shop has to say: shelves that are empty, news of goods, who touched an article."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0039"
down_revision: Final = "0038"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "shelf_gap",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("empty_since_us", sa.BigInteger(), nullable=False),
        sa.Column("back_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("location_id", "sku", name=op.f("pk_shelf_gap")),
    )
    op.create_index("ix_shelf_gap_back_at_us", "shelf_gap", ["back_at_us"])
    op.create_table(
        "journey_news",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "kind IN ('back_in_stock', 'price_drop')", name=op.f("ck_journey_news_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey_news")),
    )
    op.create_index("ix_journey_news_at_us", "journey_news", ["at_us", "id"])
    op.create_table(
        "price_change",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("before_minor", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["sku"], ["variant.sku"], name=op.f("fk_price_change_sku")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_price_change")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_price_change_at_us", "price_change", ["at_us"])
    op.create_index(
        "ix_interaction_gtin_session_id",
        "interaction",
        ["gtin", "session_id", "at_us"],
        sqlite_where=sa.text("gtin <> ''"),
        postgresql_where=sa.text("gtin <> ''"),
    )
    op.add_column(
        "journey_message",
        sa.Column("channel", sa.String(length=16), server_default="mail", nullable=False),
    )
    op.add_column(
        "push_phone",
        sa.Column("reminders", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("push_phone", "reminders")
    op.drop_column("journey_message", "channel")
    op.drop_index("ix_interaction_gtin_session_id", "interaction")
    for table in ("price_change", "journey_news", "shelf_gap"):
        op.drop_table(table)
