"""Customers who sign in by a code, their phones, and carts that joined."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011"
down_revision: Final = "0013"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_table(
        "rate_limit",
        sa.Column("subject_hash", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject_hash", name=op.f("pk_rate_limit")),
    )
    with op.batch_alter_table("rate_limit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rate_limit_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "sign_in_code",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'failed')", name=op.f("ck_sign_in_code_state")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_sign_in_code_tries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_code")),
        sa.UniqueConstraint("browser_hash", name=op.f("uq_sign_in_code_browser_hash")),
    )
    with op.batch_alter_table("sign_in_code", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sign_in_code_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index("ix_sign_in_code_state", ["state", "requested_at"], unique=False)

    op.create_table(
        "customer_email",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_email_customer_id")
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_customer_email")),
    )
    with op.batch_alter_table("customer_email", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_customer_email_customer_id"), ["customer_id"], unique=False
        )

    op.create_table(
        "joining",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("from_session_id", sa.String(length=64), nullable=False),
        sa.Column("to_session_id", sa.String(length=64), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_joining_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_session_id"], ["shopper_session.id"], name=op.f("fk_joining_from_session_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_session_id"], ["shopper_session.id"], name=op.f("fk_joining_to_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joining")),
    )
    with op.batch_alter_table("joining", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_joining_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_joining_from_session_id"), ["from_session_id"], unique=False
        )

    op.create_table(
        "joining_line",
        sa.Column("joining_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_joining_line_quantity")),
        sa.ForeignKeyConstraint(
            ["joining_id"], ["joining.id"], name=op.f("fk_joining_line_joining_id")
        ),
        sa.PrimaryKeyConstraint("joining_id", "gtin", name=op.f("pk_joining_line")),
    )
    op.create_table(
        "joining_moved",
        sa.Column("joining_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("thing_id", sa.String(length=160), nullable=False),
        sa.CheckConstraint(
            "kind IN ('list', 'order', 'checkout', 'binding')", name=op.f("ck_joining_moved_kind")
        ),
        sa.ForeignKeyConstraint(
            ["joining_id"], ["joining.id"], name=op.f("fk_joining_moved_joining_id")
        ),
        sa.PrimaryKeyConstraint("joining_id", "kind", "thing_id", name=op.f("pk_joining_moved")),
    )
    with op.batch_alter_table("session_key", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("device", sa.String(length=60), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("prior_session_id", sa.String(length=64), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_session_key_prior_session_id"),
            "shopper_session",
            ["prior_session_id"],
            ["id"],
        )

    with op.batch_alter_table("shopper_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("customer_id", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(
            batch_op.f("uq_shopper_session_customer_id"), ["customer_id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_shopper_session_customer_id"), "customer", ["customer_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("shopper_session", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_shopper_session_customer_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_shopper_session_customer_id"), type_="unique")
        batch_op.drop_column("customer_id")

    with op.batch_alter_table("session_key", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_session_key_prior_session_id"), type_="foreignkey")
        batch_op.drop_column("prior_session_id")
        batch_op.drop_column("ends_at")
        batch_op.drop_column("seen_at")
        batch_op.drop_column("device")

    op.drop_table("joining_moved")
    op.drop_table("joining_line")
    with op.batch_alter_table("joining", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_joining_from_session_id"))
        batch_op.drop_index(batch_op.f("ix_joining_customer_id"))

    op.drop_table("joining")
    with op.batch_alter_table("customer_email", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customer_email_customer_id"))

    op.drop_table("customer_email")
    with op.batch_alter_table("sign_in_code", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_code_state")
        batch_op.drop_index(batch_op.f("ix_sign_in_code_expires_at"))

    op.drop_table("sign_in_code")
    with op.batch_alter_table("rate_limit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rate_limit_ends_at"))

    op.drop_table("rate_limit")
    op.drop_table("customer")
