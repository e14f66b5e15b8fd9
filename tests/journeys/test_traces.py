"""One scan, one trace: tablet, gateway and API as processes, and a collector that takes OTLP."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cart.kernel.gtin import Gtin
from firmware_sim.finger import Finger
from firmware_sim.goods.assortment import products
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop
from gateway.wire.tracing import TraceContext, make_tracer
from tests.real.waiting import wait_until

A, B = (str(Gtin.parse(product.variants[0].gtin)) for product in products(7)[:2])
WAIT_S = 40.0
LOUD = (
    "import logging; logging.basicConfig(level=logging.DEBUG);"
    " from store_devices.cli import app; app()"
)
pytestmark = pytest.mark.timeout(240)


class Span(NamedTuple):
    """One span as the collector got it, ids in hex."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: frozenset[str]
    failed: bool


class Collector:
    """Takes OTLP over HTTP at ``/v1/traces``, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []  # as they came: whatever is in them
        taken = self._taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                taken(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _taken(self, body: bytes) -> None:
        self.bodies.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [
                    Span(
                        names["service.name"],
                        one.name,
                        one.trace_id.hex(),
                        one.span_id.hex(),
                        one.parent_span_id.hex(),
                        frozenset(link.trace_id.hex() for link in one.links),
                        one.status.code == one.status.STATUS_CODE_ERROR,
                    )
                    for one in scope.spans
                ]

    def named(self, name: str) -> list[Span]:
        """Return the spans with this name."""
        return [span for span in list(self.spans) if span.name == name]

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    made = Collector()
    yield made
    made.stop()


class Tablet:
    """The tablet's command line with a scanner on its standard input, in a process of its own.

    What it says goes to ``folder/tablet.log``, at the loudest level.
    """

    def __init__(self, shop: RunningShop, folder: Path, **settings: str) -> None:
        environment = {**os.environ, "DEVICE_DIR": str(folder), "RESEND_AFTER_S": "1", **settings}
        main = [sys.executable, "-c", LOUD, "tablet"]
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / "tablet.log").open("w")
        token = shop.server.token(shop.location)
        subprocess.run(
            [*main, "enrol", "--api", shop.url, "--token", token],
            env=environment, check=True, capture_output=True, timeout=WAIT_S,
        )  # fmt: skip
        self._process = subprocess.Popen(
            [*main, "run", "--camera", "none", "--hid", "-", "--port", "0"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.screen = Finger(self._process.stdout.readline().split()[1])

    def scan(self, gtin: str) -> None:
        """Type a code and Enter, as a hand scanner does."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{gtin}\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """End it in order."""
        self.screen.close()
        self._process.terminate()
        self._process.wait(WAIT_S)
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                pipe.close()


def test_one_trace_from_tablet_to_phone(
    open_carryover_shop: OpenShop, collector: Collector, tmp_path: Path
) -> None:
    """Kept at the device, stored by the gateway, pushed to the phone: three processes, one trace.

    The batch that the scan was stored in is linked to it; each span is the child of the one
    before.
    """
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    shop = open_carryover_shop(settings=asked)
    tablet = Tablet(shop, tmp_path / "tablet", TRACE_RATIO="1", **asked)
    try:
        tablet.scan(A)
        link = tablet.screen.wait_for(lambda seen: seen.has_code, WAIT_S).link()
        assert link
        phone = shop.phone(link)
        phone.wait_for_lines({A: 1}, WAIT_S)
        tablet.scan(B)
        phone.wait_for_lines({A: 1, B: 1}, WAIT_S)
        wait_until(lambda: bool(collector.named("api push")), WAIT_S)
        pushed = collector.named("api push")[-1]
        for name in ("device keep", "gateway store"):
            wait_until(
                lambda name=name: any(  # type: ignore[misc]
                    span.trace == pushed.trace for span in collector.named(name)
                ),
                WAIT_S,
            )
        whole = {span.name: span for span in collector.spans if span.trace == pushed.trace}
        assert {name: span.service for name, span in whole.items()} == {
            "device keep": "carryover-tablet",
            "gateway store": "carryover-gateway",
            "api push": "carryover-api",
        }
        assert whole["device keep"].parent == ""
        assert whole["gateway store"].parent == whole["device keep"].id
        assert whole["api push"].parent == whole["gateway store"].id
        wait_until(
            lambda: any(pushed.trace in span.links for span in collector.named("gateway batch")),
            WAIT_S,
        )
        kept = len(collector.named("device keep"))
        assert kept == len({span.trace for span in collector.named("device keep")}) >= 3
    finally:
        tablet.stop()


def test_without_an_endpoint_nothing_is_traced(
    open_carryover_shop: OpenShop, collector: Collector, tmp_path: Path
) -> None:
    """The device decides: one that traces nothing is followed by nobody, wherever they export."""
    shop = open_carryover_shop(settings={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    tablet = Tablet(shop, tmp_path / "tablet", TRACE_RATIO="1")
    try:
        tablet.scan(A)
        link = tablet.screen.wait_for(lambda seen: seen.has_code, WAIT_S).link()
        assert link
        shop.phone(link).wait_for_lines({A: 1}, WAIT_S)
        shop.server.stop()  # what is left would be sent now
        assert collector.spans == []
    finally:
        tablet.stop()


@pytest.mark.parametrize(
    "written",
    ["", "00-0-0-01", "rubbish", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"],
)
def test_what_is_no_context_or_is_not_traced_is_left_alone(
    collector: Collector, written: str
) -> None:
    """A device may write anything there; not sampled means not traced."""
    tracer = make_tracer("test", collector.url)
    assert tracer is not None
    assert tracer.begin("x", parent=TraceContext(written)) is None
    tracer.close()
    assert collector.spans == []


def test_a_share_of_nothing_is_nothing(collector: Collector) -> None:
    """The ratio is asked where a trace begins; a parent that is kept is gone on with."""
    tracer = make_tracer("test", collector.url, ratio=0)
    assert tracer is not None
    assert tracer.begin("x") is None
    kept = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    part = tracer.begin("y", parent=TraceContext(kept, "a=b"))
    assert part is not None
    assert part.context.traceparent.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert part.context.tracestate == "a=b"
    part.failed("unknown_gtin")
    part.end()
    part.end()
    tracer.close()
    assert [(span.name, span.failed) for span in collector.spans] == [("y", True)]
    assert make_tracer("test", "") is None
