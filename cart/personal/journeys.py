"""What is held of people who walk journeys: who is on the way, and what was sent to her."""

from typing import Final

from cart.personal.model import Erasure, Holding, Reveals, Scope

_KEPT: Final = (
    "13 months after it ended: so that a season can be compared with the one before; one that goes"
    " on: with her"
)

JOURNEYS: Final = (
    Holding("journey", plain=("name",), why="journeys by their own names, not people's"),
    Holding("journey_version", why="how a journey is defined; nobody walks in it"),
    Holding("shelf_gap", why="goods that are sold out somewhere; of nobody"),
    Holding(
        "journey_news",
        why="goods that are back or cost less; whose turn it is to hear of it, for minutes",
    ),
    Holding(
        "journey_run",
        holds="that she began a series of reminders: by what, when, how it ended, and whether she"
        " was among those who get none, for comparison",
        found=(("session_id", Scope.SESSION),),
        reveals=(Reveals("id", Scope.JOURNEY_RUN),),
        shown=(
            *("journey", "about", "location_id", "state", "reason", "held_out"),
            *("started_at", "entered_at", "due_at", "ended_at"),
        ),
        hidden=(
            *("id", "version", "session_id", "trigger_id", "step", "message_id", "messages"),
            "moves",
        ),
        erasure=Erasure.DELETE,
        kept=_KEPT,
    ),
    Holding(
        "journey_message",
        holds="a reminder that was to be sent to her: what it showed, when, or why it was not; her"
        " address stands in her account alone",
        found=(("session_id", Scope.SESSION), ("run_id", Scope.JOURNEY_RUN)),
        shown=(
            *("journey", "channel", "state", "reason", "lines", "requested_at", "sent_at"),
            *("bounce", "bounced_at", "opened_at", "pressed_at"),
        ),
        hidden=(
            *("id", "run_id", "version", "session_id", "step", "taken_at", "not_before"),
            *("failure", "mark", "handed_at", "to_hash"),
        ),
        erasure=Erasure.DELETE,
        kept="with its run",
    ),
)
