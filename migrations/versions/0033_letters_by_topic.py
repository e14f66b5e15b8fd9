"""Mailing lists: topics, subscriptions, issues, letters, and whom nobody may write to."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0033"
down_revision: Final = "0032"
branch_labels: Final = None
depends_on: Final = None

JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "topic",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_i18n", JSON, nullable=False),
        sa.Column("about", sa.String(length=400), nullable=False),
        sa.Column("about_i18n", JSON, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("topic_id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("wording_hash", sa.String(length=64), nullable=True),
        sa.Column("proof", sa.String(length=200), nullable=False),
        sa.Column("ask_id", sa.String(length=64), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'confirmed', 'left')", name=op.f("ck_subscription_state")
        ),
        sa.CheckConstraint(
            "source IN ('page', 'account', 'mail', 'import')", name=op.f("ck_subscription_source")
        ),
        sa.CheckConstraint(
            "state <> 'confirmed' OR customer_id IS NOT NULL", name=op.f("ck_subscription_whose")
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_subscription_topic_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_subscription_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("topic_id", "address", name=op.f("uq_subscription_topic_id_address")),
    )
    for column in ("address", "customer_id", "ask_id", "asked_at"):
        op.create_index(f"ix_subscription_{column}", "subscription", [column])
    op.create_table(
        "issue",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("topic_id", sa.String(length=40), nullable=False),
        sa.Column("subject_i18n", JSON, nullable=False),
        sa.Column("text_i18n", JSON, nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reached", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('sending', 'sent')", name=op.f("ck_issue_state")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_issue_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
    )
    for column in ("topic_id", "state"):
        op.create_index(f"ix_issue_{column}", "issue", [column])
    op.create_table(
        "topic_letter",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("issue_id", sa.String(length=64), nullable=True),
        sa.Column("subscription_id", sa.String(length=64), nullable=True),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("domain", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.Column("bounce", sa.String(length=12), nullable=False),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'failed', 'unknown', 'dropped')",
            name=op.f("ck_topic_letter_state"),
        ),
        sa.CheckConstraint("kind IN ('confirm', 'issue')", name=op.f("ck_topic_letter_kind")),
        sa.CheckConstraint(
            "bounce IN ('', 'soft', 'hard', 'complaint')", name=op.f("ck_topic_letter_bounce")
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_topic_letter_issue_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_topic_letter_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_letter")),
        sa.UniqueConstraint("mark", name=op.f("uq_topic_letter_mark")),
        sa.UniqueConstraint("issue_id", "address", name=op.f("uq_topic_letter_issue_id_address")),
    )
    op.create_index("ix_topic_letter_state", "topic_letter", ["state", "due_at"])
    for column in ("customer_id", "address", "requested_at"):
        op.create_index(f"ix_topic_letter_{column}", "topic_letter", [column])
    op.create_table(
        "mail_suppression",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=500), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('hard_bounce', 'soft_bounces', 'complaint', 'asked', 'imported')",
            name=op.f("ck_mail_suppression_reason"),
        ),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_mail_suppression")),
    )
    op.create_index("ix_mail_suppression_since_at", "mail_suppression", ["since_at"])


def downgrade() -> None:
    for table in ("mail_suppression", "topic_letter", "issue", "subscription", "topic"):
        op.drop_table(table)
