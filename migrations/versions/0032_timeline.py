"""The timeline: interactions of people with the shop, and how far each reader has come."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0032"
down_revision: Final = "0031"
branch_labels: Final = None
depends_on: Final = None

KINDS: Final = (
    *("scanned", "removed", "tried", "size_asked", "look_kept", "listed", "list_mailed"),
    *("checkout_opened", "ordered", "collected", "cancelled", "returned"),
    *("mail_sent", "signed_in"),
)
CHANNELS: Final = ("tablet", "mirror", "band", "phone", "desk", "mail", "shop")


def upgrade() -> None:
    op.create_table(
        "interaction",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("kept_at_us", sa.BigInteger(), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=160), nullable=False),
        sa.CheckConstraint(_among("kind", KINDS), name=op.f("ck_interaction_kind")),
        sa.CheckConstraint(_among("channel", CHANNELS), name=op.f("ck_interaction_channel")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_interaction_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction")),
        sa.UniqueConstraint("position", name=op.f("uq_interaction_position")),
    )
    op.create_index("ix_interaction_session_id_at_us", "interaction", ["session_id", "at_us"])
    op.create_index("ix_interaction_at_us", "interaction", ["at_us"])
    op.create_table(
        "timeline_mark",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("read_until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_timeline_mark")),
    )


def downgrade() -> None:
    for table in ("timeline_mark", "interaction"):
        op.drop_table(table)


def _among(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(one) for one in words)})"
