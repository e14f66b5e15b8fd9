"""The first schema."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "cart",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("latest_at_us", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart")),
    )
    op.create_table(
        "cart_line",
        sa.Column("cart_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("added_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_operation_id", sa.String(length=160), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_cart_line_quantity")),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_cart_line_cart_id")),
        sa.PrimaryKeyConstraint("cart_id", "gtin", name=op.f("pk_cart_line")),
    )
    op.create_table(
        "cart_operation",
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("cart_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint("kind IN ('add', 'remove', 'set')", name=op.f("ck_cart_operation_kind")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_cart_operation_quantity")),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_cart_operation_cart_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_operation")),
    )
    with op.batch_alter_table("cart_operation", schema=None) as batch_op:
        batch_op.create_index("ix_cart_operation_cart_gtin", ["cart_id", "gtin"], unique=False)
        batch_op.create_index(
            "ix_cart_operation_cart_version", ["cart_id", "version"], unique=False
        )

    op.create_table(
        "shopper_session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cart_id", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_shopper_session_cart_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shopper_session")),
    )
    with op.batch_alter_table("shopper_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shopper_session_cart_id"), ["cart_id"], unique=False)

    op.create_table(
        "saved_list",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_saved_list_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_list")),
    )
    with op.batch_alter_table("saved_list", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_list_session_id"), ["session_id"], unique=False)

    op.create_table(
        "session_key",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_session_key_session_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session_key")),
    )
    with op.batch_alter_table("session_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_key_session_id"), ["session_id"], unique=False)

    op.create_table(
        "list_request",
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("list_id", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'failed')", name=op.f("ck_list_request_state")
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["saved_list.id"], name=op.f("fk_list_request_list_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_request")),
    )
    with op.batch_alter_table("list_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_list_request_list_id"), ["list_id"], unique=False)
        batch_op.create_index("ix_list_request_state", ["state", "requested_at"], unique=False)

    op.create_table(
        "saved_list_line",
        sa.Column("list_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_saved_list_line_quantity")),
        sa.ForeignKeyConstraint(
            ["list_id"], ["saved_list.id"], name=op.f("fk_saved_list_line_list_id")
        ),
        sa.PrimaryKeyConstraint("list_id", "position", name=op.f("pk_saved_list_line")),
        sa.UniqueConstraint("list_id", "gtin", name=op.f("uq_saved_list_line_list_id_gtin")),
    )


def downgrade() -> None:
    op.drop_table("saved_list_line")
    with op.batch_alter_table("list_request", schema=None) as batch_op:
        batch_op.drop_index("ix_list_request_state")
        batch_op.drop_index(batch_op.f("ix_list_request_list_id"))

    op.drop_table("list_request")
    with op.batch_alter_table("session_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_key_session_id"))

    op.drop_table("session_key")
    with op.batch_alter_table("saved_list", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_list_session_id"))

    op.drop_table("saved_list")
    with op.batch_alter_table("shopper_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shopper_session_cart_id"))

    op.drop_table("shopper_session")
    with op.batch_alter_table("cart_operation", schema=None) as batch_op:
        batch_op.drop_index("ix_cart_operation_cart_version")
        batch_op.drop_index("ix_cart_operation_cart_gtin")

    op.drop_table("cart_operation")
    op.drop_table("cart_line")
    op.drop_table("cart")
