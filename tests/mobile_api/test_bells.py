"""Bells: a page is told that something changed, once for many rings, and at once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI

from cart.kernel.errors import Unavailable
from gateway.fanout import CartChanged, DeskChanged, OrderChanged
from mobile_api.bells import TOPICS_MAX, Bells, bell_stream, desk_topic, order_topic
from mobile_api.carts.events import BEAT, RETRY
from tests.mobile_api.served import events, serving
from tests.mobile_api.shop import HERE, MUG, RED, key

WAIT_S = 10
FIRST, SECOND, DESK = order_topic("order_1"), order_topic("order_2"), desk_topic("harbour-street")


def changed(topic: str) -> bytes:
    """Return the event as it is sent."""
    return f'event: changed\ndata: {{"topic": "{topic}"}}\n\n'.encode()


def in_loop(work: Callable[[Bells], Awaitable[None]], bells: Bells | None = None) -> None:
    """Run ``work`` with bells that serve from its event loop."""

    async def run() -> None:
        used = bells or Bells()
        used.start()
        async with asyncio.timeout(WAIT_S):
            await work(used)
        assert used.listening == 0

    asyncio.run(run())


async def opened(bells: Bells, *topics: str) -> AsyncIterator[bytes]:
    """Return a stream that listens already."""
    stream = bells.stream(topics)
    assert await anext(stream) == RETRY + b"".join(map(changed, sorted(topics)))
    return stream


async def ended(stream: AsyncIterator[bytes]) -> None:
    """End a stream as a page does that goes away."""
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator


def test_a_page_hears_its_own_topics_only() -> None:
    """Orders, carts and desks ring by their id, and none for another's."""

    async def work(bells: Bells) -> None:
        order, desk = await opened(bells, FIRST), await opened(bells, DESK)
        bells.hear(OrderChanged("order_2", 1))
        bells.hear(CartChanged("order_1", 1))
        bells.hear(OrderChanged("order_1", 1))
        assert await anext(order) == changed(FIRST)
        bells.hear(DeskChanged("harbour-street"))
        assert await anext(desk) == changed(DESK)
        await ended(order)
        await ended(desk)

    in_loop(work)


def test_many_rings_are_one_for_a_page_that_was_slow() -> None:
    """Nothing piles up: a thousand rings of two topics from another thread are two events."""

    async def work(bells: Bells) -> None:
        stream = await opened(bells, FIRST, SECOND)

        def ring() -> None:
            for _ in range(500):
                bells.ring(FIRST)
                bells.ring(SECOND)

        ringing = threading.Thread(target=ring)
        ringing.start()
        ringing.join(WAIT_S)
        await asyncio.sleep(0)  # the loop takes in what the other thread has left
        assert await anext(stream) == changed(FIRST) + changed(SECOND)
        bells.ring(SECOND)
        assert await anext(stream) == changed(SECOND)
        await ended(stream)

    in_loop(work)


def test_after_a_gap_everybody_looks_again() -> None:
    """The fan-out may have missed notices: every topic rings once."""

    async def work(bells: Bells) -> None:
        stream, other = await opened(bells, FIRST, DESK), await opened(bells, FIRST)
        bells.look_again()
        assert await anext(stream) == changed(DESK) + changed(FIRST)
        assert await anext(other) == changed(FIRST)
        await ended(stream)
        await ended(other)

    in_loop(work)


def test_a_quiet_stream_beats() -> None:
    """Proxies drop a connection that says nothing."""

    async def work(bells: Bells) -> None:
        stream = await opened(bells, FIRST)
        assert [await anext(stream) for _ in range(2)] == [BEAT, BEAT]
        bells.ring(FIRST)
        assert await anext(stream) == changed(FIRST)
        await ended(stream)

    in_loop(work, Bells(beat_s=0.05))


def test_streams_end_when_the_process_is_to_go() -> None:
    """Closing is heard at once, without waiting for the next beat."""

    async def work(bells: Bells) -> None:
        stream = await opened(bells, FIRST)
        bells.close()
        assert [one async for one in stream] == []

    in_loop(work)


def test_more_pages_than_may_listen_are_sent_away() -> None:
    """Refused before the stream begins; others go on, and a place that was left is free."""

    async def work(bells: Bells) -> None:
        first, second = await opened(bells, FIRST), await opened(bells, FIRST)
        with pytest.raises(Unavailable):
            bell_stream(bells, [FIRST])
        assert bells.listening == 2
        await ended(second)
        with pytest.raises(Unavailable):
            bell_stream(bells, [str(number) for number in range(TOPICS_MAX + 1)])
        assert bell_stream(bells, [FIRST]).media_type == "text/event-stream"
        await ended(first)

    in_loop(work, Bells(listeners_max=2))


def test_a_checkout_s_page_hears_choices_and_its_cart(system_app: FastAPI) -> None:
    """Over real HTTP: listening at once, then a choice of another tab, then a line of the cart."""
    with serving(system_app) as url, httpx2.Client(base_url=url, timeout=20) as client:
        line = {"gtin": RED, "location_id": HERE}
        cart = client.post("/api/v1/cart/lines", json=line, headers=key())
        assert cart.status_code == 201
        opened = client.post("/api/v1/checkouts", json={}, headers=key()).json()
        path = f"/api/v1/checkouts/{opened['id']}"
        with client.stream("GET", f"{path}/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            stream = events(answer)
            topics = [next(stream).data["topic"] for _ in range(2)]
            assert topics[1] == order_topic(opened["id"])
            assert topics[0].startswith("cart:")
            choice = {"email": "ada@example.org"}
            assert client.post(f"{path}/choices", json=choice, headers=key()).is_success
            assert next(stream).data["topic"] == topics[1]
            client.post("/api/v1/cart/lines", json=line | {"gtin": MUG}, headers=key())
            assert next(stream).data["topic"] == topics[0]
