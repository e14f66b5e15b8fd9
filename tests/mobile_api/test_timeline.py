"""One timeline: every touch is told once, with where, through what, and what it was about."""

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.journeys.collecting.collecting import collect
from cart.kernel.ids import secret_hash
from cart.orders import goods
from cart.orders.goods import ReturnedPieces
from cart.orders.tables import OrderLineRow
from cart.profile.timeline.model import Channel, Kind
from mobile_api.timeline.sweep import SOURCES
from tests.cart.buying import LAMP
from tests.cart.floor import BLUE as BLUE_LAMP
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.fakes.fitting_room import FittingRoom
from tests.fakes.shop import Tablet, enrolled, ingest
from tests.mobile_api.desk import Desk
from tests.mobile_api.looking import IDS, Mirror
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, add, key, stock
from tests.mobile_api.signing_in import ADA
from tests.mobile_api.telling import all_kept, change, kinds, session_of, story, told
from tests.mobile_api.test_lists import save


def test_every_kind_has_a_source() -> None:
    """A word of the timeline that nobody writes would be a claim about people without a fact."""
    assert {kind for source in SOURCES for kind in source.kinds} == set(Kind)
    assert len({source.name for source in SOURCES}) == len(SOURCES)


def line_of(db: Session, gtin: str) -> str:
    """Return the line of an article that was bought."""
    return db.exec(select(OrderLineRow.id).where(OrderLineRow.gtin == gtin)).one()


def hand_over_and_take_back(app: FastAPI, desk: Desk, order: str) -> None:
    """Give an order out, and take its lamp back."""
    parts = app.state.parts
    doing = (parts.clock, parts.ids, parts.shop)
    with unit_of_work(parts.engine) as db:
        goods.hand_over_order(db, *doing, order_id=order, actor=desk.who.id)
        back = ReturnedPieces(line_of(db, RED), 1, "broken", sellable=False)
        goods.return_pieces(db, *doing, returned=back, fact="r1", actor=desk.who.id)


def sell(app: FastAPI, phone: TestClient, clock: FakeClock) -> tuple[Desk, str]:
    """Sell two mugs and a red lamp; return the desk and the order."""
    stock(app.state.parts.engine, clock, HERE, "mug", 5)
    add(phone, MUG, 2)
    add(phone, RED)
    desk = Desk.of(app)
    return desk, desk.sell(phone)


def test_a_visit_is_told_from_the_cart_to_the_mail(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """Scanned, taken off, listed, mailed: each once, in its order, with where and what."""
    add(phone, RED, 2)
    clock.advance(1)
    phone.delete(f"/api/v1/cart/lines/{RED}", headers=key())
    clock.advance(1)
    add(phone, BLUE)
    clock.advance(1)
    saved = save(phone, name="Attic")
    clock.advance(1)
    asked = phone.post(f"/api/v1/lists/{saved['id']}/mail", json={"email": ADA}, headers=key())
    assert asked.status_code == 202
    clock.advance(1)
    change(app, "UPDATE list_request SET state = 'sent', sent_at = :now", now=clock.now())
    assert (told(app), told(app)) == (6, 0)
    mine = story(app, session_of(app, phone))
    assert [one.kind for one in mine] == [
        *(Kind.SCANNED, Kind.REMOVED, Kind.SCANNED, Kind.LISTED, Kind.LIST_MAILED, Kind.MAIL_SENT)
    ]
    first = mine[0]
    assert (first.gtin, first.sku, first.quantity, first.channel, first.location_id) == (
        *(RED, "lamp-red", 2, Channel.PHONE, HERE),
    )
    assert [one.ref for one in mine[3:]] == [saved["id"]] * 3
    assert mine[-1].channel is Channel.MAIL


def test_an_order_is_told_line_by_line_with_its_money(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """Bought, one piece missing, the rest collected, one brought back."""
    desk, order = sell(app, phone, clock)
    task = desk.claim(order)
    desk.short(task, MUG)
    desk.pick(task)
    desk.stage(task)
    hand_over_and_take_back(app, desk, order)
    told(app)
    mine = [one for one in story(app, session_of(app, phone)) if one.ref == order]
    lines = [(one.kind.value, one.gtin, one.quantity, one.amount_minor) for one in mine]
    assert sorted(lines) == sorted(
        [
            ("ordered", MUG, 2, 2_500),
            ("ordered", RED, 1, 18_900),
            ("cancelled", MUG, 1, 1_250),
            ("ready", MUG, 1, 1_250),
            ("ready", RED, 1, 18_900),
            ("collected", MUG, 1, 1_250),
            ("collected", RED, 1, 18_900),
            ("returned", RED, 1, 18_900),
        ]
    )
    assert {one.currency for one in mine} == {"EUR"}
    assert kinds(app, session_of(app, phone)).count("checkout_opened") == 1


def test_an_order_that_is_cancelled_is_told_without_what_was_missing_before(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """What was taken off before its end is not told twice."""
    desk, order = sell(app, phone, clock)
    parts = app.state.parts
    doing = (parts.clock, parts.ids, parts.shop)
    with unit_of_work(parts.engine) as db:
        goods.line_cancelled(
            db,
            *doing,
            order_line_id=line_of(db, MUG),
            quantity=1,
            reason="not_found",
            fact="f1",
            actor=desk.who.id,
        )
        goods.cancel_order(db, *doing, order_id=order, actor="shopper")
    told(app)
    gone = [one for one in story(app, session_of(app, phone)) if one.kind is Kind.CANCELLED]
    assert sorted((one.gtin, one.quantity, one.channel.value) for one in gone) == sorted(
        [(MUG, 1, "shop"), (MUG, 1, "phone"), (RED, 1, "phone")]
    )


def test_what_a_mirror_was_there_for_is_told(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """A look with what was worn in it, also what the mirror says of it an hour later."""
    add(phone, MUG)
    mirror = Mirror(app)
    mirror.met_by(phone)
    assert phone.post("/looks/begin", follow_redirects=False).status_code == 303
    look = mirror.bring()
    clock.advance(1_800)
    add(phone, BLUE)
    told(app)
    mirror.tell(look, RED)
    clock.advance(1_800)
    assert told(app) == 1
    mine = [one for one in story(app, session_of(app, phone)) if one.ref == look]
    assert [(one.kind.value, one.gtin) for one in mine] == [("look_kept", ""), ("tried", RED)]
    assert {(one.channel, one.device_id) for one in mine} == {(Channel.MIRROR, mirror.id)}


def test_a_fitting_room_is_told_also_when_it_was_offline(engine: Engine, clock: FakeClock) -> None:
    """Its events carry its own time, hours ago; they are told nevertheless, and once."""
    room = FittingRoom(Floor(engine, clock))
    room.hear(room.said("device.taken_up", claim_hash="a" * 64))
    room.ask("w1")
    assert collect(engine, clock, SOURCES) == 1
    early = clock.now()
    clock.advance(10_800)
    room.hear(room.said("item.tried", at=early.isoformat(), gtin=LAMP))
    assert (collect(engine, clock, SOURCES), collect(engine, clock, SOURCES)) == (1, 0)
    with reading(engine) as db:
        rows = all_kept(db)
    assert [(one.kind, one.gtin, one.channel) for one in rows] == [
        ("size_asked", BLUE_LAMP, "mirror"),
        ("tried", LAMP, "mirror"),
    ]
    assert {one.device_id for one in rows} == {room.device_id}


def test_lines_that_a_claim_carried_over_are_hers_and_of_the_tablet(
    app: FastAPI, phone: TestClient
) -> None:
    """What was scanned before her phone came is in her story from the claim on."""
    add(phone, MUG)
    parts = app.state.parts
    tablet = Tablet(enrolled(parts.engine, parts.clock, IDS, "tablet", HERE), parts.clock)
    code = "a-secret-of-the-tablets-code-of-visit-one-000"
    taken_up = {"visit": "v1", "claim_hash": secret_hash(code)}
    for event in (tablet.event("device.taken_up", taken_up), tablet.scanned("v1", RED)):
        ingest(parts.engine, parts.clock, IDS, tablet.message(event))
    assert phone.post(f"/c/{code}", follow_redirects=False).status_code == 303
    told(app)
    mine = story(app, session_of(app, phone))
    assert [(one.kind.value, one.gtin, one.device_id) for one in mine] == [
        ("scanned", MUG, ""),
        ("scanned", RED, tablet.device.device_id),
    ]
