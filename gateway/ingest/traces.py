"""Goes on with the traces that devices began: in each a span, and one for the batch they share.

The loop hands over a batch when it has read it and when it is committed. A batch
in which nothing is traced costs one look at each event.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.ingest.batch import Outcome
from gateway.ingest.read import Item
from gateway.notices import CartChanged, Notice
from gateway.wire.tracing import Part, TraceContext, Tracer

# A device that marks everything must not make a batch slow or flood the collector.
TRACED_MAX: Final = 100


def context_of(item: Item) -> TraceContext | None:
    """Return the context that an event carries, None without one."""
    event = item.event
    if event is None or not event.traceparent:
        return None
    return TraceContext(event.traceparent, event.tracestate or "")


class TracedBatch:
    """The spans of one batch while it is on its way."""

    def __init__(self, tracer: Tracer, contexts: Sequence[tuple[Item, TraceContext]]) -> None:
        links = [context for _, context in contexts]
        self._batch = tracer.begin("gateway batch", links=links, kind="consumer")
        shared = [self._batch.context] if self._batch else []
        self._spans: list[tuple[Item, Part]] = []
        for item, context in contexts:
            facts = {"carryover.event.type": item.kind, "carryover.device.id": item.device_id}
            span = tracer.begin(
                "gateway store", parent=context, links=shared, kind="consumer", facts=facts
            )
            if span is not None:
                self._spans.append((item, span))

    def committed(self, outcome: Outcome) -> None:
        """End the spans; let the notices of their carts carry on the newest trace of each."""
        refused = {item.event_id: item.error for item in outcome.refused}
        carried: dict[str, TraceContext] = {}
        for item, span in self._spans:
            error = refused.get(item.event_id)
            bound = outcome.bounds.get(item.visit) if item.visit else None
            if error is not None:
                span.failed(error.code)
            elif bound is not None:
                carried[bound.cart_id] = span.context
            span.end()
        outcome.notices = [_carrying(notice, carried) for notice in outcome.notices]
        if self._batch is not None:
            self._batch.note("messaging.batch.message_count", outcome.fresh)
            self._batch.end()


class Traces:
    """The traces of a gateway."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def taken(self, items: Sequence[Item]) -> TracedBatch | None:
        """Begin the spans of a batch that was read; None when none of it is traced."""
        found = [(item, context) for item in items if (context := context_of(item)) is not None]
        return TracedBatch(self._tracer, found[:TRACED_MAX]) if found else None


def _carrying(notice: Notice, carried: dict[str, TraceContext]) -> Notice:
    if isinstance(notice, CartChanged) and notice.cart_id in carried:
        return replace(notice, traceparent=carried[notice.cart_id].traceparent)
    return notice
