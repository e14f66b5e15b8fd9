"""What wishes that are done together have in common: fresh keys of phones that have a session."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from sqlmodel import Session

from cart.carts import queries
from cart.carts.queries import Opened
from cart.idempotency import service as keys
from cart.kernel.ids import secret_hash
from mobile_api.wiring import Parts


class Wished(Protocol):
    """A request under a key, and the phone's token; None: it has none."""

    @property
    def key(self) -> str:
        """Its Idempotency-Key."""
        ...

    @property
    def token(self) -> str | None:
        """What its cookie says."""
        ...


def usual(db: Session, parts: Parts, wishes: Sequence[Wished]) -> dict[int, Opened]:
    """Return the sessions of those wishes that can be done together, by their places.

    The others are for the way for one: a key that came before, comes twice or is being
    worked on; a phone without a session.
    """
    often = Counter(one.key for one in wishes)
    known = keys.known(db, often)
    hashes = {one.token: secret_hash(one.token) for one in wishes if one.token}
    opened = queries.opened_by(db, hashes.values(), parts.clock.now()) if hashes else {}
    found: dict[int, Opened] = {}
    for place, one in enumerate(wishes):
        session = opened.get(hashes[one.token]) if one.token else None
        busy = one.key in known or often[one.key] > 1 or parts.in_progress.any_of({one.key})
        if session is not None and not busy:
            found[place] = session
    return found
