"""What a wristband pays from: PINs, limits, balance, refunds; on both databases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.db import reading, unit_of_work
from cart.kernel.errors import (
    CarryoverError,
    InvalidInput,
    PinTooEasy,
    PurseLimit,
    PurseOff,
    PurseShort,
    UnknownVoucher,
    VoucherRefused,
)
from cart.kernel.ids import RandomIds
from cart.kernel.pin_hash import matches
from cart.orders import paying, refunding, vouchers
from cart.orders.model import RefundState, TenderKind
from cart.orders.paying import Begun
from cart.orders.purse import queries, service
from cart.orders.purse.model import WRONG_PINS_MAX, Limits, PurseUse, checked_limits, pin_hash
from cart.orders.sums import differences
from cart.orders.tables import TenderRow
from cart.profile.tables import CustomerRow
from tests.cart.buying import JACKET, LAMP, MUG, SHOP, Buyer, at_once, fill, stock_of
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP

IDS = RandomIds()
PIN = "2580"
HASH = pin_hash(IDS, PIN, CHEAP)
TODAY = date(2026, 3, 2)
MOST = Limits(100_000, 100_000)
SHE = "customer_ada"


@dataclass
class Ada(Buyer):
    """A shopper with a purse of 400.00: 200.00 a payment, 300.00 a day."""

    def set_up(self, *, payment_minor: int = 20_000, day_minor: int = 30_000) -> None:
        """Begin to pay with the wristband."""

        def act(db: Session) -> None:
            if db.get(CustomerRow, SHE) is None:
                db.add(CustomerRow(id=SHE, created_at=self.clock.now()))
                db.flush()
            service.set_up(
                db,
                self.clock,
                self.ids,
                customer_id=SHE,
                currency="EUR",
                pin_hash=HASH,
                limits=Limits(payment_minor, day_minor),
            )

        self.do(act)

    def load(self, amount_minor: int = 40_000, expires: timedelta | None = None) -> str:
        """Put a fresh gift card into it; return the card's code."""

        def act(db: Session) -> str:
            until = self.clock.now() + expires if expires else None
            code = vouchers.issue(
                db,
                self.clock,
                self.ids,
                amount_minor=amount_minor,
                currency="EUR",
                expires_at=until,
            )
            service.load(db, self.clock, self.ids, customer_id=SHE, code=code)
            return code

        return self.do(act)

    def tap_and_pay(self, *, day: date = TODAY, pin: str = HASH) -> Begun:
        """Pay what she sees from her purse."""
        self.keys += 1
        attempt_id = paying.attempt_id_of(f"{self.cart_id}-{self.keys}")
        return self.do(
            lambda db: paying.begin(
                db,
                self.clock,
                self.ids,
                SHOP,
                checkout_id=self.checkout_id,
                attempt_id=attempt_id,
                total_minor=self.view().totals.total_minor,
                purse=PurseUse(SHE, pin, day, MOST),
            )
        )

    def balance(self) -> int:
        """What is in it."""
        with reading(self.engine) as db:
            purse = queries.of_customer(db, SHE)
            assert purse is not None
            return queries.balance_minor(db, purse)


def ada(engine: Engine, **limits: int) -> Ada:
    """A shop, and her in it."""
    clock = FakeClock()
    fill(engine, clock)
    one = Ada(engine, clock)
    one.set_up(**limits)
    one.load()
    return one


def in_order(engine: Engine) -> None:
    """Check that all sums fit."""
    with reading(engine) as db:
        assert differences(db) == []


@pytest.mark.parametrize(
    "pin",
    ["", "123", "0000", "1234", "4321", "77777777", "1212", "67890", "56789", "123456789", "12a4",
     "٢٥٨٠", "98765432", "8989898"],
)  # fmt: skip
def test_pins_that_are_tried_first_are_none(pin: str) -> None:
    """Too short, too long, no digits, a run, one digit or a pair over and over."""
    with pytest.raises(PinTooEasy):
        pin_hash(IDS, pin)


@pytest.mark.parametrize("pin", ["2580", "1357", "1235", "08154711", "9081"])
def test_other_pins_are_kept_as_a_salted_hash(pin: str) -> None:
    """Twice the same PIN is kept as two different things, and neither holds it."""
    one, two = pin_hash(IDS, pin), pin_hash(IDS, pin)
    assert one != two
    assert matches(pin, one)
    assert not matches(pin[:-1] + "x", one)
    assert pin not in one.split("$")


@pytest.mark.parametrize(
    "limits", [Limits(0, 10), Limits(-1, 10), Limits(20, 10), Limits(101, 200), Limits(10, 501)]
)
def test_limits_are_within_the_shops(limits: Limits) -> None:
    """Above 0, a day holds a payment, and no more than the shop allows."""
    with pytest.raises(InvalidInput):
        checked_limits(limits, Limits(100, 500))


def test_a_purse_pays_and_the_order_says_so(engine: Engine) -> None:
    """One transaction: pieces are allocated, the balance is less, the order is placed."""
    one = ada(engine)
    one.put(LAMP)
    one.open()
    begun = one.tap_and_pay()
    assert begun.settled is not None
    assert begun.settled.order_id is not None
    order = one.order(begun.settled.order_id)
    assert [(paid.kind, paid.amount_minor) for paid in order.paid] == [
        (TenderKind.WRISTBAND, 18_900)
    ]
    assert one.balance() == 40_000 - 18_900
    assert stock_of(engine, LAMP) == (5, 0, 1)
    assert one.cart() == {}
    with reading(engine) as db:
        purse = queries.of_customer(db, SHE)
        assert purse is not None
        (paid,) = queries.payments(db, purse, 10)
    assert (paid.order_id, paid.amount_minor, paid.refunded_minor) == (order.id, 18_900, 0)
    in_order(engine)


def test_a_refund_goes_back_to_the_balance_at_once(engine: Engine) -> None:
    """Nobody is asked; what is refunded today does not make the day's limit larger."""
    one = ada(engine, payment_minor=20_000, day_minor=20_000)
    one.put(LAMP)
    one.open()
    settled = one.tap_and_pay().settled
    assert settled is not None
    order_id = settled.order_id or ""
    line = one.order(order_id).lines[0]

    def act(db: Session) -> list[str]:
        return refunding.owe(
            db,
            one.clock,
            one.ids,
            order_id=order_id,
            amount_minor=line.price_minor,
            reason="returned",
            reference="r-1",
        )

    (refund_id,) = one.do(act)
    with reading(engine) as db:
        assert refunding.refund_facts(db, refund_id).state is RefundState.DONE
    assert one.balance() == 40_000
    one.put(LAMP)
    one.open()
    with pytest.raises(PurseLimit):
        one.tap_and_pay()


@pytest.mark.parametrize(
    ("limits", "refusal", "data"),
    [
        ({"payment_minor": 18_899}, PurseLimit, {"limit": "payment", "left_minor": 18_899}),
        ({"payment_minor": 18_900, "day_minor": 18_900}, None, {}),
    ],
)
def test_a_payment_is_within_its_limit(
    engine: Engine,
    limits: dict[str, int],
    refusal: type[CarryoverError] | None,
    data: dict[str, int],
) -> None:
    """To the cent; and a refusal leaves nothing behind."""
    one = ada(engine, **limits)
    one.put(LAMP)
    one.open()
    if refusal is None:
        assert one.tap_and_pay().settled is not None
        return
    with pytest.raises(refusal) as said:
        one.tap_and_pay()
    assert said.value.data == data
    assert (one.balance(), stock_of(engine, LAMP), one.cart()) == (40_000, (5, 0, 0), {LAMP: 1})
    assert one.view().state == "open"
    in_order(engine)


def test_a_day_is_within_its_limit_and_the_next_one_begins_anew(engine: Engine) -> None:
    """Also at a desk further west, where it is still the day before."""
    one = ada(engine, payment_minor=20_000, day_minor=20_000)

    def pay(what: str, day: date) -> Begun:
        one.put(MUG if what == "mug" else LAMP)
        one.open()
        return one.tap_and_pay(day=day)

    pay("lamp", TODAY)
    with pytest.raises(PurseLimit) as said:
        pay("mug", TODAY)
    assert said.value.data == {"limit": "day", "left_minor": 1_100}
    with pytest.raises(PurseLimit):
        one.tap_and_pay(day=TODAY - timedelta(days=1))
    assert one.tap_and_pay(day=TODAY + timedelta(days=1)).settled is not None
    in_order(engine)


def test_what_is_missing_is_said(engine: Engine) -> None:
    """The balance is too small by so much."""
    one = ada(engine, payment_minor=50_000, day_minor=90_000)
    for _ in range(2):
        one.put(LAMP)
    one.put(JACKET)
    one.open()
    with pytest.raises(PurseShort) as said:
        one.tap_and_pay()
    assert said.value.data == {"missing_minor": 2 * 18_900 + 9_900 - 40_000}
    assert one.balance() == 40_000
    in_order(engine)


def test_of_two_desks_at_once_one_passes_the_days_limit(engine: Engine) -> None:
    """Two carts of hers, two desks, one moment: the sum is guarded by one statement."""
    one = ada(engine, payment_minor=20_000, day_minor=30_000)
    two = Ada(engine, one.clock)
    for buyer in (one, two):
        buyer.put(LAMP)
        buyer.open()

    def attempt(buyer: Ada) -> Callable[[], str]:
        def act() -> str:
            try:
                buyer.tap_and_pay()
            except PurseLimit as refused:
                return str(refused.data["limit"])
            return "paid"

        return act

    assert sorted(at_once(attempt(one), attempt(two))) == ["day", "paid"]
    assert one.balance() == 40_000 - 18_900
    assert stock_of(engine, LAMP) == (5, 0, 1)
    in_order(engine)


def test_five_wrong_pins_lock_it_until_she_unlocks_it(engine: Engine) -> None:
    """Each is counted before it is compared; a right one in between forgets them."""
    one = ada(engine)

    def take() -> int | None:
        taken = one.do(lambda db: service.take_try(db, customer_id=SHE))
        return None if taken is None else taken.left

    assert [take(), take()] == [4, 3]
    one.do(lambda db: service.was_right(db, customer_id=SHE, pin_hash=HASH, keep=HASH))
    assert [take() for _ in range(WRONG_PINS_MAX + 2)] == [4, 3, 2, 1, 0, None, None]
    one.do(lambda db: service.unlock(db, one.clock, customer_id=SHE))
    assert take() == 4


def test_guesses_at_once_are_no_more_than_five(engine: Engine) -> None:
    """Ten desks try at the same moment."""
    one = ada(engine)
    done = at_once(
        *[lambda: one.do(lambda db: service.take_try(db, customer_id=SHE)) for _ in range(10)]
    )
    assert sorted(taken.left for taken in done if taken is not None) == [0, 1, 2, 3, 4]


def test_a_pin_that_was_changed_since_pays_nothing(engine: Engine) -> None:
    """Between the PIN and the payment she changed it, or switched it off."""
    one = ada(engine)
    one.put(MUG)
    one.open()
    other = pin_hash(IDS, "9081")
    one.do(lambda db: service.change_pin(db, one.clock, customer_id=SHE, pin_hash=other))
    with pytest.raises(PurseOff):
        one.tap_and_pay()
    one.do(lambda db: service.switch_off(db, one.clock, customer_id=SHE))
    with pytest.raises(PurseOff):
        one.tap_and_pay(pin=other)
    with pytest.raises(PurseOff):
        one.do(lambda db: service.take_try(db, customer_id=SHE))
    one.set_up()
    assert one.tap_and_pay().settled is not None


def test_cards_come_in_and_the_balance_goes_out_onto_a_new_one(engine: Engine) -> None:
    """Nothing is made or lost on the way."""
    one = ada(engine)
    code = one.load(5_000)
    assert one.balance() == 45_000
    with pytest.raises(VoucherRefused):
        one.do(lambda db: service.load(db, one.clock, one.ids, customer_id=SHE, code=code))
    with pytest.raises(VoucherRefused):
        one.load(5_000, expires=timedelta(days=7))
    with pytest.raises(UnknownVoucher):
        one.do(lambda db: service.load(db, one.clock, one.ids, customer_id=SHE, code="NOBODYS"))
    fresh = one.do(lambda db: service.take_out(db, one.clock, one.ids, customer_id=SHE))
    with reading(engine) as db:
        assert vouchers.find(db, fresh).balance_minor == 45_000
    assert one.balance() == 0
    with pytest.raises(PurseShort):
        one.do(lambda db: service.take_out(db, one.clock, one.ids, customer_id=SHE))
    in_order(engine)


def test_the_purses_own_voucher_opens_at_no_checkout(engine: Engine) -> None:
    """Its code was never shown to anybody: only the tender knows it, by its id."""
    one = ada(engine)
    one.put(MUG)
    one.open()
    one.tap_and_pay()
    with unit_of_work(engine) as db:
        (tender,) = db.exec(select(TenderRow)).all()
        with pytest.raises(UnknownVoucher):
            vouchers.find(db, tender.voucher_id or "")
