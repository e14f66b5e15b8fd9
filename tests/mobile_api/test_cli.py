"""The process: it says when it is ready, stays small, and goes when it is told to."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from mobile_api.serving import listening_on
from tests.mobile_api.served import events, until
from tests.mobile_api.shop import RED, key

START_WAIT_S = 30
END_WAIT_S = 4  # less than the grace for slow downloads: streams end by themselves
# At start; 174 MB on 29 November, 190 the day after. Gateway and API together are to have 300.
RESIDENT_BYTES_MAX = 196_000_000


@pytest.fixture
def process(tmp_path: Path, sqlite_url: str) -> Iterator[subprocess.Popen[str]]:
    """``mobile_api run`` on a free port."""
    environment = os.environ | {"DATA_DIR": str(tmp_path), "DATABASE_URL": sqlite_url}
    started = subprocess.Popen(
        [sys.executable, "-c", "from mobile_api.cli import app; app()", "run", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield started
    if started.poll() is None:
        started.kill()
    started.wait(END_WAIT_S)
    assert started.stdout is not None
    started.stdout.close()


def test_it_says_where_it_is_and_ends_with_open_streams(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    """One line when ready, the same address in the run file; SIGTERM ends it at once."""
    assert process.stdout is not None
    word, url = process.stdout.readline().split()
    assert word == "ready"
    announced = json.loads((tmp_path / "run" / "api.json").read_text())
    assert announced.items() >= {"pid": process.pid, "url": url}.items()
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert psutil.Process(process.pid).memory_info().rss < RESIDENT_BYTES_MAX
    with httpx2.Client(base_url=url, timeout=10) as client:
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["broker"]) == (503, False)  # no gateway here
        refused = client.post("/api/v1/cart/lines", json={"gtin": RED}, headers=key())
        assert refused.json()["code"] == "unknown_gtin"
        page = client.get("/demo/mail")
        assert page.status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(END_WAIT_S) in {0, -signal.SIGTERM}


def test_an_open_stream_does_not_hold_it_up(
    process: subprocess.Popen[str], sqlite_url: str
) -> None:
    """A phone that listens hears the end and would come back."""
    from cart.db import make_engine  # noqa: PLC0415 - only here
    from cart.kernel.clock import SystemClock  # noqa: PLC0415 - only here
    from tests.mobile_api.shop import fill  # noqa: PLC0415 - only here

    assert process.stdout is not None
    url = process.stdout.readline().split()[1]
    engine = make_engine(sqlite_url)
    fill(engine, SystemClock())
    engine.dispose()
    with httpx2.Client(base_url=url, timeout=10) as client:
        client.post("/api/v1/cart/lines", json={"gtin": RED}, headers=key())
        with client.stream("GET", "/api/v1/cart/events") as answer:
            stream = events(answer)
            assert until(stream, "cart").data["pieces"] == 1
            process.send_signal(signal.SIGTERM)
            assert all(event.name == "stock" for event in stream)
    assert process.wait(END_WAIT_S) in {0, -signal.SIGTERM}


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    """The name as it stands in the environment, what is wrong, and exit code 2."""
    done = subprocess.run(
        [sys.executable, "-c", "from mobile_api.cli import app; app()", "run"],
        env=os.environ | {"DATA_DIR": str(tmp_path), "HTTP_PORT": "nowhere"},
        capture_output=True,
        text=True,
        timeout=START_WAIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("HTTP_PORT: ")


def test_small_answers_are_not_held_back() -> None:
    """The listening socket says that it is TCP: asyncio sets TCP_NODELAY on such only."""
    with listening_on("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP
        assert listening.getsockname()[1] > 0


def test_a_taken_port_is_an_error(free_port: int) -> None:
    """Two processes never serve one port in turns."""
    with (
        listening_on("127.0.0.1", free_port),
        pytest.raises(OSError, match="in use"),
        listening_on("127.0.0.1", free_port),
    ):
        pass
