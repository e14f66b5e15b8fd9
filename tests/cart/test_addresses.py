"""Addresses of sales are emptied some days after these are over, wherever they stand."""

from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import Engine, text
from sqlmodel import update

from cart.orders import addresses
from cart.orders.tables import OrderLetterRow
from tests.cart.buying import MUG
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock

ADA: Final = "ada@example.com"  # of every order on this floor
HOME: Final = {
    "name": "Ada",
    "street": "Quay 1",
    "postcode": "1",
    "city": "Dublin",
    "country": "IE",
}
DAY_S: Final = 86_400
TABLES: Final = ("placed_order", "checkout", "pay_attempt")


class Books:
    """A floor whose addresses are looked for."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.floor, self.clock = Floor(engine, clock), clock
        self.floor.ship()

    def erase(self) -> int:
        """Return how many were emptied."""
        before = self.clock.now() - timedelta(days=30)
        return self.floor.do(lambda db: addresses.erase(db, before, 100))

    def where(self, word: str) -> list[str]:
        """Return the tables in which a word stands, once for each row."""
        found = []
        for table in TABLES:
            rows = self.floor.look(
                lambda db, table=table: (  # type: ignore[misc]
                    db.connection().execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608
                )
            )
            found += [table for row in rows if word in str(row)]
        return found

    def send_letters(self) -> None:
        """Let no letter wait."""
        self.floor.do(lambda db: db.exec(update(OrderLetterRow).values(state="sent")))


@pytest.fixture
def books(engine: Engine, clock: FakeClock) -> Books:
    """Return a floor that ships."""
    return Books(engine, clock)


def test_an_order_is_over_when_nothing_happens_to_it_any_more(books: Books) -> None:
    """Counted from the return; not while it is open, or a letter waits."""
    floor = books.floor
    ada = floor.hire()
    floor.order({MUG: 1})
    returned = floor.ready(ada, {MUG: 1})
    floor.hand_over(ada, returned)
    books.clock.advance(20 * DAY_S)
    floor.take_back(ada, returned, quantity=1, restocked=True)
    books.clock.advance(20 * DAY_S)
    assert books.erase() == 0
    books.clock.advance(11 * DAY_S)
    assert books.erase() == 0, "letters wait"
    assert books.where(ADA) == [*TABLES[:1] * 2, *TABLES[1:2] * 2, *TABLES[2:] * 2]
    books.send_letters()
    assert (books.erase(), books.erase()) == (3, 0)
    assert books.where(ADA) == list(TABLES), "the open one keeps all three"


def test_what_was_shipped_keeps_its_address_in_the_order_alone(books: Books) -> None:
    """The books want to whom; copies of it help nobody."""
    floor = books.floor
    buyer = floor.buyer()
    buyer.put(MUG, 1)
    buyer.open()
    buyer.choose(email=ADA, method="ship", address=HOME)
    assert buyer.pay().order_id is not None
    floor.do(lambda db: db.connection().execute(text("UPDATE placed_order SET state = 'shipped'")))
    books.send_letters()
    books.clock.advance(31 * DAY_S)
    assert (books.erase(), books.erase()) == (3, 0)
    assert books.where(ADA) == []
    assert books.where("Quay 1") == ["placed_order"]


def test_what_was_never_bought_keeps_nothing(books: Books) -> None:
    """Neither the checkout nor the payment that failed; one that is touched is young again."""
    buyer = books.floor.buyer()
    buyer.put(MUG, 1)
    buyer.open()
    buyer.choose(email=ADA, method="ship", address=HOME)
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    buyer.news(begun.attempt_id, "failed")
    assert (books.where(ADA), books.where("Quay 1")) == ([*TABLES[1:]], [*TABLES[1:]])
    books.clock.advance(20 * DAY_S)
    buyer.choose(email=ADA)
    books.clock.advance(20 * DAY_S)
    assert books.erase() == 0
    books.clock.advance(20 * DAY_S)
    assert (books.erase(), books.erase()) == (2, 0)
    assert (books.where(ADA), books.where("Quay 1")) == ([], [])
