"""A mirror and the phones of a shopper: how looks come in and are opened, for tests."""

import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from cart.db import reading
from cart.kernel.ids import RandomIds, secret_hash
from cart.objects.folder import BEGUN
from mobile_api.looks.sweep import LooksSweep
from mobile_api.wiring import Parts
from store_devices.mirror.sealing import Turn
from store_devices.mirror.uploading import Uploads
from tests.fakes.shop import Tablet, enrolled, ingest
from tests.mobile_api.shop import HERE, RED

IDS = RandomIds()
VIDEO = bytes(range(256)) * 700  # 179 200 bytes: three chunks
SHEET = b"\xff\xd8 eight sides of a person \xff\xd9" * 40
TURN = Turn(VIDEO, "video/webm", SHEET)


@dataclass
class Mirror:
    """A mirror of a shop that is served by ``app``."""

    app: FastAPI
    voice: Tablet = field(init=False)
    http: TestClient = field(init=False)

    def __post_init__(self) -> None:
        parts = self.parts
        device = enrolled(parts.engine, parts.clock, IDS, "mirror", HERE)
        self.voice = Tablet(device, parts.clock)
        self.http = TestClient(self.app, headers=basic(device.device_id, device.credential))

    @property
    def parts(self) -> Parts:
        """The application's parts."""
        found: Parts = self.app.state.parts
        return found

    @property
    def id(self) -> str:
        """The device."""
        return self.voice.device.device_id

    def say(self, kind: str, data: dict[str, Any]) -> Any:  # noqa: ANN401 - ingest's outcome
        """Let an event of the mirror arrive."""
        event = self.voice.event(kind, data)
        return ingest(self.parts.engine, self.parts.clock, IDS, self.voice.message(event))

    def met_by(self, phone: httpx2.Client, visit: str = "v1") -> None:
        """Let somebody take the mirror up and claim its code with her phone."""
        code = f"a-secret-of-the-mirrors-code-{visit}-{self.id}"
        self.say("device.taken_up", {"visit": visit, "claim_hash": secret_hash(code)})
        answer = phone.post(f"/c/{code}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/looks"), answer.text

    def bring(
        self, visit: str = "v1", turn: Turn = TURN, randomness: Callable[[int], bytes] | None = None
    ) -> str:
        """Bring a turn, as the mirror's own code does; return the look's id."""
        used = randomness or secrets.token_bytes
        return Uploads(self.http, pause=_no_pause, randomness=used).bring(visit, turn)

    def tell(self, look_id: str, *gtins: str, visit: str = "v1") -> Any:  # noqa: ANN401
        """Say by MQTT what was tried on."""
        data = {"visit": visit, "look": look_id, "gtins": list(gtins), "duration_ms": 8_000}
        return self.say("look.kept", data)

    def kept(self, phone: httpx2.Client, *gtins: str, visit: str = "v1", turn: Turn = TURN) -> str:
        """Let a phone say yes, meet it, and keep a look of it."""
        self.met_by(phone, visit)
        assert phone.post("/looks/begin", follow_redirects=False).status_code == 303
        look_id = self.bring(visit, turn)
        self.tell(look_id, *(gtins or (RED,)), visit=visit)
        return look_id


def _no_pause(_seconds: float) -> None:
    return None


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header with which a device shows who it is."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def sweep(app: FastAPI) -> None:
    """Do a round of the sweep, as the process does every few seconds."""
    LooksSweep(app.state.parts).sweep()


def files(app: FastAPI) -> list[str]:
    """Return all files that lie beside the database, also those that are no objects."""
    root = app.state.parts.settings.data_dir / "objects"
    found = [one.relative_to(root).as_posix() for one in root.rglob("*") if one.is_file()]
    return sorted(one for one in found if not one.startswith(BEGUN)) + sorted(
        one for one in found if one.startswith(BEGUN)
    )


def count(app: FastAPI, table: str) -> int:
    """Return how many rows a table has."""
    with reading(app.state.parts.engine) as db:
        found: int = db.connection().execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()  # noqa: S608
    return found
