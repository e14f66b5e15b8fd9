"""The probes tell the truth: gateway and API as processes, whose broker and database go away."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cart.db import make_engine
from cart.db.migrate import upgrade
from firmware_sim.shop import PARTS, Part, Shop
from gateway.monitor.health import Health
from gateway.monitor.listener import Monitor, health_pages
from tests.real.broker import Mosquitto
from tests.real.postgres import running_postgres
from tests.real.waiting import wait_until

WAIT_S = 40.0
QUEUE = 100


def monitor_url(shop: Shop, part: Part) -> str:
    """Return where a process answers probes."""
    told = json.loads((shop.data_dir / "run" / f"{part}.json").read_text())
    return f"http://127.0.0.1:{told['monitor_port']}"


def look(shop: Shop, part: Part) -> tuple[int, dict[str, Any]]:
    """Return status and words of a process's readiness."""
    answer = httpx2.get(f"{monitor_url(shop, part)}/health/ready", timeout=10)
    return answer.status_code, answer.json()


def both_ready(shop: Shop) -> bool:
    """Say whether gateway and API are."""
    return all(look(shop, part)[0] == 200 for part in PARTS)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker to take away."""
    made = Mosquitto(tmp_path / "broker")
    made.start()
    yield made
    made.stop()


def make_schema(url: str) -> None:
    """Bring a database to the present schema."""
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


def flood(port: int, count: int) -> None:
    """Publish ``count`` messages to a device's topic."""
    topic = "shop/v1/p00/harbour-street/tab-1/events"
    command = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-l"]
    subprocess.run(command, input="{}\n" * count, text=True, check=True, timeout=WAIT_S)


@pytest.mark.timeout(240)
def test_ready_says_no_and_why_while_broker_or_database_is_away(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """Each is stopped in turn: 503 and the reason in both processes; back, and all is well again.

    With the database away what devices say waits; when the queue is full, that is said, too.
    The processes live on all the while.
    """
    with running_postgres() as server:
        server.make_template(make_schema)
        shop = Shop(
            tmp_path / "data",
            settings={
                "MQTT_URL": broker.url,
                "DATABASE_URL": server.url("carryover_template"),
                "GATEWAY_QUEUE_EVENTS": str(QUEUE),
                "GATEWAY_BATCH_EVENTS": str(QUEUE),
            },
        )
        shop.start()
        try:
            wait_until(lambda: both_ready(shop), WAIT_S)
            assert look(shop, "gateway")[1] == {
                "ready": True,
                "database": "ok",
                "ingest": "ok",
                "broker": "ok",
                "queue": "ok",
            }

            broker.stop()
            for part in PARTS:
                wait_until(lambda part=part: look(shop, part)[0] == 503, WAIT_S)  # type: ignore[misc]
                said = look(shop, part)[1]
                assert (said["ready"], said["database"], said["queue"]) == (False, "ok", "ok")
                assert said["broker"].startswith("not connected")
            public = httpx2.get(f"{shop.url}health/ready", timeout=10)
            assert (public.status_code, public.json()["reasons"].keys()) == (503, {"broker"})
            broker.start()
            wait_until(lambda: both_ready(shop), WAIT_S)

            server.stop()
            for part in PARTS:
                wait_until(lambda part=part: look(shop, part)[0] == 503, WAIT_S)  # type: ignore[misc]
                said = look(shop, part)[1]
                assert said["database"].startswith("cannot be read: ")
                assert said["broker"] == "ok"
            flood(broker.port, 3 * QUEUE)
            wait_until(lambda: look(shop, "gateway")[1]["queue"] != "ok", WAIT_S)
            said = look(shop, "gateway")[1]
            assert said["queue"] == f"{QUEUE} messages wait, {QUEUE} may: the broker is held back"
            assert said["ingest"] == "the database does not take what devices say"
            for part in PARTS:
                live = httpx2.get(f"{monitor_url(shop, part)}/health/live", timeout=10)
                assert live.status_code == 200

            server.start()
            wait_until(lambda: both_ready(shop), WAIT_S)
        finally:
            shop.stop()


def test_a_part_that_does_not_answer_is_not_well() -> None:
    """It is waited for only so long, asked once until it answers, and then believed again."""
    gate, asked = threading.Event(), []

    def slow() -> str:
        asked.append(1)
        gate.wait()
        return ""

    def broken() -> str:
        raise KeyError

    health = Health({"slow": slow, "broken": broken}, wait_s=0.05)
    for _ in range(3):
        assert health.look().reasons == {"slow": "does not answer", "broken": "KeyError"}
    assert len(asked) == 1
    gate.set()
    wait_until(lambda: health.look().well("slow"))


def test_the_listener_answers_machines_only_what_it_has() -> None:
    """Live and ready are two questions; a path that it does not have is not found."""
    pages = health_pages(Health({"loop": lambda: ""}), Health({"database": lambda: "away"}))
    monitor = Monitor(pages, host="127.0.0.1", port=0)
    monitor.start()
    try:
        url = f"http://127.0.0.1:{monitor.port}"
        live, ready = httpx2.get(f"{url}/health/live"), httpx2.get(f"{url}/health/ready")
        assert (live.status_code, live.json()) == (200, {"live": True, "loop": "ok"})
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "database": "away"})
        assert httpx2.get(f"{url}/elsewhere").status_code == 404
    finally:
        monitor.stop()
