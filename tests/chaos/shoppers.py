"""Shoppers who buy from their phones while everything around them is killed.

Owns what they decide and what they were told. Each wish has one key and is repeated
under it until there is an answer, as the pages do. Some walk away at the bank.
"""

import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx2

from cart.kernel.errors import CarryoverError, Refused
from firmware_sim.asking import ask, fill_in
from tests.chaos.stage import LOCATION

ASKED_EVERY_S: Final = 0.3  # firmware_sim.asking waits as long between two tries
PAID_WAIT_S: Final = 45.0
PAUSE_S: Final = 0.2
TIMEOUT_S: Final = 15.0
WALKS_AWAY: Final = 0.3
JOIN_S: Final = 120.0
CHANGED: Final = "checkout_changed"


@dataclass(slots=True)
class Told:
    """What the shoppers were told: orders by checkout, and what went otherwise than it may."""

    orders: dict[str, str] = field(default_factory=dict)
    walked_away: int = 0
    wrong: list[str] = field(default_factory=list)


class Shopper:
    """One person with a phone, in a thread of her own."""

    def __init__(
        self, url: str, seed: str, goods: list[str], told: Told, *, patience_s: float
    ) -> None:
        self._tries_max = round(patience_s / ASKED_EVERY_S)
        self._http = httpx2.Client(base_url=url, timeout=TIMEOUT_S)
        self._dice = Random(seed)
        self._goods = goods
        self._told = told
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._shop, name="shopper", daemon=True)

    def start(self) -> None:
        """Put a first thing into the cart, which begins her session, and shop on."""
        self._ask("POST", "/api/v1/cart/lines", self._line())
        self._thread.start()

    def leave(self) -> None:
        """Let her finish what she has begun."""
        self._leaving.set()
        self._thread.join(JOIN_S)
        if self._thread.is_alive():
            self._told.wrong.append("a shopper waits for an answer")
        self._http.close()

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        return ask(self._http, method, path, body, tries_max=self._tries_max)

    def _line(self) -> dict[str, str]:
        return {"gtin": self._dice.choice(self._goods), "location_id": LOCATION}

    def _shop(self) -> None:
        while not self._leaving.is_set():
            try:
                self._buy()
                self._ask("POST", "/api/v1/cart/lines", self._line())
            except CarryoverError as error:
                self._told.wrong.append(f"{error.code}: {error.message} {error.data}")
                return
            self._leaving.wait(PAUSE_S)

    def _buy(self) -> None:
        checkout = self._ask("POST", "/api/v1/checkouts", {})
        path = f"/api/v1/checkouts/{checkout['id']}"
        checkout = self._decided(path, checkout)
        if not checkout["lines"]:
            return
        total = checkout["totals"]["total"]["minor"]
        try:
            paying = self._ask("POST", f"{path}/pay", {"total_minor": total})
        except Refused as refused:
            if refused.data.get("code") == CHANGED:
                return  # somebody else was faster: she looks again
            raise
        walks_away = self._dice.random() < WALKS_AWAY
        deadline = time.monotonic() + PAID_WAIT_S
        while time.monotonic() < deadline:
            checkout = self._ask("GET", path)
            if checkout["order_id"]:
                self._told.orders[checkout["id"]] = checkout["order_id"]
                return
            if checkout["state"] == "open":
                return
            if walks_away:
                self._told.walked_away += 1
                self._ask("POST", f"{path}/stop", {})
                walks_away = False
                continue
            if url := paying.get("redirect_url"):
                self._at_the_bank(url)
            else:  # killed while the page was being made: look again
                paying = self._ask("GET", path).get("payment") or {}
            time.sleep(PAUSE_S)
        self._ask("POST", f"{path}/stop", {})

    def _decided(self, path: str, checkout: dict[str, Any]) -> dict[str, Any]:
        """Take less where there is less, agree to a price, do without what is gone."""
        while checkout["problems"] and checkout["lines"]:
            for problem in checkout["problems"]:
                gtin = problem["gtin"]
                if problem["kind"] == "price_changed":
                    agreed = {"gtin": gtin, "price_minor": problem["now_minor"]}
                    self._ask("POST", f"{path}/prices", agreed)
                else:
                    self._ask("DELETE", f"/api/v1/cart/lines/{gtin}")
            checkout = self._ask("GET", path)
        return checkout

    def _at_the_bank(self, url: str) -> None:
        try:
            fill_in(self._http, f"{url}/choose", {"choice": "pay", "seconds": "0"})
        except (Refused, httpx2.TransportError):  # she sees it when she looks at her checkout
            return
