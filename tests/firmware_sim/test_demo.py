"""The demo as a newcomer runs it: it gets ready, plays, counts, and leaves nothing behind."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from firmware_sim.asking import ask, fill_in
from firmware_sim.testing import wait_until
from tests.firmware_sim.drawn import CACHE

READY = re.compile(r"ready (http://127\.0\.0\.1:\d+/)\n")
ORDERS = ("paid on the phone", "picked and ready", "handed over")
pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


@contextmanager
def demo(data_dir: Path, *more: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Start a demo on free ports; yield it and its address once it is ready."""
    command = [sys.executable, "-m", "firmware_sim", "demo", "--port", "0"]
    command += ["--data-dir", str(data_dir), "--cache-dir", str(CACHE), *more]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if found := READY.fullmatch(line):
                break
        else:
            pytest.fail(f"it never was ready:\n{said}")
        yield process, found.group(1)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def children(data_dir: Path) -> list[int]:
    """Return the server processes' ids."""
    run = data_dir / "run"
    return [json.loads((run / f"{name}.json").read_text())["pid"] for name in ("gateway", "api")]


def check_mirror(
    process: "subprocess.Popen[str]", url: str, stage: dict[str, str], page: str
) -> None:
    """The mirror's address is printed and on the page; touched, its visit is a phone's to take."""
    assert process.stdout is not None
    assert process.stdout.readline() == f"mirror {stage['mirror']}\n"
    assert f'href="{stage["mirror"]}"' in page
    assert '/demo/mirror"' in page
    assert httpx2.get(f"{url}demo/mirror").headers["location"] == "/looks"
    assert 'id="begin"' in httpx2.get(stage["mirror"]).text
    ours = {"Origin": stage["mirror"].rstrip("/")}  # as its own page sends it
    assert httpx2.post(f"{stage['mirror']}do/begin", headers=ours).status_code < 400

    def taken_up() -> bool:
        return httpx2.get(f"{url}demo/mirror").headers["location"].startswith("/c/")

    wait_until(taken_up, 20, "the link of her visit")


def check_floor(url: str, stage: dict[str, Any]) -> None:
    """Whoever watches signs in as staff, and somebody with a band is on the map."""
    number, pin = stage["staff"]
    with httpx2.Client(base_url=url, timeout=30) as http:
        fill_in(http, "/staff", {"location_id": stage["location"], "number": number, "pin": pin})

        def somebody() -> bool:
            found = ask(http, "GET", "/api/v1/staff/floor")["zones"]
            return any(zone["people"] != 0 for zone in found)  # None: a few

        wait_until(somebody, 60, "somebody with a wristband on the floor")


def test_a_short_demo_plays_counts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """After its seconds it ends with 0 and an account without a loss; no process is left."""
    with demo(tmp_path / "demo", "--seconds", "12") as (process, url):
        answer = httpx2.get(url, follow_redirects=True)
        assert str(answer.url) == f"{url}demo"
        page = answer.text
        assert 'id="phone"' in page
        stage = json.loads((tmp_path / "demo/run/demo.json").read_text())
        assert stage["url"] in page
        check_mirror(process, url, stage, page)
        running = children(tmp_path / "demo")
        assert all(psutil.pid_exists(pid) for pid in running)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    figures = dict(re.findall(r"^  (\S.*?)  +(\S.*)$", said, re.MULTILINE))
    assert figures["events lost"] == "0"
    assert figures["events in dead letters"] == "0"
    assert figures["events made by devices"] == figures["events stored"]
    assert int(figures["visits"]) >= 3
    assert figures["differences of money, orders and stock"] == "0"
    assert {f"orders {what}" for what in ORDERS} <= figures.keys()
    assert {"scans", "lines on lists", "lists sent", "scan to phone, p95"} <= figures.keys()
    assert not any(psutil.pid_exists(pid) for pid in running)
    assert not (tmp_path / "demo/run/demo.json").exists()


def test_ctrl_c_ends_it_in_order(tmp_path: Path) -> None:
    """SIGINT closes the shop: an account, exit 0, no traceback, no process left.

    Until then wristbands are on the staff's map of the floor.
    """
    with demo(tmp_path / "demo") as (process, url):
        running = children(tmp_path / "demo")
        check_floor(url, json.loads((tmp_path / "demo/run/demo.json").read_text()))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert "what happened" in said
    assert "Traceback" not in said, said
    assert not any(psutil.pid_exists(pid) for pid in running)


def test_a_server_that_dies_ends_the_demo_with_its_last_words(tmp_path: Path) -> None:
    """The demo says which part ended and exits with 1; the other parts are ended too."""
    with demo(tmp_path / "demo") as (process, _):
        gateway, api = children(tmp_path / "demo")
        psutil.Process(gateway).kill()
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 1, said
    assert "gateway has ended" in said
    assert "Traceback" not in said
    assert not psutil.pid_exists(api)


def test_a_killed_demo_takes_its_servers_along(tmp_path: Path) -> None:
    """Also SIGKILL, which nobody can handle, leaves no server behind."""
    with demo(tmp_path / "demo") as (process, _):
        running = [psutil.Process(pid) for pid in children(tmp_path / "demo")]
        process.kill()
        _, alive = psutil.wait_procs(running, timeout=30)
        assert alive == []


def test_other_data_is_never_emptied(tmp_path: Path) -> None:
    """A folder that no demo made is refused, and stays as it is."""
    (tmp_path / "precious.txt").write_text("mine")
    command = [sys.executable, "-m", "firmware_sim", "demo", "--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "other data" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
