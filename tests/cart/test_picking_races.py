"""Rivals at the same moment: two pickers, two desks, an answer and its end. On both databases.

Each round lets two act at once, behind a barrier; the database decides, and exactly
one wins. Neither may see an error that is not "somebody else was faster".
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from sqlalchemy import Engine

from cart.kernel.errors import (
    AlreadyHandedOver,
    CarryoverError,
    OfferClosed,
    TaskTaken,
    TooManyPieces,
)
from cart.orders.model import OrderState
from cart.orders.sums import differences
from cart.picking import substitution
from cart.picking.model import Changed, ShortReason
from inventory_api.stock import recount
from tests.cart.buying import LAMP, MUG
from tests.cart.floor import BLUE, Floor
from tests.fakes.clock import FakeClock

ROUNDS = 8  # a lost update shows in the first few
WAIT_S = 30
pytestmark = pytest.mark.slow


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with two zones and plenty on its shelves."""
    return Floor(engine, clock, pieces=500)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all of it at the same moment; return what came of each: an answer, or the refusal."""
    together = threading.Barrier(len(acts))
    came: list[object] = [None] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        together.wait(WAIT_S)
        try:
            came[place] = act()
        except CarryoverError as refused:
            came[place] = refused
        except Exception as error:  # noqa: BLE001 - shown below, in the test's own thread
            came[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    unexpected = [one for one in came if isinstance(one, Exception)]
    assert [one for one in unexpected if not isinstance(one, CarryoverError)] == []
    return came


def refusals(came: Sequence[object]) -> list[type]:
    """Return the refusals among what came of it."""
    return [type(one) for one in came if isinstance(one, CarryoverError)]


def assert_sums(floor: Floor) -> None:
    """Assert that money, pieces and ledger agree."""
    assert list(floor.look(differences)) == []
    assert floor.look(lambda db: recount.differences(db, 10)) == []


def test_two_pickers_never_hold_the_same_task(floor: Floor) -> None:
    """Two walks that share a task, claimed in opposite orders: one gets all, the other nothing."""
    ada, ben = floor.hire("1"), floor.hire("2")
    for _ in range(ROUNDS):
        orders = [floor.order({MUG: 1}) for _ in range(3)]
        came = at_once(
            partial(floor.claim, ada, orders[0], orders[1]),
            partial(floor.claim, ben, orders[2], orders[1]),
        )
        assert refusals(came) == [TaskTaken]
        winner, loser = (ada, ben) if isinstance(came[0], list) else (ben, ada)
        assert len({line.order_id for line in floor.walk(winner)}) == 2
        assert floor.walk(loser) == []
        for order_id in orders:
            if floor.queue() and any(
                one.order_id == order_id and one.free for one in floor.queue()
            ):
                floor.claim(winner, order_id)
            floor.pick_all(winner, order_id)
            floor.stage(winner, order_id)
    assert_sums(floor)


def test_two_desks_hand_over_once(floor: Floor) -> None:
    """The same code at both ends of the counter: pieces leave once."""
    ada, ben = floor.hire("1"), floor.hire("2")
    for number in range(1, ROUNDS + 1):
        order_id = floor.ready(ada)
        came = at_once(
            partial(floor.hand_over, ada, order_id),
            partial(floor.hand_over, ben, order_id),
        )
        assert refusals(came) == [AlreadyHandedOver]
        assert floor.stock()[0] == 500 - number
        assert floor.told(order_id).count("handed_over") == 1
    assert_sums(floor)


def test_an_answer_and_its_end_are_one(floor: Floor) -> None:
    """She accepts as the sweep expires the offer: substituted or refunded, never both."""
    ada = floor.hire()
    for _ in range(ROUNDS):
        order_id = floor.order({LAMP: 1})
        floor.claim(ada, order_id)
        floor.short(ada, order_id, offer=BLUE)
        (offer,) = floor.offers(order_id)
        late = FakeClock(floor.clock.now() + substitution.OFFER_FOR)
        came = at_once(
            partial(floor.answer, order_id, offer.id, accepted=True),
            partial(floor.expire_one, offer.id, late),
        )
        view = floor.view(order_id)
        if refusals(came) == [OfferClosed]:
            assert (view.state, view.refunded_minor) == (OrderState.CANCELLED, 18_900)
        else:
            assert isinstance(came[0], Changed)
            assert came[1] is None
            assert (len(view.lines), view.refunded_minor) == (2, 3_900)
            floor.short(ada, order_id, gtin=BLUE, reason=ShortReason.OTHER)
        assert floor.stock(BLUE) == (2, 0, 0)
    assert_sums(floor)


def test_yes_and_no_at_once_is_one_answer(floor: Floor) -> None:
    """Two phones of one shopper: one of the answers counts."""
    ada = floor.hire()
    for _ in range(ROUNDS):
        order_id = floor.order({LAMP: 1, MUG: 1})
        floor.claim(ada, order_id)
        floor.short(ada, order_id, offer=BLUE)
        (offer,) = floor.offers(order_id)
        came = at_once(
            partial(floor.answer, order_id, offer.id, accepted=True),
            partial(floor.answer, order_id, offer.id, accepted=False),
        )
        assert refusals(came) == [OfferClosed]
        accepted = isinstance(came[0], Changed)
        assert len(floor.view(order_id).lines) == (3 if accepted else 2)
        if accepted:
            floor.short(ada, order_id, gtin=BLUE, reason=ShortReason.OTHER)
        floor.pick_all(ada, order_id)
        floor.stage(ada, order_id)
    assert_sums(floor)


def test_a_piece_is_picked_or_short(floor: Floor) -> None:
    """Two scanners signed in as one person: the last piece is counted once."""
    ada = floor.hire()
    for _ in range(ROUNDS):
        order_id = floor.order({LAMP: 1, MUG: 1})
        floor.claim(ada, order_id)
        came = at_once(
            partial(floor.pick, ada, order_id),
            partial(floor.short, ada, order_id),
        )
        assert refusals(came) == [TooManyPieces]
        line = floor.line_of(order_id)
        assert (line.picked + line.short, line.left) == (1, 0)
        assert floor.view(order_id).refunded_minor == 18_900 * line.short
        floor.pick_all(ada, order_id)
        floor.stage(ada, order_id)
    assert_sums(floor)


def test_shorts_of_crossed_orders_do_not_wait_in_a_circle(floor: Floor) -> None:
    """Lamp for blue lamp here, blue lamp for lamp there: stock is locked in one order."""
    ada, ben = floor.hire("1"), floor.hire("2")
    for _ in range(ROUNDS // 2):
        first, second = floor.order({LAMP: 1, MUG: 1}), floor.order({BLUE: 1, MUG: 1})
        floor.claim(ada, first)
        floor.claim(ben, second)
        came = at_once(
            partial(floor.short, ada, first, offer=BLUE, reason=ShortReason.OTHER),
            partial(floor.short, ben, second, gtin=BLUE, offer=LAMP, reason=ShortReason.OTHER),
        )
        assert refusals(came) == []
        came = at_once(
            *(
                partial(floor.answer, order_id, floor.offers(order_id)[0].id, accepted=yes)
                for order_id, yes in ((first, True), (second, False))
            )
        )
        assert refusals(came) == []
        for who, order_id in ((ada, first), (ben, second)):
            floor.pick_all(who, order_id)
            floor.stage(who, order_id)
            floor.hand_over(who, order_id)
        floor.restock(BLUE)
    assert_sums(floor)
