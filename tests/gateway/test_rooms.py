"""Fitting rooms: asked once, answered by one of the staff, over with the visit; both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.carts.tables import CartLineRow
from cart.kernel.errors import (
    CarryoverError,
    InsufficientStock,
    InvalidInput,
    SizeRequestOver,
    SizeRequestTaken,
    UnknownSizeRequest,
)
from cart.kernel.gtin import Gtin
from cart.picking.model import Staff
from cart.picking.roles import Role
from gateway.binding import service as binding
from gateway.commands.tables import DeviceCommandRow
from gateway.ingest.batch import Domain
from gateway.ingest.fence import Unfenced
from gateway.ingest.read import read
from gateway.ingest.stations import stations_heard
from gateway.notices import RoomsChanged
from gateway.rooms import answering, sweeping
from gateway.rooms.answering import Moved
from gateway.rooms.model import (
    ANSWER_WITHIN,
    BRING_WITHIN,
    KEPT,
    OPEN_MAX,
    TRIED_MAX,
    SizeState,
)
from gateway.rooms.queries import tried
from gateway.rooms.tables import SizeRequestRow, TriedItemRow
from gateway.wire.size_answer import Differs, SizeAnswer
from gateway.wire.topics import Channel
from inventory_api.catalogue.queries import sellables
from inventory_api.stock import service as stock
from inventory_api.stock.model import Reason
from tests.cart.buying import HERE, LAMP, MUG, SHOP, THERE, at_once
from tests.cart.floor import BLUE, GREEN, Floor
from tests.fakes.clock import FakeClock
from tests.fakes.fitting_room import FittingRoom
from tests.fakes.shop import UNKNOWN

TAKEN, COMING, NOT_HERE, BROUGHT = (
    SizeState.TAKEN, SizeState.COMING, SizeState.NOT_HERE, SizeState.BROUGHT,
)  # fmt: skip


@pytest.fixture
def room(engine: Engine, clock: FakeClock) -> FittingRoom:
    """A room of a shop with lamps in three colours."""
    return FittingRoom(Floor(engine, clock))


def step(room: FittingRoom, who: Staff, request_id: str, to: SizeState) -> Moved | None:
    """Press a button."""
    floor = room.floor
    return floor.do(
        lambda db: answering.step(
            db, floor.clock, floor.ids, staff=who, request_id=request_id, to=to
        )
    )


def offer(room: FittingRoom, who: Staff, request_id: str, gtin: Gtin) -> Moved | None:
    """Offer another."""
    floor = room.floor
    return floor.do(
        lambda db: answering.offer(
            db, floor.clock, floor.ids, SHOP, staff=who, request_id=request_id, gtin=gtin
        )
    )


def lapse(room: FittingRoom) -> list[tuple[str, str]]:
    """Sweep what nobody answered."""
    return room.floor.do(lambda db: sweeping.lapse(db, room.floor.clock, room.floor.ids))


def test_a_wish_that_is_sent_twice_is_one(room: FittingRoom) -> None:
    """The same message, and the same wish in another one; staff are told once."""
    wish = room.wish()
    outcome = room.hear(wish, wish)
    assert RoomsChanged(HERE) in outcome.notices
    again = room.hear(wish, room.wish())
    assert [one for one in again.notices if isinstance(one, RoomsChanged)] == []
    assert room.open() == ["w1"]
    row = room.row()
    assert (row.gtin, row.had_gtin, row.sku, row.state) == (BLUE, LAMP, "lamp-blue", "asked")
    assert row.location_id == HERE


def test_what_is_brought_in_is_no_line_of_the_cart(room: FittingRoom) -> None:
    """It is listed once for its visit, in its order; the next person brings in her own."""
    room.hear(room.said("item.tried", gtin=LAMP, reader="rfid"))
    room.floor.clock.advance(2)
    room.hear(room.said("item.tried", gtin=MUG), room.said("item.tried", gtin=LAMP))
    room.ask()
    binding_id = room.row().binding_id
    assert room.floor.look(lambda db: tried(db, [binding_id])) == {binding_id: [LAMP, MUG]}
    assert room.floor.look(lambda db: db.exec(select(CartLineRow)).all()) == []
    room.leave()
    room.visit = "v2"
    room.hear(room.said("item.tried", gtin=MUG))
    rows = room.floor.look(lambda db: db.exec(select(TriedItemRow)).all())
    assert sorted(row.gtin for row in rows) == sorted([LAMP, MUG, MUG])


def test_what_cannot_be_is_refused_and_changes_nothing(room: FittingRoom) -> None:
    """Too many at once, a code of no article, a kind of device that stands in no room."""
    wishes = [room.wish(f"w{number}") for number in range(OPEN_MAX + 1)]
    outcome = room.hear(*wishes, room.wish("other", UNKNOWN), room.said("item.tried", gtin=UNKNOWN))
    codes = [one.error.code for one in outcome.refused if one.error]
    assert codes == ["too_many_size_requests", "unknown_gtin", "unknown_gtin"]
    assert len(room.open()) == OPEN_MAX
    tablet = FittingRoom(room.floor, kind="tablet")
    refused = tablet.hear(tablet.wish("w9")).refused
    assert [one.error.code for one in refused if one.error] == ["event_not_allowed"]
    assert len(room.open()) == OPEN_MAX


def test_a_reader_that_hears_the_rails_is_held_back(room: FittingRoom) -> None:
    """What is beyond anybody's arms is a dead letter; what came before stays."""
    rows = [
        TriedItemRow(binding_id="", gtin=f"{number:014}", sku="x", reader="rfid",
                     tried_at=room.floor.clock.now())
        for number in range(TRIED_MAX)
    ]  # fmt: skip
    room.ask()
    for row in rows:
        row.binding_id = room.row().binding_id
    room.floor.do(lambda db: db.add_all(rows))
    refused = room.hear(room.said("item.tried", gtin=MUG)).refused
    assert [one.error.code for one in refused if one.error] == ["too_much_tried"]


def test_taken_coming_brought(room: FittingRoom) -> None:
    """The glass hears what matters to her, and how long it took is known."""
    ada, clock = room.floor.hire(), room.floor.clock
    request_id = room.ask()
    clock.advance(10)
    assert step(room, ada, request_id, TAKEN) == Moved(HERE)
    assert room.told() == []
    clock.advance(20)
    coming = step(room, ada, request_id, COMING)
    assert coming is not None
    assert coming.device_id == room.device_id
    assert round(coming.answered_s or 0) == 30
    clock.advance(60)
    assert step(room, ada, request_id, COMING) is None  # again changes nothing
    brought = step(room, ada, request_id, BROUGHT)
    assert brought is not None
    assert (brought.answered_s, round(brought.brought_s or 0)) == (None, 90)
    assert [one.answer for one in room.told()] == [SizeAnswer.COMING, SizeAnswer.BROUGHT]
    assert {(one.visit, one.request) for one in room.told()} == {("v1", "w1")}
    assert room.open() == []
    row = room.row()
    assert row.taken_by == ada.id
    assert row.taken_at < row.coming_at == row.answered_at < row.ended_at  # type: ignore[operator]


def test_of_two_who_take_it_at_once_one_has_it(room: FittingRoom) -> None:
    """The others are told that a colleague looks; a lead may go on with it."""
    request_id = room.ask()
    rivals = [room.floor.hire(str(number)) for number in range(4)]

    def take(who: Staff) -> str:
        try:
            step(room, who, request_id, TAKEN)
        except SizeRequestTaken:
            return ""
        return who.id

    had = [one for one in at_once(*[lambda who=who: take(who) for who in rivals]) if one]
    assert had == [room.row().taken_by]
    other = next(who for who in rivals if who.id not in had)
    with pytest.raises(SizeRequestTaken):
        step(room, other, request_id, COMING)
    with pytest.raises(SizeRequestTaken):
        offer(room, other, request_id, GREEN)
    assert room.row().state == "taken"
    lead = room.floor.hire("9", Role.LEAD)
    assert step(room, lead, request_id, COMING) is not None
    assert room.row().taken_by == lead.id


def test_an_answer_and_a_call_off_at_once_are_one_of_them(room: FittingRoom) -> None:
    """Whoever is first; the state is never half of both."""
    ada = room.floor.hire()
    request_id = room.ask()
    wish_off = room.said("size.cancelled", request="w1")

    def press() -> str:
        try:
            step(room, ada, request_id, NOT_HERE)
        except CarryoverError as error:
            return error.code
        return "done"

    pressed, _ = at_once(press, lambda: room.hear(wish_off))
    row = room.row()
    if pressed == "done":
        assert (row.state, row.answered_at is not None) == ("not_here", True)
        assert [one.answer for one in room.told()] == [SizeAnswer.NOT_HERE]
    else:
        assert (pressed, row.state, row.answered_at) == ("size_request_over", "cancelled", None)
        assert room.told() == []


def test_another_colour_that_is_here_is_offered(room: FittingRoom) -> None:
    """Of the same product and on the shelf; nothing else, and not what she has in there."""
    ada = room.floor.hire()
    request_id = room.ask()
    for gtin in (MUG, LAMP, BLUE):
        with pytest.raises(InvalidInput):
            offer(room, ada, request_id, gtin)
    take_away(room, "lamp-green", -2)
    with pytest.raises(InsufficientStock):
        offer(room, ada, request_id, GREEN)
    assert (room.row().state, room.told()) == ("asked", [])
    take_away(room, "lamp-green", 1)
    assert offer(room, ada, request_id, GREEN) is not None
    assert offer(room, ada, request_id, GREEN) is None
    (said,) = room.told()
    assert (said.answer, said.gtin, said.differs) == (
        SizeAnswer.ALTERNATIVE, GREEN, Differs.COLOUR,
    )  # fmt: skip
    assert (room.row().state, room.row().offered_gtin) == ("alternative", GREEN)


def take_away(room: FittingRoom, sku: str, delta: int) -> None:
    """Move stock of the shop."""
    room.floor.do(
        lambda db: stock.move(
            db,
            room.floor.clock,
            location_id=HERE,
            sku=sku,
            delta=delta,
            reason=Reason.RECEIVED if delta > 0 else Reason.DAMAGED,
        )
    )


def test_only_staff_of_the_shop_answer(room: FittingRoom) -> None:
    """For those of another it is not there; and what nobody took nobody has brought."""
    request_id = room.ask()
    with pytest.raises(UnknownSizeRequest):
        step(room, room.floor.hire("3", place=THERE), request_id, TAKEN)
    with pytest.raises(SizeRequestOver):
        step(room, room.floor.hire(), request_id, BROUGHT)
    assert room.row().state == "asked"


def test_the_end_of_the_visit_calls_everything_off(room: FittingRoom) -> None:
    """At once for staff, and no answer is left for who comes next."""
    ada = room.floor.hire()
    first = room.ask()
    room.ask("w2", GREEN)
    step(room, ada, first, COMING)
    assert RoomsChanged(HERE) in room.leave().notices
    assert (room.open(), room.told()) == ([], [])
    assert {room.row(one).state for one in ("w1", "w2")} == {"cancelled"}
    with pytest.raises(SizeRequestOver):
        step(room, ada, first, BROUGHT)
    assert room.told() == []
    # What comes late of a visit that is over asks nobody.
    room.hear(room.wish("w3"))
    assert room.open() == []


def test_a_visit_that_another_one_follows_is_over_too(room: FittingRoom) -> None:
    """Its put-down was lost: the next person's first word ends it."""
    room.ask()
    room.floor.clock.advance(60)
    room.visit = "v2"
    outcome = room.hear(room.said("device.taken_up"))
    assert RoomsChanged(HERE) in outcome.notices
    assert room.open() == []


def test_a_visit_that_is_ended_from_elsewhere_asks_no_longer(room: FittingRoom) -> None:
    """From her phone: staff's page leaves it out at once, nobody can answer, the sweep closes."""
    ada, floor = room.floor.hire(), room.floor
    request_id = room.ask()
    floor.do(
        lambda db: binding.release(
            db, floor.clock, floor.ids, device_id=room.device_id, visit="v1", reason="phone"
        )
    )
    assert room.open() == []
    with pytest.raises(SizeRequestOver):
        step(room, ada, request_id, COMING)
    assert floor.do(lambda db: sweeping.close_over(db, floor.clock)) == {HERE}
    assert (room.row().state, room.told()) == ("cancelled", [])
    assert floor.do(lambda db: sweeping.close_over(db, floor.clock)) == set()


def test_what_nobody_answers_lapses_and_the_glass_says_so(room: FittingRoom) -> None:
    """After five minutes, not before; what comes, after twenty; once each."""
    ada, clock = room.floor.hire(), room.floor.clock
    answered = room.ask()
    room.ask("w2", GREEN)
    step(room, ada, answered, COMING)
    clock.advance(ANSWER_WITHIN.total_seconds() - 1)
    assert lapse(room) == []
    clock.advance(2)
    assert lapse(room) == [(HERE, room.device_id)]
    assert lapse(room) == []
    assert (room.row().state, room.row("w2").state) == ("coming", "lapsed")
    clock.advance(BRING_WITHIN.total_seconds() - ANSWER_WITHIN.total_seconds())
    assert lapse(room) == [(HERE, room.device_id)]
    assert [(one.request, one.answer) for one in room.told()][-2:] == [
        ("w2", SizeAnswer.LAPSED), ("w1", SizeAnswer.LAPSED),
    ]  # fmt: skip


def test_a_wish_of_a_mirror_that_was_away_for_long_is_no_task(room: FittingRoom) -> None:
    """Nobody waits for it any more; the glass is told, and no staff."""
    at = room.floor.clock.now() - ANSWER_WITHIN - timedelta(seconds=1)
    outcome = room.hear(room.wish(at=at.isoformat()))
    assert outcome.asked == {room.device_id}
    assert [one for one in outcome.notices if isinstance(one, RoomsChanged)] == []
    assert (room.open(), room.row().state) == ([], "lapsed")
    assert [one.answer for one in room.told()] == [SizeAnswer.LAPSED]


def test_nothing_of_an_answer_is_kept_once_the_glass_has_it(room: FittingRoom) -> None:
    """An acknowledged command says only that there was one."""
    request_id = room.ask()
    step(room, room.floor.hire(), request_id, NOT_HERE)
    floor = room.floor
    (command_id,) = floor.look(lambda db: db.exec(select(DeviceCommandRow.id)).all())
    ack = room.mirror.message(
        f'{{"command_id":"{command_id}","outcome":"done"}}'.encode(), Channel.ACKS
    )
    domain = Domain(floor.clock, floor.ids, sellables)
    stations_heard(floor.engine, domain, Unfenced(), [read(ack)])
    kept = floor.look(lambda db: db.get_one(DeviceCommandRow, command_id))
    assert (kept.outcome, kept.payload) == ("done", "")


def test_what_is_over_is_forgotten_when_the_shop_has_closed(room: FittingRoom) -> None:
    """Twelve hours after its end, with what was brought in; what is open stays."""
    room.hear(room.said("item.tried", gtin=LAMP))
    room.ask()
    room.ask("w2", GREEN)
    room.hear(room.said("size.cancelled", request="w1"))
    floor = room.floor
    assert floor.do(lambda db: sweeping.forget(db, floor.clock)) == 0
    floor.clock.advance(KEPT.total_seconds() + 1)
    assert floor.do(lambda db: sweeping.forget(db, floor.clock)) == 2
    left = floor.look(lambda db: db.exec(select(SizeRequestRow.request)).all())
    assert list(left) == ["w2"]
    assert floor.look(lambda db: db.exec(select(TriedItemRow)).all()) == []
