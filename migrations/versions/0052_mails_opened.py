"""A mail is told as opened when somebody moved on the page that its link leads to."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0052"
down_revision: Final = "0051"
branch_labels: Final = None
depends_on: Final = None

KINDS: Final = (
    *("scanned", "removed", "tried", "size_asked", "look_kept", "listed", "list_mailed"),
    *("checkout_opened", "ordered", "collected", "cancelled", "returned"),
    *("mail_sent", "mail_opened", "signed_in", "ready", "message_sent", "came_back"),
)
NEW: Final = "mail_opened"


def upgrade() -> None:
    op.add_column(
        "journey_message", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index("ix_journey_message_opened_at", "journey_message", ["opened_at"])
    _allow(KINDS)


def downgrade() -> None:
    op.execute(f"DELETE FROM interaction WHERE kind = '{NEW}'")  # noqa: S608 - a constant
    _allow(tuple(one for one in KINDS if one != NEW))
    op.drop_index("ix_journey_message_opened_at", "journey_message")
    op.drop_column("journey_message", "opened_at")


def _allow(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_interaction_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_interaction_kind"), f"kind IN ({', '.join(repr(one) for one in kinds)})"
        )
