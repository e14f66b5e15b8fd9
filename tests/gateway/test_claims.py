"""Claiming a visit by its link: first phone only, merged or adopted, late events, undo."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.carts import queries as carts
from cart.carts.service import Shopping, add_line, open_session
from cart.carts.tables import ListRequestRow
from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import ClaimExpired, ClaimUsed, UnknownClaim
from cart.kernel.ids import RandomIds, SeededIds, secret_hash
from gateway.binding import queries as bindings
from gateway.binding import service as binding
from gateway.binding.service import Claim
from gateway.commands.service import forget, unheard
from gateway.commands.tables import DeviceCommandRow
from gateway.registry.model import Seen
from gateway.registry.service import seen
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import JACKET, LAMP, MUG, Tablet, enrolled, ingest, stock_catalogue

IDS = RandomIds()
SECRET = "the-secret-in-the-code"


@dataclass
class Desk:
    """A tablet in use, and phones that open its link."""

    engine: Engine
    clock: FakeClock
    tablet: Tablet

    def say(self, *events: dict[str, object]) -> None:
        """Let the tablet's events arrive."""
        ingest(self.engine, self.clock, IDS, *map(self.tablet.message, events))

    def take_up(self, visit: str = "v1") -> None:
        """Begin a visit with the link's hash."""
        data = {"visit": visit, "claim_hash": secret_hash(SECRET)}
        self.say(self.tablet.event("device.taken_up", data))

    def claim(self, session_id: str | None = None) -> Claim:
        """Open the link on a phone."""
        with unit_of_work(self.engine) as db:
            return binding.claim(db, self.clock, IDS, secret=SECRET, session_id=session_id)

    def phone_with(self, *gtins: str) -> str:
        """Return the session of a phone that already has these on its list."""
        with unit_of_work(self.engine) as db:
            session = open_session(db, self.clock, IDS)
            shopping = Shopping(session.cart_id, self.clock, sellables)
            for gtin in gtins:
                add_line(db, shopping, operation_id=IDS.new("op"), gtin=gtin)  # type: ignore[arg-type]
            return session.id

    def list_of(self, session_id: str) -> dict[str, int]:
        """Return what a session's cart shows."""
        with reading(self.engine) as db:
            session = bindings.session_of(db, session_id)
            assert session is not None
            return {line.gtin: line.quantity for line in carts.view(db, session.cart_id).lines}


@pytest.fixture
def desk(engine: Engine, clock: FakeClock, ids: SeededIds) -> Desk:
    """A shop with one tablet, on each database."""
    stock_catalogue(engine)
    return Desk(engine, clock, Tablet(enrolled(engine, clock, ids), clock))


def test_a_phone_without_a_cart_takes_the_visits(desk: Desk) -> None:
    """It has what was scanned, and what is scanned afterwards; the tablet is told."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"))
    claim = desk.claim()
    desk.clock.advance(5)
    desk.say(desk.tablet.scanned("v1", MUG))
    assert desk.list_of(claim.session_id) == {LAMP: 1, MUG: 1}
    assert (claim.merged, claim.live) == (0, True)
    with reading(desk.engine) as db:
        (command,) = db.exec(select(DeviceCommandRow)).all()
    assert (command.type, command.device_id) == (
        "carryover.visit.claimed",
        desk.tablet.device.device_id,
    )


def test_an_empty_phone_keeps_its_session(desk: Desk) -> None:
    """Its saved lists stay its own; its cart is the visit's now."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"))
    phone = desk.phone_with()
    claim = desk.claim(phone)
    assert (claim.session_id, claim.merged) == (phone, 0)
    assert desk.list_of(phone) == {LAMP: 1}


def test_a_phone_with_a_cart_gets_the_visits_lines_added(desk: Desk) -> None:
    """Nothing it had is lost or doubled, and the tablet shows the whole from now on."""
    phone = desk.phone_with(JACKET, LAMP)
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"), desk.tablet.scanned("v1", MUG))
    claim = desk.claim(phone)
    assert claim.merged == 2
    assert desk.list_of(phone) == {JACKET: 1, LAMP: 2, MUG: 1}
    desk.clock.advance(5)
    desk.say(desk.tablet.scanned("v1", MUG))
    assert desk.list_of(phone) == {JACKET: 1, LAMP: 2, MUG: 2}


def test_the_merge_can_be_undone(desk: Desk) -> None:
    """What it added goes, what the phone had stays; undone twice it is the same."""
    phone = desk.phone_with(JACKET, LAMP)
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"), desk.tablet.scanned("v1", MUG))
    claim = desk.claim(phone)
    for _ in range(2):
        with unit_of_work(desk.engine) as db:
            binding.undo_merge(db, desk.clock, binding_id=claim.binding_id, session_id=phone)
        assert desk.list_of(phone) == {JACKET: 1, LAMP: 1}


def test_nobody_undoes_anothers_merge(desk: Desk) -> None:
    """Another session is refused and nothing changes."""
    phone, other = desk.phone_with(JACKET), desk.phone_with(MUG)
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"))
    claim = desk.claim(phone)
    with pytest.raises(UnknownClaim), unit_of_work(desk.engine) as db:
        binding.undo_merge(db, desk.clock, binding_id=claim.binding_id, session_id=other)
    assert desk.list_of(phone) == {JACKET: 1, LAMP: 1}
    assert desk.list_of(other) == {MUG: 1}


def test_events_from_before_the_claim_follow(desk: Desk) -> None:
    """Made before the phone opened the link, delivered after: scans and removals both count."""
    phone = desk.phone_with(LAMP)
    desk.take_up()
    first = desk.tablet.scanned("v1")
    desk.say(first)
    late = [
        desk.tablet.scanned("v1", MUG),
        desk.tablet.event("line.removed", {"visit": "v1", "gtin": LAMP}),
        desk.tablet.scanned("v1", JACKET),
    ]
    desk.clock.advance(10)
    desk.claim(phone)
    assert desk.list_of(phone) == {LAMP: 2}
    desk.clock.advance(60)
    desk.say(*late)
    assert desk.list_of(phone) == {LAMP: 1, MUG: 1, JACKET: 1}
    desk.say(*late)
    assert desk.list_of(phone) == {LAMP: 1, MUG: 1, JACKET: 1}


def test_the_first_phone_only(desk: Desk) -> None:
    """It may open the link again; any other phone, with or without a session, is refused."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"))
    claim = desk.claim()
    again = desk.claim(claim.session_id)
    assert (again.session_id, again.cart_id) == (claim.session_id, claim.cart_id)
    other = desk.phone_with(MUG)
    for session in (None, other):
        with pytest.raises(ClaimUsed):
            desk.claim(session)
    assert desk.list_of(other) == {MUG: 1}


def test_a_link_nobody_reported(desk: Desk) -> None:
    """Unknown until the tablet's first event has come; then it opens."""
    with pytest.raises(UnknownClaim):
        desk.claim()
    desk.take_up()
    assert desk.claim().merged == 0


@pytest.mark.parametrize(("minutes", "opens"), [(29, True), (31, False)])
def test_a_link_is_good_for_half_an_hour_after_put_down(
    desk: Desk, minutes: int, *, opens: bool
) -> None:
    """The list goes to her who saw the code, for a while; the tablet itself is free at once."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"), desk.tablet.event("device.put_down", {"visit": "v1"}))
    desk.clock.advance(minutes * 60)
    if not opens:
        with pytest.raises(ClaimExpired):
            desk.claim()
        return
    claim = desk.claim()
    assert not claim.live
    assert desk.list_of(claim.session_id) == {LAMP: 1}


def test_release_clears_the_device_and_keeps_the_cart(desk: Desk) -> None:
    """From the phone: the binding is over, the device is asked to clear itself, once."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"))
    claim = desk.claim()
    released = []
    for _ in range(2):
        with unit_of_work(desk.engine) as db:
            released.append(
                binding.release(
                    db, desk.clock, IDS, device_id=claim.device_id, visit="v1", reason="phone"
                )
            )
    assert released == [True, False]
    assert desk.list_of(claim.session_id) == {LAMP: 1}
    with reading(desk.engine) as db:
        types = [row.type for row in db.exec(select(DeviceCommandRow)).all()]
    assert sorted(types) == ["carryover.screen.clear", "carryover.visit.claimed"]


def online(desk: Desk, *, is_online: bool) -> None:
    """Let the tablet's status arrive."""
    with unit_of_work(desk.engine) as db:
        now_us = to_us(desk.clock.now())
        seen(db, [Seen(desk.tablet.device.device_id, now_us, online=is_online)])


def test_an_idle_visit_is_ended(desk: Desk) -> None:
    """Ten minutes without a sign; a visit with a sign stays. What ended can be told."""
    desk.take_up()
    online(desk, is_online=True)
    desk.clock.advance(599)
    with unit_of_work(desk.engine) as db:
        assert binding.end_idle(db, desk.clock, IDS, idle_s=600) == []
    desk.clock.advance(2)
    with unit_of_work(desk.engine) as db:
        ended = binding.end_idle(db, desk.clock, IDS, idle_s=600)
    assert [(one.device_id, one.visit) for one in ended] == [(desk.tablet.device.device_id, "v1")]
    assert [one.live for one in ended] == [False]


def test_a_tablet_offline_keeps_its_visit(desk: Desk) -> None:
    """Somebody may be using it: only after a day without contact its visit is over."""
    desk.take_up()
    online(desk, is_online=True)
    online(desk, is_online=False)
    desk.clock.advance(23 * 3600)
    with unit_of_work(desk.engine) as db:
        assert binding.end_idle(db, desk.clock, IDS, idle_s=600) == []
    desk.clock.advance(2 * 3600)
    with unit_of_work(desk.engine) as db:
        assert len(binding.end_idle(db, desk.clock, IDS, idle_s=600)) == 1


def test_a_list_asked_for_before_the_claim_is_the_visits(desk: Desk) -> None:
    """The wish arrives after a phone took the list into its own cart: the mail has the visit's."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1", JACKET))
    wish = {"visit": "v1", "email": "noa@example.com"}
    late = desk.tablet.event("list.requested", wish)
    desk.clock.advance(5)
    desk.claim(desk.phone_with(MUG))
    desk.say(late)
    with reading(desk.engine) as db:
        asked = db.exec(select(ListRequestRow)).one()
        assert [line.gtin for line in carts.saved_list_lines(db, asked.list_id)] == [JACKET]


def test_a_command_that_a_device_online_did_not_hear_is_found(desk: Desk) -> None:
    """Lost between processes: found while it is fresh, not at once, and not once answered."""
    device_id = desk.tablet.device.device_id
    desk.take_up()

    def silent() -> list[str]:
        with reading(desk.engine) as db:
            return list(unheard(db, desk.clock))

    def turn(*, online: bool) -> None:
        with unit_of_work(desk.engine) as db:
            seen(db, [Seen(device_id, to_us(desk.clock.now()), online)])

    turn(online=True)
    desk.claim()
    assert silent() == []
    desk.clock.advance(10)
    assert silent() == [device_id]
    turn(online=False)
    assert silent() == []
    turn(online=True)
    desk.clock.advance(60)
    assert silent() == []


def test_commands_are_forgotten_when_their_time_is_over(desk: Desk) -> None:
    """A week later nobody is told, and the row is gone."""
    desk.take_up()
    desk.claim()
    gone: list[int] = []
    for days in (6, 2):
        desk.clock.advance(days * 86_400)
        with unit_of_work(desk.engine) as db:
            gone.append(forget(db, desk.clock))
    assert gone == [0, 1]
