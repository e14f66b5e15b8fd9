"""Messages that come at once are settled in one transaction, and are the same as one by one."""

import pytest
from sqlalchemy import Engine, text

from cart.db import reading, unit_of_work
from cart.kernel.ids import RandomIds
from cart.orders import buying, queries
from cart.orders.buying import Bought
from cart.orders.model import AttemptState, CheckoutState
from cart.orders.paying import end_attempt
from cart.picking.tasks import open_many
from cart.ports import PaymentNews
from tests.cart.buying import HERE, LAMP, MUG, PROVIDER, SHOP, THERE, Buyer, at_once, fill, stock_of
from tests.fakes.clock import FakeClock


@pytest.fixture
def buyers(engine: Engine, clock: FakeClock) -> list[Buyer]:
    """Six people at the bank's page: lamps here, and mugs at two shops."""
    fill(engine, clock, pieces=50)
    made = []
    for number in range(6):
        buyer = Buyer(engine, clock)
        buyer.put(LAMP if number % 2 else MUG, 1 + number % 3)
        buyer.put(MUG)
        buyer.open(THERE if number % 3 == 0 else HERE)
        buyer.created(buyer.begin().attempt_id)
        made.append(buyer)
    return made


def said(buyer: Buyer, outcome: str = "captured", *, more_minor: int = 0) -> PaymentNews:
    """What the bank says of her payment."""
    seen = buyer.view()
    event_id = f"{outcome}-{seen.attempt_id}"
    amount_minor = seen.totals.rest_minor + more_minor
    return PaymentNews(event_id, f"ref-{seen.attempt_id}", outcome, amount_minor, "EUR")


def settled(engine: Engine, clock: FakeClock, *messages: PaymentNews) -> list[Bought | None]:
    """Settle them in one transaction."""
    with unit_of_work(engine) as db:
        found = buying.settle_many(
            db, clock, RandomIds(), SHOP, provider=PROVIDER, messages=messages
        )
        placed = [one.placed for one in found if one is not None]
        open_many(db, clock, RandomIds(), SHOP, placed)
    return found


def counted(engine: Engine, table: str) -> int:
    """Count rows."""
    with reading(engine) as db:
        return int(db.connection().execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())  # noqa: S608


def well(engine: Engine) -> None:
    """Every sum holds."""
    with reading(engine) as db:
        assert queries.differences(db) == []


def test_each_gets_her_own_order(engine: Engine, clock: FakeClock, buyers: list[Buyer]) -> None:
    """Lines, ticket, history and task are those of one settled alone; the cart is empty."""
    found = settled(engine, clock, *(said(buyer) for buyer in buyers))
    tickets = set()
    for buyer, bought in zip(buyers, found, strict=True):
        assert bought is not None
        seen, order = buyer.view(), buyer.order(bought.placed.order.id)
        assert (seen.state, seen.order_id) == (CheckoutState.PAID, order.id)
        assert bought.checkout_version == seen.version
        assert order.total_minor == seen.totals.total_minor
        assert [(line.gtin, line.quantity) for line in order.lines] == [
            (line.gtin, line.quantity) for line in seen.lines
        ]
        assert [entry.what for entry in order.history] == ["placed"]
        assert buyer.cart() == {}
        tickets.add((order.location_id, order.ticket))
    assert len(tickets) == len(buyers)
    assert counted(engine, "pick_task") == len(buyers)
    assert counted(engine, "pick_line") == counted(engine, "order_line")
    assert stock_of(engine, LAMP)[1:] == (0, 5)
    well(engine)


def test_what_is_unusual_takes_none_along(
    engine: Engine, clock: FakeClock, buyers: list[Buyer]
) -> None:
    """A refusal, another amount, an unknown payment, an ended try: none of them changes a thing."""
    late = buyers[3]
    news = said(late)
    with unit_of_work(engine) as db:
        attempt_id = late.view().attempt_id or ""
        end_attempt(db, clock, SHOP, attempt_id=attempt_id, state=AttemptState.CANCELLED)
    unknown = PaymentNews("evt-x", "ref-unknown", "captured", 100, "EUR")
    messages = (
        said(buyers[0]),
        said(buyers[1], "failed"),
        said(buyers[2], more_minor=1),
        news,
        unknown,
        said(buyers[4]),
    )
    found = settled(engine, clock, *messages)
    assert [one is not None for one in found] == [True, False, False, False, False, True]
    assert counted(engine, "placed_order") == counted(engine, "provider_event") == 2
    assert buyers[1].view().state == buyers[2].view().state == CheckoutState.PAYING
    well(engine)


def test_the_same_message_again_buys_nothing_more(
    engine: Engine, clock: FakeClock, buyers: list[Buyer]
) -> None:
    """Twice in one batch, or once more afterwards: one order."""
    one, other = said(buyers[0]), said(buyers[1])
    again = PaymentNews("evt-2", one.provider_ref, "captured", one.amount_minor, "EUR")
    found = settled(engine, clock, one, again, other, other)
    assert [bought is not None for bought in found] == [True, False, False, False]
    assert settled(engine, clock, one, again) == [None, None]
    assert counted(engine, "placed_order") == 1
    well(engine)


def test_batches_and_single_ends_at_once(
    engine: Engine, clock: FakeClock, buyers: list[Buyer]
) -> None:
    """Two batches of the same messages and six cancels: each attempt ends once, nobody hangs."""
    messages = [said(buyer) for buyer in buyers]
    attempts = [buyer.view().attempt_id or "" for buyer in buyers]

    def batch(order: int) -> int:
        try:
            found = settled(engine, clock, *messages[::order])
        except Exception as error:  # noqa: BLE001 - a batch may give way as a whole
            assert "changed" in str(error) or "reserved" in str(error)  # noqa: PT017
            return 0
        return sum(one is not None for one in found)

    def cancel(attempt_id: str) -> int:
        with unit_of_work(engine) as db:
            return -end_attempt(
                db, clock, SHOP, attempt_id=attempt_id, state=AttemptState.CANCELLED
            )

    outcomes = at_once(
        lambda: batch(1),
        lambda: batch(-1),
        *(lambda attempt_id=attempt_id: cancel(attempt_id) for attempt_id in attempts),
    )
    placed, cancelled = sum(outcomes[:2]), -sum(outcomes[2:])
    assert counted(engine, "placed_order") == placed
    assert placed + cancelled == len(buyers)
    well(engine)
