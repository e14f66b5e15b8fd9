"""The first schema."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

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
        "catalogue_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalogue_version_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_version")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint(
            "topic", "payload_hash", name=op.f("uq_dead_letter_topic_payload_hash")
        ),
    )
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dead_letter_device_id"), ["device_id"], unique=False)
        batch_op.create_index("ix_dead_letter_open", ["replayed_at", "received_at"], unique=False)

    op.create_table(
        "device",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("partition", sa.String(length=8), nullable=False),
        sa.Column("credential_hash", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('tablet', 'scanner', 'receiver', 'mirror')", name=op.f("ck_device_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_location_id"), ["location_id"], unique=False)

    op.create_table(
        "device_command",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.String(length=4000), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_command")),
    )
    with op.batch_alter_table("device_command", schema=None) as batch_op:
        batch_op.create_index("ix_device_command_open", ["device_id", "acked_at"], unique=False)

    op.create_table(
        "device_event",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("spool", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "event_id", name=op.f("pk_device_event")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("device_event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_device_event_received", ["device_id", "received_at_us"], unique=False
        )

    op.create_table(
        "device_stream",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("spool", sa.String(length=64), nullable=False),
        sa.Column("stored_through", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "spool", name=op.f("pk_device_stream")),
    )
    op.create_table(
        "feed_run",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("started_at_us", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_us", sa.BigInteger(), nullable=True),
        sa.Column("rows_taken", sa.Integer(), nullable=False),
        sa.Column("rows_changed", sa.Integer(), nullable=False),
        sa.Column("rows_refused", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('locations', 'catalogue', 'counts', 'reviews')", name=op.f("ck_feed_run_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_run")),
    )
    with op.batch_alter_table("feed_run", schema=None) as batch_op:
        batch_op.create_index("ix_feed_run_kind_started", ["kind", "started_at_us"], unique=False)

    op.create_table(
        "location",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("gln", sa.String(length=13), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_i18n", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("opening_hours", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("gln", name=op.f("uq_location_gln")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_i18n", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("description", sa.String(length=4000), nullable=False),
        sa.Column(
            "description_i18n", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("brand", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_category"), ["category"], unique=False)

    op.create_table(
        "request_key",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_request_key")),
    )
    with op.batch_alter_table("request_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_key_created_at"), ["created_at"], unique=False)

    op.create_table(
        "sequence_gap",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("spool", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "spool", "first", name=op.f("pk_sequence_gap")),
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
        "device_seen",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("last_seen_at_us", sa.BigInteger(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_seen_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_seen")),
    )
    op.create_table(
        "enrolment",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "kind IN ('tablet', 'scanner', 'receiver', 'mirror')", name=op.f("ck_enrolment_kind")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_enrolment_device_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_enrolment")),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=4000), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("written_on", sa.Date(), nullable=False),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_review_rating")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_review_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.create_index(
            "ix_review_product_written", ["product_id", "written_on"], unique=False
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
        "twin",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("desired", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("desired_version", sa.Integer(), nullable=False),
        sa.Column("reported", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("reported_version", sa.Integer(), nullable=False),
        sa.Column("reported_at_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("desired_version >= 0", name=op.f("ck_twin_desired_version")),
        sa.CheckConstraint("reported_version >= 0", name=op.f("ck_twin_reported_version")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_twin_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_twin")),
    )
    op.create_table(
        "variant",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("colour", sa.String(length=200), nullable=False),
        sa.Column("colour_i18n", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("colour_hex", sa.String(length=7), nullable=False),
        sa.Column("size", sa.String(length=200), nullable=False),
        sa.Column("material", sa.String(length=200), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.Integer(), nullable=True),
        sa.Column("depth_mm", sa.Integer(), nullable=True),
        sa.Column("weight_g", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_variant_product_id")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_variant")),
        sa.UniqueConstraint("gtin", name=op.f("uq_variant_gtin")),
    )
    with op.batch_alter_table("variant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_variant_product_id"), ["product_id"], unique=False)

    op.create_table(
        "zone",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("walk_order", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_zone_location_id")),
        sa.PrimaryKeyConstraint("location_id", "zone_id", name=op.f("pk_zone")),
    )
    op.create_table(
        "bay",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("bay_id", sa.String(length=64), nullable=False),
        sa.Column("walk_order", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id", "zone_id"],
            ["zone.location_id", "zone.zone_id"],
            name=op.f("fk_bay_location_id_zone_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("location_id", "zone_id", "bay_id", name=op.f("pk_bay")),
    )
    op.create_table(
        "binding",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("claim_hash", sa.String(length=64), nullable=True),
        sa.Column("started_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_event_at_us", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at_us", sa.BigInteger(), nullable=True),
        sa.Column("prior_cart_id", sa.String(length=64), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_binding_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding")),
        sa.UniqueConstraint("claim_hash", name=op.f("uq_binding_claim_hash")),
        sa.UniqueConstraint("device_id", "visit", name=op.f("uq_binding_device_id_visit")),
    )
    with op.batch_alter_table("binding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_binding_session_id"), ["session_id"], unique=False)
        batch_op.create_index(
            "uq_binding_live_device",
            ["device_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "picture",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=48), nullable=False),
        sa.Column("alt", sa.String(length=200), nullable=False),
        sa.Column("alt_i18n", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["sku"], ["variant.sku"], name=op.f("fk_picture_sku")),
        sa.PrimaryKeyConstraint("sku", "position", name=op.f("pk_picture")),
    )
    op.create_table(
        "price",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_price_positive")),
        sa.ForeignKeyConstraint(["sku"], ["variant.sku"], name=op.f("fk_price_sku")),
        sa.PrimaryKeyConstraint("sku", "currency", name=op.f("pk_price")),
    )
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
        "stock",
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.Column("safety_stock", sa.Integer(), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=True),
        sa.Column("bay_id", sa.String(length=64), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_us", sa.BigInteger(), nullable=False),
        sa.Column("count_reference", sa.String(length=128), nullable=True),
        sa.CheckConstraint("allocated >= 0", name=op.f("ck_stock_allocated")),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_on_hand")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_reserved")),
        sa.CheckConstraint("safety_stock >= 0", name=op.f("ck_stock_safety_stock")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name=op.f("fk_stock_location_id")
        ),
        sa.ForeignKeyConstraint(["sku"], ["variant.sku"], name=op.f("fk_stock_sku")),
        sa.PrimaryKeyConstraint("location_id", "sku", name=op.f("pk_stock")),
    )
    with op.batch_alter_table("stock", schema=None) as batch_op:
        batch_op.create_index(
            "ix_stock_changed", ["changed_at_us", "location_id", "sku"], unique=False
        )
        batch_op.create_index("ix_stock_sku", ["sku"], unique=False)

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
        "movement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("delta", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('received', 'counted', 'sold', 'returned', 'damaged', 'moved', 'corrected')",
            name=op.f("ck_movement_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["location_id", "sku"],
            ["stock.location_id", "stock.sku"],
            name=op.f("fk_movement_location_id_sku"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement")),
        sa.UniqueConstraint(
            "reason",
            "reference",
            "location_id",
            "sku",
            name=op.f("uq_movement_reason_reference_location_id_sku"),
        ),
    )
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.create_index("ix_movement_location_sku", ["location_id", "sku"], unique=False)

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
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.drop_index("ix_movement_location_sku")

    op.drop_table("movement")
    with op.batch_alter_table("list_request", schema=None) as batch_op:
        batch_op.drop_index("ix_list_request_state")
        batch_op.drop_index(batch_op.f("ix_list_request_list_id"))

    op.drop_table("list_request")
    with op.batch_alter_table("stock", schema=None) as batch_op:
        batch_op.drop_index("ix_stock_sku")
        batch_op.drop_index("ix_stock_changed")

    op.drop_table("stock")
    with op.batch_alter_table("session_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_key_session_id"))

    op.drop_table("session_key")
    with op.batch_alter_table("saved_list", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_list_session_id"))

    op.drop_table("saved_list")
    op.drop_table("price")
    op.drop_table("picture")
    with op.batch_alter_table("binding", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_binding_live_device",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_binding_session_id"))

    op.drop_table("binding")
    op.drop_table("bay")
    op.drop_table("zone")
    with op.batch_alter_table("variant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_variant_product_id"))

    op.drop_table("variant")
    op.drop_table("twin")
    with op.batch_alter_table("shopper_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shopper_session_cart_id"))

    op.drop_table("shopper_session")
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.drop_index("ix_review_product_written")

    op.drop_table("review")
    op.drop_table("enrolment")
    op.drop_table("device_seen")
    with op.batch_alter_table("cart_operation", schema=None) as batch_op:
        batch_op.drop_index("ix_cart_operation_cart_version")
        batch_op.drop_index("ix_cart_operation_cart_gtin")

    op.drop_table("cart_operation")
    op.drop_table("cart_line")
    op.drop_table("sequence_gap")
    with op.batch_alter_table("request_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_key_created_at"))

    op.drop_table("request_key")
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_product_category"))

    op.drop_table("product")
    op.drop_table("location")
    with op.batch_alter_table("feed_run", schema=None) as batch_op:
        batch_op.drop_index("ix_feed_run_kind_started")

    op.drop_table("feed_run")
    op.drop_table("device_stream")
    with op.batch_alter_table("device_event", schema=None) as batch_op:
        batch_op.drop_index("ix_device_event_received")

    op.drop_table("device_event")
    with op.batch_alter_table("device_command", schema=None) as batch_op:
        batch_op.drop_index("ix_device_command_open")

    op.drop_table("device_command")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_location_id"))

    op.drop_table("device")
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.drop_index("ix_dead_letter_open")
        batch_op.drop_index(batch_op.f("ix_dead_letter_device_id"))

    op.drop_table("dead_letter")
    op.drop_table("catalogue_version")
    op.drop_table("cart")
