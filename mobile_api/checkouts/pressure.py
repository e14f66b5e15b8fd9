"""How busy each desk is, asked once a second: the sum over a queue is the same for all who pay."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlmodel import Session

from cart.kernel.clock import Clock
from cart.orders.facts import Estimate
from cart.orders.model import Method
from cart.orders.tables import CheckoutRow
from cart.picking import desk
from cart.picking.desk import Pressure

KEPT_S: Final = 1.0  # an estimate in minutes; a person picks no piece faster
LOCATIONS_MAX: Final = 1_000  # then it is asked anew for all


@dataclass(slots=True)
class DeskPressure:
    """What :func:`cart.picking.desk.pressure` said of late, by location."""

    clock: Clock
    _known: dict[str, tuple[float, Pressure]] = field(default_factory=dict)

    def at(self, db: Session, location_id: str) -> Pressure:
        """Return how busy a desk is, or was within the last second."""
        now_s = self.clock.monotonic()
        known = self._known.get(location_id)
        if known is not None and now_s - known[0] < KEPT_S:
            return known[1]
        found = desk.pressure(db, self.clock.now(), location_id)
        if len(self._known) >= LOCATIONS_MAX:
            self._known.clear()
        self._known[location_id] = (now_s, found)
        return found

    def estimates(self, db: Session) -> Estimate:
        """Return what says how long a desk would need for a checkout; nothing where it is sent."""

        def estimate(checkout: CheckoutRow, pieces: int) -> timedelta | None:
            if checkout.method != Method.COLLECT:
                return None
            return self.at(db, checkout.location_id).estimate(pieces)

        return estimate
