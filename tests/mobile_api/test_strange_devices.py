"""Who may, of devices: every route of theirs, and what is another device's of the same shop."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

import pytest
from fastapi import FastAPI
from sqlalchemy import inspect, text
from starlette.testclient import TestClient

from cart.kernel import sealed_file
from mobile_api.edge.access import Role, roles
from mobile_api.looks.devices import UPLOADS
from tests.mobile_api.looking import Mirror

TUS: Final = {"Tus-Resumable": "1.0.0"}
BYTES: Final = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
CONTENT: Final = b"x" * sealed_file.sealed_bytes(100)
REFUSALS: Final = {403, 404, 409}


def announced(mirror: Mirror, grant: str) -> Any:  # noqa: ANN401 - a response
    """Begin the upload of a video under this grant."""
    said = {
        "grant": grant,
        "part": "video",
        "type": "video/webm",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "key": "A" * 107,
    }
    pairs = [f"{name} {b64encode(value.encode()).decode()}" for name, value in said.items()]
    headers = TUS | {"Upload-Length": str(len(CONTENT)), "Upload-Metadata": ",".join(pairs)}
    return mirror.http.post(UPLOADS, headers=headers)


def rows(app: FastAPI) -> dict[str, Any]:
    """Return every row of the database."""
    with app.state.parts.engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        return {
            name: connection.execute(text(f'SELECT * FROM "{name}"')).all()  # noqa: S608 - ours
            for name in sorted(names)
        }


def test_a_device_with_anothers_ids_sees_and_does_nothing(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Each route that is for devices, with visit, grant and upload of the mirror beside it."""
    mine, theirs = Mirror(app), Mirror(app)
    for mirror, shopper, visit in ((mine, another_phone(), "v1"), (theirs, phone, "v2")):
        mirror.met_by(shopper, visit)
        shopper.post("/looks/begin")
    grant = theirs.http.post("/api/v1/mirrors/looks", json={"visit": "v2"}).json()["grant"]
    path = announced(theirs, grant).headers["location"].removeprefix("http://testserver")
    tries: dict[tuple[str, str], Callable[[], Any]] = {
        ("POST", "/api/v1/mirrors/looks"): lambda: mine.http.post(
            "/api/v1/mirrors/looks", json={"visit": "v2"}
        ),
        ("POST", UPLOADS): lambda: announced(mine, grant),
        ("HEAD", f"{UPLOADS}/{{upload_id}}"): lambda: mine.http.head(path, headers=TUS),
        ("PATCH", f"{UPLOADS}/{{upload_id}}"): lambda: mine.http.patch(
            path, content=CONTENT, headers=TUS | BYTES
        ),
        ("DELETE", f"{UPLOADS}/{{upload_id}}"): lambda: mine.http.delete(path, headers=TUS),
    }
    asked = {(method, route) for method, route, role in roles(app) if role is Role.DEVICE}
    assert asked - tries.keys() == {("OPTIONS", UPLOADS)}, "what it says is the same for all"
    before = rows(app)
    for which, attempt in tries.items():
        answer = attempt()
        assert answer.status_code in REFUSALS, (which, answer.status_code, answer.text)
        assert rows(app) == before, which
    assert theirs.http.head(path, headers=TUS).status_code == 200, "the ids above are real"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "x"}])
def test_nobody_is_a_device_without_its_credential(
    app: FastAPI, phone: TestClient, header: dict[str, str]
) -> None:
    """No route of devices answers a browser, whoever's it is."""
    for method, route, role in roles(app):
        if role is not Role.DEVICE or method == "OPTIONS":
            continue
        path = route.replace("{upload_id}", "upload_1")
        more = {"json": {"visit": "v1"}} if route.endswith("/looks") else {}
        answer = phone.request(method, path, headers=TUS | header, **more)  # type: ignore[arg-type]
        assert answer.status_code == 403, (method, route, answer.text)
