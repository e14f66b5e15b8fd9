"""The page docs/device-contract.md is true: its shell block runs as it stands."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cart.db import make_engine, reading
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from cart.run_files import announced
from gateway.ingest.read import read
from gateway.mqtt import Incoming
from gateway.settings import MqttSettings
from gateway.wire.events import EVENTS_OF_KIND, EventType
from gateway.wiring import Gateway
from tests.fakes.shop import LAMP, MUG, Tablet, enrolled, stock_catalogue
from tests.real.waiting import wait_until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "device-contract.md").read_text(encoding="utf-8")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A running gateway with its embedded broker on a free port."""
    gateway = Gateway(MqttSettings(data_dir=tmp_path, mqtt_port=0))
    engine = make_engine(f"sqlite:///{tmp_path}/carryover.db")
    stock_catalogue(engine)
    gateway.start()
    assert gateway.wait_online(15)
    yield tmp_path
    gateway.stop()
    engine.dispose()


def environment(data_dir: Path) -> dict[str, str]:
    """Return the environment of an operator's shell."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "DATA_DIR": str(data_dir), "GTIN": LAMP.shortest, "PATH": path}


def lines(data_dir: Path) -> list[tuple[str, int]]:
    """Return every line of every cart."""
    engine = make_engine(f"sqlite:///{data_dir}/carryover.db")
    with reading(engine) as db:
        found = db.connection().execute(text("SELECT gtin, quantity FROM cart_line ORDER BY gtin"))
        rows = [(row[0], row[1]) for row in found]
    engine.dispose()
    return rows


def dead_reasons(data_dir: Path) -> list[str]:
    """Return the reasons of the dead letters."""
    engine = make_engine(f"sqlite:///{data_dir}/carryover.db")
    with reading(engine) as db:
        found = db.connection().execute(text("SELECT reason FROM dead_letter"))
        rows = [row[0] for row in found]
    engine.dispose()
    return rows


def test_the_shell_block_enrols_a_device_and_stores_a_scan(data_dir: Path) -> None:
    """There is one block; it ends well, prints the receipt, and the line is in a cart."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    done = subprocess.run(
        ["bash", "-c", blocks[0]],
        env=environment(data_dir),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout.splitlines()[0])
    assert (receipt["spool"], receipt["stored_through"]) == ("by-hand", 1)
    assert lines(data_dir) == [(LAMP, 1)]


def publish(data_dir: Path, tablet: Tablet, message: Incoming) -> int:
    """Publish with mosquitto_pub as that tablet; return its exit status."""
    facts = announced(data_dir, "gateway")
    return subprocess.run(
        [
            "mosquitto_pub", "-h", str(facts["mqtt_host"]), "-p", str(facts["mqtt_port"]),
            "-u", tablet.device.device_id, "-P", tablet.device.credential,
            "-q", "1", "-t", message.topic, "-m", message.payload.decode(),
        ],
        capture_output=True, timeout=20, check=False,
    ).returncode  # fmt: skip


@pytest.fixture
def tablets(data_dir: Path) -> tuple[Tablet, Tablet]:
    """Two enrolled tablets of the running shop."""
    engine: Engine = make_engine(f"sqlite:///{data_dir}/carryover.db")
    clock, ids = SystemClock(), RandomIds()
    both = (
        Tablet(enrolled(engine, clock, ids), clock),
        Tablet(enrolled(engine, clock, ids), clock),
    )
    engine.dispose()
    return both


def test_what_mosquitto_pub_may_and_may_not(data_dir: Path, tablets: tuple[Tablet, Tablet]) -> None:
    """A scan becomes a line; again it changes nothing; another's topic is refused; garbage kept."""
    own, other = tablets
    scan = own.message(own.scanned("v1", MUG))
    assert publish(data_dir, own, scan) == 0
    wait_until(lambda: lines(data_dir) == [(MUG, 1)])
    assert publish(data_dir, own, scan) == 0
    assert publish(data_dir, own, own.message(b"garbage")) == 0
    wait_until(lambda: dead_reasons(data_dir) == ["invalid_payload"])
    assert lines(data_dir) == [(MUG, 1)]
    assert publish(data_dir, own, other.message(other.scanned("v1", LAMP))) != 0
    assert publish(data_dir, own, own.message(own.scanned("v1", LAMP))) == 0
    wait_until(lambda: len(lines(data_dir)) == 2)
    assert sorted(lines(data_dir)) == sorted([(LAMP, 1), (MUG, 1)])
    assert dead_reasons(data_dir) == ["invalid_payload"]


def test_the_page_names_every_event_and_every_refusal() -> None:
    """The tables of the page and the code agree."""
    assert set(re.findall(r"`(carryover\.[a-z_.]+)`", PAGE)) >= set(EventType)
    assert frozenset().union(*EVENTS_OF_KIND.values()) == frozenset(EventType)
    refused = read(Incoming("shop/v1/p00/l/d/events", b"{", 1, 1, retain=False, generation=0))
    assert refused.error is not None
    assert f"`{refused.error.code}`" in PAGE
