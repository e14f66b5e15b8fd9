"""The trace of a scan: its context as it travels, and where its spans go. Off unless asked for.

The context is the CloudEvents distributed-tracing extension, ``traceparent`` and
``tracestate`` of the W3C. Whether an event is traced is decided once, at the
device that makes it: whoever takes it in later only goes on. Without
OTEL_EXPORTER_OTLP_ENDPOINT no library is loaded and nothing is made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from cart.kernel.errors import Unavailable

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, SpanContext

TRACES_PATH: Final = "/v1/traces"
CLOSE_WAIT_MS: Final = 2_000  # for the last spans at the end; a collector that is away holds nobody
Kind = Literal["internal", "producer", "consumer"]


@dataclass(frozen=True, slots=True)
class TraceContext:
    """``traceparent`` and ``tracestate`` as they stand in an event; empty: it is not traced."""

    traceparent: str = ""
    tracestate: str = ""


NOT_TRACED: Final = TraceContext()


class Part:
    """One span: :meth:`end` it once; ending it again does nothing."""

    def __init__(self, span: "Span") -> None:
        self._span = span

    @property
    def context(self) -> TraceContext:
        """What whoever goes on with it needs."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - see the module
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(self._span))
        return TraceContext(carrier.get("traceparent", ""), carrier.get("tracestate", ""))

    def note(self, name: str, value: str | int) -> None:
        """Keep a fact with it; never one about a person."""
        self._span.set_attribute(name, value)

    def failed(self, reason: str) -> None:
        """Say that it did not come to what it was for."""
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - see the module

        self._span.set_status(Status(StatusCode.ERROR, reason))

    def end(self) -> None:
        """It is over now."""
        if self._span.is_recording():
            self._span.end()


class Tracer:
    """Makes a process's spans and sends them to the collector, in a thread of its own."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("carryover")

    def begin(
        self,
        name: str,
        *,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
        kind: Kind = "internal",
        facts: Mapping[str, str | int] | None = None,
    ) -> Part | None:
        """Begin a span; None when it is not to be traced.

        Without ``parent`` it begins a trace, if the share that is traced has room
        for it. ``links``: other traces that it belongs to as well.
        """
        from opentelemetry import trace  # noqa: PLC0415 - see the module
        from opentelemetry.context import Context  # noqa: PLC0415

        around = Context()
        if parent is not None:
            found = _read(parent)
            if found is None:
                return None
            around = trace.set_span_in_context(trace.NonRecordingSpan(found), around)
        span = self._tracer.start_span(
            name,
            context=around,
            kind=trace.SpanKind[kind.upper()],
            links=[trace.Link(one) for one in map(_read, links) if one is not None],
            attributes=dict(facts or {}),
        )
        return Part(span) if span.is_recording() else None

    def close(self) -> None:
        """Send what is left and end."""
        self._provider.force_flush(CLOSE_WAIT_MS)
        self._provider.shutdown()


def _read(context: TraceContext) -> "SpanContext | None":
    """Return the context if it is well formed and traced; a device may write anything."""
    from opentelemetry import trace  # noqa: PLC0415 - see the module
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    carrier = {"traceparent": context.traceparent, "tracestate": context.tracestate}
    around = TraceContextTextMapPropagator().extract(carrier, Context())
    found = trace.get_current_span(around).get_span_context()
    return found if found.is_valid and found.trace_flags.sampled else None


def make_tracer(
    service: str, endpoint: str, *, ratio: float = 1.0, instance: str = ""
) -> Tracer | None:
    """Return a tracer that sends to ``endpoint`` (OTLP over HTTP), None without one.

    ``ratio``: the share of traces begun here that is kept, 0 to 1. A trace that
    another process began is gone on with if that one kept it.

    Raises:
        Unavailable: the libraries are not installed.
    """
    if not endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415
    except ImportError as error:
        msg = "OTEL_EXPORTER_OTLP_ENDPOINT is set, and carryover[tracing] is not installed"
        raise Unavailable(msg) from error
    named = {"service.name": f"carryover-{service}", "service.namespace": "carryover"}
    if instance:
        named["service.instance.id"] = instance
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(ratio)),
        resource=Resource.create(named),
        shutdown_on_exit=False,
    )
    address = endpoint.rstrip("/") + TRACES_PATH
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    return Tracer(provider)
