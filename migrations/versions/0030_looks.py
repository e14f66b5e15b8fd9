"""Looks: keys that open them, their uploads and links."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0030"
down_revision: Final = "0029"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "look_ask",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=43), nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_look_ask_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look_ask")),
    )
    with op.batch_alter_table("look_ask", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_look_ask_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_look_ask_session_id"), ["session_id"], unique=False)

    op.create_table(
        "look_choice",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("pin_salt", sa.String(length=64), nullable=False),
        sa.Column("pin_check", sa.String(length=64), nullable=False),
        sa.CheckConstraint("keep_days IN (7, 30, 90, 365)", name=op.f("ck_look_choice_keep_days")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_look_choice_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_look_choice")),
    )
    op.create_table(
        "look_key",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=43), nullable=False),
        sa.Column("pin_sealed", sa.String(length=160), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_look_key_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look_key")),
    )
    with op.batch_alter_table("look_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_look_key_session_id"), ["session_id"], unique=False)

    op.create_table(
        "look",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("grant_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_key", sa.String(length=160), nullable=False),
        sa.Column("media_type", sa.String(length=16), nullable=False),
        sa.Column("video_bytes", sa.Integer(), nullable=False),
        sa.Column("sheet_bytes", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('granted', 'kept', 'deleted', 'gone')", name=op.f("ck_look_state")
        ),
        sa.CheckConstraint("duration_ms >= 0", name=op.f("ck_look_duration_ms")),
        sa.ForeignKeyConstraint(["key_id"], ["look_key.id"], name=op.f("fk_look_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look")),
        sa.UniqueConstraint("grant_hash", name=op.f("uq_look_grant_hash")),
    )
    with op.batch_alter_table("look", schema=None) as batch_op:
        batch_op.create_index("ix_look_device_id_state", ["device_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_look_key_id"), ["key_id"], unique=False)
        batch_op.create_index("ix_look_state_expires_at", ["state", "expires_at"], unique=False)

    op.create_table(
        "look_phone",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("phone_name", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.String(length=160), nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pin_said_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["key_id"], ["look_key.id"], name=op.f("fk_look_phone_key_id")),
        sa.PrimaryKeyConstraint("key_id", "phone_name", name=op.f("pk_look_phone")),
    )
    op.create_table(
        "look_item",
        sa.Column("look_id", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["look_id"], ["look.id"], name=op.f("fk_look_item_look_id")),
        sa.PrimaryKeyConstraint("look_id", "gtin", name=op.f("pk_look_item")),
    )
    with op.batch_alter_table("look_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_look_item_gtin"), ["gtin"], unique=False)

    op.create_table(
        "look_share",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("look_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.String(length=160), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["look_id"], ["look.id"], name=op.f("fk_look_share_look_id")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_look_share")),
    )
    with op.batch_alter_table("look_share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_look_share_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_look_share_look_id"), ["look_id"], unique=False)

    op.create_table(
        "look_upload",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("look_id", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("length_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_bytes", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.CheckConstraint("part IN ('video', 'sheet')", name=op.f("ck_look_upload_part")),
        sa.CheckConstraint(
            "received_bytes BETWEEN 0 AND length_bytes", name=op.f("ck_look_upload_received_bytes")
        ),
        sa.ForeignKeyConstraint(["look_id"], ["look.id"], name=op.f("fk_look_upload_look_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look_upload")),
        sa.UniqueConstraint("look_id", "part", name=op.f("uq_look_upload_look_id_part")),
    )
    op.create_table(
        "look_piece",
        sa.Column("upload_id", sa.String(length=64), nullable=False),
        sa.Column("offset_bytes", sa.Integer(), nullable=False),
        sa.Column("length_bytes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["look_upload.id"], name=op.f("fk_look_piece_upload_id")
        ),
        sa.PrimaryKeyConstraint("upload_id", "offset_bytes", name=op.f("pk_look_piece")),
    )
    with op.batch_alter_table("joining_moved", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_joining_moved_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_joining_moved_kind"),
            "kind IN ('list', 'order', 'checkout', 'binding', 'loan', 'look_key')",
        )


def downgrade() -> None:
    op.execute("DELETE FROM joining_moved WHERE kind = 'look_key'")
    with op.batch_alter_table("joining_moved", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_joining_moved_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_joining_moved_kind"),
            "kind IN ('list', 'order', 'checkout', 'binding', 'loan')",
        )

    op.drop_table("look_piece")
    op.drop_table("look_upload")
    with op.batch_alter_table("look_share", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_look_share_look_id"))
        batch_op.drop_index(batch_op.f("ix_look_share_expires_at"))

    op.drop_table("look_share")
    with op.batch_alter_table("look_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_look_item_gtin"))

    op.drop_table("look_item")
    op.drop_table("look_phone")
    with op.batch_alter_table("look", schema=None) as batch_op:
        batch_op.drop_index("ix_look_state_expires_at")
        batch_op.drop_index(batch_op.f("ix_look_key_id"))
        batch_op.drop_index("ix_look_device_id_state")

    op.drop_table("look")
    with op.batch_alter_table("look_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_look_key_session_id"))

    op.drop_table("look_key")
    op.drop_table("look_choice")
    with op.batch_alter_table("look_ask", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_look_ask_session_id"))
        batch_op.drop_index(batch_op.f("ix_look_ask_expires_at"))

    op.drop_table("look_ask")
