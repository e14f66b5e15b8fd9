"""What the API process has done and what it holds open, in the form that Prometheus reads.

Owns the counters of requests and notices, and the gauges of orders, promises and
work that waits. Requests are counted by their route's pattern, never by address:
an address may be somebody's key.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlmodel import Session, col, func, or_, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cart.carts.tables import ListRequestRow
from cart.journeys.enrolling import READER as JOURNEYS
from cart.journeys.segments.keeping import MARK as SEGMENTS
from cart.journeys.segments.queries import any_kept
from cart.orders.model import ATTEMPT_OPEN, ORDER_OPEN, RefundState
from cart.orders.tables import AttemptRow, OrderLetterRow, OrderRow, RefundRow
from cart.profile.timeline import queries as timeline
from cart.profile.timeline.tables import TimelineMarkRow
from gateway.fanout import Notice
from gateway.monitor.exposition import (
    DatabaseFigures,
    Figure,
    Readiness,
    Values,
    fresh_registry,
)
from inventory_api.stock.tables import ReservationRow
from mobile_api.edge.lane import WAITING_MAX
from mobile_api.rooms.numbers import RoomNumbers, open_requests
from mobile_api.timeline.cdp import MARK as CDP
from mobile_api.wiring import Parts

# A page made in a millisecond; a photo that is read, a checkout at a busy database.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
NO_ROUTE: Final = "none"


class Requests:
    """Counts requests: by method, route and status, and the time to the answer's first byte."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "carryover_api_requests", "Requests answered.", ("method", "route", "status"),
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "carryover_api_request_seconds", "From a request to the start of its answer.",
            ("method", "route"), buckets=SECONDS, registry=registry,
        )  # fmt: skip

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one."""
        route = getattr(scope.get("route"), "path_format", NO_ROUTE)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._count.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Measured:
    """Middleware around everything else: a stream counts when it begins, not when it ends."""

    def __init__(self, app: ASGIApp, *, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and look at its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun_s = time.perf_counter()

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                passed_s = time.perf_counter() - begun_s
                self._requests.answered(scope, message["status"], passed_s)
            await send(message)

        await self._app(scope, receive, seen)


class ApiMetrics:
    """The registry of one API process."""

    def __init__(self) -> None:
        self.registry: Final = fresh_registry()
        self.requests: Final = Requests(self.registry)
        self.rooms: Final = RoomNumbers(self.registry)
        self._notices = Counter(
            "carryover_api_notices", "Notices heard from other processes.", ("what",),
            registry=self.registry,
        )  # fmt: skip

    def heard(self, notice: Notice) -> None:
        """Count a notice."""
        self._notices.labels(type(notice).__name__).inc()

    def watch(self, parts: Parts) -> None:
        """Read what the process holds and what the database says whenever it is asked for."""

        def gauge(name: str, says: str) -> Gauge:
            return Gauge(f"carryover_api_{name}", says, registry=self.registry)

        gauge("open_phones", "Streams of carts that are open.").set_function(
            lambda: parts.hub.open_phones
        )
        gauge("open_pages", "Streams of orders, checkouts and desks that are open.").set_function(
            lambda: parts.bells.listening
        )
        gauge("queue_requests", "Lines that wait to be added together.").set_function(
            lambda: parts.adding.waiting
        )
        gauge("queue_limit_requests", "How many may wait.").set_function(lambda: WAITING_MAX)
        self.registry.register(Readiness(parts.health))
        unread = partial(behind, with_cdp=bool(parts.settings.cdp_url))
        timeline_figure = Figure(
            "carryover_timeline_behind", "Interactions not read yet.", ("reader",), unread
        )
        figures = (*FIGURES, timeline_figure)
        self.registry.register(DatabaseFigures(parts.engine, parts.clock, figures))


def orders(db: Session) -> Values:
    """Return open orders by state; those that are over are history, and many."""
    found = db.exec(
        select(OrderRow.state, func.count())
        .where(col(OrderRow.state).in_(ORDER_OPEN))
        .group_by(col(OrderRow.state))
    ).all()
    return {(state.value,): dict(found).get(state, 0) for state in ORDER_OPEN}


def attempts(db: Session) -> Values:
    """Return payments on their way by state."""
    found = db.exec(
        select(AttemptRow.state, func.count())
        .where(col(AttemptRow.state).in_(ATTEMPT_OPEN))
        .group_by(col(AttemptRow.state))
    ).all()
    return {(state.value,): dict(found).get(state, 0) for state in ATTEMPT_OPEN}


def promised(db: Session) -> Values:
    """Return the pieces that are promised: reserved while somebody pays, allocated to orders."""
    reserved, allocated = db.exec(
        select(
            func.coalesce(func.sum(ReservationRow.reserved), 0),
            func.coalesce(func.sum(ReservationRow.allocated), 0),
        ).where(or_(col(ReservationRow.reserved) > 0, col(ReservationRow.allocated) > 0))
    ).one()
    return {("reserved",): float(reserved), ("allocated",): float(allocated)}


def backlog(db: Session) -> Values:
    """Return durable work that is asked for and not done, by kind."""
    counts: Mapping[str, int] = {
        "list_mail": db.exec(select(func.count()).where(ListRequestRow.state == "requested")).one(),
        "order_mail": db.exec(
            select(func.count()).where(OrderLetterRow.state == "requested")
        ).one(),
        "refund": db.exec(select(func.count()).where(RefundRow.state == RefundState.DUE)).one(),
        "refund_failed": db.exec(
            select(func.count()).where(RefundRow.state == RefundState.FAILED)
        ).one(),
    }
    return {(kind,): count for kind, count in counts.items()}


def behind(db: Session, *, with_cdp: bool = True) -> Values:
    """Return how many interactions each reader of the timeline that is at work has yet to read."""
    at_work = {JOURNEYS: True, SEGMENTS: any_kept(db), CDP: with_cdp}
    marks = dict(db.exec(select(TimelineMarkRow.name, TimelineMarkRow.position)).all())
    kept = marks.get(timeline.LAST, 0)
    return {(one,): kept - marks.get(one, 0) for one, works in at_work.items() if works}


FIGURES: Final = (
    Figure("carryover_orders", "Open orders by state.", ("state",), orders),
    Figure("carryover_payments", "Payments on their way by state.", ("state",), attempts),
    Figure("carryover_size_requests", "Open size requests by state.", ("state",), open_requests),
    Figure("carryover_promised_pieces", "Pieces that are promised.", ("state",), promised),
    Figure("carryover_workflows_waiting", "Durable work not done yet.", ("kind",), backlog),
)
