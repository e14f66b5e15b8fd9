"""What staff, operators and command lines do is in the audit log; what shoppers are is not."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.audit import service
from cart.audit.model import FIELDS, Action
from cart.audit.tables import AuditRow
from cart.kernel.ids import RandomIds
from cart.picking import staff
from cart.picking.roles import Role as StaffRole
from gateway.cli import app as gateway_app
from inventory_api.cli import app as inventory_app
from mobile_api.app import create_app
from mobile_api.cli import app as cli_app
from mobile_api.edge.access import Role, roles
from mobile_api.look.words import words
from mobile_api.operator.audit_words import ACTION_WORDS, ROLE_WORDS
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP
from tests.mobile_api.fleet import Fleet, operator
from tests.mobile_api.shop import SECRET, key
from tests.mobile_api.staffing import hire, post, signed_in

HTML = {"Accept": "text/html"}
BODIES = {
    "/api/v1/staff/walk": {"tasks": ["task_1"]},
    "/api/v1/staff/tasks/{task_id}/give": {"staff_id": "staff_1"},
    "/api/v1/staff/walk/picks": {"line_id": "line_1", "code": "04006381333931"},
    "/api/v1/staff/walk/picks/undo": {"line_id": "line_1"},
    "/api/v1/staff/walk/shorts": {"line_id": "line_1", "quantity": 1, "reason": "not_found"},
    "/api/v1/staff/walk/stages": {"task_id": "task_1", "shelf": "B3"},
    "/api/v1/staff/orders/{order_id}/handover": {"proof": "123456"},
    "/api/v1/staff/orders/{order_id}/ship": {"carrier": "Parcel Post"},
    "/api/v1/staff/orders/{order_id}/later": {"reason": "the shop closes"},
    "/api/v1/staff/rooms/{size_id}/instead": {"gtin": "04006381333931"},
    "/api/v1/staff/orders/{order_id}/returns": {
        "line_id": "line_1",
        "quantity": 1,
        "reason": "unwanted",
        "restocked": True,
    },
}
# What a page's own form sends, of people and of marketing; ids in addresses are nobody's.
FORMS = {
    "/staff/people": {"number": "88", "name": "Mo", "role": "associate"},
    **{f"/staff/people/{{staff_id}}/{one}": {} for one in ("pin", "second", "close")},
    "/staff/topics": {"id": "lamps", "name_en": "Lamps"},
    "/staff/topics/import": {},
    "/staff/topics/{topic_id}/close": {},
    "/staff/topics/{topic_id}/write": {"subject_en": "New", "text_en": "Lamps are here."},
    "/staff/segments": {"name": "Known", "rule": '{"if":"known"}'},
    "/staff/segments/{segment_id}/rule": {"rule": '{"if":"known"}'},
    **{f"/staff/segments/{{segment_id}}/{one}": {} for one in ("begin", "end")},
    **{f"/staff/journeys/{{name}}/{one}": {} for one in ("on", "off")},
    "/staff/journeys/new": {"way": "toml", "source": "x", "do": "save"},
    "/staff/journeys/{name}/edit": {"way": "toml", "source": "x", "do": "save"},
}
# These change nothing that is anybody's.
READS_ONLY = {"/api/v1/staff/find", "/staff/awake", "/staff/bands/look"}
# Forms of the door: what each notes is in test_second, and in test_second_passkeys.
AT_THE_DOOR = {
    "/staff/code",
    *(f"/staff/second/{one}" for one in ("start", "confirm", "codes", "end-others")),
    *(f"/staff/second/{one}" for one in ("passkey-options", "passkeys", "passkeys/remove")),
    *(f"/staff/code/{one}" for one in ("passkey-options", "passkey")),
}
# Forms of the welcome desk: what each notes is in test_bands and test_band_setup.
BANDS = {f"/staff/bands/{one}" for one in ("out", "back", "set-up")}
# Forms of a desk at which a band pays: what each notes is in test_band_pay.
PAYING = {f"/staff/desks/{{desk}}/{one}" for one in ("open", "take")}


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


def log(floor: Floor) -> list[AuditRow]:
    """Return the whole log, the oldest entry first; it is intact."""
    assert floor.look(service.verify).fault == ""
    return list(reversed(floor.look(service.newest)))


def acts(floor: Floor) -> list[tuple[str, str, str]]:
    """Return what was done, to what, with which outcome."""
    return [(row.action, row.on_kind, row.outcome) for row in log(floor)]


def test_every_changing_route_of_staff_leaves_an_entry(app: FastAPI, floor: Floor) -> None:
    """Refused or done: a new route that notes nothing fails here."""
    routes = [
        path
        for method, path, role in roles(app)
        if method == "POST"
        and role in {Role.STAFF, Role.FLOOR, Role.OPERATOR, Role.PEOPLE, Role.MARKETING}
        and path not in READS_ONLY | AT_THE_DOOR | BANDS | PAYING
    ]
    assert len(routes) == 43
    assert FORMS.keys() <= set(routes)
    with signed_in(TestClient(app, follow_redirects=False), operator(floor)) as client:
        for route in routes:
            before = len(log(floor))
            named = route.replace("{kind}", "flooding").replace("{name}", "cart-reminder")
            path = re.sub(r"\{\w+\}", "thing_1", named)
            if route in FORMS:
                answer = client.post(path, data=FORMS[route])
                assert answer.status_code in {200, 303, 400, 403, 404, 409}, (route, answer.text)
                noted = {row.outcome for row in log(floor)[before:]}
                assert len(noted) == 1, route
                assert answer.status_code < 400 or noted != {"done"}, route
                continue
            answer = client.post(path, json=BODIES.get(route, {}), headers=key())
            came_to = "done" if answer.is_success else answer.json()["code"]
            assert answer.status_code in {200, 403, 404, 409}, (route, answer.text)
            noted = {row.outcome for row in log(floor)[before:]}
            assert noted == {came_to}, route
    made = {act for act, _, outcome in acts(floor) if outcome == "done"}
    assert {"staff.add", "topic.make", "segment.make"} <= made, "forms that were filled in"


def test_a_sign_in_and_what_is_done_after_it(app: FastAPI, floor: Floor) -> None:
    """Who, as what, where, on what; a repeated request is one act."""
    order_id = floor.order()
    task_id = floor.task_of(order_id)
    with signed_in(TestClient(app), hire(floor, "1", role=StaffRole.LEAD)) as client:
        once = key()["Idempotency-Key"]
        for _ in range(2):
            assert post(client, "/walk", {"tasks": [task_id]}, once).is_success
        for _ in range(3):
            assert client.get(f"/staff/order/{order_id}", headers=HTML).status_code == 200
            assert client.get(f"/api/v1/staff/orders/{order_id}").status_code == 200
        assert client.get("/staff/order/order_none", headers=HTML).status_code == 404
        assert client.post("/staff/sign-out", follow_redirects=False).status_code == 303
    assert acts(floor) == [
        ("staff.sign_in", "staff", "done"),
        ("task.claim", "task", "done"),
        ("order.see", "order", "done"),
        ("staff.sign_out", "staff", "done"),
    ]
    claimed = log(floor)[1]
    assert (claimed.who_kind, claimed.role, claimed.location_id) == ("staff", "lead", HERE)
    assert (claimed.on_id, claimed.who_id) == (task_id, log(floor)[0].on_id)


def test_refused_sign_ins_are_noted_and_cannot_fill_the_log(app: FastAPI, floor: Floor) -> None:
    """Five that count; the lock says nothing new; one for all numbers that nobody has."""

    def hire_quietly() -> str:
        _, pin = floor.do(
            lambda db: staff.add(
                db, floor.clock, floor.ids, location_id=HERE, number="9", name="Nine", work=CHEAP
            )
        )
        return pin

    pin = hire_quietly()
    wrong = f"{(int(pin) + 1) % 10**6:06d}"
    with TestClient(app) as client:
        for number, tried in [("9", wrong)] * 8 + [("77", pin)] * 4:
            form = {"location_id": HERE, "number": number, "pin": tried}
            assert client.post("/staff", data=form).status_code == 403
    rows = log(floor)
    assert [row.outcome for row in rows] == ["sign_in_refused"] * 6
    assert [bool(row.on_id) for row in rows] == [True] * 5 + [False]
    assert {row.who_kind for row in rows} == {"nobody"}


def test_a_wrong_code_is_an_outcome(app: FastAPI, floor: Floor) -> None:
    """It counts, it stays, and the code itself is nowhere in the log."""
    order_id = floor.order()
    lead = floor.enter("1", StaffRole.LEAD)
    floor.claim(lead.staff, order_id)
    floor.pick_all(lead.staff, order_id)
    floor.stage(lead.staff, order_id)
    with signed_in(TestClient(app), lead.token) as client:
        answer = post(client, f"/orders/{order_id}/handover", {"proof": "000000"})
        assert answer.json()["code"] == "code_refused"
    assert acts(floor)[-1] == ("order.hand_over", "order", "code_refused")


def test_no_shopper_stands_in_it(app: FastAPI, floor: Floor) -> None:
    """The buyer's address is in the order, and in no field of any entry."""
    order_id = floor.order()
    with signed_in(TestClient(app), hire(floor, "1")) as client:
        client.get(f"/staff/order/{order_id}", headers=HTML)
        client.get("/staff/order/ada@example.com", headers=HTML)
        post(client, "/orders/ada@example.com/resend")
    rows = log(floor)
    assert len(rows) == 3
    said = " ".join(str(getattr(row, name)) for row in rows for name in FIELDS)
    assert "@" not in said
    assert "example" not in said


def test_operators_read_it_and_that_is_noted(app: FastAPI, floor: Floor) -> None:
    """The newest first, of one person if wished; letters that were looked at are in it."""
    Fleet(floor).at_work()
    (letter,) = floor.look(lambda db: db.execute(text("SELECT id FROM dead_letter")).all())
    lead = floor.enter("1", StaffRole.LEAD)
    with signed_in(TestClient(app), operator(floor)) as client:
        assert client.get(f"/operator/letters/{letter[0]}", headers=HTML).status_code == 200
        shown = client.get("/operator/audit", headers=HTML).text
        assert shown.count('<th scope="row">') == 3
        assert "Looked at a dead letter" in shown
        only = client.get(f"/operator/audit?staff={lead.staff.id}", headers=HTML).text
        assert only.count('<th scope="row">') == 1
        assert "Looked at a dead letter" not in only
        assert client.post("/operator/audit").status_code == 405
    assert [act for act, *_ in acts(floor)][-2:] == ["audit.see", "audit.see"]
    assert {row.role for row in log(floor)[-3:]} == {"operator"}
    with signed_in(TestClient(app), lead.token) as client:
        assert client.get("/operator/audit", headers=HTML).status_code == 403


def test_everything_that_is_noted_has_words() -> None:
    """For the operator's page, in every language; a new action cannot be without."""
    assert set(ACTION_WORDS) == set(Action)
    assert {*StaffRole, "operator"} <= set(ROLE_WORDS)
    for locale in ("he", "pl"):
        spoken = words(locale)
        for said in (*ACTION_WORDS.values(), *ROLE_WORDS.values()):
            assert spoken.gettext(said) != said or said == "Operator", (locale, said)


def test_command_lines_note_what_they_do(database_url: str, floor: Floor, tmp_path: Path) -> None:
    """By the name of the system's user; then shown, filtered and verified."""
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "LOGNAME": "ops-kim",
        "MQTT_URL": "",
    }

    def run(which: object, *words: str, ends: int = 0) -> str:
        result = CliRunner().invoke(which, words, env=environment)  # type: ignore[arg-type]
        assert result.exit_code == ends, result.output
        return result.output

    here = ("--location", HERE, "--number", "5")
    run(cli_app, "staff", "add", *here, "--name", "Mo", "--operator")
    other = ("--location", HERE, "--number", "6")
    run(cli_app, "staff", "add", *other, "--name", "Jo", "--operator")
    run(cli_app, "staff", "operator", *here, "--off")
    run(cli_app, "staff", "new-pin", *here)
    run(cli_app, "staff", "deactivate", *here)
    run(cli_app, "terms", "set", HERE, "--tax-bp", "800")
    code = run(cli_app, "vouchers", "issue", "--amount", "5.00").strip()
    run(cli_app, "vouchers", "show", code)
    run(cli_app, "orders", "show", floor.order())
    device = run(
        gateway_app, "devices", "enrol", "--kind", "tablet", "--location", HERE, "--redeem"
    )
    device_id = device.split()[1]
    run(gateway_app, "devices", "desire", device_id, "--locale", "pl")
    run(gateway_app, "devices", "rotate", device_id)
    run(gateway_app, "devices", "revoke", device_id)
    counts = tmp_path / "counts.csv"
    counts.write_text(f"location_id,sku,on_hand\n{HERE},lamp,7\n")
    run(inventory_app, "import", str(counts))
    run(inventory_app, "reconcile", "--fix")
    assert [act for act, *_ in acts(floor)] == [
        *["staff.grant", "staff.add"] * 2,
        "staff.take_back",
        "staff.new_pin",
        "staff.deactivate",
        "terms.set",
        "voucher.issue",
        "voucher.see",
        "order.see",
        "device.token",
        "device.enrol",
        "device.desire",
        "device.rotate",
        "device.revoke",
        "feed.import",
    ], "nothing was wrong with the ledger: nothing was put right"
    assert {(row.who_kind, row.who_id) for row in log(floor)} == {("terminal", "ops-kim")}
    shown = run(cli_app, "audit", "show", "--action", "device.revoke", "--json")
    assert shown.count("\n") == 1
    assert device_id in shown
    said = run(cli_app, "audit", "verify")
    assert said.startswith("intact through 17, head 17:")
    head = said.split()[-1]
    run(cli_app, "audit", "verify", "--head", head)
    later = f"18:{head.partition(':')[2]}"
    cut = run(cli_app, "audit", "verify", "--head", later, ends=1)
    assert cut.startswith("entries 18 to 18 are missing at the end; intact through 17")
    run(cli_app, "audit", "verify", "--head", "fourteen", ends=2)
