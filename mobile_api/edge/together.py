"""What wishes that are done together have in common: fresh keys of phones that have a session."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from sqlmodel import Session

from cart.carts import queries
from cart.carts.queries import Opened
from cart.db.rows import run_together
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
    hashes = {one.token: secret_hash(one.token) for one in wishes if one.token}
    known_keys, sessions = run_together(
        db,
        keys.known_ask(often),
        queries.opened_ask(db, hashes.values(), parts.clock.now(), locked=False),
    )
    known = {row[0] for row in known_keys}
    opened = queries.opened(sessions)
    found: dict[int, Opened] = {}
    for place, one in enumerate(wishes):
        session = opened.get(hashes[one.token]) if one.token else None
        busy = (
            secret_hash(one.key) in known
            or often[one.key] > 1
            or parts.in_progress.any_of({one.key})
        )
        if session is not None and not busy:
            found[place] = session
    return found
