"""Reminders go once at most, and what comes back for one is known to be of it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0050"
down_revision: Final = "0046"
branch_labels: Final = None
depends_on: Final = None

STATES: Final = ("requested", "sent", "failed", "refused", "postponed", "held_out")


def upgrade() -> None:
    with op.batch_alter_table("journey_message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mark", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True))
        for name, length in (("to_hash", 64), ("bounce", 12)):
            batch_op.add_column(
                sa.Column(name, sa.String(length=length), nullable=False, server_default="")
            )
        batch_op.add_column(sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(op.f("ck_journey_message_state"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_journey_message_state"), _among("state", (*STATES, "unknown"))
        )
        batch_op.create_check_constraint(
            op.f("ck_journey_message_bounce"),
            _among("bounce", ("", "soft", "hard", "complaint")),
        )
        batch_op.create_unique_constraint(op.f("uq_journey_message_mark"), ["mark"])
        batch_op.create_index("ix_journey_message_to_hash", ["to_hash", "sent_at"])


def downgrade() -> None:
    op.execute("UPDATE journey_message SET state = 'failed' WHERE state = 'unknown'")
    with op.batch_alter_table("journey_message", schema=None) as batch_op:
        batch_op.drop_index("ix_journey_message_to_hash")
        batch_op.drop_constraint(op.f("uq_journey_message_mark"), type_="unique")
        batch_op.drop_constraint(op.f("ck_journey_message_bounce"), type_="check")
        batch_op.drop_constraint(op.f("ck_journey_message_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_journey_message_state"), _among("state", STATES))
        for name in ("bounced_at", "bounce", "to_hash", "handed_at", "mark"):
            batch_op.drop_column(name)


def _among(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(one) for one in words)})"
