"""Carts on the devices that hold them: read together, each once however often it changed.

One thread with what is to be shown next. Whoever stores events never waits for it, and
two showings of one cart never overtake each other. What is shown is read when its turn
comes, so a cart that changes again while it waits is shown once, as it is then.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from cart.carts import queries as carts
from cart.carts.queries import CartView
from cart.db import glancing, reading
from cart.kernel.clock import from_us
from cart.kernel.gtin import Gtin
from cart.ports import Sellable
from gateway.binding import queries as bindings
from gateway.binding.queries import Bound
from gateway.cameras import MIRROR, refusing, switch
from gateway.ingest.batch import Domain
from gateway.ingest.sequences import positions
from gateway.plans.telling import next_stops
from gateway.registry.queries import devices_by_id
from gateway.wire.downlink import (
    CartData,
    NextStop,
    ShowCart,
    ShownLine,
    ShowStop,
    StopData,
    SwitchCamera,
)
from gateway.wire.topics import DeviceAddress

logger = logging.getLogger(__name__)
# Read and sent in one go: the fixed part of the reading costs as much as some twenty carts.
TOGETHER_MAX: Final = 100
# One round begins this long after the one before at the soonest: what comes meanwhile goes
# together, and a device that shows its own scan already does not need to be told at once.
ROUND_S: Final = 0.05
# Far more than devices that one gateway serves; a hung database must not fill the memory.
WAITING_MAX: Final = 20_000
AGAIN_S: Final = 1.0  # a database that is away is asked again this often
# A cart that only its own device changes and shows: the device has its scans on the glass before
# they are sent, and needs ours for what only we know (a name, another price).
OWN_S: Final = 3.0
STOP_WAIT_S: Final = 5.0
LINES_KEPT: Final = 4_096

NOBODY: Final[Mapping[str, str]] = MappingProxyType({})

Shown = ShowCart | ShowStop | SwitchCamera
Send = Callable[[DeviceAddress, Shown], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is known of a cart that is to be shown.

    ``ours_only``: every gateway has heard of the change and tells the devices that it holds.
    ``author``: the one device whose events are all of the change. ``whatever``: nobody here knows
    what the device was told before: that its shopper has no plan is said, too.
    """

    ours_only: bool = False
    author: str = ""
    whatever: bool = False

    def beside(self, other: "Wish") -> "Wish":
        """Return what holds for both changes."""
        return Wish(
            self.ours_only and other.ours_only,
            self.author if self.author == other.author else "",
            self.whatever or other.whatever,
        )


class Showing:
    """Shows carts from :meth:`start` to :meth:`stop`; ``send`` is called in its thread."""

    def __init__(
        self,
        engine: Engine,
        domain: Domain,
        send: Send,
        *,
        holds: Callable[[str], bool] = lambda _: True,
        waiting_max: int = WAITING_MAX,
        own_s: float = OWN_S,
    ) -> None:
        """``holds``: whether the devices of a partition are ours to tell what others changed.

        ``waiting_max``: carts that may wait; of more the oldest are not shown. ``own_s``: how
        long one waits that is changed and shown by one device only.
        """
        self._engine = engine
        self._domain = domain
        self._send = send
        self._holds = holds
        self._waiting_max = waiting_max
        self._own_s = own_s
        self._waiting: dict[str, Wish] = {}  # by cart id; who waits longest first
        # By cart id, the only device that changes and shows it, and the moment (monotonic) at
        # which the cart joins those that wait; the earliest first.
        self._own: dict[str, tuple[str, float]] = {}
        # By device the visit in which it was told of a stop: of its end it is told then, too.
        self._told: dict[str, str] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._next_round_s = 0.0
        self._thread = threading.Thread(target=self._run, name="showing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Show what waits, and end; for at most STOP_WAIT_S."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def soon(
        self,
        cart_ids: Iterable[str],
        *,
        ours_only: bool = False,
        authors: Mapping[str, str] = NOBODY,
        whatever: bool = False,
    ) -> None:
        """Show these carts wherever a device holds them. From any thread; never waits.

        ``ours_only``: every gateway has heard of the change and tells the devices that it holds.
        ``authors``: by cart id, the device whose events are all of the change. ``whatever``: nobody
        here knows what these devices were told before.
        """
        with self._changed:
            for cart_id in cart_ids:
                wish = Wish(ours_only, authors.get(cart_id, ""), whatever)
                keeper, _ = self._own.get(cart_id, ("", 0.0))
                if not wish.author or wish.author != keeper:
                    self._put(cart_id, wish)
            over = len(self._waiting) - self._waiting_max
            if over > 0:
                logger.error("%d carts wait to be shown, the oldest are not", len(self._waiting))
                for cart_id in list(self._waiting)[:over]:
                    del self._waiting[cart_id]
            if self._waiting:
                self._changed.notify()

    def _put(self, cart_id: str, wish: Wish) -> None:
        before = self._waiting.get(cart_id)
        self._waiting[cart_id] = wish if before is None else before.beside(wish)

    def _run(self) -> None:
        while due := self._next():
            try:
                self.show(due)
            except SQLAlchemyError as error:
                logger.warning("carts will be shown in %.0f s: %s", AGAIN_S, error)
                self._wait_and_put_back(due)
            except Exception:  # one that cannot be shown must not silence the rest
                logger.exception("%d carts are not shown", len(due))

    def _next(self) -> dict[str, Wish]:
        """Wait for carts and take them; nothing when it is over."""
        with self._changed:
            while not (self._ripened() or self._stopping):
                first = next(iter(self._own.values()), None)
                self._changed.wait(None if first is None else first[1] - time.monotonic())
            self._rest(self._next_round_s - time.monotonic())
            self._next_round_s = time.monotonic() + ROUND_S
            self._ripened()
            due = {one: self._waiting.pop(one) for one in list(self._waiting)[:TOGETHER_MAX]}
            for cart_id, wish in due.items():
                if not wish.author:  # is shown now, whatever it was kept for
                    self._own.pop(cart_id, None)
            return due

    def _ripened(self) -> bool:
        """Let those wait whose own device has had its time; return whether any wait."""
        now_s = time.monotonic()
        while self._own:
            cart_id, (_, at_s) = next(iter(self._own.items()))
            if at_s > now_s and not self._stopping:
                break
            del self._own[cart_id]
            self._put(cart_id, Wish())
        return bool(self._waiting)

    def _rest(self, wait_s: float) -> None:
        """Let go of the lock for this long, less when it is over."""
        if wait_s > 0:
            self._changed.wait_for(lambda: self._stopping, wait_s)

    def _wait_and_put_back(self, due: Mapping[str, Wish]) -> None:
        with self._changed:
            self._rest(AGAIN_S)
            if not self._stopping:
                later, self._waiting = self._waiting, dict(due)
                for cart_id, wish in later.items():
                    self._put(cart_id, wish)

    def show(self, wishes: Mapping[str, Wish]) -> None:
        """Send these carts to the devices that hold them now: most carts are on a phone only.

        One that only its author holds is kept for later, with what it changes until then.
        """
        holders: dict[str, set[str]] = {}
        with glancing(self._engine) as db:
            for bound in bindings.live_of_carts(db, wishes):
                holders.setdefault(bound.cart_id, set()).add(bound.device_id)
        own = {one for one, devices in holders.items() if devices == {wishes[one].author}}
        self._keep({one: wishes[one].author for one in own})
        others = {one: wishes[one] for one in holders if one not in own}
        if not others:
            return
        with reading(self._engine) as db:
            shown = self._read(db, others)
        for address, command in shown:
            self._send(address, command)

    def _keep(self, authors: Mapping[str, str]) -> None:
        """Let the carts of these devices wait for more; no more of them than may wait at all."""
        at_s = time.monotonic() + self._own_s
        with self._changed:
            for cart_id, author in authors.items():
                self._own.setdefault(cart_id, (author, at_s))
            while len(self._own) > self._waiting_max:
                cart_id = next(iter(self._own))
                del self._own[cart_id]
                self._put(cart_id, Wish())

    def _read(self, db: Session, wishes: Mapping[str, Wish]) -> list[tuple[DeviceAddress, Shown]]:
        held = bindings.live_of_carts(db, wishes)
        devices = devices_by_id(db, {bound.device_id for bound in held})
        held = [
            bound
            for bound in held
            if not wishes[bound.cart_id].ours_only
            or self._holds(devices[bound.device_id].address.partition)
        ]
        marks = positions(db, devices)
        views = carts.views(db, {bound.cart_id for bound in held})
        lines = {view.id: self._lines(view, known) for view, known in self._known(db, views)}
        addresses = {bound.device_id: devices[bound.device_id].address for bound in held}
        mirrors = [one for one in held if devices[one.device_id].kind == MIRROR]
        off = refusing(db, mirrors)
        shown: list[tuple[DeviceAddress, Shown]] = [  # first: a recording is to be broken off
            (addresses[one.device_id], switch(self._domain, one, off=one.session_id in off))
            for one in mirrors
        ]
        shown += [
            (
                addresses[bound.device_id],
                self._command(bound, views[bound.cart_id], lines[bound.cart_id], marks),
            )
            for bound in held
        ]
        stops = next_stops(
            db,
            self._domain.clock,
            self._domain.lookup,
            {one.device_id: (one.session_id, addresses[one.device_id].location_id) for one in held},
        )
        for bound in held:
            stop = stops.get(bound.device_id)
            told = self._told.pop(bound.device_id, "") == bound.visit
            if stop is not None:
                self._told[bound.device_id] = bound.visit
            if stop is not None or told or wishes[bound.cart_id].whatever:
                shown.append((addresses[bound.device_id], self._stop_command(bound, stop)))
        while len(self._told) > self._waiting_max:
            del self._told[next(iter(self._told))]
        return shown

    def _stop_command(self, bound: Bound, stop: NextStop | None) -> ShowStop:
        return ShowStop(
            id=self._domain.ids.new("cmd"),
            time=self._domain.clock.now(),
            data=StopData(visit=bound.visit, stop=stop),
        )

    def _known(
        self, db: Session, views: dict[str, CartView]
    ) -> Iterable[tuple[CartView, dict[Gtin, Sellable]]]:
        by_currency: dict[str, list[CartView]] = {}
        for view in views.values():
            by_currency.setdefault(view.currency, []).append(view)
        for currency, those in by_currency.items():
            gtins = {line.gtin for view in those for line in view.lines}
            known = dict(self._domain.lookup(db, gtins, currency=currency))
            for view in those:
                yield view, known

    @staticmethod
    def _lines(view: CartView, known: dict[Gtin, Sellable]) -> tuple[ShownLine, ...]:
        return tuple(
            _line(
                line.gtin,
                line.quantity,
                known[line.gtin].name if line.gtin in known else line.sku,
                line.price_minor or 0,
                line.currency,
            )
            for line in view.lines
        )

    def _command(
        self,
        bound: Bound,
        view: CartView,
        lines: tuple[ShownLine, ...],
        marks: dict[str, tuple[str, int]],
    ) -> ShowCart:
        spool, mark = marks.get(bound.device_id, (None, 0))
        return ShowCart(
            id=self._domain.ids.new("cmd"),
            time=self._domain.clock.now(),
            data=CartData(
                visit=bound.visit,
                version=view.version,
                spool=spool,
                stored_through=mark,
                latest_at=from_us(view.latest_at_us) if view.latest_at_us else None,
                lines=lines,
            ),
        )


@lru_cache(maxsize=LINES_KEPT)
def _line(gtin: Gtin, quantity: int, name: str, price_minor: int, currency: str) -> ShownLine:
    """Return a line; most of a cart is as it was when it was last shown."""
    return ShownLine(
        gtin=gtin, quantity=quantity, name=name, price_minor=price_minor, currency=currency
    )
