"""Checkouts that are opened at once: one transaction for many, as lines are added.

Does what ``POST /checkouts`` does alone; whatever is unusual (a repeated key, a checkout
that is open already, a cart without a place) is left to the way for one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi.responses import Response

from cart.db import unit_of_work
from cart.idempotency import service as keys
from cart.idempotency.service import Answered
from cart.orders import opening
from cart.orders.opening import Opening
from cart.orders.view import open_views
from mobile_api.checkouts.schemas import checkout_out
from mobile_api.checkouts.shown import shown
from mobile_api.edge.lane import Unusual
from mobile_api.edge.together import usual
from mobile_api.look.words import words
from mobile_api.wiring import Parts

CREATED = 201


@dataclass(frozen=True, slots=True)
class OpenWish:
    """One request to open a checkout. ``alone``: does and answers it by itself."""

    key: str
    request_hash: str
    token: str | None
    location_id: str | None
    locale: str
    alone: Callable[[], Response]


def open_together(parts: Parts, wishes: Sequence[OpenWish]) -> list[Response | Exception]:
    """Open all of them in one transaction; answer Unusual what is for the way for one.

    Raises:
        CarryoverError, SQLAlchemyError: nothing is opened; each is for the way for one.
    """
    bodies: dict[int, str] = {}
    with unit_of_work(parts.engine) as db:
        sessions = usual(db, parts, wishes)
        wanted = [
            Opening(
                session.cart_id,
                session.session_id,
                wishes[place].locale,
                wishes[place].location_id,
            )
            for place, session in sessions.items()
        ]
        rows = opening.open_many(db, parts.clock, parts.ids, parts.shop, wanted)
        opened = {place: row for place, row in zip(sessions, rows, strict=True) if row is not None}
        estimate = parts.pressure.estimates(db)
        views = open_views(db, parts.clock, parts.shop, list(opened.values()), estimate=estimate)
        now = parts.clock.now()
        for place, row in opened.items():
            w, view = words(wishes[place].locale), views[row.id]
            shipping_minor = view.terms.shipping_minor if view.terms else 0
            seen = shown(
                db, w, view, now=now, attempt=None, shipping_minor=shipping_minor, whole=False
            )
            bodies[place] = checkout_out(seen, w).model_dump_json()
        keys.keep(
            db,
            parts.clock,
            [
                Answered(
                    wishes[place].key,
                    wishes[place].request_hash,
                    CREATED,
                    body,
                    sessions[place].session_id,
                    "",
                )
                for place, body in bodies.items()
            ],
        )
    return [
        Response(bodies[place], CREATED, media_type="application/json")
        if place in bodies
        else Unusual("for the way for one")
        for place in range(len(wishes))
    ]
