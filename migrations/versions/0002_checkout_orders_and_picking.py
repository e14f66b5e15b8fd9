"""checkout orders and picking."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "location_terms",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("tax_rate_bp", sa.Integer(), nullable=False),
        sa.Column("reserve_minutes", sa.Integer(), nullable=False),
        sa.Column("orders_per_quarter", sa.Integer(), nullable=True),
        sa.Column("lead_minutes", sa.Integer(), nullable=False),
        sa.Column("remind_hours", sa.Integer(), nullable=False),
        sa.Column("uncollected_hours", sa.Integer(), nullable=False),
        sa.Column("ships", sa.Boolean(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("takes_orders", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "orders_per_quarter >= 1", name=op.f("ck_location_terms_orders_per_quarter")
        ),
        sa.CheckConstraint(
            "reserve_minutes BETWEEN 1 AND 120", name=op.f("ck_location_terms_reserve_minutes")
        ),
        sa.CheckConstraint(
            "tax_rate_bp BETWEEN 0 AND 10000", name=op.f("ck_location_terms_tax_rate")
        ),
        sa.CheckConstraint(
            "uncollected_hours > remind_hours", name=op.f("ck_location_terms_uncollected")
        ),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_location_terms")),
    )
    op.create_table(
        "provider_event",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("provider_ref", sa.String(length=128), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_provider_event")),
    )
    op.create_table(
        "slot",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_slot_taken")),
        sa.PrimaryKeyConstraint("location_id", "starts_at", name=op.f("pk_slot")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("pin_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("wrong_pins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('associate', 'lead')", name=op.f("ck_staff_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("location_id", "number", name=op.f("uq_staff_location_id_number")),
    )
    op.create_table(
        "tax_rate",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.CheckConstraint("rate_bp BETWEEN 0 AND 10000", name=op.f("ck_tax_rate_rate")),
        sa.PrimaryKeyConstraint("location_id", "category", name=op.f("pk_tax_rate")),
    )
    op.create_table(
        "ticket_sequence",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_ticket_sequence")),
    )
    op.create_table(
        "voucher",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("ending", sa.String(length=4), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_minor", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance_minor >= 0", name=op.f("ck_voucher_balance")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_voucher_code_hash")),
    )
    op.create_table(
        "staff_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_session")),
    )
    with op.batch_alter_table("staff_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_session_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "voucher_entry",
        sa.Column("voucher_id", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("delta_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["voucher.id"], name=op.f("fk_voucher_entry_voucher_id")
        ),
        sa.PrimaryKeyConstraint("voucher_id", "reference", name=op.f("pk_voucher_entry")),
    )
    op.create_table(
        "checkout",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("cart_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("address", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("voucher_id", sa.String(length=64), nullable=True),
        sa.Column("attempt_id", sa.String(length=64), nullable=True),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("method IN ('collect', 'ship')", name=op.f("ck_checkout_method")),
        sa.CheckConstraint(
            "state IN ('open', 'paying', 'paid', 'cancelled')", name=op.f("ck_checkout_state")
        ),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_checkout_cart_id")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_checkout_session_id")
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["voucher.id"], name=op.f("fk_checkout_voucher_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkout")),
    )
    with op.batch_alter_table("checkout", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_checkout_cart_id"), ["cart_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_checkout_session_id"), ["session_id"], unique=False)
        batch_op.create_index(
            "uq_checkout_open_cart",
            ["cart_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'paying')"),
            postgresql_where=sa.text("state IN ('open', 'paying')"),
        )

    op.create_table(
        "placed_order",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("checkout_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.String(length=8), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("address", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("promise_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("here_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shelf", sa.String(length=64), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("method IN ('collect', 'ship')", name=op.f("ck_placed_order_method")),
        sa.CheckConstraint(
            "state IN ('placed', 'picking', 'ready', 'handed_over', 'shipped', 'cancelled', 'uncollected')",
            name=op.f("ck_placed_order_state"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_placed_order_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placed_order")),
        sa.UniqueConstraint("checkout_id", name=op.f("uq_placed_order_checkout_id")),
    )
    with op.batch_alter_table("placed_order", schema=None) as batch_op:
        batch_op.create_index(
            "ix_placed_order_location_state", ["location_id", "state", "promise_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_placed_order_session_id"), ["session_id"], unique=False
        )
        batch_op.create_index(
            "uq_placed_order_open_ticket",
            ["location_id", "ticket"],
            unique=True,
            sqlite_where=sa.text("state IN ('placed', 'picking', 'ready')"),
            postgresql_where=sa.text("state IN ('placed', 'picking', 'ready')"),
        )

    op.create_table(
        "agreed_price",
        sa.Column("checkout_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["checkout_id"], ["checkout.id"], name=op.f("fk_agreed_price_checkout_id")
        ),
        sa.PrimaryKeyConstraint("checkout_id", "gtin", name=op.f("pk_agreed_price")),
    )
    op.create_table(
        "order_event",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["placed_order.id"], name=op.f("fk_order_event_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "number", name=op.f("pk_order_event")),
    )
    op.create_table(
        "order_letter",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'failed')", name=op.f("ck_order_letter_state")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["placed_order.id"], name=op.f("fk_order_letter_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_letter")),
    )
    with op.batch_alter_table("order_letter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_letter_order_id"), ["order_id"], unique=False)
        batch_op.create_index("ix_order_letter_state", ["state", "requested_at"], unique=False)

    op.create_table(
        "order_line",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("handed_over", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate_bp", sa.Integer(), nullable=False),
        sa.Column("stock_reference", sa.String(length=128), nullable=False),
        sa.Column("replaces", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_i18n", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("colour", sa.String(length=200), nullable=False),
        sa.Column("colour_i18n", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("size", sa.String(length=200), nullable=False),
        sa.Column("picture", sa.String(length=200), nullable=True),
        sa.CheckConstraint("cancelled + handed_over <= quantity", name=op.f("ck_order_line_sum")),
        sa.CheckConstraint(
            "cancelled >= 0 AND handed_over >= 0 AND returned >= 0",
            name=op.f("ck_order_line_pieces"),
        ),
        sa.CheckConstraint("picked BETWEEN 0 AND quantity", name=op.f("ck_order_line_picked")),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_order_line_quantity")),
        sa.CheckConstraint("returned <= handed_over", name=op.f("ck_order_line_returned")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["placed_order.id"], name=op.f("fk_order_line_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_line_order_id_position")),
    )
    op.create_table(
        "pay_attempt",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("checkout_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("wanted", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promise_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('reserved', 'pending', 'succeeded', 'failed', 'cancelled', 'expired')",
            name=op.f("ck_pay_attempt_state"),
        ),
        sa.ForeignKeyConstraint(
            ["checkout_id"], ["checkout.id"], name=op.f("fk_pay_attempt_checkout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_attempt")),
    )
    with op.batch_alter_table("pay_attempt", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_pay_attempt_checkout_id"), ["checkout_id"], unique=False
        )
        batch_op.create_index("ix_pay_attempt_state", ["state", "reserved_until"], unique=False)

    op.create_table(
        "pick_task",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("promise_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.String(length=64), nullable=True),
        sa.Column("walk_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'claimed', 'staged', 'cancelled')",
            name=op.f("ck_pick_task_state"),
        ),
        sa.ForeignKeyConstraint(["claimed_by"], ["staff.id"], name=op.f("fk_pick_task_claimed_by")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["placed_order.id"], name=op.f("fk_pick_task_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_task")),
        sa.UniqueConstraint("order_id", name=op.f("uq_pick_task_order_id")),
    )
    with op.batch_alter_table("pick_task", schema=None) as batch_op:
        batch_op.create_index("ix_pick_task_finished", ["location_id", "finished_at"], unique=False)
        batch_op.create_index(
            "ix_pick_task_queue", ["location_id", "state", "promise_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_pick_task_walk_id"), ["walk_id"], unique=False)

    op.create_table(
        "reservation",
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "reserved >= 0 AND allocated >= 0 AND taken >= 0 AND released >= 0",
            name=op.f("ck_reservation_pieces"),
        ),
        sa.ForeignKeyConstraint(
            ["location_id", "sku"],
            ["stock.location_id", "stock.sku"],
            name=op.f("fk_reservation_location_id_sku"),
        ),
        sa.PrimaryKeyConstraint("reference", "sku", name=op.f("pk_reservation")),
    )
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.create_index("ix_reservation_location_sku", ["location_id", "sku"], unique=False)
        batch_op.create_index("ix_reservation_until", ["reserved_until"], unique=False)

    op.create_table(
        "goods_return",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("order_line_id", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("restocked", sa.Boolean(), nullable=False),
        sa.Column("taken_by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_goods_return_quantity")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_goods_return_order_line_id")
        ),
        sa.ForeignKeyConstraint(["taken_by"], ["staff.id"], name=op.f("fk_goods_return_taken_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_return")),
    )
    with op.batch_alter_table("goods_return", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_goods_return_order_line_id"), ["order_line_id"], unique=False
        )

    op.create_table(
        "pick_line",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("order_line_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), nullable=False),
        sa.Column("short", sa.Integer(), nullable=False),
        sa.Column("short_reason", sa.String(length=32), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("zone_name", sa.String(length=200), nullable=False),
        sa.Column("bay_id", sa.String(length=64), nullable=False),
        sa.Column("walk_order", sa.Integer(), nullable=False),
        sa.CheckConstraint("picked + short <= quantity", name=op.f("ck_pick_line_sum")),
        sa.CheckConstraint("picked >= 0 AND short >= 0", name=op.f("ck_pick_line_pieces")),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_pick_line_quantity")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_pick_line_order_line_id")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["pick_task.id"], name=op.f("fk_pick_line_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_line")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_pick_line_order_line_id")),
    )
    with op.batch_alter_table("pick_line", schema=None) as batch_op:
        batch_op.create_index("ix_pick_line_task", ["task_id", "walk_order"], unique=False)

    op.create_table(
        "substitution",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("order_line_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("offered_by", sa.String(length=64), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'refused', 'expired')",
            name=op.f("ck_substitution_state"),
        ),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_substitution_quantity")),
        sa.ForeignKeyConstraint(
            ["offered_by"], ["staff.id"], name=op.f("fk_substitution_offered_by")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["placed_order.id"], name=op.f("fk_substitution_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_substitution_order_line_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_substitution")),
    )
    with op.batch_alter_table("substitution", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_substitution_order_id"), ["order_id"], unique=False)
        batch_op.create_index("ix_substitution_state", ["state", "expires_at"], unique=False)

    op.create_table(
        "tender",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=True),
        sa.Column("provider_ref", sa.String(length=128), nullable=True),
        sa.Column("redirect_url", sa.String(length=2000), nullable=False),
        sa.Column("voucher_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('provider', 'voucher', 'wristband')", name=op.f("ck_tender_kind")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'captured', 'released')", name=op.f("ck_tender_state")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_tender_amount")),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND amount_minor", name=op.f("ck_tender_refunded")
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["pay_attempt.id"], name=op.f("fk_tender_attempt_id")
        ),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name=op.f("fk_tender_voucher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tender")),
        sa.UniqueConstraint(
            "provider", "provider_ref", name=op.f("uq_tender_provider_provider_ref")
        ),
    )
    with op.batch_alter_table("tender", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tender_attempt_id"), ["attempt_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tender_order_id"), ["order_id"], unique=False)

    op.create_table(
        "refund",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tender_id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("provider_ref", sa.String(length=128), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('due', 'done', 'failed')", name=op.f("ck_refund_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(["tender_id"], ["tender.id"], name=op.f("fk_refund_tender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("tender_id", "reference", name=op.f("uq_refund_tender_id_reference")),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_order_id"), ["order_id"], unique=False)
        batch_op.create_index("ix_refund_state", ["state", "created_at"], unique=False)

    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("reserved_delta", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("allocated_delta", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.drop_constraint(op.f("ck_movement_reason"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_movement_reason"),
            "reason IN ('received', 'counted', 'sold', 'returned', 'damaged', 'moved',"
            " 'corrected', 'reserved', 'allocated', 'released', 'picked')",
        )


def downgrade() -> None:
    # They move promises only, which the schema before this one does not know.
    op.execute(
        "DELETE FROM movement WHERE reason IN ('reserved', 'allocated', 'released', 'picked')"
    )
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_movement_reason"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_movement_reason"),
            "reason IN ('received', 'counted', 'sold', 'returned', 'damaged', 'moved',"
            " 'corrected')",
        )
        batch_op.drop_column("allocated_delta")
        batch_op.drop_column("reserved_delta")

    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.drop_index("ix_refund_state")
        batch_op.drop_index(batch_op.f("ix_refund_order_id"))

    op.drop_table("refund")
    with op.batch_alter_table("tender", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tender_order_id"))
        batch_op.drop_index(batch_op.f("ix_tender_attempt_id"))

    op.drop_table("tender")
    with op.batch_alter_table("substitution", schema=None) as batch_op:
        batch_op.drop_index("ix_substitution_state")
        batch_op.drop_index(batch_op.f("ix_substitution_order_id"))

    op.drop_table("substitution")
    with op.batch_alter_table("pick_line", schema=None) as batch_op:
        batch_op.drop_index("ix_pick_line_task")

    op.drop_table("pick_line")
    with op.batch_alter_table("goods_return", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_goods_return_order_line_id"))

    op.drop_table("goods_return")
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.drop_index("ix_reservation_until")
        batch_op.drop_index("ix_reservation_location_sku")

    op.drop_table("reservation")
    with op.batch_alter_table("pick_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pick_task_walk_id"))
        batch_op.drop_index("ix_pick_task_queue")
        batch_op.drop_index("ix_pick_task_finished")

    op.drop_table("pick_task")
    with op.batch_alter_table("pay_attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_pay_attempt_state")
        batch_op.drop_index(batch_op.f("ix_pay_attempt_checkout_id"))

    op.drop_table("pay_attempt")
    op.drop_table("order_line")
    with op.batch_alter_table("order_letter", schema=None) as batch_op:
        batch_op.drop_index("ix_order_letter_state")
        batch_op.drop_index(batch_op.f("ix_order_letter_order_id"))

    op.drop_table("order_letter")
    op.drop_table("order_event")
    op.drop_table("agreed_price")
    with op.batch_alter_table("placed_order", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_placed_order_open_ticket",
            sqlite_where=sa.text("state IN ('placed', 'picking', 'ready')"),
            postgresql_where=sa.text("state IN ('placed', 'picking', 'ready')"),
        )
        batch_op.drop_index(batch_op.f("ix_placed_order_session_id"))
        batch_op.drop_index("ix_placed_order_location_state")

    op.drop_table("placed_order")
    with op.batch_alter_table("checkout", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_checkout_open_cart",
            sqlite_where=sa.text("state IN ('open', 'paying')"),
            postgresql_where=sa.text("state IN ('open', 'paying')"),
        )
        batch_op.drop_index(batch_op.f("ix_checkout_session_id"))
        batch_op.drop_index(batch_op.f("ix_checkout_cart_id"))

    op.drop_table("checkout")
    op.drop_table("voucher_entry")
    with op.batch_alter_table("staff_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_session_staff_id"))

    op.drop_table("staff_session")
    op.drop_table("voucher")
    op.drop_table("ticket_sequence")
    op.drop_table("tax_rate")
    op.drop_table("staff")
    op.drop_table("slot")
    op.drop_table("provider_event")
    op.drop_table("location_terms")
