"""The desks of the demo: staff who pick, and shoppers who buy on the way out and come for it.

Owns the people behind the desks and those in front of them, and the count of
what became of their orders. Sets the shops up as an operator does: by command
lines.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from cart.kernel.errors import CarryoverError, Unavailable
from firmware_sim.buying import Buyer
from firmware_sim.phone import Phone
from firmware_sim.picker import Picker
from firmware_sim.shop import Shop

_LOG = logging.getLogger(__name__)

NUMBER: Final = "101"
VIEWER_NUMBER: Final = "900"  # whoever watches may sign in as a lead at the desk on show
BUYS: Final = 0.85
BANK: Final = ("pay", "pay", "pay", "confirm", "delay", "twice", "refuse")
EMPTY_BAY: Final = 0.08
BETWEEN_PIECES_S: Final = (0.6, 1.6)
BETWEEN_ROUNDS_S: Final = (1.0, 2.5)
BETWEEN_WALK_INS_S: Final = (8.0, 18.0)
LINES_MAX: Final = 3
READY_WAIT_S: Final = 180.0
BUYERS_MAX: Final = 12  # at once; more would be a crowd, not a demo
TAX_BP: Final = 2_300
ORDERS_PER_QUARTER: Final = 40


@dataclass(slots=True)
class OrderTally:
    """What became of the orders."""

    paid: int = 0
    refused: int = 0
    ready: int = 0
    handed_over: int = 0
    missed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str) -> None:
        """Count one up, from any thread."""
        with self.lock:
            setattr(self, name, getattr(self, name) + 1)


class Desks:
    """All desks of the demo. ``open``, let shoppers ``buy``, then ``close``."""

    def __init__(self, shop: Shop, seed: int, stopping: threading.Event) -> None:
        self._shop = shop
        self._seed = seed
        self._stopping = stopping
        self._pickers: dict[str, Picker] = {}
        self._at_work: list[threading.Thread] = []
        self._buyers: list[threading.Thread] = []
        self.tally = OrderTally()
        self.viewer_pin = ""

    def _dice(self, name: str) -> Random:
        return Random(f"{name} {self._seed}")  # noqa: S311 - repeatable on purpose

    def set_up(self, locations: Sequence[str]) -> None:
        """Set terms and hire staff: one to pick at each location, a lead for whoever watches.

        Raises:
            Unavailable: a command line refused.
        """
        for location in locations:
            self._command(
                "terms", "set", location, "--tax-bp", str(TAX_BP), "--lead-minutes", "2",
                "--orders-per-quarter", str(ORDERS_PER_QUARTER),
            )  # fmt: skip
            pin = self._shop.hire(location, "Noa", NUMBER)
            self._pickers[location] = Picker(
                self._shop.url, location, NUMBER, pin, self._dice(f"picker {location}")
            )
        self.viewer_pin = self._shop.hire(
            locations[0], "You", VIEWER_NUMBER, "--lead", "--operator"
        )

    def _command(self, *arguments: str) -> str:
        return self._shop.command("mobile_api.cli", *arguments)

    def open(self, goods: Sequence[str], location: str) -> None:
        """Let the staff begin, and people in who scan ``goods`` with their own phones."""
        walk_ins = threading.Thread(
            target=self._walk_ins, args=(goods, location), name="walk-ins", daemon=True
        )
        walk_ins.start()
        self._at_work.append(walk_ins)
        for place in self._pickers:
            thread = threading.Thread(
                target=self._pick, args=(place,), name=f"picker {place}", daemon=True
            )
            thread.start()
            self._at_work.append(thread)

    def _pick(self, location: str) -> None:
        picker, dice = self._pickers[location], self._dice(f"floor {location}")
        while not self._stopping.wait(dice.uniform(*BETWEEN_ROUNDS_S)):
            try:
                staged = picker.work(
                    missing=lambda _sku: dice.random() < EMPTY_BAY,
                    pause=lambda: self._stopping.wait(dice.uniform(*BETWEEN_PIECES_S)),
                )
            except CarryoverError as error:
                self.tally.count("missed")
                _LOG.info("a walk at %s ended early: %s", location, error.message)
                continue
            for _ in staged:
                self.tally.count("ready")

    def _walk_ins(self, goods: Sequence[str], location: str) -> None:
        """Bring now and then somebody to ``location`` who scans with her own phone."""
        dice = self._dice("walk-ins")
        while not self._stopping.wait(dice.uniform(*BETWEEN_WALK_INS_S)):
            phone = Phone(self._shop.url)
            try:
                for gtin in dice.sample(goods, dice.randint(1, LINES_MAX)):
                    line = {"gtin": gtin, "location_id": location}
                    phone.ask("POST", "/api/v1/cart/lines", line)
            except CarryoverError as error:
                self.tally.count("missed")
                _LOG.info("a phone did not scan: %s", error.message)
                phone.close()
                continue
            if not self._let_buy(phone, dice):
                phone.close()

    def buy(self, phone: Phone, dice: Random) -> bool:
        """Let whoever holds the phone buy on her way out; False: she does not, and hangs up."""
        if not phone.lines() or dice.random() > BUYS:
            return False
        return self._let_buy(phone, dice)

    def _let_buy(self, phone: Phone, dice: Random) -> bool:
        self._buyers = [one for one in self._buyers if one.is_alive()]
        if self._stopping.is_set() or len(self._buyers) >= BUYERS_MAX:
            return False
        buyer = Buyer(phone, dice, choice=dice.choice(BANK), email="shopper@example.com")
        thread = threading.Thread(target=self._buy, args=(phone, buyer), name="buyer", daemon=True)
        thread.start()
        self._buyers.append(thread)
        return True

    def _buy(self, phone: Phone, buyer: Buyer) -> None:
        try:
            bought = buyer.buy()
            if bought is None:
                self.tally.count("refused")
                return
            self.tally.count("paid")
            order = buyer.wait_until_ready(bought.order_id, READY_WAIT_S, self._stopping.is_set)
            if order["handover"] is not None:
                picker = self._pickers[bought.location_id]
                picker.hand_over(bought.order_id, order["handover"]["code"])
                self.tally.count("handed_over")
        except CarryoverError as error:
            if not self._stopping.is_set():
                self.tally.count("missed")
                _LOG.info("a purchase did not come about: %s", error.message)
        finally:
            phone.close()

    def differences(self) -> int:
        """Return the exit status of the operator's recount of money, promises and stock."""
        try:
            self._command("orders", "reconcile")
            self._shop.command("inventory_api.cli", "reconcile")
        except Unavailable as error:
            _LOG.warning("%s", error.message)
            return 1
        return 0

    def close(self, wait_s: float) -> None:
        """Send everybody home."""
        deadline = time.monotonic() + wait_s
        for thread in (*self._at_work, *self._buyers):
            thread.join(max(0.0, deadline - time.monotonic()))
        for picker in self._pickers.values():
            picker.close()
