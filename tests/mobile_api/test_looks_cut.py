"""Looks over real lines that are cut at random bytes, and from servers that are killed."""

import random
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import make_engine
from firmware_sim.network import Proxy
from store_devices.mirror.sealing import Turn
from store_devices.mirror.uploading import Uploads, client
from tests.mobile_api import looks_process
from tests.mobile_api.looking import SHEET, TURN, VIDEO, Mirror, files, sweep
from tests.mobile_api.served import serving
from tests.real.nursery import FIRST_S, Born

CUTS = 100
SOON_BYTES = 120_000  # a look has 182 000: each is cut once or twice


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """One database: it is about lines and processes."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


def uploads(mirror: Mirror, line: Proxy, pause: Callable[[float], None]) -> Uploads:
    """Return the mirror's uploads over a line."""
    device = mirror.voice.device
    http = client(f"http://127.0.0.1:{line.port}", device.device_id, device.credential)
    return Uploads(http, pause=pause, randomness=secrets.token_bytes)


def test_a_hundred_cuts_at_random_bytes_leave_whole_looks_only(system_app: FastAPI) -> None:
    """Each look is there byte for byte; at no time was half of one shown, and none stays."""
    chance = random.Random(7)
    with serving(system_app) as url, TestClient(system_app) as phone:
        mirror = Mirror(system_app)
        mirror.met_by(phone)
        phone.post("/looks/begin")
        lasts = [chance.randrange(1, SOON_BYTES) for _ in range(CUTS)]
        line = Proxy(("127.0.0.1", int(url.rsplit(":", 1)[1])), lasts)
        line.start()
        kept: list[str] = []

        def look(_seconds: float) -> None:
            shown = {one["id"] for one in phone.get("/api/v1/looks").json()["looks"]}
            assert shown >= set(kept)
            for look_id in shown - set(kept):  # all of it came; the answer was cut
                assert phone.get(f"/looks/{look_id}/video").content == VIDEO
                assert phone.get(f"/looks/{look_id}/sheet").content == SHEET

        bringing = uploads(mirror, line, look)
        with bringing.http:
            while line.cuts < CUTS:
                kept.append(bringing.bring("v1", TURN))
        line.stop()
        assert line.cuts == CUTS
        assert len(kept) > 10
        for look_id in kept:
            assert phone.get(f"/looks/{look_id}/video").content == VIDEO
            assert phone.get(f"/looks/{look_id}/sheet").content == SHEET
        sweep(system_app)
        parts = [f"looks/{one}/{part}" for one in kept for part in ("sheet", "video")]
        assert files(system_app) == sorted(parts)


@pytest.mark.timeout(FIRST_S)
def test_a_server_that_is_killed_in_the_middle_goes_on_where_it_was(
    system_app: FastAPI, engine: Engine, tmp_path: Path
) -> None:
    """SIGKILL after more than a piece has come: the next process knows of it."""
    turn = Turn(random.Random(3).randbytes(3 * 2**20), "video/webm", SHEET)
    with TestClient(system_app) as phone:
        mirror = Mirror(system_app)
        mirror.met_by(phone)
        phone.post("/looks/begin")
        running: list[tuple[Born, int]] = []
        running.append(looks_process.start(engine, tmp_path))

        def killed() -> None:
            process, _ = running[-1]
            process.kill()
            assert phone.get("/api/v1/looks").json()["looks"] == []
            running.append(looks_process.start(engine, tmp_path))

        line = Proxy(lambda: ("127.0.0.1", running[-1][1]), [2_000_000], killed)
        line.start()
        bringing = uploads(mirror, line, lambda _seconds: None)
        with bringing.http:
            look_id = bringing.bring("v1", turn)
        line.stop()
        process, _ = running[-1]
        process.kill()
        assert (line.cuts, len(running)) == (1, 2)
        assert phone.get(f"/looks/{look_id}/video").content == turn.video
        sweep(system_app)
        assert files(system_app) == [f"looks/{look_id}/sheet", f"looks/{look_id}/video"]
