"""Messages stand in the timeline as what they were; so do presses, and orders that are ready."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0051"
down_revision: Final = "0050"
branch_labels: Final = None
depends_on: Final = None

KINDS: Final = (
    *("scanned", "removed", "tried", "size_asked", "look_kept", "listed", "list_mailed"),
    *("checkout_opened", "ordered", "collected", "cancelled", "returned"),
    *("mail_sent", "signed_in"),
)
NEW_KINDS: Final = ("ready", "message_sent", "came_back")
CHANNELS: Final = ("tablet", "mirror", "band", "phone", "desk", "mail", "shop")
NEW_CHANNELS: Final = ("push", "sms", "whatsapp")


def upgrade() -> None:
    op.add_column(
        "journey_message", sa.Column("pressed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index("ix_journey_message_sent_at", "journey_message", ["sent_at"])
    op.create_index("ix_journey_message_pressed_at", "journey_message", ["pressed_at"])
    op.create_index("ix_topic_letter_sent_at", "topic_letter", ["sent_at"])
    _allow((*KINDS, *NEW_KINDS), (*CHANNELS, *NEW_CHANNELS))
    # What was told as a mail and was none.
    op.execute(
        "UPDATE interaction SET kind = 'message_sent', channel ="
        " (SELECT m.channel FROM journey_message AS m"
        " WHERE 'mail:journey:' || m.id = interaction.id)"
        " WHERE id IN (SELECT 'mail:journey:' || m.id FROM journey_message AS m"
        " WHERE m.channel <> 'mail')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM interaction WHERE kind IN ('came_back', 'ready')")
    op.execute(
        "UPDATE interaction SET kind = 'mail_sent', channel = 'mail' WHERE kind = 'message_sent'"
    )
    _allow(KINDS, CHANNELS)
    op.drop_index("ix_topic_letter_sent_at", "topic_letter")
    op.drop_index("ix_journey_message_pressed_at", "journey_message")
    op.drop_index("ix_journey_message_sent_at", "journey_message")
    op.drop_column("journey_message", "pressed_at")


def _allow(kinds: tuple[str, ...], channels: tuple[str, ...]) -> None:
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        for column, words in (("kind", kinds), ("channel", channels)):
            batch_op.drop_constraint(op.f(f"ck_interaction_{column}"), type_="check")
            batch_op.create_check_constraint(
                op.f(f"ck_interaction_{column}"),
                f"{column} IN ({', '.join(repr(one) for one in words)})",
            )
