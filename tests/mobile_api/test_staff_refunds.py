"""A refund that the provider refused: seen at the desk, and tried again by a lead, once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.kernel.ids import RandomIds
from cart.orders import refunding
from cart.orders.model import RefundState
from cart.picking.roles import Role
from gateway.fanout import DeskChanged
from mobile_api.app import create_app
from mobile_api.payment import steps
from mobile_api.settings import ApiSettings
from mobile_api.wiring import Parts
from tests.cart.buying import HERE, MUG, THERE, Buyer
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.staffing import API, failed_refund, hire, post, refused, signed_in

WAIT_S = 30
REASON = "card <closed>"


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with twenty pieces of everything."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, settings: ApiSettings, clock: FakeClock) -> FastAPI:
    """The application over it."""
    return create_app(
        settings, engine=floor.engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )


def retry(order_id: str, refund_id: str) -> str:
    """Return the path of the command."""
    return f"/orders/{order_id}/refunds/{refund_id}/retry"


def test_a_lead_sees_it_and_has_it_tried_again(app: FastAPI, floor: Floor) -> None:
    """Listed at the desk with its reason on the order's page; the history says who tried."""
    order_id, refund_id = failed_refund(floor, REASON)
    lead = signed_in(TestClient(app), hire(floor, "9", role=Role.LEAD))
    (listed,) = lead.get(f"{API}/desk").json()["failed_refunds"]
    assert (listed["order_id"], listed["refund_id"]) == (order_id, refund_id)
    assert listed["amount"] == {"minor": 1_250, "currency": "EUR"}
    assert f"/staff/order/{order_id}" in lead.get("/staff/desk").text
    (shown,) = lead.get(f"{API}/orders/{order_id}").json()["refunds"]
    assert (shown["state"], shown["failure"]) == ("failed", REASON)
    page = lead.get(f"/staff/order/{order_id}").text
    assert "card &lt;closed&gt;" in page
    assert f'data-refund="{refund_id}"' in page
    answer = post(lead, f"{retry(order_id, refund_id)}?html=true", key="r" * 20)
    again = post(lead, f"{retry(order_id, refund_id)}?html=true", key="r" * 20)
    assert answer.json() == again.json()
    state = answer.json()
    assert (state["refunds"][0]["state"], state["refunds"][0]["failure"]) == ("due", "")
    told = state["history"][-1]
    assert (told["words"], told["who"]) == ("Refund of €12.50 is tried again", "Staff 9")
    assert "On its way to the shopper" in state["html"]
    assert "retry-refund" not in state["html"]
    assert lead.get(f"{API}/desk").json()["failed_refunds"] == []
    assert floor.look(lambda db: refunding.due_keys(db, 10)) == [(refund_id, f"{refund_id}:1")]


def test_colleagues_who_press_at_once_try_it_once(app: FastAPI, floor: Floor) -> None:
    """Both get the whole state; one entry, one key at the provider. Done, it stays done."""
    order_id, refund_id = failed_refund(floor, REASON)
    leads = [signed_in(TestClient(app), hire(floor, n, role=Role.LEAD)) for n in ("8", "9")]
    together = threading.Barrier(len(leads))

    def press(lead: TestClient) -> tuple[int, str]:
        together.wait(WAIT_S)
        answer = post(lead, retry(order_id, refund_id))
        return answer.status_code, answer.json()["refunds"][0]["state"]

    with ThreadPoolExecutor(len(leads)) as pool:
        assert list(pool.map(press, leads)) == [(200, "due")] * 2
    assert floor.told(order_id).count("refund_retried") == 1
    assert floor.look(lambda db: refunding.due_keys(db, 10)) == [(refund_id, f"{refund_id}:1")]
    done: steps.Answer = {"outcome": "done", "ref": "re_1", "url": "", "reason": ""}
    parts: Parts = app.state.parts
    steps.note_refund(parts, refund_id, done)
    late = post(leads[0], retry(order_id, refund_id)).json()
    assert late["refunds"][0]["state"] == "done"
    assert floor.view(order_id).refunds[0].state is RefundState.DONE
    assert floor.told(order_id)[-2:] == ["refund_retried", "refunded"]


def unbought(floor: Floor) -> tuple[str, steps.Answer]:
    """Let somebody pay another amount than was asked, and the provider refuse to give it back."""
    buyer = Buyer(floor.engine, floor.clock, floor.ids)
    buyer.put(MUG)
    buyer.open()
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    buyer.news(begun.attempt_id, amount_minor=700)
    ((refund_id, _),) = floor.look(lambda db: refunding.due_keys(db, 2))
    refuse: steps.Answer = {"outcome": "failed", "ref": "", "url": "", "reason": REASON}
    return refund_id, refuse


def test_money_that_bought_nothing_is_tried_again_at_the_desk(
    app: FastAPI, floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an order there is no page of it: the desk shows it, and a lead's press is once."""
    refund_id, refuse = unbought(floor)
    told: list[object] = []
    parts: Parts = app.state.parts
    monkeypatch.setattr(type(parts), "tell", lambda _parts, _db, *notices: told.extend(notices))
    steps.note_refund(parts, refund_id, refuse)
    assert told == [DeskChanged(HERE)], "the desk's page hears that there is something to do"
    monkeypatch.undo()
    lead = signed_in(TestClient(app), hire(floor, "9", role=Role.LEAD))
    picker = signed_in(TestClient(app), hire(floor, "1"))
    away = signed_in(TestClient(app), hire(floor, "3", role=Role.LEAD, place=THERE))
    (listed,) = lead.get(f"{API}/desk").json()["failed_refunds"]
    assert (listed["order_id"], listed["ticket"], listed["failure"]) == (None, "", REASON)
    assert listed["amount"] == {"minor": 700, "currency": "EUR"}
    assert away.get(f"{API}/desk").json()["failed_refunds"] == []
    assert f'data-act="retry-unbought" data-refund="{refund_id}"' in lead.get("/staff/desk").text
    assert "retry-unbought" not in picker.get("/staff/desk").text
    way = f"/refunds/{refund_id}/retry"
    refused(post(picker, way), 403, "lead_needed")
    refused(post(away, way), 404, "unknown_order")
    refused(post(lead, "/refunds/refund_none/retry"), 404, "unknown_order")
    for _ in range(2):  # the second press finds it done
        assert post(lead, way).json()["failed_refunds"] == []
    assert floor.look(lambda db: refunding.due_keys(db, 10)) == [(refund_id, f"{refund_id}:1")]


def test_an_orders_refund_is_not_tried_again_without_its_order(app: FastAPI, floor: Floor) -> None:
    """Its history would not say who did it."""
    order_id, refund_id = failed_refund(floor, REASON)
    lead = signed_in(TestClient(app), hire(floor, "9", role=Role.LEAD))
    refused(post(lead, f"/refunds/{refund_id}/retry"), 404, "unknown_order")
    assert floor.told(order_id)[-1] == "refund_failed"


def test_who_may_not_and_what_is_not_here(app: FastAPI, floor: Floor) -> None:
    """A lead of this shop only, and of this order only; nothing has changed."""
    order_id, refund_id = failed_refund(floor, REASON)
    other = floor.order({MUG: 1})
    lead = signed_in(TestClient(app), hire(floor, "9", role=Role.LEAD))
    away = signed_in(TestClient(app), hire(floor, "3", role=Role.LEAD, place=THERE))
    picker = signed_in(TestClient(app), hire(floor, "1"))
    refused(post(picker, retry(order_id, refund_id)), 403, "lead_needed")
    refused(post(away, retry(order_id, refund_id)), 404, "unknown_order")
    refused(post(lead, retry(other, refund_id)), 404, "unknown_order")
    refused(post(lead, retry(order_id, "refund_none")), 404, "unknown_order")
    refused(post(TestClient(app), retry(order_id, refund_id)), 401, "not_signed_in")
    assert away.get(f"{API}/desk").json()["failed_refunds"] == []
    page = picker.get(f"/staff/order/{order_id}").text
    assert "retry-refund" not in page
    assert "A lead can try it again." in page
    assert floor.view(order_id).refunds[0].state is RefundState.FAILED
    assert floor.told(order_id)[-1] == "refund_failed"
