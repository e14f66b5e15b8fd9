"""Who may: every route, every kind of caller, and the ids of somebody else.

The routes come from the application itself. A path parameter or a body that this
test cannot fill makes it fail: a new route cannot slip by unasked.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import inspect, text

from cart.db import make_engine
from mobile_api.edge.access import Role, roles
from tests.cart.buying import LAMP
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import key
from tests.mobile_api.world import (
    ADA,
    ADAS_LIST,
    ASSOCIATE,
    CALLERS,
    CUSTOMER,
    CUSTOMERS,
    ELSEWHERE,
    LEAD,
    MANAGER,
    MARKETER,
    OPERATOR,
    OTHER_CUSTOMER,
    OWNER,
    World,
    world,
)

# Whoever has one of these in a path has the key to what it opens: none of them is an id.
KEYS: Final = frozenset({"link", "secret", "ref"})
HERS: Final = frozenset(
    {
        *("checkout_id", "list_id", "order_id", "task_id", "line_id", "staff_id", "turn_id"),
        *("booking_id", "look_id", "ask_id", "size_id"),
        *("joining_id", "passkey_id", "phone"),
    }
)
ALLOWED: Final = {
    Role.SHOPPER: {OWNER},
    Role.CUSTOMER: {CUSTOMER},
    Role.STAFF: {ASSOCIATE, LEAD, MANAGER, MARKETER, ELSEWHERE, OPERATOR},
    Role.FLOOR: {ASSOCIATE, LEAD, MANAGER, OPERATOR},
    Role.PEOPLE: {MANAGER, OPERATOR},
    Role.MARKETING: {MARKETER, OPERATOR},
    Role.REPORT: {MARKETER, MANAGER, ELSEWHERE, OPERATOR},
    Role.OPERATOR: {OPERATOR},
}
# These are asked elsewhere, and why: no cookie says who calls.
ELSEWHERE_ASKED: Final = {
    Role.ANYONE: "for all: there is nobody to refuse",
    Role.TOKEN: "whoever has the token: test_device_certificates, test_registry",
    Role.DEVICE: "a device's credential: test_strange_devices",
    Role.BROKER: "a secret: test_broker_hook",
    Role.PROVIDER: "a signature: test_stripe",
    Role.POSTMAN: "a signature: test_bounces",
    Role.SANDBOX: "for all, where there is a test bank: test_access",
    Role.DEMO: "for all, in a demo: test_access",
    Role.MONITOR: "for all: test_access",
}
WALKERS: Final = (*CALLERS, *CUSTOMERS)
# What is another's is left alone here, and the answer is as if it were gone already.
LEFT_ALONE: Final = frozenset(
    {
        *("/api/v1/account/phones/{name}", "/api/v1/account/passkeys/{passkey_id}"),
        *("/account/phones/{name}/end", "/account/passkeys/{passkey_id}/remove"),
    }
)
# Without ids of hers in it, a route is about the caller's own things: of a shopper, if only
# what she has not got yet, and of the staff of another location.
OWN_THINGS: Final = {
    Role.SHOPPER: set(WALKERS),
    Role.CUSTOMER: {OTHER_CUSTOMER},
    Role.FLOOR: {ELSEWHERE},
    Role.PEOPLE: {ELSEWHERE},
}
REFUSALS: Final = {401, 403, 404}
SEE_OTHER = 303
# Nothing of Ada's is in them: requests that were done, who is at work, who looked or tried.
UNWATCHED: Final = frozenset({"request_key", "staff_session", "alembic_version", "audit"})
GTIN: Final = {"gtin": str(LAMP)}
# What a page's own form would send, by the last part of its address.
FORMS: Final[dict[str, dict[str, str]]] = {
    "choose": {"email": "b@c.example"},
    "line": {**GTIN, "quantity": "1"},
    "price": {**GTIN, "price_minor": "1"},
    "list": GTIN,
    "voucher": {"code": "none"},
    "pay": {"total_minor": "1"},
    "stop": {},
    "{purpose}": {"granted": "true", "wording": "0" * 64, "seen": "0"},
    **{
        one: {}
        for one in (
            "join",
            "leave",
            "end",
            "undo",
            "remove",
            "sign-out",
            "sign-out-everywhere",
            "awake",
            "on",
            "off",
        )
    },
    **{
        one: {}
        for one in (
            "export",
            "erase",
            "lost",
            "still",
            "open",
            "limits",
            "unlock",
            "take-out",
        )
    },
    "set-up": {"desk": "till-1"},
    "look": {"number": "1", "verb": "back"},
    "back": {"number": "1"},
    "out": {"number": "1", "locale": "en", "wording": "0" * 64},
    "load": {"code": "none"},
    "take": {
        "key": "0" * 16,
        "loan_id": "x",
        "checkout_id": "x",
        "pin": "2580",
        "total_minor": "1",
        "rest_minor": "1",
    },
    **{one: {} for one in ("pin", "second", "close", "people")},
    **{one: {} for one in ("begin", "ask", "allow", "withdraw", "delete", "clear")},
    **{one: {"facet": "brand", "value": "x"} for one in ("refuse", "take-back")},
    "size": {"category": "x", "size": "1"},
    "topics": {"id": "x", "name_en": "x"},
    "write": {"subject_en": "x", "text_en": "x"},
    "import": {},
    "segments": {"name": "New", "rule": '{"if":"known"}'},
    "rule": {"rule": '{"if":"known"}'},
    **{one: {"way": "toml", "source": "x", "do": "save"} for one in ("new", "edit")},
    "set": {"pin": "402859"},
    "keep": {"days": "7"},
    "share": {"days": "7"},
    **{one: {} for one in ("passkey-options", "end-others")},
    **{one: {"code": "1"} for one in ("code", "start", "confirm", "codes")},
}
# What a page's script would send, likewise.
_KEY: Final = {"id": "YQ", "rawId": "YQ", "type": "public-key"}
_SAID: Final = {"clientDataJSON": "YQ", "authenticatorData": "YQ", "signature": "YQ"}
SCRIPTED: Final[dict[str, dict[str, Any]]] = {
    "passkeys": _KEY | {"response": {"clientDataJSON": "YQ", "attestationObject": "YQ"}},
    "passkey": _KEY | {"response": _SAID},
}
UNDER_KEYS: Final = (
    *("/list", "/pay", "/stop", "/{purpose}", "/wristband/code"),
    *("/waiting/{zone_id}/join", "/waiting/{zone_id}/leave"),
)
QUERIES: Final = {"/api/v1/operator/live": "?view=overview"}
# Where somebody who was refused is led: to sign in, or to the page of it, which she does not see.
AWAY: Final = re.compile(
    r"/|/cart|/sign-in(\?\S+)?|/staff\?back=\S+|/checkout/\w+\?fault=(no_session|unknown_checkout)"
)
# Things come back at any shop: whoever works at a desk has to see what was bought elsewhere.
ANY_DESK: Final = frozenset({"/staff/returns/{order_id}"})
HEADERS: Final = {"accept": "text/html, application/json"}


@pytest.fixture
def shop(sqlite_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[World]:
    """The shop that everybody has been in."""
    engine = make_engine(sqlite_url)
    with world(engine, clock, tmp_path) as made:
        yield made
    engine.dispose()


def routes(shop: World) -> Iterator[tuple[str, str, Role]]:
    """Yield every route but what never ends (its refusal is another path's) and is for all."""
    for method, path, role in roles(shop.app):
        if method == "HEAD" or role not in ALLOWED:
            continue
        yield method, path, role


def names_of(path: str) -> set[str]:
    """Return the names of what stands in a path; a phone's is one of its own."""
    names = set(re.findall(r"{(\w+)(?::\w+)?}", path))
    return (names - {"name"}) | {"phone"} if "/phones/{name}" in path else names


def filled(path: str, ids: dict[str, str]) -> str:
    """Return the path with Ada's ids in it."""

    def put(found: re.Match[str]) -> str:
        name = "phone" if "/phones/" in path else found.group(1)
        return "0" * 16 if name in KEYS else ids[name]

    return re.sub(r"{(\w+)(?::\w+)?}", put, path)


def example(shop: World, schema: dict[str, Any], name: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return the smallest JSON that a schema takes, with Ada's ids where it wants ids."""
    known = {**shop.ids, "gtin": str(LAMP), "tasks": [shop.ids["task_id"]], "email": "b@c.example"}
    if name in known:
        return known[name]
    if "$ref" in schema or "anyOf" in schema:
        schemas = shop.app.openapi()["components"]["schemas"]
        one = schema["anyOf"][0] if "anyOf" in schema else schemas[schema["$ref"].split("/")[-1]]
        return example(shop, one, name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    fields = schema.get("properties", {})
    simple = {
        "object": {one: example(shop, fields[one], one) for one in schema.get("required", ())},
        "array": [],
        "integer": schema.get("minimum", 1),
        "boolean": False,
        "string": "x" * max(1, schema.get("minLength", 1)),
    }
    return simple[schema["type"]]


def sent(shop: World, caller: str, method: str, path: str) -> tuple[int, str, str]:
    """Send a request with a body that fits; return status, where it leads to, and text."""
    operation = shop.app.openapi()["paths"].get(path, {}).get(method.lower())
    more: dict[str, Any] = {}
    last = path.rsplit("/", 1)[1]
    if operation is None and method != "GET" and last in SCRIPTED:
        more["json"] = SCRIPTED[last]
    elif operation is None and method != "GET":
        more["data"] = FORMS[last]
        if path.endswith(UNDER_KEYS):
            more["data"] = more["data"] | {"key": key()["Idempotency-Key"]}
    elif operation is not None and "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        more["json"] = example(shop, content["schema"])
    phone = shop.phone(caller)
    address = filled(path, shop.ids) + QUERIES.get(path, "")
    with phone.stream(
        method, address, headers=HEADERS | key(), follow_redirects=False, **more
    ) as answer:
        streams = answer.headers.get("content-type", "").startswith("text/event-stream")
        body = "" if streams else answer.read().decode(errors="replace")  # Parquet is no text
        return answer.status_code, answer.headers.get("location", ""), body


def hers(shop: World) -> dict[str, Any]:
    """Return every row of the database but those that nobody owns."""
    with shop.floor.engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - UNWATCHED
        return {
            name: connection.execute(text(f'SELECT * FROM "{name}"')).all()  # noqa: S608 - ours
            for name in sorted(names)
        }


def test_every_role_is_walked_or_asked_elsewhere() -> None:
    """A new role is a decision: who has it, and which test asks as whom."""
    assert ALLOWED.keys() | ELSEWHERE_ASKED.keys() == set(Role)
    assert not ALLOWED.keys() & ELSEWHERE_ASKED.keys()
    assert all(ALLOWED.values()), "somebody walks as each of them"


@pytest.mark.parametrize("caller", [one for one in WALKERS if one != OWNER])
def test_with_anothers_ids_nothing_is_seen_and_nothing_done(shop: World, caller: str) -> None:
    """Refused with 401, 403 or 404, or sent to where one signs in; every row is as it was."""
    before, holes, asked = hers(shop), list[str](), 0
    for method, path, role in routes(shop):
        names = names_of(path)
        assert names <= KEYS | shop.ids.keys(), f"{path}: this test knows no {names}"
        if caller in ALLOWED[role] or (not names & HERS and caller in OWN_THINGS.get(role, ())):
            continue
        if path in ANY_DESK and caller == ELSEWHERE:
            continue
        asked += 1
        status, location, body = sent(shop, caller, method, path)
        refused = status in REFUSALS or (status == SEE_OTHER and AWAY.fullmatch(location))
        if path in LEFT_ALONE and caller == OTHER_CUSTOMER:
            refused = status in {200, SEE_OTHER}  # that nothing has changed is seen below
        if not refused or ADA in body or ADAS_LIST in body:
            holes.append(f"{method} {path}: {status} {location} {body[:200]}")
    assert not holes, "\n".join(holes)
    after = hers(shop)
    assert {name for name in before if before[name] != after[name]} == set()
    assert asked > 20, "most routes are somebody's"


def test_she_herself_sees_what_is_hers(shop: World) -> None:
    """The same requests with her cookie are answered: the ids above are real."""
    seen = {}
    for method, path, role in routes(shop):
        names = set(re.findall(r"{(\w+)(?::\w+)?}", path))
        if role is Role.SHOPPER and method == "GET" and set() != names <= HERS:
            seen[path] = sent(shop, OWNER, method, path)[0]
    assert set(seen.values()) <= {200, 303}, seen
    assert len(seen) >= 6


def test_a_customer_herself_changes_what_is_hers(shop: World) -> None:
    """The very requests that do nothing for another customer do it for her: the ids are real."""
    for method, path, role in routes(shop):
        if role is not Role.CUSTOMER or not names_of(path) & HERS or not path.startswith("/api"):
            continue
        before = hers(shop)
        assert sent(shop, CUSTOMER, method, path)[0] == 200, path
        changed = {name for name in before if before[name] != hers(shop)[name]}
        wanted = {"phone": "session_key", "passkey_id": "passkey", "joining_id": "joining"}
        assert {wanted[one] for one in names_of(path)} <= changed, path


@pytest.mark.parametrize(
    ("role", "caller", "least"),
    [
        (Role.FLOOR, LEAD, 4),
        (Role.FLOOR, MANAGER, 4),
        (Role.STAFF, MARKETER, 1),
        (Role.PEOPLE, MANAGER, 1),
        (Role.MARKETING, MARKETER, 1),
        (Role.REPORT, MANAGER, 3),
        (Role.OPERATOR, OPERATOR, 4),
    ],
)
def test_so_do_those_who_work_there(shop: World, role: Role, caller: str, least: int) -> None:
    """Pages and answers for the staff of this location, and for its operator, are there."""
    seen = {
        path: sent(shop, caller, method, path)[0]
        for method, path, whose in routes(shop)
        if whose is role and method == "GET" and not path.endswith(("/events", "/live"))
    }
    assert set(seen.values()) <= {200, 303}, seen
    assert len(seen) >= least
