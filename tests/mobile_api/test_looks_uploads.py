"""How looks come in: over lines that are cut, on disks that are full; never half of one."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.kernel import sealed_file
from cart.kernel.errors import GrantRefused, NoLooksKey, StorageFull
from cart.looks.model import GRANTED_FOR, GRANTS_MAX
from cart.objects.folder import FolderObjects
from cart.objects.model import Objects
from mobile_api.looks.devices import UPLOADS
from mobile_api.looks.sweep import LooksSweep
from store_devices.mirror.uploading import Uploads
from tests.fakes.clock import FakeClock
from tests.fakes.shop import enrolled
from tests.mobile_api.looking import (
    IDS,
    TURN,
    VIDEO,
    Mirror,
    basic,
    count,
    files,
    sweep,
)
from tests.mobile_api.shop import RED

AHEAD_S = 10 * 365 * 86_400  # the files are of this day, the test's clock is of another
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def mirror(app: FastAPI, phone: TestClient) -> Mirror:
    """A mirror whose shopper has said yes to looks, on each database."""
    made = Mirror(app)
    made.met_by(phone)
    phone.post("/looks/begin")
    return made


def metadata(**said: str) -> dict[str, str]:
    """Return the header with which an upload is announced."""
    pairs = [f"{name} {b64encode(value.encode()).decode()}" for name, value in said.items()]
    return {"Upload-Metadata": ",".join(pairs)}


def announced(mirror: Mirror, content: bytes, grant: str = "", **over: str) -> httpx2.Response:
    """Announce a video."""
    token = grant or mirror.http.post("/api/v1/mirrors/looks", json={"visit": "v1"}).json()["grant"]
    said = {
        "grant": token,
        "part": "video",
        "type": "video/webm",
        "sha256": hashlib.sha256(content).hexdigest(),
        "key": "A" * 107,  # base64url of 80 bytes
    }
    headers = TUS | {"Upload-Length": str(len(content))} | metadata(**said | over)
    return mirror.http.post(UPLOADS, headers=headers)


def sent(mirror: Mirror, path: str, content: bytes, offset: int = 0) -> httpx2.Response:
    """Send bytes of an upload."""
    headers = TUS | BYTES | {"Upload-Offset": str(offset)}
    return mirror.http.patch(path, content=content, headers=headers)


def test_the_protocol_is_spoken_as_it_is_written(mirror: Mirror) -> None:
    """Tus 1.0: what is offered, another version, another type, another offset, where it stands."""
    offered = mirror.http.options(UPLOADS)
    assert offered.headers["tus-extension"] == "creation,expiration,termination"
    content = b"x" * sealed_file.sealed_bytes(1_000)
    made = announced(mirror, content)
    assert made.status_code == 201, made.text
    path = made.headers["location"].removeprefix("http://testserver")
    assert mirror.http.head(path).status_code == 412
    wrong = mirror.http.patch(path, content=b"x", headers=TUS | {"Upload-Offset": "0"})
    assert wrong.status_code == 415
    assert sent(mirror, path, content[:10]).headers["upload-offset"] == "10"
    again = sent(mirror, path, content[:10])
    assert (again.status_code, again.json()["code"]) == (409, "upload_out_of_step")
    stands = mirror.http.head(path, headers=TUS)
    assert stands.headers["upload-offset"] == "10"
    assert stands.headers["upload-length"] == str(len(content))
    assert sent(mirror, path, content, 10).status_code == 422  # more than was announced


def test_bytes_that_are_not_those_announced_leave_nothing(mirror: Mirror, app: FastAPI) -> None:
    """The digest is wrong: refused, not shown, and gone."""
    content = secrets.token_bytes(sealed_file.sealed_bytes(1_000))
    path = announced(mirror, content, sha256="0" * 64).headers["location"]
    answer = sent(mirror, path, content)
    assert (answer.status_code, answer.json()["code"]) == (422, "upload_broken")
    assert [one for one in files(app) if one.startswith("looks/")] == []
    sweep(app)
    assert files(app) == []
    assert count(app, "look") == 0


def test_a_mirror_brings_looks_of_its_own_visits_only(
    mirror: Mirror, app: FastAPI, phone: TestClient
) -> None:
    """Not those of another's, not without a visit, and no other device at all."""
    other = Mirror(app)
    grant = mirror.http.post("/api/v1/mirrors/looks", json={"visit": "v1"}).json()["grant"]
    content = b"x" * sealed_file.sealed_bytes(10)
    assert announced(other, content, grant).status_code == 403
    path = announced(mirror, content, grant).headers["location"]
    assert other.http.head(path, headers=TUS).status_code == 404
    assert sent(other, path, content).status_code == 404
    with pytest.raises(NoLooksKey):
        other.bring()
    parts = app.state.parts
    tablet = enrolled(parts.engine, parts.clock, IDS, "tablet", "harbour-street")
    for caller in (basic(tablet.device_id, tablet.credential), basic(mirror.id, "guess"), {}):
        answer = phone.post("/api/v1/mirrors/looks", json={"visit": "v1"}, headers=caller)
        assert answer.status_code == 403
    assert count(app, "look") == 1


def test_what_is_granted_has_limits(mirror: Mirror, clock: FakeClock, app: FastAPI) -> None:
    """Of grants at once, of bytes, of time; what was never uploaded goes."""
    for _ in range(GRANTS_MAX):
        answer = mirror.http.post("/api/v1/mirrors/looks", json={"visit": "v1"})
        assert answer.status_code == 201
    with pytest.raises(GrantRefused):
        mirror.bring()
    grant = answer.json()["grant"]
    assert _length(mirror, grant, 33 * 2**20) == 422
    path = announced(mirror, b"x" * 40, grant).headers["location"]
    sent(mirror, path, b"x" * 20)
    clock.advance(GRANTED_FOR.total_seconds())
    assert sent(mirror, path, b"x" * 20, 20).status_code == 404
    sweep(app)
    assert (files(app), count(app, "look")) == ([], 0)


def _length(mirror: Mirror, grant: str, length: int) -> int:
    headers = TUS | {"Upload-Length": str(length)}
    said = metadata(grant=grant, part="video", type="video/webm", sha256="0" * 64, key="A" * 107)
    return mirror.http.post(UPLOADS, headers=headers | said).status_code


def test_an_event_of_another_visit_is_refused_and_one_of_a_deleted_look_forgotten(
    mirror: Mirror, app: FastAPI, phone: TestClient
) -> None:
    """What was tried on stands with the look it is of; or nowhere."""
    look_id = mirror.bring()
    other = Mirror(app)
    other.met_by(phone, "v9")
    assert other.tell(look_id, RED, visit="v9").dead == 1
    assert count(app, "look_item") == 0
    assert mirror.tell(look_id, RED).dead == 0
    assert count(app, "look_item") == 1
    assert mirror.tell("look_of_nobody", RED).dead == 0
    assert count(app, "look_item") == 1


class SmallDisk:
    """Objects in a folder, of which only so many bytes fit."""

    def __init__(self, behind: Objects, room_bytes: int) -> None:
        self._behind = behind
        self.room_bytes = room_bytes

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all but writing is the folder's
        return getattr(self._behind, name)

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Keep an object if there is room."""

        def counted() -> Iterator[bytes]:
            for piece in pieces:
                self.room_bytes -= len(piece)
                if self.room_bytes < 0:
                    msg = "the disk with the objects is full"
                    raise StorageFull(msg)
                yield piece

        self._behind.put(name, counted())


@pytest.mark.parametrize("room_bytes", [0, 5_000, 200_000])
def test_a_full_disk_shows_no_half_look_and_keeps_none(
    mirror: Mirror, app: FastAPI, phone: TestClient, room_bytes: int
) -> None:
    """The mirror waits for room; once there is some, the look is whole."""
    parts = app.state.parts
    small = SmallDisk(FolderObjects(parts.settings.data_dir / "objects", IDS), room_bytes)
    parts.objects = small
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            assert phone.get("/api/v1/looks").json()["looks"] == []
            small.room_bytes = 10**9

    http = TestClient(app, headers=dict(mirror.http.headers), raise_server_exceptions=False)
    look_id = Uploads(http, pause=pause, randomness=secrets.token_bytes).bring("v1", TURN)
    assert len(waited) >= 3
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO
    sweep(app)
    assert files(app) == [f"looks/{look_id}/sheet", f"looks/{look_id}/video"]


def test_objects_and_rows_without_their_other_half_do_not_stay(
    mirror: Mirror, app: FastAPI, clock: FakeClock
) -> None:
    """An object that no row knows goes once it is old; a look that lost one is not shown."""
    look_id, lost_id = mirror.bring(), mirror.bring()
    objects = app.state.parts.objects
    objects.put("looks/look_nobodys/video", [b"x"])
    objects.put("uploads/lookup_nobodys/000000000000-1", [b"x"])
    objects.delete(f"looks/{lost_id}/sheet")
    clock.jump(AHEAD_S)
    assert len(list(objects.listed("looks"))) == 4
    tidy = LooksSweep(app.state.parts)
    tidy.orphans()
    tidy.clear()
    assert files(app) == [f"looks/{look_id}/sheet", f"looks/{look_id}/video"]
    assert count(app, "look") == 1
