"""What the tables of the timeline hold of people."""

from typing import Final

from cart.personal.model import Erasure, Holding, Scope

TIMELINE: Final = (
    Holding(
        "interaction",
        holds="what she did with the shop: scanned, tried, listed, bought, was sent, and when",
        found=(("session_id", Scope.SESSION),),
        shown=(
            *("kind", "at_us", "channel", "gtin", "sku", "quantity", "amount_minor", "currency"),
            "location_id",
        ),
        hidden=("id", "position", "session_id", "kept_at_us", "device_id", "ref"),
        erasure=Erasure.DELETE,
        kept="TIMELINE_KEEP_DAYS (13 months unless set otherwise); an anonymous one's goes with its"
        " session before",
    ),
    Holding(
        "interest_word",
        holds="what she said about interests that were derived for her: not hers, another size",
        found=(("session_id", Scope.SESSION),),
        shown=("facet", "value", "said", "size", "at"),
        hidden=("session_id",),
        erasure=Erasure.DELETE,
        kept="with its session: what she refused stays refused",
    ),
    Holding(
        "timeline_mark",
        plain=("name",),
        why="how far the timeline was read, by whom: names of sources and targets, of nobody",
    ),
)
