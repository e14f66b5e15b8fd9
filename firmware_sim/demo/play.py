"""Plays the shop: joins tablets, shoppers, phones and the till, and counts at the end."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from cart.kernel.errors import CarryoverError
from cart.kernel.gtin import Gtin
from firmware_sim.demo.account import Account, Numbered, stored_of
from firmware_sim.demo.desk import VIEWER_NUMBER, Desks
from firmware_sim.demo.floor import BandedShoppers
from firmware_sim.demo.glass import GlassOnShow
from firmware_sim.demo.stage import OnShow, Stage
from firmware_sim.demo.till import Till
from firmware_sim.goods.assortment import Product
from firmware_sim.phone import Phone
from firmware_sim.shop import Shop
from firmware_sim.shoppers import Manner, Shopper
from firmware_sim.tablet import Conditions, SimTablet
from firmware_sim.timing import Moments
from firmware_sim.visiting import Tally, Visiting

TABLETS: Final = (
    ("harbour-street", "Tablet by the lamps"),
    ("mill-lane", "Tablet by the shoes"),
    ("old-station", "Tablet by the mugs"),
)
IDLE_AFTER_S: Final = 30  # a tablet that was left lying is shown to clear itself, soon enough
FRAMES_PER_S: Final = (5.0, 3.0, 3.0)  # the one on show reads at once, the others spare the core
BETWEEN_VISITS_S: Final = (2.0, 5.0)
ONLINE_S: Final = 45.0
DRAIN_S: Final = 12.0
JOIN_S: Final = 25.0
PAUSE_S: Final = 0.1
LIST_MAIL: Final = b"Message-ID: <list-"  # receipts and other letters are not lists
HEAD_BYTES: Final = 4_096
ON_SHOW: Final = Manner(takes_it_along=0.5)  # nobody but a browser may take its lists
OTHERS: Final = Manner(takes_it_along=1.0)


class Play:
    """The devices and people of one demo. ``start``, then ``end`` for the account."""

    def __init__(
        self, shop: Shop, products: Sequence[Product], seed: int, stopping: threading.Event
    ) -> None:
        self._shop = shop
        self._seed = seed
        self._stopping = stopping
        self._goods = [v.gtin for product in products for v in product.variants]
        self._skus = {
            str(Gtin.parse(v.gtin)): v.sku for product in products for v in product.variants
        }
        self._moments = Moments()
        self._tally = Tally()
        self._latencies_ms: list[float] = []
        self._tablets: list[SimTablet] = []
        self._people: list[threading.Thread] = []
        self._stage: Stage | None = None
        self._till = Till(shop, self._dice("till"), self._wanted, stopping)
        self._wanting = self._dice("wanted")
        self._desks = Desks(shop, seed, stopping)
        self._banded = BandedShoppers(shop, TABLETS[0][0], seed, stopping)
        self._glass = GlassOnShow(shop, TABLETS[0][0], products, stopping)

    def _dice(self, name: str) -> Random:
        return Random(f"{name} {self._seed}")  # noqa: S311 - repeatable on purpose

    @property
    def mirror_url(self) -> str:
        """The mirror's page; empty before it is started."""
        return self._glass.url

    def prepare(self) -> None:
        """Begin what takes a while and needs no shop yet."""
        self._glass.draw()

    def start(self, folder: Path) -> None:
        """Enrol and switch on the tablets; return when they are online and know the goods.

        Raises:
            Unavailable: one is not in time.
        """
        for number, (location, name) in enumerate(TABLETS):
            conditions = Conditions(
                idle_after_s=IDLE_AFTER_S,
                frames_per_s=FRAMES_PER_S[number],
                framed_by=self._shop.url.rstrip("/"),
            )
            tablet = SimTablet.enrol(
                folder / f"tablet-{number + 1}",
                self._shop.url,
                self._shop.token(location, name),
                seed=str(self._seed),
                conditions=conditions,
                moments=self._moments,
            )
            self._tablets.append(tablet)
            tablet.start()
        for tablet in self._tablets:
            tablet.wait_ready(ONLINE_S)
        self._desks.set_up([location for location, _ in TABLETS])
        self._banded.start(folder, number=VIEWER_NUMBER, pin=self._desks.viewer_pin)
        self._glass.start(folder / "mirror")
        first, *others = self._tablets
        show = OnShow(
            TABLETS[0][1],
            first.location_id,
            first.url,
            others=tuple(
                (name, one.url) for (_, name), one in zip(TABLETS[1:], others, strict=True)
            ),
            staff=(VIEWER_NUMBER, self._desks.viewer_pin),
            mirror=self._glass.url,
        )
        self._stage = Stage(self._shop.data_dir, show)

    def open(self) -> None:
        """Let the people in."""
        for number in range(len(self._tablets)):
            thread = threading.Thread(
                target=self._shoppers, args=(number,), name=f"shopper-{number + 1}", daemon=True
            )
            thread.start()
            self._people.append(thread)
        if self._stage is not None:
            self._glass.open(self._stage.mirror_link)
        self._till.start()
        self._desks.open(self._goods, TABLETS[0][0])

    def end(self) -> Account:
        """Let everybody out, wait until all they did has arrived, and count."""
        self._stopping.set()
        for person in self._people:
            person.join(JOIN_S)
        self._till.join(JOIN_S)
        self._desks.close(JOIN_S)
        self._drain()
        numbered = [
            Numbered(t.device_id, t.spool.id, t.spool.sequence, t.spool.dropped)
            for t in self._tablets
        ]
        numbered += self._glass.numbered
        return Account(
            visits=self._tally.visits,
            scans=self._tally.scans,
            lines=self._tally.lines,
            claims=self._tally.claims,
            lists_asked=self._tally.mails_asked,
            lists_sent=self._mails(),
            movements=self._till.movements,
            missed=self._tally.missed + self._desks.tally.missed,
            orders_paid=self._desks.tally.paid,
            orders_ready=self._desks.tally.ready,
            orders_handed_over=self._desks.tally.handed_over,
            payments_refused=self._desks.tally.refused,
            differences=self._desks.differences(),
            dead_letters=len(self._shop.dead_letters()),
            numbered=sum(one.sequence - one.dropped for one in numbered),
            stored=stored_of(numbered, self._shop.streams()),
            latencies_ms=tuple(self._latencies_ms),
        )

    def close(self) -> None:
        """Switch everything off."""
        self._stopping.set()
        if self._stage is not None:
            self._stage.clear()
        self._banded.close()
        self._glass.close()
        for tablet in self._tablets:
            tablet.close()

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline:
            waiting = self._glass.waiting + sum(len(tablet.spool) for tablet in self._tablets)
            if not waiting and self._mails() >= self._tally.mails_asked:
                return
            time.sleep(PAUSE_S)

    def _mails(self) -> int:
        letters = (self._shop.data_dir / "mail").glob("*.eml")
        return sum(LIST_MAIL in letter.read_bytes()[:HEAD_BYTES] for letter in letters)

    def _wanted(self) -> tuple[str, str]:
        """Return what the till moves next: as a rule what the tablet on show shows."""
        tablet = self._tablets[0]
        try:
            shown = tablet.screen.look().shown
        except CarryoverError:
            shown = ""
        sku = self._skus.get(shown)
        return tablet.location_id, sku or self._wanting.choice(sorted(self._skus.values()))

    def _shoppers(self, number: int) -> None:
        tablet, dice = self._tablets[number], self._dice(f"shopper {number}")
        stage = self._stage if number == 0 else None
        visiting = Visiting(
            tablet,
            dice,
            self._tally,
            claim=self._nobody if stage else self._claim,
            stopping=self._stopping,
            shown=stage.link if stage else _unseen,
            keep=lambda phone: self._desks.buy(phone, dice),
        )
        shopper = Shopper(dice, ON_SHOW if stage else OTHERS)
        while True:
            visiting.visit(shopper.script(self._goods))
            if self._stopping.wait(dice.uniform(*BETWEEN_VISITS_S)):
                return

    def _claim(self, link: str) -> Phone | None:
        phone = Phone(self._shop.url, self._moments, timed=self._latencies_ms)
        phone.claim(link)
        phone.listen()
        return phone

    def _nobody(self, _link: str) -> Phone | None:
        return None


def _unseen(_link: str | None) -> None:
    """Nobody looks at this tablet."""
