"""At sign-in the phone's cart joins the shopper's own: said, undoable, never two people's."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from sqlmodel import col, select
from starlette.testclient import TestClient

from cart.carts.model import LINES_MAX
from cart.carts.tables import CartLineRow, CartOperationRow, SessionKeyRow, ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.orders.model import CheckoutState
from cart.orders.tables import CheckoutRow, OrderRow
from cart.profile.tables import CustomerRow, JoiningRow
from gateway.binding.tables import BindingRow
from gateway.fanout import BindingChanged, Notice
from inventory_api.catalogue.tables import VariantRow
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, add, key, quantities, stock
from tests.mobile_api.signing_in import ADA, BEN, ask, cart_of, code, newest, sign_in, use
from tests.mobile_api.test_claims import SECRET, scan
from tests.mobile_api.test_lists import save


def undo(app: FastAPI, phone: TestClient) -> int:
    """Press the button of the latest joining; return the status."""
    with reading(app.state.parts.engine) as db:
        row = db.exec(select(JoiningRow).order_by(col(JoiningRow.id).desc())).all()[0]
    path = f"/account/joinings/{row.id}/undo"
    return phone.post(path, follow_redirects=False).status_code


@pytest.fixture
def home(app: FastAPI, another_phone: Callable[[], TestClient]) -> TestClient:
    """Ada's phone at home: signed in, a red lamp and two mugs in her cart."""
    one = another_phone()
    add(one, RED, 1)
    add(one, MUG, 2)
    sign_in(app, one)
    return one


def test_a_cart_is_neither_emptied_nor_silently_merged_at_sign_in(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """Hers and the phone's are both there, on both phones; the page says what came."""
    add(phone, RED, 2)
    add(phone, BLUE, 1)
    sign_in(app, phone)
    both = {RED: 3, MUG: 2, BLUE: 1}
    assert quantities(phone) == quantities(home) == both
    page = phone.get("/").text
    assert "3 things from this phone are in your own cart now." in page
    assert "2 × Arc &lt;lamp&gt;" in page  # noqa: RUF001
    assert "You can undo this for 30 more minutes." in page


def test_joining_is_operations_and_their_fold(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """Nothing of either cart's history is rewritten: her cart has one more operation a line."""
    add(phone, RED, 2)
    before = cart_of(app, home)
    sign_in(app, phone)
    with reading(app.state.parts.engine) as db:
        found = db.exec(
            select(CartOperationRow)
            .where(CartOperationRow.cart_id == before)
            .order_by(col(CartOperationRow.version))
        ).all()
    joined = newest(app).id
    assert found[-1].id == f"join:{joined}:{RED}"
    assert [(one.kind, one.quantity) for one in found[-1:]] == [("add", 2)]
    assert cart_of(app, phone) == before


def test_undo_restores_both_carts(app: FastAPI, phone: TestClient, home: TestClient) -> None:
    """Hers is as it was, with what she added since; the phone's comes back when she signs out."""
    add(phone, RED, 2)
    sign_in(app, phone)
    add(home, BLUE, 1)
    assert undo(app, phone) == 303
    assert quantities(home) == quantities(phone) == {RED: 1, MUG: 2, BLUE: 1}
    assert "from this phone" not in phone.get("/").text
    assert undo(app, phone) == 303
    assert quantities(home) == {RED: 1, MUG: 2, BLUE: 1}
    phone.post("/account/sign-out")
    assert quantities(phone) == {RED: 2}
    assert phone.get("/account", follow_redirects=False).headers["location"] == "/sign-in"
    sign_in(app, phone)
    assert quantities(home) == {RED: 3, MUG: 2, BLUE: 1}


def test_undo_has_its_time(
    app: FastAPI, phone: TestClient, home: TestClient, clock: FakeClock
) -> None:
    """Half an hour; then it says that it is too late, and nothing changes."""
    add(phone, BLUE, 1)
    sign_in(app, phone)
    clock.advance(1_801)
    assert "from this phone" not in phone.get("/").text
    assert undo(app, phone) == 409
    assert quantities(home) == {RED: 1, MUG: 2, BLUE: 1}


def test_undo_is_hers_alone(
    app: FastAPI, phone: TestClient, home: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Another customer, and an anonymous phone, are told that there is nothing."""
    stranger = another_phone()
    sign_in(app, stranger, BEN)
    add(phone, BLUE, 1)
    sign_in(app, phone)
    assert undo(app, stranger) == 404
    assert undo(app, another_phone()) == 401
    assert quantities(home) == {RED: 1, MUG: 2, BLUE: 1}


def test_signing_out_leaves_nothing_of_hers_on_the_phone(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """Joined and not undone: the cart is hers, the next person starts with none."""
    add(phone, BLUE, 1)
    sign_in(app, phone)
    phone.post("/account/sign-out")
    assert quantities(phone) == {}
    assert phone.get("/api/v1/cart").json()["pieces"] == 0
    add(phone, MUG, 1)
    assert quantities(phone) == {MUG: 1}
    assert quantities(home) == {RED: 1, MUG: 2, BLUE: 1}


def test_two_verified_people_are_never_merged(
    app: FastAPI, phone: TestClient, home: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Ben signs in on Ada's phone: he gets his own cart, hers stays with her, whatever they do."""
    bens = another_phone()
    add(bens, MUG, 5)
    sign_in(app, bens, BEN)
    sign_in(app, phone, ADA)
    add(phone, BLUE, 1)
    sign_in(app, phone, BEN)
    assert quantities(phone) == quantities(bens) == {MUG: 5}
    assert quantities(home) == {RED: 1, MUG: 2, BLUE: 1}
    assert BEN in phone.get("/account").text
    assert ADA not in phone.get("/account").text
    phone.post("/account/sign-out")
    assert quantities(phone) == {}
    with reading(app.state.parts.engine) as db:
        joined = db.exec(select(JoiningRow.customer_id, JoiningRow.from_session_id)).all()
        customers = db.exec(
            select(ShopperSessionRow.customer_id).where(
                col(ShopperSessionRow.id).in_([one[1] for one in joined])
            )
        ).all()
    assert set(customers) == {None}


def test_a_new_persons_first_sign_in_on_somebodys_phone_takes_nothing(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """Not even an address that nobody knew: the cart that was there is Ada's."""
    sign_in(app, phone, ADA)
    sign_in(app, phone, BEN)
    assert quantities(phone) == {}
    assert quantities(home) == {RED: 1, MUG: 2}


def test_one_cart_joins_one_person_also_when_two_sign_in_at_once(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Two browsers hold one anonymous key: of two people who sign in together one gets the cart."""
    add(phone, RED, 2)
    rival = another_phone()
    rival.cookies.update(phone.cookies)
    codes = []
    for one, who in ((phone, ADA), (rival, BEN)):
        ask(one, who)
        codes.append((one, code(app)))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda pair: use(*pair).status_code, codes))
    for (one, digits), status in zip(codes, answers, strict=True):
        if status == 503:  # gave way to the other, in words: once more
            use(one, digits)
    assert sorted([quantities(phone), quantities(rival)], key=len) == [{}, {RED: 2}]


def test_the_request_twice_joins_once(
    app: FastAPI, phone: TestClient, home: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Also at the same moment: the pieces come once, and both answers open the same session."""
    add(phone, BLUE, 1)
    ask(phone)
    digits = code(app)
    repeat = another_phone()
    repeat.cookies.update(phone.cookies)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: use(one, digits).status_code, (phone, repeat)))
    for one, status in zip((phone, repeat), answers, strict=True):
        if status == 503:
            use(one, digits)
    assert quantities(home) == quantities(phone) == quantities(repeat) == {RED: 1, MUG: 2, BLUE: 1}
    assert phone.cookies["carryover"] == repeat.cookies["carryover"]


class Killed(Exception):
    """Nothing more is done for this request, its transaction least of all."""


@pytest.mark.parametrize("step", ["end", "give"])
def test_a_process_that_dies_in_between_leaves_nothing_half_done(
    app: FastAPI,
    phone: TestClient,
    home: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    """Neither cart has changed, the old key still opens its cart, and the same code then works."""
    add(phone, BLUE, 1)
    ask(phone)
    digits = code(app)
    cookies = dict(phone.cookies)
    with monkeypatch.context() as broken:
        broken.setattr(f"cart.carts.keys.{step}", _die)
        with pytest.raises(Killed):
            use(phone, digits)
    phone.cookies.update(cookies)
    assert quantities(phone) == {BLUE: 1}
    assert quantities(home) == {RED: 1, MUG: 2}
    assert newest(app).used_at is None
    assert use(phone, digits).status_code == 303
    assert quantities(home) == {RED: 1, MUG: 2, BLUE: 1}


def _die(*_: object, **__: object) -> None:
    raise Killed


def test_a_planted_key_opens_nothing_after_sign_in(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Session fixation: whoever gave the phone its anonymous cookie is nobody from then on."""
    thief = another_phone()
    add(thief, MUG, 1)
    phone.cookies.update(thief.cookies)
    sign_in(app, phone)
    add(phone, RED, 1)
    assert phone.cookies["carryover"] != thief.cookies["carryover"]
    assert thief.get("/api/v1/lists/x/mail/y").status_code == 401
    assert quantities(thief) == {}
    undo(app, phone)
    assert quantities(thief) == {}  # not even its own cart: what it had is known to two


def test_lists_and_orders_come_along_and_back(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """What was kept and bought on the phone is hers on every phone; an undo gives it back."""
    add(phone, RED, 1)
    save(phone, name="Anniversary")
    order_id = Desk.of(app).sell(phone)
    add(phone, BLUE, 1)
    sign_in(app, phone)
    assert "Anniversary" in home.get("/lists").text
    assert home.get(f"/api/v1/orders/{order_id}").status_code == 200
    assert undo(app, phone) == 303
    assert "Anniversary" not in home.get("/lists").text
    assert home.get(f"/api/v1/orders/{order_id}").status_code == 404
    phone.post("/account/sign-out")
    assert phone.get(f"/api/v1/orders/{order_id}").status_code == 200


def test_what_came_without_a_cart_is_said_and_goes_back(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """Lists and orders of whoever had the phone before: the page says so, with its undo."""
    add(phone, RED, 1)
    save(phone, name="Anniversary")
    Desk.of(app).sell(phone)
    assert quantities(phone) == {}
    sign_in(app, phone)
    page = phone.get("/", headers={"Accept": "text/html"}).text
    assert "2 lists and orders of this phone are yours now." in page
    (way,) = re.findall(r'action="(/account/joinings/[^"]+/undo)"', page)
    assert phone.post(way, follow_redirects=False).status_code == 303
    assert "Anniversary" not in home.get("/lists").text


def test_an_open_checkout_follows_its_lines(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """What she has chosen stays chosen; an undo gives it back to the phone's cart."""
    add(phone, BLUE, 1)
    opened = phone.post("/api/v1/checkouts", json={}, headers=key()).json()
    path = f"/api/v1/checkouts/{opened['id']}"
    assert phone.post(f"{path}/choices", json={"email": BEN}, headers=key()).is_success
    sign_in(app, phone)
    again = home.post("/api/v1/checkouts", json={}, headers=key()).json()
    assert (again["id"], again["email"]) == (opened["id"], BEN)
    assert len(again["lines"]) == 3
    assert undo(app, phone) == 303
    assert home.get(path).status_code == 404
    phone.post("/account/sign-out")
    assert len(phone.get(path).json()["lines"]) == 1


def test_of_two_open_checkouts_her_own_stays(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """There is one for a cart: the phone's is given up, its things are in hers."""
    hers = home.post("/api/v1/checkouts", json={}, headers=key()).json()["id"]
    add(phone, BLUE, 1)
    gone = phone.post("/api/v1/checkouts", json={}, headers=key()).json()["id"]
    sign_in(app, phone)
    with reading(app.state.parts.engine) as db:
        assert db.get_one(CheckoutRow, gone).state == CheckoutState.CANCELLED
    now = phone.post("/api/v1/checkouts", json={}, headers=key()).json()
    assert (now["id"], len(now["lines"])) == (hers, 3)


def paying(app: FastAPI, phone: TestClient) -> str:
    """Let the phone's checkout be at the bank; return its id."""
    opened = phone.post("/api/v1/checkouts", json={}, headers=key()).json()["id"]
    with unit_of_work(app.state.parts.engine) as db:
        row = db.get_one(CheckoutRow, opened)
        row.state = CheckoutState.PAYING.value
        db.add(row)
    return str(opened)


def test_a_cart_that_is_being_paid_takes_its_payment_along(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """The money's checkout is hers, and stays; her own open one gives way. No undo meanwhile."""
    hers = home.post("/api/v1/checkouts", json={}, headers=key()).json()["id"]
    add(phone, BLUE, 1)
    under_way = paying(app, phone)
    sign_in(app, phone)
    with reading(app.state.parts.engine) as db:
        assert db.get_one(CheckoutRow, hers).state == CheckoutState.CANCELLED
        kept = db.get_one(CheckoutRow, under_way)
        assert (kept.state, kept.cart_id) == (CheckoutState.PAYING, cart_of(app, home))
    assert home.get(f"/api/v1/checkouts/{under_way}").status_code == 200
    assert undo(app, phone) == 409
    assert quantities(home) == {RED: 1, MUG: 2, BLUE: 1}


def test_two_carts_that_are_being_paid_wait_for_each_other(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """She is told so, nothing has changed, and the same code works once one of them is over."""
    add(phone, BLUE, 1)
    first, _ = paying(app, phone), paying(app, home)
    ask(phone)
    refused = use(phone, code(app))
    assert refused.status_code == 409
    assert "This checkout is being paid, or is over." in refused.text
    assert quantities(phone) == {BLUE: 1}
    assert quantities(home) == {RED: 1, MUG: 2}
    with unit_of_work(app.state.parts.engine) as db:
        row = db.get_one(CheckoutRow, first)
        row.state = CheckoutState.OPEN.value
        db.add(row)
    assert use(phone, code(app)).status_code == 303


def test_what_was_bought_since_is_not_undone(
    app: FastAPI, phone: TestClient, home: TestClient, clock: FakeClock
) -> None:
    """Pieces that are paid for do not come back as a cart."""
    stock(app.state.parts.engine, clock, HERE, "lamp-blue", 5)
    stock(app.state.parts.engine, clock, HERE, "mug", 5)
    add(phone, BLUE, 1)
    sign_in(app, phone)
    Desk.of(app).sell(home)
    assert undo(app, phone) == 409
    assert quantities(home) == {}
    with reading(app.state.parts.engine) as db:
        assert len(db.exec(select(OrderRow)).all()) == 1


def test_what_has_no_room_is_on_a_list(app: FastAPI, phone: TestClient, home: TestClient) -> None:
    """A cart has 200 lines: nothing of the phone's is lost, and the page says where it is."""
    mine = cart_of(app, home)
    with unit_of_work(app.state.parts.engine) as db:
        for i in range(LINES_MAX - 2):
            gtin = f"{i:014}"
            db.add(VariantRow(sku=f"v{i}", gtin=gtin, product_id="mug"))
            db.add(
                CartLineRow(
                    cart_id=mine,
                    gtin=gtin,
                    sku=f"v{i}",
                    quantity=1,
                    added_at_us=1,
                    last_at_us=1,
                    last_operation_id=f"op{i}",
                    currency="EUR",
                )
            )
    add(phone, BLUE, 3)
    add(phone, RED, 1)
    sign_in(app, phone)
    assert len(quantities(home)) == LINES_MAX
    assert quantities(home)[RED] == 2
    assert "3 things had no room; they are on a list of yours." in phone.get("/").text
    assert 'data-list="rest-' in home.get("/lists").text
    assert undo(app, phone) == 303
    assert quantities(home)[RED] == 1
    assert "No lists yet" in home.get("/lists").text


def test_a_tablet_in_hand_goes_on_into_her_own_cart(
    app: FastAPI, phone: TestClient, home: TestClient, clock: FakeClock
) -> None:
    """Its binding follows: what it scans is hers, and what it scanned before and reports late."""
    scan(app, clock)
    assert phone.post(f"/api/v1/claims/{SECRET}", headers=key()).status_code == 200
    anonymous = cart_of(app, phone)
    sign_in(app, phone)
    assert quantities(home) == {RED: 3, MUG: 2}
    with reading(app.state.parts.engine) as db:
        [binding] = db.exec(select(BindingRow)).all()
        session = db.get_one(ShopperSessionRow, binding.session_id)
    assert session.cart_id == cart_of(app, home)
    assert binding.prior_cart_id == anonymous
    told: list[Notice] = []
    app.state.parts.fan = SimpleNamespace(publish=lambda *notices: told.extend(notices))
    assert undo(app, phone) == 303
    app.state.parts.fan = None
    with reading(app.state.parts.engine) as db:
        [binding] = db.exec(select(BindingRow)).all()
        assert db.get_one(ShopperSessionRow, binding.session_id).cart_id == anonymous
    carts = [one.cart_id for one in told if isinstance(one, BindingChanged)]
    assert anonymous in carts, "the tablet hears that it shows another cart now"


def test_a_claim_never_puts_a_tablets_cart_in_place_of_a_customers(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """Her empty cart is the one that her other phones show: the tablet's lines are added to it."""
    other = another_phone()
    sign_in(app, other)
    sign_in(app, phone)
    scan(app, clock)
    before = cart_of(app, other)
    assert phone.post(f"/api/v1/claims/{SECRET}", headers=key()).json()["merged"] == 2
    assert cart_of(app, other) == cart_of(app, phone) == before
    assert quantities(other) == {RED: 2}


def test_somebody_who_signs_in_again_is_the_same_person(
    app: FastAPI, phone: TestClient, home: TestClient
) -> None:
    """A new key, the old one is over; nothing joins, nobody is made twice."""
    before = home.cookies["carryover"]
    sign_in(app, home)
    assert home.cookies["carryover"] != before
    assert quantities(home) == {RED: 1, MUG: 2}
    with reading(app.state.parts.engine) as db:
        assert len(db.exec(select(CustomerRow)).all()) == 1
        assert len(db.exec(select(SessionKeyRow)).all()) == 1
        assert len(db.exec(select(JoiningRow)).all()) == 1
    assert phone
