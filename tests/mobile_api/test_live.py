"""The live stream: what a phone hears, and what it hears again after it was away."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.carts.queries import session_of_key
from cart.db import reading
from cart.kernel.clock import SystemClock
from cart.kernel.errors import Unavailable, UnknownCart
from cart.kernel.gtin import Gtin
from gateway.fanout import BindingChanged, CartChanged, StockChanged
from gateway.wire.downlink import StockNotice
from mobile_api.carts.events import Asked, Event, News, Reader, View
from mobile_api.live import CARTS_AT_ONCE, QUEUE_MAX, Hub
from tests.mobile_api.served import events, serving, until
from tests.mobile_api.shop import HERE, MUG, RED, key, stock

PLAIN, WITH_HTML = View("en", html=False), View("pl", html=True)


def post(client: httpx2.Client, gtin: str = RED, quantity: int = 1) -> None:
    """Add a line over real HTTP."""
    body = {"gtin": gtin, "quantity": quantity, "location_id": HERE}
    assert client.post("/api/v1/cart/lines", json=body, headers=key()).status_code == 201


def test_a_phone_hears_what_it_missed_and_then_what_happens(system_app: FastAPI) -> None:
    """Snapshot at first; after a lost connection the operations since, in order, then the cart."""
    with serving(system_app) as url, httpx2.Client(base_url=url, timeout=20) as client:
        post(client)
        with client.stream("GET", "/api/v1/cart/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            stream = events(answer)
            first = until(stream, "cart")
            assert (first.id, first.data["version"], first.data["pieces"]) == ("1", 1, 1)
            levels = {}
            for _ in range(2):
                one = until(stream, "stock")
                levels[one.data["location_id"]] = one.data["available"]
            assert levels == {"harbour-street": 3, "mill-lane": 5}
            post(client, MUG, 2)
            assert until(stream, "operation").data["gtin"] == MUG
            live = until(stream, "cart")
            assert (live.id, live.data["pieces"]) == ("2", 3)
        post(client, RED, 4)
        client.delete(f"/api/v1/cart/lines/{MUG}")
        with client.stream(
            "GET", "/api/v1/cart/events", headers={"Last-Event-ID": live.id}
        ) as answer:
            stream = events(answer)
            missed = [next(stream) for _ in range(3)]
        assert [(one.name, one.id) for one in missed] == [
            ("operation", "3"),
            ("operation", "4"),
            ("cart", "4"),
        ]
        assert [one.data["kind"] for one in missed[:2]] == ["add", "remove"]
        assert missed[2].data["pieces"] == 5


def test_open_streams_end_when_the_process_is_to_go(system_app: FastAPI) -> None:
    """A signal closes the hub: the stream ends by itself, the server need not wait."""
    with serving(system_app) as url, httpx2.Client(base_url=url, timeout=20) as client:
        post(client)
        with client.stream("GET", "/api/v1/cart/events") as answer:
            stream = events(answer)
            until(stream, "cart")
            system_app.state.parts.hub.close()
            assert all(event.name == "stock" for event in stream)  # what was on its way; then end


class Rooms:
    """A hub by itself, on the database of the test."""

    def __init__(self, app: FastAPI, beat_s: float = 15) -> None:
        self.parts = app.state.parts
        reader = Reader(self.parts.engine, SystemClock(), self.parts.lookup)
        self.hub = Hub(reader, beat_s=beat_s)


def cart_of(app: FastAPI, token: str) -> str:
    """Return the cart of a phone by its cookie."""
    parts = app.state.parts
    with reading(parts.engine) as db:
        session = session_of_key(db, token, parts.clock.now())
        assert session is not None
        return session.cart_id


def in_loop(app: FastAPI, work: Callable[[Rooms, str], "asyncio.Future[None] | object"]) -> None:
    """Run ``work`` with a hub and the cart id of a phone that has one red lamp."""
    with TestClient(app) as phone:
        body = {"gtin": RED, "location_id": HERE}
        phone.post("/api/v1/cart/lines", json=body, headers=key())
        token = phone.cookies["carryover"]
    cart_id = cart_of(app, token)

    async def run() -> None:
        rooms = Rooms(app)
        rooms.hub.start()
        await asyncio.wait_for(work(rooms, cart_id), 20)  # type: ignore[arg-type]

    asyncio.run(run())


def notice(available: int) -> StockChanged:
    """Return a notice of the red lamp's stock here."""
    return StockChanged(
        StockNotice(
            product_id="arc-lamp",
            sku="lamp-red",
            gtin=Gtin(RED),
            location_id=HERE,
            available=available,
            version=9,
            as_of=SystemClock().now(),
        )
    )


def test_a_stock_change_is_told_in_words_to_a_page(app: FastAPI, shop_engine: Engine) -> None:
    """Pages get the sentence in their language; plain clients the notice itself."""

    async def work(rooms: Rooms, cart_id: str) -> None:
        page = rooms.hub.stream(cart_id, WITH_HTML)
        plain = rooms.hub.stream(cart_id, PLAIN)
        for stream in (page, plain):
            for _ in range(3):  # retry, the cart, what is around it
                await anext(stream)
        stock(shop_engine, SystemClock(), HERE, "lamp-red", -1)
        rooms.hub.hear(notice(2))
        said = (await anext(page)).decode()
        assert "Zostały tu 2 sztuki" in said
        assert '"available":2' in (await anext(plain)).decode()
        await page.aclose()  # type: ignore[attr-defined]
        await plain.aclose()  # type: ignore[attr-defined]
        assert rooms.hub.open_phones == 0

    in_loop(app, work)


def test_a_page_hears_of_stock_that_it_watches_without_a_cart_of_it(app: FastAPI) -> None:
    """What is watched and in the cart is told once; when a notice may be lost, the cart again."""

    async def work(rooms: Rooms, cart_id: str) -> None:
        watched = rooms.hub.stream(cart_id, PLAIN, watched=frozenset({RED, MUG}))
        for _ in range(3):  # retry, the cart, what is around it
            await anext(watched)
        mug = notice(1).notice.model_copy(update={"gtin": Gtin(MUG), "sku": "mug"})
        for one in (StockChanged(mug), notice(0)):
            rooms.hub.hear(one)
            said = (await anext(watched)).decode()
            assert said.count("event: stock") == 1
            assert f'"gtin":"{one.notice.gtin}"' in said
        rooms.hub.look_again()
        assert "event: cart" in (await anext(watched)).decode()
        await watched.aclose()  # type: ignore[attr-defined]
        rooms.hub.hear(StockChanged(mug))
        assert rooms.hub.open_phones == 0

    in_loop(app, work)


def test_too_much_and_what_is_no_gtin_is_not_watched(app: FastAPI) -> None:
    """422, and no stream."""
    with TestClient(app) as phone:
        phone.post("/api/v1/cart/lines", json={"gtin": RED, "location_id": HERE}, headers=key())
        for watched in ([RED] * 201, ["96385075"]):
            answer = phone.get("/api/v1/cart/events", params={"watch": watched})
            assert answer.status_code == 422
        assert app.state.parts.hub.open_phones == 0


def test_devices_that_come_and_go_are_told(app: FastAPI) -> None:
    """A tablet that was put down is a ``device`` event to the phones of its cart."""

    async def work(rooms: Rooms, cart_id: str) -> None:
        stream = rooms.hub.stream(cart_id, PLAIN)
        for _ in range(3):
            await anext(stream)
        rooms.hub.hear(BindingChanged("tab-1", "v1", cart_id, live=False, claimed=True))
        said = (await anext(stream)).decode()
        assert said.startswith("event: device\n")
        assert '"state":"put_down"' in said
        await stream.aclose()  # type: ignore[attr-defined]

    in_loop(app, work)


def test_a_phone_that_falls_behind_gets_the_cart_as_it_is(app: FastAPI) -> None:
    """More events than its queue holds collapse to one snapshot."""

    async def work(rooms: Rooms, cart_id: str) -> None:
        stream = rooms.hub.stream(cart_id, PLAIN)
        for _ in range(3):
            await anext(stream)
        for count in range(QUEUE_MAX + 5):
            rooms.hub.hear(notice(count))
        await asyncio.sleep(0)  # the notices reach the queue
        said = (await anext(stream)).decode()
        assert said.count("event:") == 1
        assert "event: cart" in said
        await stream.aclose()  # type: ignore[attr-defined]

    in_loop(app, work)


def test_a_phone_too_many_is_refused(app: FastAPI) -> None:
    """Before its stream begins; once another has gone there is room."""

    async def work(rooms: Rooms, cart_id: str) -> None:
        reader = Reader(rooms.parts.engine, SystemClock(), rooms.parts.lookup)
        hub = Hub(reader, phones_max=1)
        hub.start()
        hub.make_room()
        stream = hub.stream(cart_id, PLAIN)
        await anext(stream)
        with pytest.raises(Unavailable):
            hub.make_room()
        assert hub.open_phones == 1
        await stream.aclose()  # type: ignore[attr-defined]
        hub.make_room()

    in_loop(app, work)


def test_a_quiet_stream_says_that_it_is_there(app: FastAPI) -> None:
    """A comment every so often keeps proxies from hanging up."""

    async def work(rooms: Rooms, cart_id: str) -> None:
        reader = Reader(rooms.parts.engine, SystemClock(), rooms.parts.lookup)
        hub = Hub(reader, beat_s=0.01)
        hub.start()
        stream = hub.stream(cart_id, PLAIN)
        for _ in range(3):
            await anext(stream)
        assert await anext(stream) == b": still here\n\n"
        await stream.aclose()  # type: ignore[attr-defined]

    in_loop(app, work)


def test_a_notice_of_what_is_known_wakes_nobody(app: FastAPI) -> None:
    """An old version is not read again."""

    async def work(rooms: Rooms, cart_id: str) -> None:
        stream = rooms.hub.stream(cart_id, PLAIN)
        for _ in range(3):
            await anext(stream)
        rooms.hub.hear(CartChanged(cart_id, 1))
        rooms.hub.hear(BindingChanged("tab-1", "v1", cart_id, live=True, claimed=True))
        assert (await anext(stream)).decode().startswith("event: device")
        await stream.aclose()  # type: ignore[attr-defined]

    in_loop(app, work)


@dataclass
class SlowReader:
    """Reads carts that are one line of text, and keeps what was asked for in one go."""

    broken: str = ""
    gone: str = ""
    read: list[list[str]] = field(default_factory=list)
    reading: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def news_of(self, _cart_id: str, _since: int | None, _views: Iterable[View]) -> News:
        """The cart as a phone first sees it."""
        return News(1, frozenset(), (), {PLAIN: Event(b"first", 1)})

    def surroundings(self, _cart_id: str, _view: View) -> bytes:
        """Nothing is around it."""
        return b""

    def news(self, asked: Mapping[str, Asked]) -> dict[str, News]:
        """Wait for the test, then tell; a broken cart breaks every reading that it is in."""
        self.read.append(list(asked))
        self.reading.set()
        assert self.go_on.wait(20)
        if self.broken in asked:
            raise ValueError(self.broken)
        there = [cart_id for cart_id in asked if cart_id != self.gone]
        carts = {cart_id: {PLAIN: Event(cart_id.encode(), 2)} for cart_id in there}
        return {cart_id: News(2, frozenset(), (), carts[cart_id]) for cart_id in there}


CARTS = CARTS_AT_ONCE + 4


def told(reader: SlowReader) -> dict[str, bytes | None]:
    """Open more carts than are read at once, change all while the first is read.

    Return what each phone heard.
    """

    async def run() -> dict[str, bytes | None]:
        hub = Hub(reader)  # type: ignore[arg-type]  # it reads no database
        hub.start()
        phones = {f"cart-{n:02}": hub.stream(f"cart-{n:02}", PLAIN) for n in range(CARTS)}
        for phone in phones.values():
            for _ in range(3):
                await anext(phone)
        heard = {cart_id: asyncio.create_task(_next(phone)) for cart_id, phone in phones.items()}
        hub.hear(CartChanged("cart-00", 2))
        await asyncio.to_thread(reader.reading.wait, 20)
        for cart_id in phones:
            hub.hear(CartChanged(cart_id, 2))
        await asyncio.sleep(0)  # the notices reach the hub
        reader.go_on.set()
        async with asyncio.timeout(20):
            return {cart_id: await one for cart_id, one in heard.items()}

    return asyncio.run(run())


async def _next(phone: AsyncIterator[bytes]) -> bytes | None:
    return await anext(phone, None)


def test_carts_that_change_while_one_is_read_are_read_together() -> None:
    """As many as may in one go, the longest waiting first; every phone hears its own cart."""
    reader = SlowReader()
    heard = told(reader)
    assert heard == {f"cart-{n:02}": f"cart-{n:02}".encode() for n in range(CARTS)}
    assert reader.read[0] == ["cart-00"]
    assert [len(one) for one in reader.read] == [1, CARTS_AT_ONCE, 4]
    assert reader.read[1] == [f"cart-{n:02}" for n in range(CARTS_AT_ONCE)]


@pytest.mark.parametrize("reader", [SlowReader(broken="cart-05"), SlowReader(gone="cart-05")])
def test_a_cart_that_cannot_be_read_silences_no_other(reader: SlowReader) -> None:
    """Its phone is hung up, and comes back; the carts that were read with it are told."""
    heard = told(reader)
    assert heard.pop("cart-05") is None
    assert heard == {cart_id: cart_id.encode() for cart_id in heard}
    assert len(heard) == CARTS - 1


def test_many_carts_read_together_are_what_each_is_alone(app: FastAPI) -> None:
    """Two languages, other articles and shops, and one that is not there: nothing is mixed up."""
    reader = Reader(app.state.parts.engine, SystemClock(), app.state.parts.lookup)
    ids = []
    for gtin, place in ((RED, HERE), (MUG, "mill-lane"), (RED, "mill-lane")):
        with TestClient(app) as phone:
            for code in (gtin, MUG):
                body = {"gtin": code, "location_id": place}
                assert phone.post("/api/v1/cart/lines", json=body, headers=key()).is_success
            ids.append(cart_of(app, phone.cookies["carryover"]))
    views = (PLAIN, WITH_HTML)
    together = reader.news({one: Asked(1, views) for one in [*ids, "cart_none"]})
    assert set(together) == set(ids)
    for one in ids:
        assert together[one] == reader.news_of(one, 1, views)
        assert [event.version for event in together[one].operations] == [2]
    assert len({together[one].carts[PLAIN].text for one in ids}) == 3
    with pytest.raises(UnknownCart):
        reader.news_of("cart_none", None, views)
