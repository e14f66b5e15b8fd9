"""A shop in which every kind of caller has been: what tests of "who may" begin with."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlmodel import Session
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.journeys import loading
from cart.journeys.segments import service as segments
from cart.journeys.segments.rule import read
from cart.kernel.ids import RandomIds
from cart.orders.slots import floor_quarter
from cart.picking.roles import Role
from cart.profile.queries import customer_of
from cart.profile.tables import PasskeyRow
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from store_devices.mirror.sealing import Turn
from tests.cart.buying import HERE, LAMP, MUG, THERE
from tests.cart.floor import Floor
from tests.cart.journeying import REMINDER
from tests.fakes.clock import FakeClock
from tests.fakes.fitting_room import FittingRoom
from tests.mobile_api.desk import Desk
from tests.mobile_api.fleet import Fleet, operator
from tests.mobile_api.looking import Mirror
from tests.mobile_api.shop import SECRET, key
from tests.mobile_api.signing_in import sign_in
from tests.mobile_api.staffing import COOKIE as STAFF_COOKIE
from tests.mobile_api.staffing import hire
from tests.real.push_service import Browser

ADA: Final = "ada.quay@personal.example"
ADAS_LIST: Final = "Hall of Ada Quay"
ROOMS: Final = b'[[zone]]\nid = "back"\nareas = [[0,0,6,6]]\nserves = "fitting_room"\nbookable = 1'
SHOPPER_COOKIE: Final = "carryover"
LOOKS_COOKIE: Final = "carryover-looks"
# Callers by name; what each may is for the tests to say.
NOBODY, OWNER, STRANGER = "nobody", "the owner", "another shopper"
ASSOCIATE, LEAD, ELSEWHERE, OPERATOR = "associate", "lead", "manager elsewhere", "operator"
MANAGER, MARKETER = "manager", "marketer"
# Signed in: one has a joining, a passkey and another phone; the other has nothing but herself.
CUSTOMER, OTHER_CUSTOMER = "a customer", "another customer"
CUSTOMERS: Final = {CUSTOMER: "cleo@personal.example", OTHER_CUSTOMER: "dora@personal.example"}
CALLERS: Final = (
    NOBODY, OWNER, STRANGER, ASSOCIATE, LEAD, MANAGER, MARKETER, ELSEWHERE, OPERATOR,
)  # fmt: skip


@dataclass
class World:
    """Ada has a cart, a checkout, a list and an order; ``cookies`` are those of each caller."""

    app: FastAPI
    floor: Floor
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # by the names of path parameters

    def phone(self, caller: str) -> TestClient:
        """Return a client with the caller's cookies."""
        return TestClient(self.app, cookies=self.cookies[caller], raise_server_exceptions=False)


@contextmanager
def world(engine: Engine, clock: FakeClock, folder: Path) -> Iterator[World]:
    """Open the shop, let everybody do what leaves something behind, and close it at the end."""
    floor = Floor(engine, clock, pieces=500)
    settings = ApiSettings(data_dir=folder, secret_key=SECRET, public_url="http://testserver")
    app = create_app(
        settings, engine=engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )
    with TestClient(app) as phone:
        made = World(app, floor)
        made.cookies[NOBODY] = {}
        _ada(made, phone)
        stranger = TestClient(app)
        _ok(_post(stranger, "/cart/lines", {"gtin": MUG, "location_id": HERE}))
        made.cookies[STRANGER] = {SHOPPER_COOKIE: stranger.cookies[SHOPPER_COOKIE]}
        for caller, number, role, place in (
            (ASSOCIATE, "31", Role.ASSOCIATE, HERE),
            (LEAD, "32", Role.LEAD, HERE),
            (ELSEWHERE, "33", Role.MANAGER, THERE),
            (MANAGER, "34", Role.MANAGER, HERE),
            (MARKETER, "35", Role.MARKETER, HERE),
        ):
            made.cookies[caller] = {STAFF_COOKIE: hire(floor, number, role=role, place=place)}
        made.cookies[OPERATOR] = {STAFF_COOKIE: operator(floor)}
        _customers(made)
        made.ids["desk"] = "till-1"
        made.ids["sheet"] = "funnel"
        FittingRoom(floor).ask()
        with unit_of_work(engine) as db:
            rule = read('{"if":"seen","days":3}')
            made.ids["segment_id"] = segments.make(
                db, clock, RandomIds(), name="Seen", rule=rule, by="staff"
            ).id
        floor.do(lambda db: loading.load(db, floor.clock, REMINDER))
        made.ids["device_id"] = Fleet(floor).at_work().first.device.device_id
        made.ids |= floor.look(_left_behind)
        yield made


def _customers(made: World) -> None:
    """Let two sign in. Of the one: a cart that joined hers, a passkey, and the phone before."""
    clock = made.floor.clock
    for caller, email in CUSTOMERS.items():
        phone = TestClient(made.app)
        sign_in(made.app, phone, email)
        if caller == CUSTOMER:
            _ok(_post(phone, "/cart/lines", {"gtin": MUG, "location_id": HERE}))
            (first,) = _ok(phone.get("/api/v1/account"))["phones"]
            phone = TestClient(made.app)
            _ok(_post(phone, "/cart/lines", {"gtin": LAMP, "location_id": HERE}))
            sign_in(made.app, phone, email)
            made.ids["phone"] = first["name"]
        made.cookies[caller] = {SHOPPER_COOKIE: phone.cookies[SHOPPER_COOKIE]}

    def key_pair(db: Session) -> None:
        db.add(
            PasskeyRow(
                id="passkey_cleo", credential_id="YQ", public_key="YQ", created_at=clock.now(),
                customer_id=customer_of(db, CUSTOMERS[CUSTOMER]) or "",
            )
        )  # fmt: skip

    made.floor.do(key_pair)


def _left_behind(db: Session) -> dict[str, str]:
    """Return ids that no answer has told."""
    asked = {
        "size_id": "SELECT MIN(id) FROM size_request",
        "turn_id": "SELECT MIN(id) FROM turn",
        "booking_id": "SELECT MIN(id) FROM booking",
        "letter_id": "SELECT MIN(id) FROM dead_letter",
        "line_id": "SELECT MIN(id) FROM pick_line",
        "staff_id": "SELECT MIN(id) FROM staff WHERE number = '31'",
        "session_id": "SELECT MIN(session_id) FROM placed_order",
        "joining_id": "SELECT MIN(id) FROM joining",
        "passkey_id": "SELECT MIN(id) FROM passkey",
    }
    connection = db.connection()
    return {name: connection.execute(text(sql)).scalar_one() for name, sql in asked.items()}


def _rooms(db: Session) -> None:
    """Let each shop have a place with a queue."""
    for place in (HERE, THERE):
        draw(db, place, read_plan(ROOMS))


def _post(phone: TestClient, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - a response
    return phone.post(f"/api/v1{path}", json=body, headers=key())


def _ok(answer: Any) -> Any:  # noqa: ANN401 - JSON
    assert answer.is_success, answer.text
    return answer.json()


def _ada(made: World, phone: TestClient) -> None:
    """Let Ada buy a mug, and leave a cart, an open checkout and a list."""
    _ok(_post(phone, "/cart/lines", {"gtin": MUG, "quantity": 2, "location_id": HERE}))
    desk = Desk.of(made.app)
    order_id = desk.sell(phone, email=ADA)
    task_id = desk.claim(order_id)
    _ok(_post(phone, "/cart/lines", {"gtin": LAMP, "location_id": HERE}))
    # Of letters only, so that a test can read whatever it gets.
    look_id = Mirror(made.app).kept(phone, turn=Turn(b"a turn of Ada", "video/webm", b"her sides"))
    made.floor.do(_rooms)
    _ok(_post(phone, f"/shops/{HERE}/waiting/back/join", {}))
    _ok(_post(phone, "/push", Browser("https://push.example/ada").subscription))
    comes_at = (floor_quarter(made.floor.clock.now()) + timedelta(hours=1)).isoformat()
    _ok(_post(phone, "/plan", {"location_id": HERE, "comes_at": comes_at, "called": ADA[:3]}))
    _ok(_post(phone, "/plan/bookings", {"serves": "fitting_room", "starts_at": comes_at}))
    checkout = _ok(_post(phone, "/checkouts", {}))
    _ok(_post(phone, f"/checkouts/{checkout['id']}/choices", {"email": ADA}))
    kept = _ok(_post(phone, "/lists", {"name": ADAS_LIST}))
    made.cookies[OWNER] = {name: phone.cookies[name] for name in (SHOPPER_COOKIE, LOOKS_COOKIE)}
    made.ids |= {
        "order_id": order_id,
        "checkout_id": checkout["id"],
        "list_id": kept["id"],
        "task_id": task_id,
        "location_id": HERE,
        "zone_id": "back",
        "product_id": "lamp",
        "gtin": str(LAMP),
        "code": str(LAMP),
        "sku": "lamp",
        "provider": "sandbox",
        "request_id": uuid.uuid4().hex,
        "offer_id": "offer_1",
        "refund_id": "refund_1",
        "look_id": look_id,
        "verb": "withdraw",
        "ask_id": "lookask_1",
        "topic_id": "lamps",
        "kind": "flooding",
        "purpose": "analytics",
        "name": "cart-reminder",
        "locale": "en",
    }
