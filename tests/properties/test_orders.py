"""Money, goods and promises agree, whatever shoppers, staff and the provider do, in any order.

A machine buys, pays, refuses, expires, pays late, finds too little, replaces, hands
over, takes back, cancels and waits in vain. After every step each sum is taken twice:
by the product's own report, and here.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel

from cart.carts.service import Shopping, set_quantity
from cart.db import is_sqlite, reading, unit_of_work
from cart.db.migrate import load_tables
from cart.kernel.errors import CarryoverError
from cart.kernel.gtin import Gtin
from cart.kernel.ids import SeededIds
from cart.orders import checkout, goods, paying, queries, refunding, terms, vouchers
from cart.orders.goods import Replacement, ReturnedPieces
from cart.orders.model import AttemptState, Method
from cart.orders.terms import Terms
from inventory_api.catalogue.queries import sellables
from inventory_api.stock import recount
from tests.cart.buying import HERE, LAMP, MUG, PRICES, SHOP, SKUS, THERE, Buyer, fill
from tests.fakes.clock import FakeClock
from tests.real.ledgers import unlock

PIECES = 4  # few enough that shoppers meet
VOUCHER_MINOR = 30_000
PEOPLE = st.integers(0, 1)
NUMBER_MAX = 7
NUMBERS = st.integers(0, NUMBER_MAX)
GTINS = st.sampled_from([LAMP, MUG])
PLACES = st.sampled_from([HERE, THERE])
ADDRESS = dict.fromkeys(("name", "street", "postcode", "city", "country"), "x")
OUTCOMES = st.sampled_from(["captured", "captured", "captured", "failed", "cancelled", "pending"])
APPENDED = {"audit", "consent", "consent_wording"}  # the database lets nobody delete from them
ENDS = st.sampled_from([AttemptState.CANCELLED, AttemptState.EXPIRED])


class Orders(RuleBasedStateMachine):
    """Two shoppers, two locations, one voucher that both of them have."""

    engine: Engine  # of every example; each begins with empty tables

    def __init__(self) -> None:
        super().__init__()
        engine, self.clock = self.engine, FakeClock()
        _clear(engine)
        fill(engine, self.clock, PIECES)
        ids = SeededIds(
            11
        )  # in the order of their making: an example that is run again is the same
        self.people = [Buyer(engine, self.clock, ids) for _ in range(2)]
        with unit_of_work(engine) as db:
            terms.put(db, Terms(HERE, orders_per_quarter=2))
            terms.put(db, Terms(THERE, ships=True, shipping_minor=495))
            first = self.people[0]
            self.code = vouchers.issue(
                db, self.clock, first.ids, amount_minor=VOUCHER_MINOR, currency="EUR"
            )
        self.attempts: list[tuple[Buyer, str]] = []
        self.captured: dict[str, int] = {}  # what the provider took, as the provider knows it
        self.facts = 0

    @rule(person=PEOPLE, gtin=GTINS, quantity=st.integers(1, 3))
    def put(self, person: int, gtin: str, quantity: int) -> None:
        """Scan something, also while paying."""
        self.people[person].put(LAMP if gtin == LAMP else MUG, quantity)

    @rule(
        person=PEOPLE,
        location_id=PLACES,
        bought=st.sampled_from([(LAMP, 1), (MUG, 2), (LAMP, 3), None]),
        laid=st.sampled_from([False, False, True]),
        outcome=st.sampled_from(["captured", "nothing yet", "given up"]),
    )
    def pay(
        self,
        person: int,
        location_id: str,
        bought: tuple[Gtin, int] | None,
        *,
        laid: bool,
        outcome: str,
    ) -> None:
        """Decide whatever has to be decided, begin to pay, and perhaps have it succeed."""
        buyer = self.people[person]
        if bought is not None:
            buyer.put(*bought)
        buyer.open(location_id)

        def begin() -> None:
            method = Method.SHIP if location_id == THERE else Method.COLLECT
            buyer.choose(location_id=location_id, method=method, address=ADDRESS)
            self.decide(buyer)
            if laid:
                buyer.do(
                    lambda db: checkout.use_voucher(
                        db, self.clock, checkout_id=buyer.checkout_id, code=self.code
                    )
                )
            begun = buyer.begin()
            if begun.wish_minor:
                self.attempts.append((buyer, begun.attempt_id))
                if outcome == "captured":
                    self.hear(0, outcome, 0)
                elif outcome == "given up":
                    buyer.created(begun.attempt_id)
                    self.end(0, AttemptState.CANCELLED)

        self.attempt(begin)

    def decide(self, buyer: Buyer) -> None:
        """Take what is left, at today's price."""
        for problem in buyer.view().problems:
            if problem.gtin is None:
                continue
            gtin = LAMP if problem.gtin == LAMP else MUG
            if problem.left is not None:
                self.set_quantity(buyer, gtin, problem.left)
            if problem.now_minor is not None:
                self.accept(buyer, gtin, problem.now_minor)

    def set_quantity(self, buyer: Buyer, gtin: Gtin, quantity: int) -> None:
        """Change a line of the cart."""
        shopping, operation_id = Shopping(buyer.cart_id, self.clock, sellables), self.fact("set")
        with unit_of_work(self.engine) as db:
            set_quantity(db, shopping, operation_id=operation_id, gtin=gtin, quantity=quantity)

    def accept(self, buyer: Buyer, gtin: Gtin, price_minor: int) -> None:
        """Agree to a price."""
        with unit_of_work(self.engine) as db:
            checkout.accept_price(
                db,
                self.clock,
                SHOP,
                checkout_id=buyer.checkout_id,
                gtin=gtin,
                price_minor=price_minor,
            )

    @precondition(lambda self: bool(self.attempts))
    @rule(number=NUMBERS, outcome=OUTCOMES, wrong=st.sampled_from([0, 0, 0, 0, -1]))
    def hear(self, number: int, outcome: str, wrong: int) -> None:
        """Let the provider speak of any try there ever was: in time, late, twice."""
        buyer, attempt_id = self.recent(number)
        buyer.created(attempt_id)
        if outcome == "captured" and attempt_id not in self.captured:
            with reading(self.engine) as db:
                self.captured[attempt_id] = _asked(db, attempt_id) + wrong
        amount_minor = self.captured.get(attempt_id, 1)
        buyer.news(attempt_id, outcome, amount_minor=amount_minor)

    @precondition(lambda self: bool(self.attempts))
    @rule(number=NUMBERS, state=ENDS)
    def end(self, number: int, state: AttemptState) -> None:
        """Give up, or let the time pass."""
        buyer, attempt_id = self.recent(number)
        buyer.do(
            lambda db: paying.end_attempt(db, self.clock, SHOP, attempt_id=attempt_id, state=state)
        )

    @rule(minutes=st.sampled_from([1, 20]))
    def wait(self, minutes: int) -> None:
        """Let time pass."""
        self.clock.advance(60 * minutes)

    @rule(gtin=GTINS, part=st.sampled_from([1, 2, 3]))
    def reprice(self, gtin: str, part: int) -> None:
        """Change a price in the catalogue."""
        sku, price = SKUS[LAMP if gtin == LAMP else MUG], PRICES[LAMP if gtin == LAMP else MUG]
        with unit_of_work(self.engine) as db:
            db.connection().execute(
                text("UPDATE price SET price_minor = :price WHERE sku = :sku"),
                {"price": price // part, "sku": sku},
            )

    @rule(number=NUMBERS, quantity=st.integers(1, 2), swapped=st.sampled_from([None, LAMP, MUG]))
    def short(self, number: int, quantity: int, swapped: str | None) -> None:
        """Find too few pieces of some line; cancel them, or give others."""
        line_id, fact = self.some("order_line", number), self.fact("short")
        if line_id is None:
            return

        def lose(db: Session) -> None:
            if swapped is None:
                goods.line_cancelled(
                    db,
                    self.clock,
                    self.people[0].ids,
                    SHOP,
                    order_line_id=line_id,
                    quantity=quantity,
                    reason="not found",
                    fact=fact,
                    actor="staff_1",
                )
                return
            gtin = LAMP if swapped == LAMP else MUG
            goods.substitute(
                db,
                self.clock,
                self.people[0].ids,
                SHOP,
                order_line_id=line_id,
                replacement=Replacement(gtin, quantity, PRICES[gtin]),
                reference=fact,
                actor="shopper",
            )

        self.attempt(lambda: self.people[0].do(lose))

    @rule(number=NUMBERS, how=st.sampled_from(["hand over", "hand over", "uncollected", "nothing"]))
    def stage(self, number: int, how: str) -> None:
        """Put an order on the shelf of the desk, and perhaps go on."""
        self.put_on_shelf(number)
        if how != "nothing":
            self.close(number, how)

    def put_on_shelf(self, number: int) -> None:
        """Let staff have picked an order."""
        with unit_of_work(self.engine) as db:
            db.connection().execute(
                text(
                    "UPDATE placed_order SET state = 'ready' WHERE id = :id"
                    " AND state IN ('placed', 'picking')"
                ),
                {"id": self.some("placed_order", number) or ""},
            )

    @rule(number=NUMBERS, how=st.sampled_from(["hand over", "uncollected", "cancel", "cancel"]))
    def close(self, number: int, how: str) -> None:
        """Hand an order over, wait for its shopper in vain, or cancel it."""
        order_id = self.some("placed_order", number)
        if order_id is None:
            return

        def act(db: Session) -> None:
            ids = self.people[0].ids
            if how == "hand over":
                goods.hand_over_order(db, self.clock, ids, SHOP, order_id=order_id, actor="staff_1")
            elif how == "cancel":
                goods.cancel_order(db, self.clock, ids, SHOP, order_id=order_id, actor="shopper")
            else:
                goods.close_uncollected(db, self.clock, ids, SHOP, order_id=order_id)

        self.attempt(lambda: self.people[0].do(act))

    @rule(number=NUMBERS, sellable=st.booleans(), again=st.booleans())
    def bring_back(self, number: int, *, sellable: bool, again: bool) -> None:
        """Return a piece; the desk may press the button twice."""
        line_id, fact = self.some("order_line", number), self.fact("return")
        if line_id is None:
            return
        returned = ReturnedPieces(line_id, 1, "too bright", sellable)

        def act(db: Session) -> None:
            ids = self.people[0].ids
            for _ in range(1 + again):
                goods.return_pieces(
                    db, self.clock, ids, SHOP, returned=returned, fact=fact, actor="staff_1"
                )

        self.attempt(lambda: self.people[0].do(act))

    @rule()
    def refund(self) -> None:
        """Carry the oldest refund out."""
        with unit_of_work(self.engine) as db:
            for refund_id in refunding.due_refunds(db, 1):
                refunding.refund_done(db, self.clock, refund_id=refund_id, provider_ref="r")

    @invariant()
    def every_report_is_empty(self) -> None:
        """The product finds no difference itself."""
        with reading(self.engine) as db:
            assert queries.differences(db) == []
            assert recount.differences(db, 10) == []

    @invariant()
    def money_is_the_worth_of_what_is_open_or_kept(self) -> None:
        """Taken by the provider and the voucher, less given back: goods and shipping of orders."""
        with reading(self.engine) as db:
            orders = [queries.order_view(db, one) for one in _column(db, "placed_order")]
            back = _number(db, "SELECT SUM(amount_minor) FROM refund")
            spent = VOUCHER_MINOR - vouchers.find(db, self.code).balance_minor
            held = _number(
                db, "SELECT SUM(amount_minor) FROM tender WHERE kind = 'voucher' AND state = 'held'"
            )
            to_voucher = _number(
                db,
                "SELECT SUM(r.amount_minor) FROM refund AS r JOIN tender AS t ON t.id = r.tender_id"
                " WHERE t.kind = 'voucher'",
            )
        worth = 0
        for order in orders:
            kept = sum(line.kept for line in order.lines)
            worth += sum(line.total_minor for line in order.lines)
            worth += order.shipping_minor if kept else 0
        taken = sum(self.captured.values()) + (spent - held + to_voucher)
        assert taken - back == worth

    @invariant()
    def promises_are_those_of_open_attempts_and_open_pieces(self) -> None:
        """Reserved is what is being paid, allocated what is paid and not handed over."""
        reserved: Counter[tuple[str, str]] = Counter()
        allocated: Counter[tuple[str, str]] = Counter()
        moved: Counter[tuple[str, str]] = Counter()
        with reading(self.engine) as db:
            for one in _column(db, "pay_attempt", "state IN ('reserved', 'pending')"):
                wanted = paying.wanted_of(db, one)
                for sku, pieces in wanted.pieces.items():
                    reserved[wanted.location_id, sku] += pieces
            for one in _column(db, "placed_order"):
                order = queries.order_view(db, one)
                for line in order.lines:
                    pair = (order.location_id, line.sku)
                    allocated[pair] += line.quantity - line.cancelled - line.handed_over
                    moved[pair] += line.handed_over
            back = db.connection().execute(
                text(
                    "SELECT location_id, sku, SUM(delta) FROM movement WHERE reason IN"
                    " ('returned', 'damaged') GROUP BY location_id, sku"
                )
            )
            for location_id, sku, pieces in back:
                moved[location_id, sku] -= pieces
            rows = db.connection().execute(
                text("SELECT location_id, sku, on_hand, reserved, allocated FROM stock")
            )
            for location_id, sku, *numbers in rows:
                pair = (location_id, sku)
                assert numbers == [PIECES - moved[pair], reserved[pair], allocated[pair]]
                assert numbers[0] >= numbers[1] + numbers[2]

    def attempt(self, act: Callable[[], object]) -> None:
        """Do something that may be refused; the invariants say whether it left something behind."""
        try:
            act()
        except CarryoverError as refusal:
            event(refusal.code)

    def recent(self, number: int) -> tuple[Buyer, str]:
        """Return a try: more often one that the provider has said nothing of."""
        silent = [one for one in self.attempts if one[1] not in self.captured]
        known = silent if silent and number < NUMBER_MAX // 2 else self.attempts
        return known[-1 - number % len(known)]

    def fact(self, what: str) -> str:
        """Return a fact that never was."""
        self.facts += 1
        return f"{what}-{self.facts}"

    def some(self, table: str, number: int) -> str | None:
        """Return the id of some row."""
        with reading(self.engine) as db:
            found = _column(db, table)
        return found[number % len(found)] if found else None


def _column(db: Session, table: str, where: str = "1 = 1") -> list[str]:
    found = db.connection().execute(text(f"SELECT id FROM {table} WHERE {where} ORDER BY id"))  # noqa: S608
    return list(found.scalars())


def _number(db: Session, statement: str) -> int:
    return int(db.connection().execute(text(statement)).scalar() or 0)


def _asked(db: Session, attempt_id: str) -> int:
    asked = text("SELECT amount_minor FROM tender WHERE kind = 'provider' AND attempt_id = :id")
    return int(db.connection().execute(asked, {"id": attempt_id}).scalar_one())


def _clear(engine: Engine) -> None:
    load_tables()
    with unit_of_work(engine) as db:
        for table in reversed(SQLModel.metadata.sorted_tables):
            if table.name not in APPENDED:
                db.connection().execute(table.delete())


@pytest.mark.slow
@pytest.mark.timeout(400)  # it looks at every sum after every step
def test_money_goods_and_promises_agree(engine: Engine) -> None:
    """After every step of many days that nobody would plan, on both databases."""
    examples, steps = (25, 30) if is_sqlite(engine) else (10, 25)
    Orders.engine = engine
    unlock(engine)
    run_state_machine_as_test(
        Orders,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None),
    )
