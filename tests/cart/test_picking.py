"""From a paid order to a shelf at the desk: claimed by one, proven by scan. On both databases."""

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.db import reading
from cart.db.migrate import downgrade, upgrade
from cart.kernel.errors import (
    InvalidInput,
    LeadNeeded,
    NotReady,
    TaskTaken,
    TooManyPieces,
    UnknownStaff,
    UnknownTask,
    WrongItem,
)
from cart.orders.model import OrderState
from cart.picking import picking, staff, tasks, walks
from cart.picking.model import WALK_TASKS_MAX, Changed, Staff
from cart.picking.roles import Role
from cart.picking.tables import PickTaskRow
from tests.cart.buying import JACKET, LAMP, MUG, SHOP, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with two zones, and nobody at work yet."""
    return Floor(engine, clock)


def task(floor: Floor, order_id: str) -> PickTaskRow:
    """Return an order's task."""
    with reading(floor.engine) as db:
        return db.exec(select(PickTaskRow).where(PickTaskRow.order_id == order_id)).one()


def release(floor: Floor, who: Staff, order_id: str) -> Changed:
    """Give an order's task back."""
    task_id = floor.task_of(order_id)
    return floor.do(lambda db: walks.release(db, floor.clock, staff=who, task_id=task_id))


def reassign(floor: Floor, lead: Staff, order_id: str, to: str) -> Changed:
    """Give an order's task to somebody."""
    task_id = floor.task_of(order_id)
    return floor.do(
        lambda db: walks.reassign(
            db, floor.clock, floor.ids, staff=lead, task_id=task_id, to_staff_id=to
        )
    )


def test_a_paid_order_is_a_task_once(floor: Floor) -> None:
    """Made with the payment; asked for again it is the same task with the same lines."""
    order_id = floor.order({LAMP: 2, MUG: 1})
    assert floor.open_task(order_id) == floor.task_of(order_id)
    (entry,) = floor.queue()
    assert (entry.order_id, entry.lines, entry.pieces, entry.left) == (order_id, 2, 3, 3)
    assert (entry.free, entry.claimed_by, entry.method) == (True, None, "collect")
    assert entry.ticket == floor.view(order_id).ticket


def test_an_order_without_a_task_is_found(floor: Floor) -> None:
    """The net under a payment that died before its task was made."""
    order_id = floor.buyer().buy()
    assert floor.look(lambda db: tasks.orders_without_task(db, 10)) == [order_id]
    floor.open_task(order_id)
    assert floor.look(lambda db: tasks.orders_without_task(db, 10)) == []


def test_lines_come_in_walking_order(floor: Floor) -> None:
    """By zone and bay over all orders of a walk; what nobody has placed comes last."""
    orders = [floor.order({JACKET: 1, LAMP: 1}), floor.order({LAMP: 1, MUG: 1})]
    ada = floor.hire()
    floor.claim(ada, *orders)
    lines = floor.walk(ada)
    assert [line.gtin for line in lines] == [MUG, LAMP, LAMP, JACKET]
    assert [line.order_id for line in lines[1:3]] == orders
    assert (lines[0].zone_name, lines[0].bay_id) == ("The door", "A1")
    assert lines[0].zone_name_i18n == {"pl": "door po polsku"}
    assert (lines[3].zone_name, lines[3].zone_name_i18n, lines[3].bay_id) == ("", {}, "")
    assert lines[1].name_i18n == {"pl": "lamp po polsku"}


def test_a_walk_holds_several_orders_and_no_more(floor: Floor) -> None:
    """What is claimed later joins the walk; a seventh order is refused and stays free."""
    orders = [floor.order({MUG: 1}) for _ in range(WALK_TASKS_MAX + 1)]
    ada = floor.hire()
    floor.claim(ada, *orders[:2])
    floor.claim(ada, *orders[1:6])
    assert len({task(floor, one).walk_id for one in orders[:6]}) == 1
    assert {floor.view(one).state for one in orders[:6]} == {OrderState.PICKING}
    with pytest.raises(InvalidInput):
        floor.claim(ada, orders[6])
    assert [entry.free for entry in floor.queue()] == [False] * 6 + [True]
    with pytest.raises(InvalidInput):
        floor.claim(ada)


def test_a_claim_is_all_or_nothing(floor: Floor) -> None:
    """One task of three is a colleague's: none of them is taken."""
    orders = [floor.order({MUG: 1}) for _ in range(3)]
    ada, ben = floor.hire("1"), floor.hire("2")
    floor.claim(ben, orders[1])
    with pytest.raises(TaskTaken) as refused:
        floor.claim(ada, *orders)
    assert refused.value.data["task_id"] == floor.task_of(orders[1])
    assert floor.walk(ada) == []
    assert [entry.claimed_name for entry in floor.queue()] == ["", "Staff 2", ""]
    assert floor.told(orders[0]) == ["placed"]


def test_a_task_of_another_location_is_none(floor: Floor) -> None:
    """Neither to claim nor to pick; it stays where it is."""
    order_id = floor.order()
    away = floor.hire("9", Role.LEAD, THERE)
    with pytest.raises(UnknownTask):
        floor.claim(away, order_id)
    with pytest.raises(UnknownTask):
        reassign(floor, away, order_id, away.id)
    assert floor.queue()[0].free


def test_a_claim_survives_a_reload(floor: Floor) -> None:
    """Whoever signs in again on another phone goes on where she was."""
    order_id = floor.order({LAMP: 2})
    ada = floor.hire()
    floor.claim(ada, order_id)
    floor.pick(ada, order_id)
    (line,) = floor.walk(ada)
    assert (line.picked, line.left) == (1, 1)
    floor.claim(ada, order_id)  # the button pressed twice
    assert floor.told(order_id) == ["placed", "claimed", "picked"]


def test_a_task_given_back_keeps_what_was_picked(floor: Floor) -> None:
    """The next one goes on; once more changes nothing."""
    order_id = floor.order({LAMP: 2})
    ada, ben = floor.hire("1"), floor.hire("2")
    floor.claim(ada, order_id)
    floor.pick(ada, order_id)
    release(floor, ada, order_id)
    before = release(floor, ada, order_id)
    assert before.version == floor.view(order_id).version
    (entry,) = floor.queue()
    assert (entry.free, entry.left, entry.claimed_by) == (True, 1, None)
    floor.claim(ben, order_id)
    floor.pick(ben, order_id)
    assert floor.told(order_id) == ["placed", "claimed", "picked", "released", "claimed", "picked"]


def test_only_a_lead_takes_work_from_others(floor: Floor) -> None:
    """An associate is refused, and the task stays where it is."""
    order_id = floor.order()
    ada, ben, lea = floor.hire("1"), floor.hire("2"), floor.hire("3", Role.LEAD)
    floor.claim(ada, order_id)
    with pytest.raises(LeadNeeded):
        release(floor, ben, order_id)
    with pytest.raises(LeadNeeded):
        reassign(floor, ben, order_id, ben.id)
    assert task(floor, order_id).claimed_by == ada.id
    reassign(floor, lea, order_id, ben.id)
    assert task(floor, order_id).claimed_by == ben.id
    assert [line.order_id for line in floor.walk(ben)] == [order_id]
    release(floor, lea, order_id)
    assert floor.queue()[0].free
    with pytest.raises(UnknownStaff):
        reassign(floor, lea, order_id, "nobody")
    assert floor.queue()[0].free


def test_work_of_who_is_gone_can_be_taken_over(floor: Floor) -> None:
    """After half an hour without a sign of life, or at once when she has signed out."""
    ada, ben = floor.enter("1"), floor.enter("2")
    first, second = floor.order(), floor.order()
    floor.claim(ada.staff, first)
    with pytest.raises(TaskTaken):
        floor.claim(ben.staff, first)
    floor.clock.advance(walks.GONE_AFTER.total_seconds())
    assert floor.queue()[0].free
    floor.claim(ben.staff, first)
    assert task(floor, first).claimed_by == ben.staff.id
    floor.do(lambda db: staff.touch(db, floor.clock, ben.token))
    floor.claim(ben.staff, second)
    floor.do(lambda db: staff.sign_out(db, floor.clock, token=ben.token))
    floor.do(lambda db: staff.touch(db, floor.clock, ada.token))
    floor.claim(ada.staff, first, second)
    assert {line.order_id for line in floor.walk(ada.staff)} == {first, second}
    assert floor.walk(ben.staff) == []


@pytest.mark.parametrize(
    "code", [LAMP, "4006381333931", "https://id.example/01/04006381333931?17=270101", " lamp "]
)
def test_a_piece_is_proven_by_its_code(floor: Floor, code: str) -> None:
    """GTIN as printed, GS1 Digital Link, or the SKU from the shelf's label."""
    order_id = floor.order({LAMP: 2})
    ada = floor.hire()
    floor.claim(ada, order_id)
    line_id = floor.line_of(order_id).line_id
    done = floor.scan(ada, line_id, code)
    assert (done.picked, done.left, done.version) == (1, 1, floor.view(order_id).version)
    assert floor.view(order_id).lines[0].picked == 1
    assert floor.movements("picked") == 1


@pytest.mark.parametrize(
    ("code", "scanned"),
    [(MUG, "Mug"), ("9506000134352", ""), ("https://id.example/", ""), ("no code", "")],
)
def test_the_wrong_item_is_refused(floor: Floor, code: str, scanned: str) -> None:
    """With what was scanned and what is wanted, for a picture of both; nothing was counted."""
    order_id = floor.order()
    ada = floor.hire()
    floor.claim(ada, order_id)
    line_id = floor.line_of(order_id).line_id
    with pytest.raises(WrongItem) as refused:
        floor.scan(ada, line_id, code)
    data = refused.value.data
    assert (data["wanted_name"], data["wanted_gtin"]) == ("Lamp", LAMP)
    assert data.get("scanned_name", "") == scanned
    assert floor.line_of(order_id).picked == 0
    assert floor.movements("picked") == 0
    assert floor.told(order_id) == ["placed", "claimed"]


@pytest.mark.parametrize("quantity", [0, -1, 1000])
def test_a_count_is_a_count(floor: Floor, quantity: int) -> None:
    """Nobody picks no pieces."""
    order_id = floor.order()
    ada = floor.hire()
    floor.claim(ada, order_id)
    with pytest.raises(InvalidInput):
        floor.pick(ada, order_id, quantity=quantity)
    assert floor.line_of(order_id).picked == 0


def test_more_than_is_wanted_is_refused(floor: Floor) -> None:
    """By count, too; the line keeps what it had."""
    order_id = floor.order({LAMP: 3})
    ada = floor.hire()
    floor.claim(ada, order_id)
    floor.pick(ada, order_id, quantity=2)
    with pytest.raises(TooManyPieces) as refused:
        floor.pick(ada, order_id, quantity=2)
    assert refused.value.data["left"] == 1
    assert (floor.line_of(order_id).picked, floor.view(order_id).lines[0].picked) == (2, 2)
    assert floor.movements("picked") == 1


def test_only_who_holds_the_task_picks(floor: Floor) -> None:
    """Neither a colleague nor somebody who has given it back."""
    order_id = floor.order()
    ada, ben = floor.hire("1"), floor.hire("2")
    with pytest.raises(TaskTaken):
        floor.pick(ada, order_id)
    floor.claim(ada, order_id)
    with pytest.raises(TaskTaken):
        floor.pick(ben, order_id)
    release(floor, ada, order_id)
    with pytest.raises(TaskTaken):
        floor.pick(ada, order_id)
    assert floor.line_of(order_id).picked == 0
    with pytest.raises(UnknownTask):
        floor.scan(ada, "no such line", LAMP)


def test_a_pick_can_be_undone(floor: Floor) -> None:
    """As far as there are picked pieces; the history tells both."""
    order_id = floor.order({LAMP: 2})
    ada = floor.hire()
    floor.claim(ada, order_id)
    floor.pick(ada, order_id, quantity=2)
    line_id = floor.line_of(order_id).line_id

    def undo(quantity: int) -> picking.Picked:
        return floor.do(
            lambda db: picking.undo_pick(
                db,
                floor.clock,
                SHOP,
                staff=ada,
                line_id=line_id,
                operation_id=floor.ids.new("undo"),
                quantity=quantity,
            )
        )

    assert undo(1).picked == 1
    with pytest.raises(TooManyPieces):
        undo(2)
    assert (floor.line_of(order_id).picked, floor.view(order_id).lines[0].picked) == (1, 1)
    assert floor.told(order_id) == ["placed", "claimed", "picked", "unpicked"]
    assert floor.walked() == [("picked", 2), ("unpicked", -1)]


def test_picks_of_before_get_their_pieces(floor: Floor) -> None:
    """The ledger of an older schema knew that there was a pick, not how many pieces it was."""
    order_id = floor.order({LAMP: 2, MUG: 1})
    ada = floor.hire()
    floor.claim(ada, order_id)
    floor.pick(ada, order_id, quantity=2)
    downgrade(floor.engine, "0002")
    upgrade(floor.engine)
    assert floor.walked() == [("picked", 2)]


def test_an_order_is_staged_when_every_piece_is_there(floor: Floor) -> None:
    """Not before; then it is ready, on its shelf, and the shopper gets a letter."""
    order_id = floor.order({LAMP: 2})
    ada = floor.hire()
    floor.claim(ada, order_id)
    floor.pick(ada, order_id)
    with pytest.raises(NotReady):
        floor.stage(ada, order_id)
    assert (floor.view(order_id).state, task(floor, order_id).state) == ("picking", "claimed")
    floor.pick(ada, order_id)
    floor.clock.advance(30)
    floor.stage(ada, order_id, " B3 ")
    view = floor.view(order_id)
    assert (view.state, view.shelf, view.ready_at) == ("ready", "B3", floor.clock.now())
    assert floor.letters(order_id) == [f"{order_id}:ready", f"{order_id}:receipt"]
    assert floor.queue() == []
    with pytest.raises(TaskTaken):
        floor.stage(ada, order_id)
    with pytest.raises(TaskTaken):
        reassign(floor, floor.hire("3", Role.LEAD), order_id, ada.id)
    assert floor.told(order_id)[-1] == "staged"


@pytest.mark.parametrize("shelf", ["", "  ", "x" * 33, "a\nb"])
def test_a_shelf_has_a_name(floor: Floor, shelf: str) -> None:
    """One that fits on its label; the order is not ready otherwise."""
    order_id = floor.order()
    ada = floor.hire()
    floor.claim(ada, order_id)
    floor.pick(ada, order_id)
    with pytest.raises(InvalidInput):
        floor.stage(ada, order_id, shelf)
    assert floor.view(order_id).state == OrderState.PICKING


def test_a_shipped_order_is_picked_as_well(floor: Floor) -> None:
    """It gets a task; ready at the desk is no news for who waits at home."""
    address = {
        "name": "Ada",
        "street": "Street 1",
        "postcode": "1000 AA",
        "city": "Town",
        "country": "NL",
    }
    floor.ship()
    order_id = floor.order({MUG: 1}, method="ship", address=address)
    assert floor.queue()[0].method == "ship"
    ada = floor.hire()
    floor.claim(ada, order_id)
    floor.pick_all(ada, order_id)
    floor.stage(ada, order_id)
    assert floor.view(order_id).state == OrderState.READY
    assert floor.letters(order_id) == [f"{order_id}:receipt"]
