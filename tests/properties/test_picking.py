"""From checkout to return: pieces and money are conserved, and nothing leaves twice.

A state machine over checkouts, payments that succeed, fail, end and come late, claims, scans,
shorts, offers, staging, handover, returns, refunds and time. Refused steps change nothing.
At the end every order is driven to its end. The bank has books of its own, in here: what it
took less what it gave back is the worth of what was handed over and of what is still open.
"""

from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, TextClause, text
from sqlmodel import Session

from cart.db import is_sqlite
from cart.kernel.errors import CarryoverError, CodeRefused
from cart.kernel.gtin import Gtin
from cart.orders import goods, paying, refunding
from cart.orders.model import ORDER_OPEN, AttemptState
from cart.orders.sums import differences
from cart.picking import picking, queries, substitution, tasks, uncollected, walks
from cart.picking.model import ShortReason, Staff
from cart.picking.queries import WalkLine
from cart.picking.roles import Role
from inventory_api.stock import recount
from tests.cart.buying import HERE, LAMP, MUG, SHOP, Buyer, tender_minor
from tests.cart.floor import BLUE, GREEN, Floor
from tests.fakes.clock import FakeClock

GTINS = st.sampled_from([LAMP, MUG, BLUE, GREEN])
OUTCOMES = st.sampled_from(["captured", "captured", "captured", "failed", "cancelled"])
ENDS = st.sampled_from([AttemptState.CANCELLED, AttemptState.EXPIRED])
REFUNDS_AT_ONCE = 100
LOOKED_AT_MAX = 4  # orders of a day that every step looks at; the sums look at all
SNAPSHOTS = (
    "SELECT id, state, version, shelf, wrong_codes FROM placed_order ORDER BY id",
    "SELECT id, picked, cancelled, handed_over, returned FROM order_line ORDER BY id",
    "SELECT id, picked, short FROM pick_line ORDER BY id",
    "SELECT id, state, claimed_by FROM pick_task ORDER BY id",
    "SELECT id, state FROM substitution ORDER BY id",
    "SELECT location_id, sku, on_hand, reserved, allocated FROM stock ORDER BY location_id, sku",
    "SELECT count(*) FROM movement",
    "SELECT count(*), sum(amount_minor) FROM refund",
    "SELECT id, state FROM pay_attempt ORDER BY id",
)
# What the shelf of each order is worth, by its own lines; and what the bank still owes.
KEPT = text(
    "SELECT order_id, SUM(price_minor * (handed_over - returned)) AS minor"
    " FROM order_line GROUP BY order_id"
)
OPEN = text(
    "SELECT order_id, SUM(price_minor * (quantity - cancelled - handed_over)) AS minor"
    " FROM order_line GROUP BY order_id"
)
DUE = text("SELECT NULL AS order_id, SUM(amount_minor) AS minor FROM refund WHERE state = 'due'")
WALKED = (
    "SELECT sku, sum(picked) FROM pick_line GROUP BY sku",
    "SELECT sku, sum(picked_delta) FROM movement GROUP BY sku",
)


class Day(RuleBasedStateMachine):
    """A day in one shop. The shop and its database are used again for every example."""

    floor: Floor
    staff: tuple[Staff, ...]
    orders = Bundle("orders")
    tries = Bundle("tries")

    def __init__(self) -> None:
        super().__init__()
        self.mine: list[str] = []
        self.begun: list[str] = []
        # The bank's books: what it took by attempt, and gave back by refund.
        self.captured: dict[str, int] = {}
        self.refunded: dict[str, int] = {}

    def attempt(self, act: Any, *args: Any, **more: Any) -> Any:  # noqa: ANN401
        """Do a step; where it is refused, assert that nothing has changed."""
        before = self.snapshot()
        try:
            return act(*args, **more)
        except CarryoverError:
            assert self.snapshot() == before
            return None

    def snapshot(self) -> list[Any]:
        """Return everything that a refused step must leave alone."""
        return self.floor.look(
            lambda db: [
                [tuple(row) for row in db.connection().execute(text(one))] for one in SNAPSHOTS
            ]
        )

    @initialize(target=orders, lamps=st.integers(1, 3), mugs=st.integers(0, 2))
    def begin(self, lamps: int, mugs: int) -> str:
        """The first order of the day is in hand already."""
        return self.buy(lamps, mugs, 0)

    @rule(
        target=orders,
        lamps=st.integers(1, 3),
        mugs=st.integers(0, 2),
        who=st.none() | st.integers(0, 2),
    )
    def order(self, lamps: int, mugs: int, who: int | None) -> str:
        """Somebody pays; perhaps somebody is free to take it at once."""
        return self.buy(lamps, mugs, who)

    def buy(self, lamps: int, mugs: int, who: int | None) -> str:
        """Order, and claim."""
        buyer, attempt_id = self.begin_to_pay(lamps, mugs)
        order_id = self.hear(buyer, attempt_id, "captured")
        assert order_id is not None
        if who is not None:
            self.attempt(self.floor.claim, self.staff[who], order_id)
        return order_id

    @rule(target=tries, lamps=st.integers(1, 3), mugs=st.integers(0, 2))
    def check_out(self, lamps: int, mugs: int) -> tuple[Buyer, str]:
        """Somebody opens a checkout and goes to the bank's page."""
        return self.begin_to_pay(lamps, mugs)

    def begin_to_pay(self, lamps: int, mugs: int) -> tuple[Buyer, str]:
        """Reserve what somebody wants."""
        buyer = self.floor.buyer()
        for gtin, pieces in ((LAMP, lamps), (MUG, mugs)):
            if pieces:
                buyer.put(gtin, pieces)
        buyer.open()
        buyer.choose(email="ada@example.com")
        attempt_id = buyer.begin().attempt_id
        buyer.created(attempt_id)
        self.begun.append(attempt_id)
        return buyer, attempt_id

    @rule(target=orders, tried=tries, outcome=OUTCOMES)
    def pay(self, tried: tuple[Buyer, str], outcome: str) -> Any:  # noqa: ANN401 - or none
        """The bank says what became of it: in time, after its end, or once more."""
        known = len(self.mine)
        order_id = self.hear(*tried, outcome)
        return order_id if len(self.mine) > known and order_id else multiple()

    def hear(self, buyer: Buyer, attempt_id: str, outcome: str) -> str | None:
        """Take in what the bank says; money that it has taken stays taken. Return the order."""
        if attempt_id in self.captured:
            outcome = "captured"
        elif outcome == "captured":
            self.captured[attempt_id] = self.floor.look(lambda db: tender_minor(db, attempt_id))
        order_id = buyer.news(attempt_id, outcome).order_id
        if order_id is not None and order_id not in self.mine:
            self.floor.open_task(order_id)
            self.mine.append(order_id)
        return order_id

    @rule(tried=tries, state=ENDS)
    def give_up(self, tried: tuple[Buyer, str], state: AttemptState) -> None:
        """She stops, or her time runs out."""
        self.end(tried[1], state)

    def end(self, attempt_id: str, state: AttemptState) -> None:
        """End a try, if it has not ended."""
        floor = self.floor
        floor.do(
            lambda db: paying.end_attempt(db, floor.clock, SHOP, attempt_id=attempt_id, state=state)
        )

    @rule(most=st.integers(1, 3))
    def refund(self, most: int) -> None:
        """The bank gives money back that is due, and it is noted."""
        for refund_id in self.floor.look(lambda db: refunding.due_refunds(db, most)):
            self.floor.do(partial(self._give_back, refund_id))

    def _give_back(self, refund_id: str, db: Session) -> None:
        assert refund_id not in self.refunded
        self.refunded[refund_id] = refunding.refund_facts(db, refund_id).amount_minor
        assert refunding.refund_done(db, self.floor.clock, refund_id=refund_id, provider_ref="back")

    @rule(order_id=orders, who=st.integers(0, 2))
    def claim(self, order_id: str, who: int) -> None:
        """Somebody takes it."""
        self.attempt(self.floor.claim, self.staff[who], order_id)

    @rule(order_id=orders, who=st.integers(0, 2))
    def release(self, order_id: str, who: int) -> None:
        """Somebody gives it back, or takes it from a colleague."""
        self.attempt(self._release, self.staff[who], order_id)

    def _release(self, who: Staff, order_id: str) -> None:
        task_id = self.floor.task_of(order_id)
        self.floor.do(lambda db: walks.release(db, self.floor.clock, staff=who, task_id=task_id))

    @rule(order_id=orders, place=st.integers(0, 3), code=st.none() | GTINS)
    def pick(self, order_id: str, place: int, code: str | None) -> None:
        """Whoever holds it scans something for a line, mostly the right thing."""
        line = (one := self.lines(order_id))[place % len(one)]
        self.attempt(self.floor.scan, self.holder(order_id), line.line_id, code or line.gtin)

    @rule(order_id=orders, gtin=GTINS, quantity=st.integers(1, 2))
    def undo(self, order_id: str, gtin: str, quantity: int) -> None:
        """It goes back on the shelf."""
        line = self.line(order_id, gtin)
        if line:
            self.attempt(self._undo, self.holder(order_id), line, quantity)

    def _undo(self, who: Staff, line_id: str, quantity: int) -> None:
        self.floor.do(
            lambda db: picking.undo_pick(
                db,
                self.floor.clock,
                SHOP,
                staff=who,
                line_id=line_id,
                operation_id=self.floor.ids.new("undo"),
                quantity=quantity,
            )
        )

    @rule(
        order_id=orders,
        place=st.integers(0, 3),
        quantity=st.integers(1, 2),
        reason=st.sampled_from(ShortReason),
        nth=st.integers(0, 3),
    )
    def short(
        self, order_id: str, place: int, quantity: int, reason: ShortReason, nth: int
    ) -> None:
        """Something is not there; something else may be offered, or what cannot be."""
        line = (one := self.lines(order_id))[place % len(one)]
        found = self.floor.look(lambda db: substitution.candidates(db, SHOP, line.line_id))
        offers = [None, *(one.sellable.gtin for one in found), MUG]
        self.attempt(
            self.floor.short,
            self.holder(order_id),
            order_id,
            gtin=Gtin(line.gtin),
            quantity=quantity,
            reason=reason,
            offer=offers[nth % len(offers)],
        )

    @rule(order_id=orders, accepted=st.booleans())
    def answer(self, order_id: str, accepted: bool) -> None:  # noqa: FBT001 - drawn
        """The shopper answers what she is asked."""
        for offer in self.floor.offers(order_id)[:1]:
            self.attempt(self.floor.answer, order_id, offer.id, accepted=accepted)

    @rule(seconds=st.sampled_from([10, 200, 3_600, 90_000, 300_000]))
    def wait(self, seconds: int) -> None:
        """Time passes, and the sweeps run."""
        self.floor.clock.advance(seconds)
        self.floor.expire()
        self.sweep()

    @rule(order_id=orders, who=st.integers(0, 2))
    def pick_all(self, order_id: str, who: int) -> None:
        """Somebody takes it and fetches all that is left, in one go."""
        self.attempt(self.floor.claim, self.staff[who], order_id)
        self.attempt(self.floor.pick_all, self.holder(order_id), order_id)
        self.attempt(self.floor.stage, self.holder(order_id), order_id)

    @rule(order_id=orders)
    def stage(self, order_id: str) -> None:
        """It is put on a shelf at the desk."""
        self.attempt(self.floor.stage, self.holder(order_id), order_id)

    @rule(order_id=orders, right=st.booleans())
    def hand_over(self, order_id: str, right: bool) -> None:  # noqa: FBT001 - drawn
        """Somebody shows a code."""
        proof = None if right else "0"
        self.attempt(self.floor.hand_over, self.staff[0], order_id, proof)

    @rule(order_id=orders, quantity=st.integers(1, 3), restocked=st.booleans())
    def take_back(self, order_id: str, quantity: int, restocked: bool) -> None:  # noqa: FBT001
        """Pieces come back."""
        self.attempt(
            self.floor.take_back, self.staff[0], order_id, quantity=quantity, restocked=restocked
        )

    @rule(order_id=orders, sure=st.integers(0, 3))
    def cancel(self, order_id: str, sure: int) -> None:
        """The shopper thinks better of it, now and then."""
        if sure == 0:
            self.attempt(self._cancel, order_id)

    def _cancel(self, order_id: str) -> None:
        floor = self.floor

        def act(db: Any) -> None:  # noqa: ANN401
            goods.cancel_order(db, floor.clock, floor.ids, SHOP, order_id=order_id, actor="she")
            tasks.close_if_empty(db, floor.clock, order_id)

        floor.do(act)

    def sweep(self) -> None:
        """Remind, and put back what nobody came for."""
        floor = self.floor
        now = floor.clock.now()
        for attempt_id in floor.look(lambda db: paying.expired_attempts(db, now, 100)):
            self.end(attempt_id, AttemptState.EXPIRED)
        for order_id in floor.look(lambda db: uncollected.due_uncollected(db, now, 100)):
            self._close(order_id)

    def _close(self, order_id: str) -> None:
        floor = self.floor
        floor.do(lambda db: uncollected.close(db, floor.clock, floor.ids, SHOP, order_id=order_id))

    def lines(self, order_id: str) -> list[WalkLine]:
        """Return the pick lines of an order."""
        return self.floor.look(lambda db: queries.of_task(db, self.floor.task_of(order_id)))

    def line(self, order_id: str, gtin: str) -> str | None:
        """Return the pick line of an article, if the order has one."""
        return next((one.line_id for one in self.lines(order_id) if one.gtin == gtin), None)

    def holder(self, order_id: str) -> Staff:
        """Return who holds the order's task; anybody where nobody does."""
        asked = text("SELECT claimed_by FROM pick_task WHERE order_id = :id")
        found = self.floor.look(
            lambda db: db.connection().execute(asked, {"id": order_id}).scalar()
        )
        return next((one for one in self.staff if one.id == found), self.staff[0])

    @invariant()
    def sums_agree(self) -> None:
        """Money is goods, the ledger is the shelf, and promises are what they say."""
        assert self.floor.look(differences) == []
        found = self.floor.look(lambda db: recount.differences(db, 10))
        assert [one for one in found if any(one.ledger_deltas) or not one.promises_agree] == []

    @invariant()
    def the_bank_has_what_is_open_or_kept(self) -> None:
        """Captured less refunded is what was handed over and kept, open, or due to go back."""
        handed_over, still_open, due = self.floor.look(
            lambda db: [self._sum_of(db, one) for one in (KEPT, OPEN, DUE)]
        )
        taken = sum(self.captured.values()) - sum(self.refunded.values())
        assert taken == handed_over + still_open + due

    def _sum_of(self, db: Session, asked: TextClause) -> int:
        found = db.connection().execute(asked)
        return sum(int(row.minor or 0) for row in found if row.order_id in {None, *self.mine})

    @invariant()
    def pieces_are_conserved(self) -> None:
        """Of each pick line: open, picked or short; and only what was picked is handed over."""
        for order_id in self.mine[-LOOKED_AT_MAX:]:
            view = self.floor.view(order_id)
            by_line = {one.order_line_id: one for one in self.lines(order_id)}
            for ordered in view.lines:
                line = by_line[ordered.id]
                assert min(line.left, line.picked, line.short) >= 0
                assert line.left + line.picked + line.short == line.quantity == ordered.quantity
                assert line.picked == ordered.picked
                assert ordered.returned <= ordered.handed_over <= ordered.picked
            told = [entry.what for entry in view.history]
            assert told.count("handed_over") <= 1
            assert [entry.number for entry in view.history] == list(range(1, view.version + 1))

    @invariant()
    def every_walk_is_in_the_ledger(self) -> None:
        """Pieces picked less pieces put back: the ledger and the pick lines say the same."""

        def look(db: Any) -> list[dict[str, int]]:  # noqa: ANN401
            return [
                {row[0]: int(row[1]) for row in db.connection().execute(text(one)) if row[1]}
                for one in WALKED
            ]

        lines, ledger = self.floor.look(look)
        assert lines == ledger

    @invariant()
    def codes_are_unique(self) -> None:
        """No two open orders have the same ticket."""
        asked = text(
            "SELECT ticket FROM placed_order WHERE location_id = :here"
            " AND state IN ('placed', 'picking', 'ready')"
        )
        found = self.floor.look(
            lambda db: list(db.connection().execute(asked, {"here": HERE}).scalars())
        )
        assert len(found) == len(set(found))

    def teardown(self) -> None:
        """Drive every order to its end: each piece is handed over, or given back to everybody."""
        for attempt_id in self.begun:
            self.end(attempt_id, AttemptState.EXPIRED)
        for order_id in self.mine:
            self._release(self.staff[2], order_id)  # a lead holds six at most, too
        for order_id in self.mine:
            if self.floor.view(order_id).state in ORDER_OPEN:
                self._finish(order_id)
            view = self.floor.view(order_id)
            assert view.state not in ORDER_OPEN
            for line in view.lines:
                assert line.handed_over + line.cancelled == line.quantity
        reserved_and_allocated = [self.floor.stock(gtin)[1:] for gtin in (LAMP, MUG, BLUE, GREEN)]
        assert reserved_and_allocated == [(0, 0)] * 4
        self.refund(REFUNDS_AT_ONCE)
        self.the_bank_has_what_is_open_or_kept()
        for gtin in (BLUE, GREEN):
            self.floor.restock(gtin)

    def _finish(self, order_id: str) -> None:
        lead = self.staff[2]
        self.floor.clock.advance(200)
        self.floor.expire()
        if self.floor.view(order_id).state != "ready":
            if self.floor.view(order_id).state not in ORDER_OPEN:
                return
            self.floor.claim(lead, order_id)
            self.floor.pick_all(lead, order_id)
            self.floor.stage(lead, order_id)
        done = self.floor.hand_over(lead, order_id, "", "the end of the day")
        assert not isinstance(done, CodeRefused)


@pytest.mark.slow
@pytest.mark.timeout(300)  # a few hundred steps, each looked at from all sides
def test_pieces_and_money_are_conserved(engine: Engine, clock: FakeClock) -> None:
    """On both databases, over days of every kind."""
    floor = Floor(engine, clock, pieces=100_000)
    people = (floor.hire("1"), floor.hire("2"), floor.hire("3", Role.LEAD))

    class Today(Day):
        """The day in this test's shop."""

    Today.floor, Today.staff = floor, people
    run_state_machine_as_test(
        Today,
        settings=settings(
            max_examples=12 if is_sqlite(engine) else 6,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
