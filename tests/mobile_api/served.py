"""The application behind a real HTTP server, for streams and browsers; and an SSE reader."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from mobile_api.payment.providers import make_providers

START_WAIT_S = 20


@dataclass(frozen=True, slots=True)
class SentEvent:
    """One server-sent event; ``id`` empty where it has none."""

    name: str
    id: str
    data: Any


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve ``app`` on a free port of loopback; yield its address; end streams at the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    parts = app.state.parts  # the bank's page and its webhooks need the port, as in ``cli``
    parts.settings = parts.settings.model_copy(update={"http_port": port})
    parts.payments = make_providers(parts.settings, parts.clock, parts.ids)
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    ready = threading.Event()
    started = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await started(sockets)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]  # uvicorn has no event for it
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    assert ready.wait(START_WAIT_S)
    try:
        yield url
    finally:
        app.state.parts.hub.close()
        app.state.parts.bells.close()
        server.should_exit = True
        thread.join(START_WAIT_S)
        listening.close()


def events(answer: httpx2.Response) -> Iterator[SentEvent]:
    """Read events from an open stream, one by one."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield SentEvent(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}


def until(stream: Iterator[SentEvent], name: str) -> SentEvent:
    """Read on to the next event called ``name``."""
    return next(event for event in stream if event.name == name)
