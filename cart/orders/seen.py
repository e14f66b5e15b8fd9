"""What a shopper was shown before she paid, against what it has become. Pure rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cart.orders.model import Method
from cart.orders.slots import floor_quarter
from cart.orders.view import CheckoutView

# A page is as old as the time she takes to tap: a time said with "about" may be this much older.
PROMISE_SLACK: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Seen:
    """What she saw; None: her page did not say it, and it is not compared.

    ``rest_minor``: what a voucher left to pay. ``promise_at``: when it would be ready.
    """

    total_minor: int
    rest_minor: int | None = None
    promise_at: datetime | None = None

    def still_is(self, now: CheckoutView) -> bool:
        """Say whether she would pay the same, and have it no later than in that quarter hour."""
        totals = now.totals
        same = totals.total_minor == self.total_minor
        return same and self.rest_minor in {None, totals.rest_minor} and not self._is_later(now)

    def _is_later(self, now: CheckoutView) -> bool:
        if self.promise_at is None or now.promise is None or now.method is Method.SHIP:
            return False  # of a parcel no time is shown
        at = now.promise.at
        moved = at - self.promise_at > PROMISE_SLACK
        return moved and floor_quarter(at) > floor_quarter(self.promise_at)
