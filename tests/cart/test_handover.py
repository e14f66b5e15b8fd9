"""Goods change hands once, to who proves that they are hers; some comes back, some never leaves."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from cart.kernel.errors import (
    AlreadyHandedOver,
    CodeRefused,
    InvalidInput,
    LeadNeeded,
    NotReady,
    TooManyPieces,
    UnknownOrder,
    UnknownTask,
)
from cart.orders.model import OrderState
from cart.orders.queries import Parcel
from cart.picking import codes, handover, returns, uncollected
from cart.picking.model import Changed, ReturnReason, Staff
from cart.picking.roles import Role
from tests.cart.buying import LAMP, MUG, SHOP, THERE
from tests.cart.floor import SECRET, Floor
from tests.fakes.clock import FakeClock

ADDRESS = {
    "name": "Ada",
    "street": "Street 1",
    "postcode": "1000 AA",
    "city": "Town",
    "country": "NL",
}


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with two zones, and nobody at work yet."""
    return Floor(engine, clock)


@pytest.fixture
def ada(floor: Floor) -> Staff:
    """An associate at the desk."""
    return floor.hire()


@pytest.fixture
def lea(floor: Floor) -> Staff:
    """A lead."""
    return floor.hire("3", Role.LEAD)


def wrong_code(order_id: str) -> str:
    """Return six other digits than the order's."""
    return f"{(int(codes.handover_code(SECRET, order_id)) + 1) % 10**6:06d}"


def find(floor: Floor, text: str, place: str = "harbour-street", *, anywhere: bool = False) -> str:
    """Find an order by what was scanned or typed."""
    return floor.look(
        lambda db: handover.find(db, SECRET, location_id=place, text=text, anywhere=anywhere)
    )


def test_a_code_belongs_to_one_order_and_one_purpose() -> None:
    """Another order, another secret or the other purpose give nothing that fits."""
    code, token = codes.handover_code(SECRET, "o1"), codes.handover_token(SECRET, "o1")
    assert (len(code), code.isdigit()) == (6, True)
    assert codes.order_of_token(SECRET, token) == "o1"
    assert codes.proves(SECRET, "o1", f" {code[:3]} {code[3:]} ")
    assert codes.proves(SECRET, "o1", token)
    for proof in (code, token):
        assert not codes.proves(SECRET, "o2", proof)
        assert not codes.proves(b"another secret", "o1", proof)
    for bad in (token[:-1], token.replace("o1", "o2"), "co:", "co:o1.", "x" * 500, "co:\u0663.00"):
        with pytest.raises(CodeRefused):
            codes.order_of_token(SECRET, bad)
    assert not codes.proves(SECRET, "o1", "\u0663" * 6)  # digits of another script


@pytest.mark.parametrize("made", [codes.handover_code, codes.handover_token])
def test_goods_are_handed_over_once(floor: Floor, ada: Staff, made: object) -> None:
    """With the code or the QR; pieces leave stock, and a second use is refused."""
    order_id = floor.ready(ada, {LAMP: 2, MUG: 1})
    assert callable(made)
    proof = made(SECRET, order_id)
    done = floor.hand_over(ada, order_id, proof)
    assert isinstance(done, Changed)
    view = floor.view(order_id)
    assert (view.state, view.version) == (OrderState.HANDED_OVER, done.version)
    assert [line.handed_over for line in view.lines] == [2, 1]
    assert (floor.stock(), floor.stock(MUG)) == ((18, 0, 0), (19, 0, 0))
    with pytest.raises(AlreadyHandedOver):
        floor.hand_over(ada, order_id, proof)
    assert floor.stock() == (18, 0, 0)
    assert floor.told(order_id).count("handed_over") == 1


def test_nothing_leaves_before_it_is_staged(floor: Floor, ada: Staff) -> None:
    """However right the code is."""
    order_id = floor.order()
    with pytest.raises(NotReady):
        floor.hand_over(ada, order_id)
    floor.claim(ada, order_id)
    floor.pick_all(ada, order_id)
    with pytest.raises(NotReady):
        floor.hand_over(ada, order_id)
    assert floor.stock() == (20, 0, 1)


def test_wrong_codes_are_counted_until_a_lead_is_needed(
    floor: Floor, ada: Staff, lea: Staff
) -> None:
    """After five, the right code is refused as well; a lead hands over and says why."""
    order_id = floor.ready(ada)
    for left in (4, 3, 2, 1, 0):
        refused = floor.hand_over(ada, order_id, wrong_code(order_id))
        assert isinstance(refused, CodeRefused)
        assert refused.data["left"] == left
    for who in (ada, lea):
        refused = floor.hand_over(who, order_id)
        assert isinstance(refused, CodeRefused)
    for who, reason in ((ada, "She showed her passport"), (lea, ""), (lea, "  ")):
        with pytest.raises(LeadNeeded):
            floor.hand_over(who, order_id, "", reason)
    assert floor.view(order_id).state == OrderState.READY
    assert floor.stock() == (20, 0, 1)
    assert isinstance(floor.hand_over(lea, order_id, "", "She showed her passport"), Changed)
    entry = floor.view(order_id).history[-1]
    assert (entry.what, entry.actor) == ("handed_over", lea.id)
    assert entry.data["proof"] == "lead: She showed her passport"
    assert floor.told(order_id).count("wrong_code") == 5


def test_an_order_of_another_desk_is_not_here(floor: Floor, ada: Staff) -> None:
    """Its code opens nothing at another location."""
    order_id = floor.ready(ada)
    away = floor.hire("9", Role.LEAD, THERE)
    with pytest.raises(UnknownOrder):
        floor.hand_over(away, order_id)
    assert floor.view(order_id).state == OrderState.READY


def test_an_order_is_found_by_what_is_scanned_or_typed(floor: Floor, ada: Staff) -> None:
    """QR, ticket in small letters, or id; elsewhere only where returns are taken."""
    order_id = floor.ready(ada)
    token, ticket = codes.handover_token(SECRET, order_id), floor.view(order_id).ticket
    for text in (token, f" {ticket.lower()} ", order_id):
        assert find(floor, text) == order_id
    assert find(floor, token, THERE, anywhere=True) == order_id
    assert find(floor, order_id, THERE, anywhere=True) == order_id
    for text, anywhere in ((token, False), (order_id, False), (ticket, True), ("X99", False)):
        with pytest.raises(UnknownOrder):
            find(floor, text, THERE, anywhere=anywhere)
    with pytest.raises(CodeRefused):
        find(floor, f"{token}0")


def test_a_shipped_order_goes_to_the_carrier(floor: Floor, ada: Staff) -> None:
    """Not over the desk; once, with the carrier's number in the history."""
    floor.ship()
    order_id = floor.ready(ada, {MUG: 1}, method="ship", address=ADDRESS)
    with pytest.raises(NotReady):
        floor.hand_over(ada, order_id)

    def ship(tracking: str, carrier: str = "Parcel Post") -> Changed:
        return floor.do(
            lambda db: handover.mark_shipped(
                db,
                floor.clock,
                floor.ids,
                SHOP,
                staff=ada,
                order_id=order_id,
                carrier=carrier,
                tracking=tracking,
            )
        )

    for tracking, carrier in (("x" * 101, "Parcel Post"), ("1", " "), ("1", "x" * 61)):
        with pytest.raises(InvalidInput):
            ship(tracking, carrier)
    assert floor.told(order_id)[-1] == "staged"
    ship("3SABC 123")
    view = floor.view(order_id)
    assert (view.state, floor.stock(MUG)) == (OrderState.SHIPPED, (19, 0, 0))
    assert view.parcel == Parcel("Parcel Post", "3SABC 123")
    assert f"{order_id}:shipped" in floor.letters(order_id)
    with pytest.raises(AlreadyHandedOver):
        ship("3SABC 123")


def test_a_ready_letter_can_be_sent_again(floor: Floor, ada: Staff) -> None:
    """Each time it is another letter; not for what has left."""
    order_id = floor.ready(ada)

    def resend() -> Changed:
        return floor.do(
            lambda db: handover.resend_ready(db, floor.clock, staff=ada, order_id=order_id)
        )

    resend()
    resend()
    assert floor.told(order_id).count("ready_resent") == 2
    assert len([one for one in floor.letters(order_id) if ":ready" in one]) == 3
    floor.hand_over(ada, order_id)
    with pytest.raises(AlreadyHandedOver):
        resend()


def later(floor: Floor, who: Staff, order_id: str, reason: str, days: float | None) -> Changed:
    """Put the collection off."""
    at = None if days is None else floor.clock.now() + timedelta(days=days)
    return floor.do(
        lambda db: handover.collected_later(
            db, floor.clock, staff=who, order_id=order_id, reason=reason, promise_at=at
        )
    )


def reminders(floor: Floor) -> list[str]:
    """Return who should be reminded now."""
    return floor.look(lambda db: uncollected.due_reminders(db, floor.clock.now(), 10))


def overdue(floor: Floor) -> list[str]:
    """Return what nobody came for."""
    return floor.look(lambda db: uncollected.due_uncollected(db, floor.clock.now(), 10))


def close(floor: Floor, order_id: str) -> Changed | None:
    """Put an order back."""
    return floor.do(
        lambda db: uncollected.close(db, floor.clock, floor.ids, SHOP, order_id=order_id)
    )


def test_who_does_not_come_is_reminded_once(floor: Floor, ada: Staff) -> None:
    """After a day, by letter; asked again there is nobody to remind."""
    order_id = floor.ready(ada)
    floor.clock.advance(23 * 3600)
    assert reminders(floor) == []
    assert floor.do(lambda db: uncollected.remind(db, floor.clock, order_id=order_id)) is None
    floor.clock.advance(3600 + 300)
    assert reminders(floor) == [order_id]
    for expected in (True, False):
        done = floor.do(lambda db: uncollected.remind(db, floor.clock, order_id=order_id))
        assert (done is not None) == expected
    assert reminders(floor) == []
    assert len([one for one in floor.letters(order_id) if ":reminder" in one]) == 1


def test_what_nobody_collects_goes_back_on_the_shelf(floor: Floor, ada: Staff) -> None:
    """After three days: pieces free, money back, a letter; the code is good no longer."""
    order_id = floor.ready(ada, {LAMP: 2})
    floor.clock.advance(71 * 3600)
    assert overdue(floor) == []
    assert close(floor, order_id) is None
    floor.clock.advance(3600 + 300)
    assert overdue(floor) == [order_id]
    changed = close(floor, order_id)
    assert changed is not None
    assert len(changed.refunds) == 1
    view = floor.view(order_id)
    assert (view.state, view.refunded_minor) == (OrderState.UNCOLLECTED, view.total_minor)
    assert floor.stock() == (20, 0, 0)
    assert f"{order_id}:uncollected" in floor.letters(order_id)
    assert (close(floor, order_id), overdue(floor)) == (None, [])
    with pytest.raises(NotReady):
        floor.hand_over(ada, order_id)


def test_collecting_later_moves_the_end(floor: Floor, ada: Staff) -> None:
    """With a reason in the history; the hours count from the new time."""
    order_id = floor.ready(ada)
    with pytest.raises(InvalidInput):
        later(floor, ada, order_id, " ", 2)
    with pytest.raises(InvalidInput):
        later(floor, ada, order_id, "She is ill", 31)
    with pytest.raises(InvalidInput):
        later(floor, ada, order_id, "She is ill", -1)
    assert floor.told(order_id)[-1] == "staged"
    later(floor, ada, order_id, "She rang", None)
    later(floor, ada, order_id, "She is ill", 5)
    floor.clock.advance(5 * 24 * 3600)
    assert (reminders(floor), overdue(floor)) == ([], [])
    floor.clock.advance(24 * 3600)
    assert reminders(floor) == [order_id]
    told = [entry for entry in floor.view(order_id).history if entry.what == "collected_later"]
    assert [entry.data["reason"] for entry in told] == ["She rang", "She is ill"]


def test_pieces_come_back_and_are_refunded(floor: Floor, ada: Staff) -> None:
    """Restocked or written off; never more than she has."""
    order_id = floor.ready(ada, {LAMP: 3})
    with pytest.raises(TooManyPieces):
        floor.take_back(ada, order_id)
    floor.hand_over(ada, order_id)
    floor.take_back(ada, order_id)
    floor.take_back(ada, order_id, restocked=False)
    assert floor.stock() == (18, 0, 0)
    with pytest.raises(TooManyPieces):
        floor.take_back(ada, order_id, quantity=2)
    with pytest.raises(InvalidInput):
        floor.take_back(ada, order_id, quantity=0)
    view = floor.view(order_id)
    assert (view.lines[0].returned, view.refunded_minor) == (2, 2 * 18_900)
    assert floor.stock() == (18, 0, 0)
    assert (floor.movements("returned"), floor.movements("damaged")) == (2, 1)
    assert floor.told(order_id)[-2:] == ["returned", "returned"]


def test_any_shop_of_the_chain_takes_pieces_back(floor: Floor, ada: Staff) -> None:
    """They are on hand where they came back, not where they were bought."""
    order_id = floor.ready(ada)
    floor.hand_over(ada, order_id)
    floor.take_back(floor.hire("9", place=THERE), order_id)
    assert (floor.stock(), floor.stock(location_id=THERE)) == ((19, 0, 0), (21, 0, 0))


def test_a_line_of_no_order_cannot_come_back(floor: Floor, ada: Staff) -> None:
    """Nothing is taken on hand for it."""
    with pytest.raises(UnknownTask):
        floor.do(
            lambda db: returns.take(
                db,
                floor.clock,
                floor.ids,
                SHOP,
                staff=ada,
                order_line_id="no such line",
                quantity=1,
                reason=ReturnReason.OTHER,
                restocked=True,
            )
        )
    assert floor.movements("returned") == 0
