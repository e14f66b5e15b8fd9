"""What mailing lists hold of people."""

from typing import Final

from cart.personal.model import Erasure, Holding, Scope

LETTERS: Final = (
    Holding("topic", plain=("name", "name_i18n"), why="what a shop writes letters about"),
    Holding(
        "subscription",
        holds="that she asked for letters about a topic at an address: when, where, on which words",
        found=(("customer_id", Scope.CUSTOMER), ("address", Scope.ADDRESS)),
        shown=(
            *("topic_id", "address", "state", "source", "locale", "wording_hash", "proof"),
            *("asked_at", "confirmed_at", "left_at"),
        ),
        hidden=("id", "customer_id", "ask_id"),
        erasure=Erasure.DELETE,
        kept="until she asks for its erasure; seven days if nobody confirms it",
    ),
    Holding("issue", plain=("text_i18n",), why="what a marketer wrote to all who have a topic"),
    Holding(
        "topic_letter",
        holds="that a letter about a topic went, or was to go, to her address, and whether it came"
        " back",
        found=(("customer_id", Scope.CUSTOMER), ("address", Scope.ADDRESS)),
        shown=("address", "kind", "locale", "requested_at", "sent_at", "bounce", "bounced_at"),
        hidden=(
            *("id", "issue_id", "subscription_id", "customer_id", "domain", "mark", "state"),
            *("due_at", "handed_at", "failure"),
        ),
        erasure=Erasure.DELETE,
        kept="90 days: complaints come weeks later",
    ),
    Holding(
        "mail_suppression",
        plain=("address_hash",),
        why="a keyed hash of an address that nobody may write to: it names nobody, and has to"
        " outlive an erasure, or she would be written to again",
    ),
)
