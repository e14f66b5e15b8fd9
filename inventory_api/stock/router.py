"""HTTP: availability of many SKUs at many locations, and the stream of changes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from cart.db import glancing
from cart.kernel.clock import from_us
from cart.kernel.errors import Unavailable
from inventory_api.parts import InventoryParts
from inventory_api.stock import queries
from inventory_api.stock.queries import Asked, Availability
from inventory_api.stock.schemas import (
    LOCATIONS_MAX,
    SKUS_MAX,
    AvailabilityIn,
    AvailabilityLine,
    AvailabilityOut,
    LocationIn,
    SkuIn,
)
from inventory_api.stock.stream import Wanted, events, start_of

# A question for more than a page shows would let everybody who asks with it wait.
PAIRS_TOGETHER_MAX: Final = 60


class StockDesk:
    """What the routes of one process share: ``app.state.stock``."""

    def __init__(self, parts: InventoryParts) -> None:
        self.parts = parts
        self.open_streams: set[object] = set()
        self.together = parts.gather(self.answers)

    def answers(self, questions: Sequence[AvailabilityIn]) -> list[str]:
        """Answer questions that were asked before this reads, each as JSON."""
        now = self.parts.clock.now()
        with glancing(self.parts.engine) as db:
            asked = [(one.skus, one.location_ids) for one in questions]
            return [_written(one, now) for one in queries.asked(db, asked, as_of=now)]


def desk_of(request: Request) -> StockDesk:
    """Return what the process has for these routes."""
    found: StockDesk = request.app.state.stock
    return found


router = APIRouter(tags=["stock"])


@router.post("/availability", response_model=AvailabilityOut)
async def availability(request: Request, asked: AvailabilityIn) -> Response:
    """Say how many pieces may be promised, of every SKU at every location, as of now."""
    desk = desk_of(request)
    if len(asked.skus) * len(asked.location_ids) <= PAIRS_TOGETHER_MAX:
        answer = await desk.together(asked)
    else:
        (answer,) = await asyncio.to_thread(desk.answers, [asked])
    return Response(answer, media_type="application/json")


@router.get(
    "/stock/changes",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def changes(
    request: Request,
    sku: Annotated[list[SkuIn] | None, Query(max_length=SKUS_MAX)] = None,
    location_id: Annotated[list[LocationIn] | None, Query(max_length=LOCATIONS_MAX)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Stream the state of stock as it changes, of all or of the SKUs and locations named.

    Server-sent events named `stock`, at least once each; a higher `version`
    of a SKU at a location replaces a lower one. After a lost connection,
    `Last-Event-ID` resumes without a gap.
    """
    desk = desk_of(request)
    parts, open_streams = desk.parts, desk.open_streams
    if len(open_streams) >= parts.streams_max:
        msg = f"{parts.streams_max} streams of changes are open; try again later"
        raise Unavailable(msg)
    wanted = Wanted(frozenset(sku or ()), frozenset(location_id or ()))
    start_us = start_of(last_event_id, parts.clock)

    async def body() -> AsyncIterator[str]:
        key = object()
        open_streams.add(key)
        try:
            async for text in events(parts.engine, parts.clock, parts.live, start_us, wanted):
                yield text
        finally:
            open_streams.discard(key)

    return StreamingResponse(
        body(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


def _written(answer: Asked, now: datetime) -> str:
    # Written out here: the framework would check each line once more.
    return AvailabilityOut(
        as_of=now,
        availability=[_line(one) for one in answer.found],
        unknown_skus=answer.unknown_skus,
        unknown_location_ids=answer.unknown_location_ids,
    ).model_dump_json()


def _line(one: Availability) -> AvailabilityLine:
    return AvailabilityLine(
        location_id=one.location_id,
        sku=one.sku,
        available=one.available,
        version=one.version,
        changed_at=from_us(one.changed_at_us) if one.version else None,
        as_of=one.as_of,
    )
