"""A shopper buys what her phone's cart holds, pays at the test bank, and comes for it.

Owns what she decides and the order in which she asks; asks as the pages do, and
never waits without an end.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from cart.kernel.errors import Refused, Unavailable
from firmware_sim.phone import Phone

PAUSE_S: Final = 0.4
PAID_WAIT_S: Final = 30.0
DECISIONS_MAX: Final = 8  # a checkout whose problems come back as often is not going to be bought
CLOSED: Final = frozenset({"handed_over", "shipped", "cancelled", "uncollected"})
TAKES_SUBSTITUTE: Final = 0.7


@dataclass(frozen=True, slots=True)
class Bought:
    """A paid order, as its ticket shows it."""

    order_id: str
    ticket: str
    location_id: str


class Buyer:
    """One shopper with a phone. ``dice`` decides; ``choice`` is what happens at the bank."""

    def __init__(self, phone: Phone, dice: Random, *, choice: str = "pay", email: str = "") -> None:
        self._phone = phone
        self._dice = dice
        self._choice = choice
        self._email = email

    def buy(self) -> Bought | None:
        """Check out and pay; None when there is nothing to buy, or the bank refused.

        Raises:
            Refused: the checkout cannot be paid whatever she decides.
            Unavailable: the payment did not come through in time.
        """
        checkout = self._decided(self._phone.ask("POST", "/api/v1/checkouts", {}))
        if checkout is None:
            return None
        path = f"/api/v1/checkouts/{checkout['id']}"
        if self._email:
            checkout = self._phone.ask("POST", f"{path}/choices", {"email": self._email})
        total = checkout["totals"]["total"]["minor"]
        paying = self._phone.ask("POST", f"{path}/pay", {"total_minor": total})
        if paying.get("redirect_url"):
            self._at_the_bank(paying["redirect_url"])
        return self._paid(path)

    def _decided(self, checkout: dict[str, Any]) -> dict[str, Any] | None:
        """Work through the problems: take what is left, agree to the price, do without the rest."""
        for _ in range(DECISIONS_MAX):
            if not checkout["lines"]:
                return None
            if not checkout["problems"]:
                return checkout
            for problem in checkout["problems"]:
                self._decide(checkout["id"], problem)
            checkout = self._phone.ask("GET", f"/api/v1/checkouts/{checkout['id']}")
        msg = "the checkout's problems do not end"
        raise Refused(msg)

    def _decide(self, checkout_id: str, problem: dict[str, Any]) -> None:
        gtin, kind = problem["gtin"], problem["kind"]
        if kind == "price_changed":
            agreed = {"gtin": gtin, "price_minor": problem["now_minor"]}
            self._phone.ask("POST", f"/api/v1/checkouts/{checkout_id}/prices", agreed)
        elif gtin and kind == "insufficient" and problem["left"]:
            self._phone.set_quantity(gtin, problem["left"])
        elif gtin:
            self._phone.remove(gtin)

    def _at_the_bank(self, url: str) -> None:
        self._phone.page(url)
        onward = self._phone.fill_in(f"{url}/choose", {"choice": self._choice, "seconds": "2"})
        if onward.startswith("/sandbox/pay/"):
            self._phone.fill_in(f"{onward}/confirm", {"answer": "approve"})

    def _paid(self, path: str) -> Bought | None:
        deadline = time.monotonic() + PAID_WAIT_S
        while time.monotonic() < deadline:
            checkout = self._phone.ask("GET", path)
            if checkout["order_id"]:
                order = self.order(checkout["order_id"])
                return Bought(order["id"], order["ticket"], order["location_id"])
            if checkout["state"] == "open":
                return None
            time.sleep(PAUSE_S)
        msg = "the payment did not come through"
        raise Unavailable(msg)

    def order(self, order_id: str) -> dict[str, Any]:
        """Look at the ticket."""
        return self._phone.ask("GET", f"/api/v1/orders/{order_id}")

    def wait_until_ready(
        self, order_id: str, wait_s: float, stopping: Callable[[], bool] = lambda: False
    ) -> dict[str, Any]:
        """Go to the desk, say so, answer what is offered; return the order once it is ready.

        Returns it as it is too when it is closed (every piece was missing).

        Raises:
            Unavailable: it was not ready in time, or everybody is to stop.
        """
        order = self._phone.ask("POST", f"/api/v1/orders/{order_id}/here", {})
        deadline = time.monotonic() + wait_s
        while order["state"] != "ready" and order["state"] not in CLOSED:
            if time.monotonic() > deadline or stopping():
                msg = f"order {order_id} was not ready after {wait_s:.0f} s"
                raise Unavailable(msg)
            for offer in order["offers"]:
                self._answer(order_id, offer["id"])
            time.sleep(PAUSE_S)
            order = self.order(order_id)
        return order

    def _answer(self, order_id: str, offer_id: str) -> None:
        takes = self._dice.random() < TAKES_SUBSTITUTE
        path = f"/api/v1/orders/{order_id}/substitutions/{offer_id}"
        self._phone.ask("POST", path, {"accept": takes})
