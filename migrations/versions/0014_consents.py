"""The consent ledger: decisions and wordings that the database lets nobody change."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0014"
down_revision: Final = "0011"
branch_labels: Final = None
depends_on: Final = None

REFUSAL: Final = "the consent ledger is only appended to"
LEDGER: Final = ("consent", "consent_wording")
PURPOSES: Final = (
    "'marketing_email', 'reminders', 'location_in_shop', 'mirror_video', 'analytics',"
    " 'ad_audiences'"
)
SOURCES: Final = "'page', 'mail_link', 'staff_desk', 'tablet', 'import', 'browser_signal'"


def upgrade() -> None:
    id_ = sa.String(length=64)
    hash_ = sa.String(length=64)
    word = sa.String(length=24)
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "consent_subject",
        sa.Column("id", id_, nullable=False),
        sa.Column("customer_id", id_, nullable=True),
        sa.Column("session_id", id_, nullable=True),
        sa.Column("joined_id", id_, nullable=True),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("erased_at", moment, nullable=True),
        sa.CheckConstraint(
            "customer_id IS NULL OR session_id IS NULL", name=op.f("ck_consent_subject_one")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_consent_subject_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["shopper_session.id"],
            name=op.f("fk_consent_subject_session_id"),
        ),
        sa.ForeignKeyConstraint(
            ["joined_id"],
            ["consent_subject.id"],
            name=op.f("fk_consent_subject_joined_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_subject")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_consent_subject_customer_id")),
        sa.UniqueConstraint("session_id", name=op.f("uq_consent_subject_session_id")),
    )
    op.create_index(op.f("ix_consent_subject_joined_id"), "consent_subject", ["joined_id"])
    op.create_table(
        "consent_wording",
        sa.Column("hash", hash_, nullable=False),
        sa.Column("purpose", word, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_consent_wording_version")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_consent_wording")),
    )
    op.create_table(
        "consent",
        sa.Column("subject_id", id_, nullable=False),
        sa.Column("purpose", word, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("source", word, nullable=False),
        sa.Column("wording_hash", hash_, nullable=True),
        sa.Column("location_id", id_, nullable=False),
        sa.Column("decided_at", moment, nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_consent_number")),
        sa.CheckConstraint(f"purpose IN ({PURPOSES})", name=op.f("ck_consent_purpose")),
        sa.CheckConstraint(f"source IN ({SOURCES})", name=op.f("ck_consent_source")),
        sa.CheckConstraint(
            "NOT granted OR wording_hash IS NOT NULL", name=op.f("ck_consent_wording")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["consent_subject.id"],
            name=op.f("fk_consent_subject_id"),
        ),
        sa.ForeignKeyConstraint(
            ["wording_hash"],
            ["consent_wording.hash"],
            name=op.f("fk_consent_wording_hash"),
        ),
        sa.PrimaryKeyConstraint("subject_id", "purpose", "number", name=op.f("pk_consent")),
    )
    op.create_table(
        "consent_trace",
        sa.Column("address_hash", hash_, nullable=False),
        sa.Column("subject_id", id_, nullable=False),
        sa.Column("erased_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["consent_subject.id"],
            name=op.f("fk_consent_trace_subject_id"),
        ),
        sa.PrimaryKeyConstraint("address_hash", "subject_id", name=op.f("pk_consent_trace")),
    )
    op.create_index(op.f("ix_consent_trace_erased_at"), "consent_trace", ["erased_at"])
    if op.get_bind().dialect.name == "sqlite":
        for table in LEDGER:
            for what in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION consent_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    for table in LEDGER:
        op.execute(
            f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION consent_refuse()"
        )


def downgrade() -> None:
    for table in ("consent_trace", "consent", "consent_wording", "consent_subject"):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION consent_refuse()")
