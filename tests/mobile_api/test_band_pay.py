"""Paying by wristband at a desk: tap, PIN, paid; and all that is in between."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlmodel import col, select
from starlette.testclient import TestClient

from cart.audit.model import DONE, Action
from cart.audit.tables import AuditRow
from cart.db import reading, unit_of_work
from cart.kernel.ids import RandomIds
from cart.orders.model import TenderKind
from cart.orders.purse import service as purse
from cart.orders.purse.model import WRONG_PINS_MAX, Limits
from cart.orders.sums import differences
from cart.personal.erasing import erase
from cart.personal.finding import ids_of
from cart.personal.tables import ErasureRow
from gateway.bands import service as bands
from gateway.desks.model import TAP_LIVES
from mobile_api.app import create_app
from mobile_api.rights.registry import REGISTRY
from mobile_api.settings import ApiSettings
from tests.cart.buying import LAMP, at_once, stock_of
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.band_paying import DESK, LOADED_MINOR, PIN, WRONG, Wearer
from tests.mobile_api.staffing import API, hire, signed_in
from tests.real.waiting import wait_until

PRICE = 18_900
PAGE = f"/staff/desks/{DESK}/pay"


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, settings: ApiSettings) -> FastAPI:
    """The application over it."""
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


@pytest.fixture
def staff(app: FastAPI, floor: Floor) -> TestClient:
    """Somebody at the desk."""
    client = signed_in(TestClient(app), hire(floor, "7"))
    client.headers["accept"] = "text/html"
    return client


@pytest.fixture
def ada(floor: Floor) -> Wearer:
    """A customer with a purse, a band, and a lamp in her cart."""
    one = Wearer(floor, "Ada")
    one.wants()
    return one


def pad(staff: TestClient, desk: str = DESK) -> dict[str, str]:
    """Open the checkout of whoever stands there; return what the pad's form would send."""
    page = staff.post(f"/staff/desks/{desk}/open").text
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    assert found.keys() >= {"key", "loan_id", "checkout_id", "total_minor", "rest_minor"}, page
    return {name: value for name, value in found.items() if name != "back"}


def type_pin(staff: TestClient, form: dict[str, str], pin: str = PIN, desk: str = DESK) -> str:
    """Type a PIN; return where the desk is led."""
    answer = staff.post(
        f"/staff/desks/{desk}/take", data={**form, "pin": pin}, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def in_order(floor: Floor) -> None:
    """Check that all sums fit."""
    with reading(floor.engine) as db:
        assert differences(db) == []


def test_she_taps_types_her_pin_and_it_is_paid(
    staff: TestClient, ada: Wearer, floor: Floor
) -> None:
    """The desk sees her greeting, how much and the sum; then the order with its ticket."""
    assert "At the desk" not in staff.get("/staff/desk").text
    ada.tap()
    desk = staff.get("/staff/desk").text
    assert "Ada" in desk
    assert "1 thing" in desk
    assert "€189.00" in desk
    assert "ada@example.com" not in desk
    assert "Ada" in staff.get(f"{API}/desk?html=true").json()["html"]
    form = pad(staff)
    where = type_pin(staff, form)
    assert where.startswith("/staff/order/")
    order = floor.view(where.removeprefix("/staff/order/"))
    assert order.ticket in staff.get(where).text
    assert [one.kind for one in order.paid] == [TenderKind.WRISTBAND]
    assert (order.email, order.total_minor) == ("ada@example.com", PRICE)
    assert ada.balance() == LOADED_MINOR - PRICE
    assert ada.buyer.cart() == {}
    assert floor.task_of(order.id)
    assert "Ada" not in staff.get("/staff/desk").text  # a second payment wants a second tap
    in_order(floor)


def noted(floor: Floor) -> list[tuple[str, str]]:
    """Return what staff did at desks, and what it came to."""
    with reading(floor.engine) as db:
        rows = db.exec(select(AuditRow).order_by(col(AuditRow.seq))).all()
        return [(one.action, one.outcome) for one in rows if one.action.startswith("band.pay")]


def test_what_staff_do_at_a_desk_is_noted(staff: TestClient, ada: Wearer, floor: Floor) -> None:
    """Nobody there, opened, a wrong PIN, paid: each leaves its entry."""
    staff.post(f"/staff/desks/{DESK}/open")
    ada.tap()
    form = pad(staff)
    type_pin(staff, form, WRONG)
    type_pin(staff, form)
    assert noted(floor) == [
        (Action.BAND_PAY_OPEN, "band_away"),
        (Action.BAND_PAY_OPEN, DONE),
        (Action.BAND_PAY, "purse_pin_refused"),
        (Action.BAND_PAY, DONE),
    ]


def test_pressed_twice_it_is_paid_once(staff: TestClient, ada: Wearer, floor: Floor) -> None:
    """One after the other, and at the same moment."""
    ada.tap()
    form = pad(staff)
    said = at_once(*[lambda: type_pin(staff, form)] * 4)
    [paid] = {one for one in said if one.startswith("/staff/order/")}
    assert type_pin(staff, form) == paid
    assert ada.balance() == LOADED_MINOR - PRICE
    in_order(floor)


def test_what_will_be_ready_later_than_was_said_is_not_paid(
    staff: TestClient, ada: Wearer, floor: Floor
) -> None:
    """The pad says when; as on her phone, a later quarter hour is shown before it is paid."""
    ada.tap()
    form = pad(staff)
    said = datetime.fromisoformat(form["promise_at"])
    earlier = form | {"promise_at": (said - timedelta(hours=1)).isoformat()}
    assert "checkout_changed" in type_pin(staff, earlier)
    assert ada.balance() == LOADED_MINOR
    page = staff.get(PAGE).text
    assert f'value="{form["promise_at"]}"' in page
    assert "ready about" in page
    assert type_pin(staff, pad(staff)).startswith("/staff/order/")
    in_order(floor)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("stands", ["before the PIN is counted", "pin counted"])
def test_who_waits_for_her_purse_holds_no_desk(
    app: FastAPI, staff: TestClient, ada: Wearer, floor: Floor, stands: str
) -> None:
    """What is bought takes the purse and then the desk: whoever did the contrary stood in a ring.

    The payment that has the purse is a connection of the test's, which then asks for the desk.
    """
    ada.tap()
    form, said = pad(staff), list[str]()
    with floor.engine.connect() as other:
        purse_of_hers = text("SELECT 1 FROM purse WHERE customer_id = :id FOR UPDATE")
        desk = text("SELECT 1 FROM band_at_desk WHERE desk = :desk FOR UPDATE NOWAIT")

        def stand(at: str) -> None:
            if at == stands:
                other.execute(purse_of_hers, {"id": ada.customer_id})

        stand("before the PIN is counted")
        app.state.parts.marked = stand
        pressed = threading.Thread(target=lambda: said.append(type_pin(staff, form)))
        pressed.start()
        wait_until(lambda: _somebody_waits(floor))
        other.execute(desk, {"desk": DESK})
    pressed.join(30)
    assert said[0].startswith("/staff/order/")
    in_order(floor)


def _somebody_waits(floor: Floor) -> bool:
    with reading(floor.engine) as db:
        asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(db.connection().execute(asked).scalar_one())


def test_wrong_pins_are_counted_said_and_lock_it(
    staff: TestClient, ada: Wearer, floor: Floor
) -> None:
    """Her phone unlocks it; nothing was bought meanwhile."""
    ada.tap()
    for left in range(WRONG_PINS_MAX - 1, 0, -1):
        where = type_pin(staff, pad(staff), WRONG)
        assert where == f"{PAGE}?fault=purse_pin_refused&left={left}"
        page = staff.get(where).text
        assert "This PIN is wrong." in page
        assert f"{left} tr" in page
        assert WRONG not in page
    assert "purse_locked" in type_pin(staff, pad(staff), WRONG)
    assert "purse_locked" in type_pin(staff, pad(staff), PIN)
    assert "Too many wrong PINs" in staff.get(f"{PAGE}?fault=purse_locked").text
    assert ada.balance() == LOADED_MINOR
    floor.do(lambda db: purse.unlock(db, floor.clock, customer_id=ada.customer_id))
    assert type_pin(staff, pad(staff)).startswith("/staff/order/")


def test_a_desk_takes_no_more_pins_after_ten_wrong_ones(staff: TestClient, floor: Floor) -> None:
    """Whosever bands they are; another desk goes on."""
    for name in ("Ada", "Bea"):
        one = Wearer(floor, name)
        one.wants()
        one.tap()
        for _ in range(WRONG_PINS_MAX):
            type_pin(staff, pad(staff), WRONG)
    third = Wearer(floor, "Cis")
    third.wants()
    third.tap()
    assert "too_many_attempts" in type_pin(staff, pad(staff))
    third.tap(desk="till-2")
    assert type_pin(staff, pad(staff, "till-2"), desk="till-2").startswith("/staff/order/")


def test_a_band_that_is_lost_between_tap_and_pin_pays_nothing(
    staff: TestClient, ada: Wearer, floor: Floor
) -> None:
    """From the commit of "I lost it" on."""
    ada.tap()
    form = pad(staff)
    session_id = ada.buyer.session_id
    floor.do(lambda db: bands.report_lost(db, floor.clock, session_id=session_id))
    assert "band_away" in type_pin(staff, form)
    assert ada.balance() == LOADED_MINOR
    assert stock_of(floor.engine, LAMP) == (20, 0, 0)


@pytest.mark.parametrize("mark", ["pin counted", "pin right"])
def test_a_band_that_is_lost_while_the_pin_is_compared_pays_nothing(
    app: FastAPI, staff: TestClient, ada: Wearer, floor: Floor, mark: str
) -> None:
    """The payment asks at its end whether the band is still hers."""
    ada.tap()
    form = pad(staff)

    def lose(at: str) -> None:
        if at == mark:
            with unit_of_work(floor.engine) as db:
                bands.hand_back(db, floor.clock, ada.number)

    app.state.parts.marked = lose
    assert "band_away" in type_pin(staff, form)
    assert ada.balance() == LOADED_MINOR
    assert ada.buyer.cart() == {LAMP: 1}
    assert stock_of(floor.engine, LAMP) == (20, 0, 0)
    in_order(floor)


class PowerCut(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("mark", ["pin counted", "pin right", "band paying", "band paid"])
def test_a_crash_in_between_leaves_it_paid_once_or_not_at_all(
    app: FastAPI, staff: TestClient, ada: Wearer, floor: Floor, mark: str
) -> None:
    """And the same form, sent again, is paid once."""
    ada.tap()
    form = pad(staff)

    def die(at: str) -> None:
        if at == mark:
            raise PowerCut

    app.state.parts.marked = die
    paid = mark == "band paid"
    with pytest.raises(PowerCut):
        type_pin(staff, form)
    assert ada.balance() == LOADED_MINOR - (PRICE if paid else 0)
    assert stock_of(floor.engine, LAMP) == ((20, 0, 1) if paid else (20, 0, 0))
    in_order(floor)
    app.state.parts.marked = lambda _: None
    assert type_pin(staff, form).startswith("/staff/order/")
    assert ada.balance() == LOADED_MINOR - PRICE
    in_order(floor)


def test_several_bands_near_pay_nothing(staff: TestClient, ada: Wearer, floor: Floor) -> None:
    """Also if the second one came up while the PIN was typed."""
    ada.tap()
    form = pad(staff)
    ada.tap(Wearer(floor, "Bea"))
    assert "Several wristbands" in staff.get("/staff/desk").text
    assert "several_bands" in type_pin(staff, form)
    assert "Several wristbands" in staff.get(PAGE).text
    assert ada.balance() == LOADED_MINOR


def test_a_tap_is_good_for_a_minute_and_for_her_alone(
    staff: TestClient, ada: Wearer, floor: Floor
) -> None:
    """The next one at the desk does not pay what she has."""
    ada.tap()
    form = pad(staff)
    bea = Wearer(floor, "Bea")
    bea.tap()
    assert "band_away" in type_pin(staff, form)
    ada.tap()
    floor.clock.advance(TAP_LIVES.total_seconds())
    assert "band_away" in type_pin(staff, form)
    assert (ada.balance(), bea.balance()) == (LOADED_MINOR, LOADED_MINOR)


def test_an_anonymous_band_pays_nothing(staff: TestClient, floor: Floor) -> None:
    """The desk says so, and offers no pad."""
    nobody = Wearer(floor, "Guest", customer=False)
    nobody.wants()
    nobody.tap()
    assert "An anonymous wristband pays nothing." in staff.get("/staff/desk").text
    assert "does not pay with a wristband" in staff.get(PAGE).text
    form = {
        "key": "k" * 16,
        "loan_id": nobody.loan_id,
        "checkout_id": "x",
        "total_minor": "1",
        "rest_minor": "1",
    }
    assert "purse_off" in type_pin(staff, form)


@pytest.mark.parametrize(
    ("limits", "quantity", "code"),
    [(Limits(PRICE - 1, 50_000), 1, "purse_limit"), (Limits(90_000, 90_000), 1, None)],
)
def test_her_limit_holds_here_too(
    staff: TestClient, floor: Floor, limits: Limits, quantity: int, code: str | None
) -> None:
    """Said in words, and nothing is held."""
    one = Wearer(floor, "Ada", limits=limits)
    one.wants(quantity)
    one.tap()
    where = type_pin(staff, pad(staff))
    if code is None:
        assert where.startswith("/staff/order/")
        return
    assert code in where
    assert "own limit. €188.99 is left of it." in staff.get(where).text
    assert stock_of(floor.engine, LAMP) == (20, 0, 0)


def test_what_is_missing_on_the_band_is_said(
    staff: TestClient, floor: Floor, settings: ApiSettings
) -> None:
    """In words, with the amount."""
    one = Wearer(floor, "Ada", limits=Limits(90_000, 90_000), loaded_minor=10_000)
    assert settings.wristband_payment_max_minor > PRICE
    one.wants()
    one.tap()
    where = type_pin(staff, pad(staff))
    assert "purse_short" in where
    assert "€89.00 is missing." in staff.get(where).text
    assert one.balance() == 10_000


def test_the_shops_own_limit_holds_whatever_she_chose(staff: TestClient, floor: Floor) -> None:
    """She chose it when the shop allowed more."""
    one = Wearer(floor, "Ada", limits=Limits(90_000, 90_000))
    one.wants(2)
    one.tap()
    assert "purse_limit" in type_pin(staff, pad(staff))


def test_a_desk_of_another_shop_sees_nobody(app: FastAPI, ada: Wearer, floor: Floor) -> None:
    """Names of desks are the same everywhere."""
    ada.tap()
    there = signed_in(TestClient(app), hire(floor, "9", place="mill-lane"))
    there.headers["accept"] = "text/html"
    assert "Ada" not in there.get("/staff/desk").text
    assert "Ada" not in there.get(PAGE).text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Take payment by wristband"),
        ("he", "לתשלום בצמיד"),
        ("pl", "Przyjmij płatność opaską"),
    ],
)
def test_it_is_said_in_three_languages(
    staff: TestClient, ada: Wearer, language: str, words: str
) -> None:
    """The verb on the desk's page."""
    ada.tap()
    assert words in staff.get("/staff/desk", headers={"Accept-Language": language}).text


def test_who_is_being_erased_pays_nothing(staff: TestClient, ada: Wearer, floor: Floor) -> None:
    """Nothing is begun as her from the moment on that she asked."""
    ada.tap()
    form = pad(staff)
    asked = ErasureRow(
        id="erasure_1",
        customer_id=ada.customer_id,
        customer_hash="0" * 64,
        asked_by="customer",
        asked_at=floor.clock.now(),
    )
    floor.do(lambda db: db.add(asked))
    assert "purse_off" in type_pin(staff, form)
    assert ada.balance() == LOADED_MINOR


def test_an_erasure_takes_the_purse_and_the_tap(ada: Wearer, floor: Floor) -> None:
    """Nothing of her stays at the desk, and the purse's row is gone."""
    ada.tap()
    customer_id = ada.customer_id
    counts = floor.do(lambda db: erase(db, REGISTRY, ids_of(db, REGISTRY, customer_id)))
    assert (counts["purse"], counts["band_at_desk"]) == (1, 1)
    in_order(floor)


def test_two_desks_take_one_cart_once(app: FastAPI, staff: TestClient, ada: Wearer) -> None:
    """She is not at both: whichever was tapped last is where she stands, and it is paid once."""
    ada.tap()
    one = pad(staff)
    ada.tap(desk="till-2")
    two = pad(staff, "till-2")
    other = TestClient(app, cookies=staff.cookies)

    def at(client: TestClient, form: dict[str, str], desk: str) -> Callable[[], str]:
        return lambda: type_pin(client, form, desk=desk)

    led = at_once(at(staff, one, DESK), at(other, two, "till-2"))
    assert sum("/staff/order/" in where for where in led) == 1, led
    assert ada.balance() == LOADED_MINOR - PRICE
