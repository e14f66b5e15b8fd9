"""The whole OpenAPI document, asked everything that it allows and much that it does not.

Each generated request is sent as every kind of caller, with invented ids and with
Ada's. ``FUZZ_EXAMPLES`` says how many requests an operation gets (``make fuzz``: many).
"""

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, Response
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from cart.db import make_engine
from cart.kernel.ids import RandomIds
from mobile_api.app import create_app
from mobile_api.edge.access import Role
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.world import CALLERS, CUSTOMER, World, world


def without_cookies() -> dict[str, Any]:
    """Return the document as for somebody who needs none: each caller brings her own."""
    path = Path(__file__).parents[2] / "docs" / "openapi.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del document["components"]["securitySchemes"]
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    return document


DOCUMENT: Final = schemathesis.openapi.from_dict(without_cookies())
# A check digit, what an address of e-mail is, the state of an order: no schema says it.
UNSAID: Final[list[CheckFunction]] = [positive_data_acceptance]
REPLACED: Final[list[CheckFunction]] = [negative_data_rejection]  # the wrong part may be gone
TOO_LARGE: Final = 413  # refused as it should be, but not in the library's list of refusals
# One value of a list in a query is a list of one; the library takes it for something else.
LISTS_IN_QUERIES: Final = frozenset({"/api/v1/stock/changes"})
KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "2"))
TIMEOUT_S: Final = 20
STREAM: Final = "text/event-stream"


@pytest.fixture(scope="module")
def shop(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, str]]:
    """The shop that everybody has been in, behind a real server; and its address."""
    folder = tmp_path_factory.mktemp("fuzzed")
    shutil.copyfile(sqlite_template, folder / "carryover.db")
    engine = make_engine(f"sqlite:///{folder}/carryover.db")
    clock = FakeClock(datetime(2026, 11, 9, 10, tzinfo=UTC))
    with world(engine, clock, folder) as made:
        settings_there = made.app.state.parts.settings
    # An application of its own: one runs in one event loop.
    app = create_app(
        settings_there, engine=engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )
    with serving(app) as url:
        yield made, url
    engine.dispose()


def fresh(case: Case[Any]) -> None:
    """Give a request that has a key one of its own: with the same one it would not be done."""
    for name, value in (case.headers or {}).items():
        if name.lower() == "idempotency-key" and KEY.fullmatch(str(value)):
            case.headers[name] = uuid.uuid4().hex


def about_hers(case: Case[Any], shop: World) -> bool:
    """Make the request one about Ada's things, if it is about anybody's."""
    names = (case.path_parameters or {}).keys()
    if not names or not names <= shop.ids.keys():
        return False
    case.path_parameters = {name: shop.ids[name] for name in names}
    return True


def ask(case: Case[Any], url: str, cookies: dict[str, str]) -> Response:
    """Send the request; of a stream, read the head alone: it has no end."""
    fresh(case)
    asked = case.as_transport_kwargs(base_url=url)
    asked.pop("timeout", None)
    asked["cookies"] = {**(asked.get("cookies") or {}), **cookies}
    with requests.Session() as session:
        got = session.request(**asked, stream=True, timeout=TIMEOUT_S, allow_redirects=False)
        if got.headers.get("content-type", "").startswith(STREAM):
            got._content = b""  # noqa: SLF001 - as if all of it had been read
            got.close()
        return Response.from_requests(got, verify=True)


@DOCUMENT.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="FUZZ_EXAMPLES" not in os.environ,
)
def test_what_the_document_says_is_so(case: Case[Any], shop: tuple[World, str]) -> None:
    """No error of the server's, no answer but those described, whoever asks."""
    made, url = shop
    # Who is signed in asks what is for customers; as a shopper she is like the others.
    whom = case.operation.definition.raw.get("x-called-by")
    for caller in (*CALLERS, CUSTOMER) if whom == Role.CUSTOMER else CALLERS:
        answer = ask(case, url, made.cookies[caller])
        lenient = answer.status_code == TOO_LARGE or case.path in LISTS_IN_QUERIES
        case.validate_response(answer, excluded_checks=UNSAID + REPLACED * lenient)
    if about_hers(case, made):
        for caller in CALLERS:
            answer = ask(case, url, made.cookies[caller])
            case.validate_response(answer, excluded_checks=[*UNSAID, *REPLACED])
