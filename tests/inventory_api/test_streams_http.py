"""The stream of changes and the snapshot as a client on the network gets them."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.clock import SystemClock
from inventory_api.catalogue.snapshot import Snapshots
from inventory_api.router import InventoryParts, router, serve
from inventory_api.stock import service
from inventory_api.stock.live import LiveStock
from inventory_api.stock.model import Reason
from mobile_api.edge import problems
from tests.inventory_api.shelf import SHOP, SKUS, fill

STREAMS_MAX = 2


def receive(engine: Engine, sku: str) -> None:
    """Put one more piece on the shelf."""
    with unit_of_work(engine) as db:
        service.move(db, SystemClock(), location_id=SHOP, sku=sku, delta=1, reason=Reason.RECEIVED)


class Announced(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Start, then say so."""
        await super().startup(sockets)  # type: ignore[arg-type]
        self.listening.set()


@pytest.fixture
def address(engine: Engine, tmp_path: Path, free_port: int) -> Iterator[str]:
    """A real server with these routes on loopback."""
    fill(engine)
    live = LiveStock()
    app = FastAPI()
    parts = InventoryParts(engine, SystemClock(), tmp_path, live, streams_max=STREAMS_MAX)
    app.include_router(router)
    serve(app, parts)
    problems.install(app)
    server = Announced(uvicorn.Config(app, port=free_port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.listening.wait(20)
    yield f"http://127.0.0.1:{free_port}/api/v1"
    live.tell(None)  # ends the streams, so that the server can end
    server.should_exit = True
    thread.join(20)


def next_event(lines: Iterator[str]) -> dict[str, str]:
    """Return the fields of the next event that has data."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            return fields
        else:
            fields = {}
    return fields


def test_changes_come_and_go_on_after_a_lost_connection(engine: Engine, address: str) -> None:
    """Of the SKU asked for; the last event's id is where the next connection begins."""
    changes = f"{address}/stock/changes"
    with httpx2.stream("GET", changes, params={"sku": SKUS[0]}, timeout=20) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        begin = [next(lines), next(lines)]
        assert begin[0].startswith("retry: ")
        receive(engine, SKUS[1])
        receive(engine, SKUS[0])
        resume = begin[1].removeprefix("id: ")
    receive(engine, SKUS[0])
    headers = {"Last-Event-ID": resume}
    with httpx2.stream("GET", changes, headers=headers, timeout=20) as answer:
        lines = answer.iter_lines()
        found = [next_event(lines), next_event(lines)]
    assert [one["event"] for one in found] == ["stock", "stock"]
    states = {one["sku"]: one for one in (json.loads(one["data"]) for one in found)}
    assert {sku: (one["available"], one["version"]) for sku, one in states.items()} == {
        SKUS[1]: (1, 1),
        SKUS[0]: (2, 2),
    }
    assert int(found[1]["id"]) > int(resume)


def test_one_stream_too_many_is_refused_until_another_ends(address: str) -> None:
    """In words and for a while; those that are open go on."""
    changes = f"{address}/stock/changes"
    with ExitStack() as stack:
        streams = [
            stack.enter_context(httpx2.stream("GET", changes, timeout=20)).iter_lines()
            for _ in range(STREAMS_MAX)
        ]
        assert all(next(one).startswith("retry: ") for one in streams)
        refused = httpx2.get(changes, timeout=20)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    deadline = time.monotonic() + 20
    while True:  # the server sees that they have hung up when it has something to say
        with httpx2.stream("GET", changes, timeout=20) as answer:
            if answer.status_code == 200:
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_many_ask_for_the_first_snapshot_at_once(engine: Engine, tmp_path: Path) -> None:
    """It is made once, whole, and all get the same."""
    fill(engine)
    snapshots = Snapshots(engine, tmp_path / "snapshots")
    with ThreadPoolExecutor(6) as pool:
        editions = [run.result(20) for run in [pool.submit(snapshots.current) for _ in range(6)]]
    assert len(set(editions)) == 1
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == [editions[0].path.name]
