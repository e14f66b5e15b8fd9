"""One batch: authorise, de-duplicate, bind, apply, sequences, dead letters; on both databases."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import SQLModel, col, func, select

from cart.carts import queries as carts
from cart.carts.tables import CartRow, ListRequestRow
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds, secret_hash
from gateway.binding import queries as bindings
from gateway.binding.queries import Bound
from gateway.dead_letters import service as dead_letters
from gateway.dead_letters.replay import replay
from gateway.ingest.batch import Domain
from gateway.ingest.tables import DeviceEventRow, SequenceGapRow
from gateway.notices import BindingChanged, CartChanged, ListAsked
from gateway.registry import service as registry
from gateway.twin.queries import twin
from gateway.wire.topics import Channel
from inventory_api.catalogue.queries import sellables
from inventory_api.catalogue.tables import VariantRow
from tests.fakes.clock import FakeClock
from tests.fakes.shop import JACKET, LAMP, MUG, UNKNOWN, Tablet, enrolled, ingest, stock_catalogue

CLOCK, IDS = SystemClock(), RandomIds()


@pytest.fixture
def tablet(engine: Engine) -> Tablet:
    """A tablet of a shop with three articles."""
    stock_catalogue(engine)
    return Tablet(enrolled(engine, CLOCK, IDS), CLOCK)


def bound(engine: Engine, tablet: Tablet, visit: str) -> Bound:
    """Return the binding of a visit."""
    key = (tablet.device.device_id, visit)
    with reading(engine) as db:
        return bindings.visits(db, [key])[key]


def lines(engine: Engine, tablet: Tablet, visit: str) -> dict[str, int]:
    """Return what is on the visit's list."""
    with reading(engine) as db:
        view = carts.view(db, bound(engine, tablet, visit).cart_id)
    return {line.gtin: line.quantity for line in view.lines}


def count(engine: Engine, table: type[SQLModel]) -> int:
    """Return the number of rows."""
    with reading(engine) as db:
        return db.exec(select(func.count()).select_from(table)).one()


def reasons(engine: Engine) -> Sequence[str]:
    """Return the reasons of all dead letters."""
    with reading(engine) as db:
        return sorted(row.reason for row in dead_letters.listed(db, limit=100))


def test_scans_become_lines_of_the_visits_cart(engine: Engine, tablet: Tablet) -> None:
    """Two lamps and a mug, one removed later; the receipt covers all, the notices name them."""
    outcome = ingest(
        engine,
        CLOCK,
        IDS,
        *map(
            tablet.message,
            [
                tablet.event("device.taken_up", {"visit": "v1", "locale": "he"}),
                tablet.scanned("v1"),
                tablet.scanned("v1"),
                tablet.scanned("v1", MUG),
                tablet.scanned("v1", JACKET),
                tablet.event("line.removed", {"visit": "v1", "gtin": JACKET}),
                tablet.event("quantity.set", {"visit": "v1", "gtin": MUG, "quantity": 4}),
            ],
        ),
    )
    assert lines(engine, tablet, "v1") == {LAMP: 2, MUG: 4}
    assert [(r.spool, r.stored_through) for _, r in outcome.receipts] == [("spool-1", 7)]
    here = bound(engine, tablet, "v1")
    assert outcome.notices == [
        BindingChanged(here.device_id, "v1", here.cart_id, live=True, claimed=False),
        CartChanged(here.cart_id, 6, here.device_id),
    ]
    with reading(engine) as db:
        session = bindings.session_of(db, here.session_id)
        view = carts.view(db, here.cart_id)
    assert session is not None
    assert session.locale == "he"
    assert [line.price_minor for line in view.lines] == [18900, 1200]


def test_the_same_message_again_changes_nothing(engine: Engine, tablet: Tablet) -> None:
    """Delivered three times, in one batch and in another, a scan counts once; receipts go out."""
    scan = tablet.message(tablet.scanned("v1"))
    first = ingest(engine, CLOCK, IDS, scan, scan)
    again = ingest(engine, CLOCK, IDS, scan)
    assert (first.fresh, again.fresh) == (1, 0)
    assert lines(engine, tablet, "v1") == {LAMP: 1}
    assert count(engine, DeviceEventRow) == 1
    assert again.receipts[0][1].stored_through == 1
    # Whoever stored it may have died before telling the phones: a repeat rings once more.
    assert again.notices == [CartChanged(bound(engine, tablet, "v1").cart_id, 1)]


def test_garbage_is_kept_with_its_reason(engine: Engine, tablet: Tablet) -> None:
    """Each kind of bad message is a dead letter; the good one beside them is done."""
    other = enrolled(engine, CLOCK, IDS)
    outcome = ingest(
        engine,
        CLOCK,
        IDS,
        tablet.message(b"\xff\x00 not json"),
        tablet.message(tablet.event("item.scanned", {"visit": "v1", "gtin": "4006381333932"})),
        tablet.message(tablet.event("item.scanned", {"visit": "v1", "gtin": LAMP, "x": 1})),
        tablet.message(tablet.scanned("v1", source=f"/devices/{other.device_id}")),
        tablet.message(tablet.scanned("v1", UNKNOWN)),
        tablet.message(b"x" * 20_000),
        tablet.message(tablet.event("item.teleported", {"visit": "v1"})),
        tablet.message(tablet.scanned("v1", MUG)),
    )
    assert reasons(engine) == [
        "invalid_gtin",
        "invalid_payload",
        "invalid_payload",
        "invalid_payload",
        "payload_too_large",
        "source_mismatch",
        "unknown_gtin",
    ]
    assert lines(engine, tablet, "v1") == {MUG: 1}
    assert (outcome.dead, outcome.fresh) == (7, 2)


def test_a_refused_event_lets_the_spool_go_on(engine: Engine, tablet: Tablet) -> None:
    """A bad event whose numbers can be read is covered by the receipt: it is kept here."""
    bad = tablet.message(tablet.event("item.scanned", {"visit": "v1", "gtin": "123"}))
    good = tablet.message(tablet.scanned("v1"))
    outcome = ingest(engine, CLOCK, IDS, bad, good)
    assert outcome.receipts[0][1].stored_through == 2


def test_the_same_garbage_counts_up(engine: Engine, tablet: Tablet) -> None:
    """A device that repeats itself fills no table."""
    for _ in range(3):
        ingest(engine, CLOCK, IDS, tablet.message(b"{"))
    with reading(engine) as db:
        (row,) = dead_letters.listed(db, limit=10)
    assert (row.times, row.payload) == (3, b"{")


def test_unknown_and_revoked_devices_change_nothing(engine: Engine, tablet: Tablet) -> None:
    """Their messages are kept; no receipt, no cart."""
    stranger = Tablet(tablet.device.__class__(**_renamed(tablet)), CLOCK)
    unknown = ingest(engine, CLOCK, IDS, stranger.message(stranger.scanned("v1")))
    with unit_of_work(engine) as db:
        registry.revoke(db, CLOCK, device_id=tablet.device.device_id)
    revoked = ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    assert reasons(engine) == ["device_revoked", "unknown_device"]
    assert unknown.receipts == revoked.receipts == []
    assert count(engine, CartRow) == 0


def _renamed(tablet: Tablet) -> dict[str, str]:
    device = tablet.device
    return {
        "device_id": "tab-nobody",
        "kind": device.kind,
        "location_id": device.location_id,
        "partition": device.partition,
        "credential": "x",
    }


def test_a_kind_may_send_only_its_own_events(engine: Engine, tablet: Tablet) -> None:
    """A receiver that scans is refused, and no cart appears."""
    receiver = Tablet(enrolled(engine, CLOCK, IDS, "receiver"), CLOCK)
    ingest(engine, CLOCK, IDS, receiver.message(receiver.scanned("v1")))
    assert reasons(engine) == ["event_not_allowed"]
    assert count(engine, CartRow) == 0
    assert lines_of_nobody(engine, tablet)


def test_only_health_may_overtake(engine: Engine, tablet: Tablet) -> None:
    """A scan on telemetry is refused and in no cart; health on either channel is stored."""
    scan = tablet.message(tablet.scanned("v1"), Channel.TELEMETRY)
    old = tablet.message(tablet.event("device.health", {"firmware": "1.0"}))
    itself = Tablet(tablet.device, CLOCK, "telemetry-1")
    new = itself.event("device.health", {"firmware": "2.0"})
    outcome = ingest(engine, CLOCK, IDS, scan, old, itself.message(new, Channel.TELEMETRY))
    assert reasons(engine) == ["event_not_allowed"]
    assert outcome.notices == []
    assert outcome.stored == {"carryover.device.health": 2}
    assert count(engine, CartRow) == 0


def lines_of_nobody(engine: Engine, tablet: Tablet) -> bool:
    """Say that no visit of the tablet exists."""
    with reading(engine) as db:
        return bindings.visits(db, [(tablet.device.device_id, "v1")]) == {}


def test_the_next_visit_gets_another_cart(engine: Engine, tablet: Tablet) -> None:
    """Taken up again, the tablet begins anew; late events of the first person go to her."""
    take = tablet.event("device.taken_up", {"visit": "v1"})
    scan = tablet.scanned("v1")
    late = tablet.scanned("v1", MUG)
    ingest(engine, CLOCK, IDS, tablet.message(take), tablet.message(scan))
    ingest(
        engine,
        CLOCK,
        IDS,
        tablet.message(tablet.event("device.taken_up", {"visit": "v2"})),
        tablet.message(tablet.scanned("v2", JACKET)),
    )
    ingest(engine, CLOCK, IDS, tablet.message(late))
    assert lines(engine, tablet, "v1") == {LAMP: 1, MUG: 1}
    assert lines(engine, tablet, "v2") == {JACKET: 1}
    assert not bound(engine, tablet, "v1").live
    assert bound(engine, tablet, "v2").live


def test_a_visit_heard_of_too_late_ends_nothing(engine: Engine, tablet: Tablet) -> None:
    """An old visit replayed after a newer one began is bound and over; the newer stays live."""
    old = tablet.message(tablet.scanned("v1"))
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v2", MUG)))
    ingest(engine, CLOCK, IDS, old)
    assert lines(engine, tablet, "v1") == {LAMP: 1}
    assert not bound(engine, tablet, "v1").live
    assert bound(engine, tablet, "v2").live


def test_put_down_ends_the_lease(engine: Engine, tablet: Tablet) -> None:
    """After it the binding is over and the notice says so."""
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    outcome = ingest(
        engine,
        CLOCK,
        IDS,
        tablet.message(tablet.event("device.put_down", {"visit": "v1", "reason": "done"})),
    )
    here = bound(engine, tablet, "v1")
    assert not here.live
    assert BindingChanged(here.device_id, "v1", here.cart_id, live=False, claimed=False) in (
        outcome.notices
    )


def test_a_full_spools_gap_is_seen(engine: Engine, tablet: Tablet) -> None:
    """Numbers a device gave up are jumped over, kept as a gap, and the receipt goes on."""
    first = tablet.scanned("v1", sequence=1)
    third = tablet.scanned("v1", sequence=5, previous=1)
    outcome = ingest(engine, CLOCK, IDS, tablet.message(third), tablet.message(first))
    assert outcome.receipts[0][1].stored_through == 5
    with reading(engine) as db:
        gaps = db.exec(select(SequenceGapRow).order_by(col(SequenceGapRow.first))).all()
    assert [(gap.first, gap.last) for gap in gaps] == [(2, 4)]


def test_a_hole_holds_the_receipt(engine: Engine, tablet: Tablet) -> None:
    """An event whose predecessor is missing is stored, but the receipt waits for the hole."""
    events = [tablet.scanned("v1"), tablet.scanned("v1", MUG), tablet.scanned("v1", JACKET)]
    one = ingest(engine, CLOCK, IDS, tablet.message(events[0]), tablet.message(events[2]))
    assert one.receipts[0][1].stored_through == 1
    two = ingest(engine, CLOCK, IDS, tablet.message(events[1]), tablet.message(events[2]))
    assert two.receipts[0][1].stored_through == 3
    assert lines(engine, tablet, "v1") == {LAMP: 1, MUG: 1, JACKET: 1}


def test_a_list_is_as_it_was_when_asked_for(engine: Engine, tablet: Tablet) -> None:
    """What was scanned after the wish is not in the mail, even if both arrive together."""
    outcome = ingest(
        engine,
        CLOCK,
        IDS,
        *map(
            tablet.message,
            [
                tablet.scanned("v1"),
                tablet.event("list.requested", {"visit": "v1", "email": "a@example.com"}),
                tablet.event("line.removed", {"visit": "v1", "gtin": LAMP}),
            ],
        ),
    )
    with reading(engine) as db:
        (request,) = db.exec(select(ListRequestRow)).all()
        kept = carts.saved_list_lines(db, request.list_id)
    assert (request.email, request.state) == ("a@example.com", "requested")
    assert [(line.gtin, line.quantity) for line in kept] == [(LAMP, 1)]
    assert ListAsked(request.id) in outcome.notices


@pytest.mark.parametrize(
    "email", ["nobody", "a@b", "a b@example.com", "a@example.com\r\nBcc: x@y.z"]
)
def test_an_address_that_is_none_is_refused(engine: Engine, tablet: Tablet, email: str) -> None:
    """No list is kept, no mail will go; the reason is kept."""
    ingest(
        engine,
        CLOCK,
        IDS,
        tablet.message(tablet.scanned("v1")),
        tablet.message(tablet.event("list.requested", {"visit": "v1", "email": email})),
    )
    assert reasons(engine) == ["invalid_email"]
    assert count(engine, ListRequestRow) == 0


def test_health_becomes_the_reported_twin(engine: Engine, tablet: Tablet) -> None:
    """Firmware and battery are kept as the device said."""
    ingest(
        engine,
        CLOCK,
        IDS,
        tablet.message(tablet.event("device.health", {"firmware": "1.4.2", "battery_percent": 81})),
    )
    with reading(engine) as db:
        reported = twin(db, tablet.device.device_id).reported
    assert reported is not None
    assert (reported.firmware, reported.battery_percent) == ("1.4.2", 81)


def test_a_dead_letter_is_replayed_when_its_reason_is_gone(engine: Engine, tablet: Tablet) -> None:
    """An unknown code is done after the catalogue has it; twice replayed it counts once."""
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1", UNKNOWN)))
    with reading(engine) as db:
        (row,) = dead_letters.listed(db, limit=10)
    domain = Domain(CLOCK, IDS, sellables)
    with unit_of_work(engine) as db:
        error, _ = replay(db, domain, row.id)
    assert error is not None
    assert error.code == "unknown_gtin"
    with unit_of_work(engine) as db:
        db.add(VariantRow(sku="NEW-1", gtin=UNKNOWN, product_id="mug"))
    for _ in range(2):
        with unit_of_work(engine) as db:
            error, _ = replay(db, domain, row.id)
        assert error is None
    assert lines(engine, tablet, "v1") == {UNKNOWN: 1}
    with reading(engine) as db:
        assert dead_letters.counted(db) == 0


def test_the_claim_link_is_kept_as_a_hash(engine: Engine, tablet: Tablet) -> None:
    """Taken up with a hash, also when the first scan came before it."""
    hashed = secret_hash("secret")
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    ingest(
        engine,
        CLOCK,
        IDS,
        tablet.message(tablet.event("device.taken_up", {"visit": "v1", "claim_hash": hashed})),
    )
    with unit_of_work(engine) as db:
        row = bindings.of_claim(db, hashed)
    assert row is not None
    assert row.visit == "v1"


def test_a_visit_that_a_later_one_ends_is_told_of(engine: Engine, tablet: Tablet) -> None:
    """The tablet was taken up anew without a put-down: the first one's phone hears of it."""
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    first = bound(engine, tablet, "v1")
    outcome = ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v2")))
    told = [one for one in outcome.notices if isinstance(one, BindingChanged)]
    assert [(one.visit, one.live) for one in told] == [("v1", False), ("v2", True)]
    assert told[0].cart_id == first.cart_id


def test_dead_letters_are_forgotten_after_a_month(engine: Engine, tablet: Tablet) -> None:
    """What was refused stays for the operator, and an address in it not for ever."""
    tablet.clock = clock = FakeClock()
    wish = {"visit": "v1", "email": "noa@example.com"}
    ingest(engine, clock, IDS, tablet.message(tablet.event("list.requested", wish)))
    clock.advance(29 * 86_400)
    ingest(engine, clock, IDS, tablet.message(b"{"))
    with unit_of_work(engine) as db:
        assert dead_letters.forget(db, clock) == 0
    clock.advance(2 * 86_400)
    with unit_of_work(engine) as db:
        assert dead_letters.forget(db, clock) == 1
    assert reasons(engine) == ["invalid_payload"]


def test_a_shopper_cannot_make_us_flood_a_mailbox(engine: Engine, tablet: Tablet) -> None:
    """The sixth mail to one address within an hour is refused and kept, not sent."""
    wishes = [
        tablet.event("list.requested", {"visit": f"v{number}", "email": "a@example.com"})
        for number in range(6)
    ]
    later = (CLOCK.now() + timedelta(minutes=5)).isoformat()  # than every scan
    for number, wish in enumerate(wishes):
        scan = tablet.scanned(f"v{number}", sequence=100 + number)
        ingest(engine, CLOCK, IDS, tablet.message(scan), tablet.message({**wish, "time": later}))
    assert count(engine, ListRequestRow) == 5
    assert reasons(engine) == ["too_many_mails"]
