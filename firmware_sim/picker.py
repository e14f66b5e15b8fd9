"""Somebody of the staff with a scanner: claims, walks, proves by scan, stages, hands over.

Owns what she does next; asks the API as the staff pages do. What is on a shelf
is ``missing``'s to say, so that a play can have empty bays.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import httpx2

from cart.kernel.errors import Refused
from firmware_sim.asking import ask, fill_in, trust

TIMEOUT_S: Final = 10.0
TASKS_PER_WALK: Final = 2
OFFERS_SUBSTITUTE: Final = 0.7
SHELVES: Final = 12


class Picker:
    """One of the staff, signed in at her location. Close it."""

    def __init__(self, url: str, location_id: str, number: str, pin: str, dice: Random) -> None:
        self._http = httpx2.Client(base_url=url, timeout=TIMEOUT_S, verify=trust())
        self._dice = dice
        fields = {"location_id": location_id, "number": number, "pin": pin}
        fill_in(self._http, "/staff", fields)

    def close(self) -> None:
        """Go home."""
        self._http.close()

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask the API of staff; ``path`` is under /api/v1/staff."""
        return ask(self._http, method, f"/api/v1/staff{path}", body)

    def work(
        self,
        *,
        missing: Callable[[str], bool] = lambda _: False,
        pause: Callable[[], bool] = lambda: False,
    ) -> list[str]:
        """Take what waits and pick it; return the orders that were staged.

        ``missing``: whether the bay of a SKU is empty. ``pause``: called between
        two pieces; True ends the walk where it is.
        """
        queue = self.ask("GET", "/queue")
        waiting = [task["task_id"] for task in queue["waiting"]][:TASKS_PER_WALK]
        walk = self.ask("GET", "/walk")
        if not walk["totes"]:
            if not waiting:
                return []
            try:
                walk = self.ask("POST", "/walk", {"tasks": waiting})
            except Refused:
                return []  # a colleague was quicker
        for step in walk["steps"]:
            if not self._fetch(step, missing, pause):
                return []
        return self._stage()

    def _fetch(
        self, step: dict[str, Any], missing: Callable[[str], bool], pause: Callable[[], bool]
    ) -> bool:
        """Fetch a line's open pieces; False when the walk is to end."""
        if step["open"] and missing(step["sku"]):
            self._short(step)
            return not pause()
        for _ in range(step["open"]):
            if pause():
                return False
            wanted = {"line_id": step["line_id"], "code": step["gtin"]}
            self.ask("POST", "/walk/picks", wanted)
        return True

    def _short(self, step: dict[str, Any]) -> None:
        found = self.ask("GET", f"/walk/lines/{step['line_id']}/candidates")["candidates"]
        offers = bool(found) and self._dice.random() < OFFERS_SUBSTITUTE
        wanted = {
            "line_id": step["line_id"],
            "quantity": step["open"],
            "reason": "not_found",
            "offer": self._dice.choice(found)["gtin"] if offers else None,
        }
        try:
            self.ask("POST", "/walk/shorts", wanted)
        except Refused:
            # What was to be offered is gone as well: say that there is none.
            self.ask("POST", "/walk/shorts", {**wanted, "offer": None})

    def _stage(self) -> list[str]:
        staged = []
        for tote in self.ask("GET", "/walk")["totes"]:
            if tote["open"] or tote["waits"]:
                continue  # the shopper has not answered yet; the next round looks again
            shelf = f"{self._dice.choice('ABC')}{self._dice.randint(1, SHELVES)}"
            try:
                self.ask("POST", "/walk/stages", {"task_id": tote["task_id"], "shelf": shelf})
            except Refused:
                continue
            staged.append(str(tote["order_id"]))
        return staged

    def hand_over(self, order_id: str, proof: str) -> dict[str, Any]:
        """Give an order out for the shopper's code; raises Refused as the desk would."""
        return self.ask("POST", f"/orders/{order_id}/handover", {"proof": proof})
