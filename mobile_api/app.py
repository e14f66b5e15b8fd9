"""Makes the application: routes, guards, and what runs while it serves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.middleware.gzip import GZipMiddleware

from cart.db import make_engine
from cart.db.migrate import upgrade
from cart.kernel.clock import Clock, SystemClock, to_us
from cart.kernel.ids import Ids, RandomIds
from cart.objects.opening import open_objects
from cart.ports import Shop
from cart.run_files import announced
from gateway.broker.key import broker_key
from gateway.fanout import CodeAsked, Fanout, ListAsked, Notice, SignedOut, StockChanged
from gateway.wire.tracing import make_tracer
from inventory_api import router as inventory_router
from inventory_api.catalogue.queries import sellables
from inventory_api.parts import InventoryParts
from inventory_api.places import Places
from inventory_api.stock.live import LiveStock
from inventory_api.stock.promises import Promises
from inventory_api.stock.queries import StockChange
from mobile_api.bells import Bells
from mobile_api.carts.events import Reader
from mobile_api.edge import access, document, problems
from mobile_api.edge.guard import Guard
from mobile_api.edge.keyed import InProgress
from mobile_api.edge.lane import gathered
from mobile_api.edge.streams import OpenStreams
from mobile_api.journeys.sweep import JourneySweep
from mobile_api.letters import returning as letters_returning
from mobile_api.live import Hub
from mobile_api.look.assets import Assets
from mobile_api.looks import routes as looks
from mobile_api.looks.sweep import LooksSweep
from mobile_api.mail import returned
from mobile_api.mail.sweep import MailSweep
from mobile_api.metrics import ApiMetrics, Measured
from mobile_api.outgoing.posting import Outgoing
from mobile_api.payment.awaiting import Awaited
from mobile_api.payment.providers import make_postman, make_providers
from mobile_api.payment.sweep import PaymentSweep
from mobile_api.push.sweep import PushSweep
from mobile_api.queues.sweep import TurnSweep
from mobile_api.rooms.sweep import RoomSweep
from mobile_api.routes import BODY_BYTES_MAX, UPLOAD_BYTES_MAX, own_routes
from mobile_api.scan import router as scan_router
from mobile_api.scan.reader import PhotoReader
from mobile_api.segments.sweep import SegmentSweep
from mobile_api.settings import ApiSettings
from mobile_api.staff import topics
from mobile_api.staff.provider import Provider
from mobile_api.staff.sweep import DeskSweep
from mobile_api.timeline.cdp import CdpSweep
from mobile_api.timeline.sweep import TimelineSweep
from mobile_api.wiring import Parts
from mobile_api.workflows.rounds import Rounds

GATEWAY_LOOK_S = 0.5  # a gateway that starts later than we do is found this soon
ZIPPED_FROM_BYTES = 1_000


def create_app(
    settings: ApiSettings,
    *,
    engine: Engine | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    listen: bool = True,
    mail: bool = True,
) -> FastAPI:
    """Return the application.

    ``engine``: given by whoever has the schema ready; else one is made and
    migrated. ``listen``: join the fan-out between processes. ``mail``: do durable
    work, mails and payments (DBOS knows one application per process).

    Raises:
        RouteWithoutRole: a route does not say who may call it.
    """
    own_engine = engine is None
    used = engine or make_engine(settings.effective_database_url)
    used_clock, used_ids = clock or SystemClock(), ids or RandomIds()
    endpoint = settings.otel_exporter_otlp_endpoint
    tracer = make_tracer("api", endpoint, instance=settings.api_name)
    parts = Parts(
        settings=settings,
        engine=used,
        clock=used_clock,
        ids=used_ids,
        lookup=sellables,
        shop=Shop(sellables, Promises(), Places()),
        secret=settings.key(),
        in_progress=InProgress(),
        assets=Assets(),
        hub=Hub(Reader(used, used_clock, sellables), tracer=tracer),
        bells=Bells(),
        streams=OpenStreams(used, used_clock),
        photos=PhotoReader(),
        stock_live=LiveStock(),
        payments=make_providers(settings, used_clock, used_ids),
        awaited=Awaited(),
        metrics=ApiMetrics(),
        objects=open_objects(settings.objects_url, settings.data_dir, used_ids),
        outgoing=Outgoing(exempt=settings.private_hosts),
        provider=Provider(client, used_clock) if (client := settings.oidc_client) else None,
    )
    parts.metrics.watch(parts)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            if own_engine:
                running.callback(used.dispose)
                await asyncio.to_thread(upgrade, used)
            if tracer is not None:
                running.push_async_callback(asyncio.to_thread, tracer.close)
            parts.hub.start()
            running.callback(parts.hub.close)
            parts.bells.start()
            running.callback(parts.bells.close)
            parts.streams.start()
            running.push_async_callback(parts.streams.stop)
            running.callback(parts.photos.close)
            running.callback(parts.outgoing.close)
            if parts.provider is not None:
                running.callback(parts.provider.close)
            sweep = await _start_work(parts, running) if mail else None
            if listen:
                parts.listening = True
                joining = asyncio.create_task(_join_fan(parts, sweep))
                running.push_async_callback(_leave_fan, parts, joining)
            yield

    app = FastAPI(
        title="Carryover",
        version="1",
        description="Carts, lists, catalogue and stock for a shopper's phone.",
        lifespan=lifespan,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.parts = parts
    app.state.demo = settings.demo
    app.state.sandbox = settings.payment_provider == "sandbox"
    inventory = InventoryParts(used, used_clock, settings.data_dir, parts.stock_live, gathered)
    inventory_router.serve(app, inventory)
    app.router.routes.extend(own_routes().routes)
    problems.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=ZIPPED_FROM_BYTES)
    app.add_middleware(
        Guard,
        base_url=settings.base_url,
        demo=settings.demo,
        limit_bytes=BODY_BYTES_MAX,
        larger={
            "/api/v1/cart/scan": scan_router.PHOTO_REQUEST_BYTES_MAX,
            looks.UPLOADS: looks.UPLOAD_BYTES_MAX,
            f"{topics.PATH}/import": UPLOAD_BYTES_MAX,
            letters_returning.PATH: returned.RETURNED_BYTES_MAX,
        },
    )
    app.add_middleware(Measured, requests=parts.metrics.requests)
    list(access.roles(app))  # fails here, not at the first request
    _describe(app, secure=settings.secure)
    return app


def _describe(app: FastAPI, *, secure: bool) -> None:
    written = app.openapi

    def openapi() -> dict[str, Any]:
        return document.finish(app, written(), secure=secure)

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


async def _start_work(parts: Parts, running: AsyncExitStack) -> Rounds:
    """Start what goes on without a request: mails, payments, and the workflows that carry them."""
    from mobile_api.mail import workflow as _mails  # noqa: F401, PLC0415 - known before it opens
    from mobile_api.mail.signing import signer  # noqa: PLC0415 - only where mails are sent
    from mobile_api.mail.sink import MailSink  # noqa: PLC0415 - likewise
    from mobile_api.payment import workflow as _payments  # noqa: F401, PLC0415 - likewise
    from mobile_api.push import workflow as _rings  # noqa: F401, PLC0415 - likewise
    from mobile_api.rights import schedule as _schedule  # noqa: PLC0415 - likewise
    from mobile_api.rights import workflow as _erasures  # noqa: PLC0415 - likewise
    from mobile_api.rights.erasing import apply_again  # noqa: PLC0415
    from mobile_api.workflows.office import close_office, open_office  # noqa: PLC0415

    parts.smtp_url, parts.sign_mail = parts.settings.smtp_url, signer(parts.settings)
    if not parts.smtp_url:
        parts.sink = MailSink(parts.settings.data_dir / "mail")
        await parts.sink.start()
        running.push_async_callback(parts.sink.stop)
        parts.smtp_url = parts.sink.url
    # A copy of the database that was put back may be older than somebody's erasure.
    await asyncio.to_thread(
        apply_again,
        parts.engine,
        parts.clock,
        parts.ids,
        parts.secret,
        parts.settings.data_dir,
    )
    await asyncio.to_thread(open_office, parts)
    running.push_async_callback(asyncio.to_thread, close_office)
    parts.working = True

    def looking(what: str, look: Callable[[], Awaitable[None]]) -> Rounds:
        rounds = Rounds(what, look)
        rounds.start()
        running.push_async_callback(rounds.stop)
        return rounds

    sweep = looking("mails", MailSweep(parts).look)
    parts.mail_bell = sweep.ring
    parts.pay_bell = looking("payments", PaymentSweep(parts).look).ring
    looking("journeys", JourneySweep(parts).look)
    looking("the desk", DeskSweep(parts).look)
    looking("queues in shops", TurnSweep(parts).look)
    looking("fitting rooms", RoomSweep(parts).look)
    parts.push_bell = looking("phones to ring", PushSweep(parts).look).ring
    looking("segments", SegmentSweep(parts).look)
    parts.looks_bell = looking("looks", LooksSweep(parts).look).ring
    looking("erasures", _erasures.ErasureSweep(parts).look)
    looking("what people did", TimelineSweep(parts).look)
    looking("what a CDP is to be told", CdpSweep(parts).look)
    looking("what is kept too long", _schedule.RetentionSweep(parts).look)
    if (postman := make_postman(parts)) is not None:
        postman.start()
        running.push_async_callback(asyncio.to_thread, postman.stop)
    return sweep


def _change(notice: StockChanged) -> StockChange:
    """Return a notice as the catalogue's stream passes it on."""
    one = notice.notice
    return StockChange(
        location_id=one.location_id,
        sku=one.sku,
        gtin=one.gtin,
        product_id=one.product_id,
        available=one.available,
        version=one.version,
        changed_at_us=to_us(one.as_of),
    )


async def _join_fan(parts: Parts, sweep: Rounds | None) -> None:
    """Join the fan-out as soon as there is a broker; pages work without one."""

    def hear(notices: Sequence[Notice]) -> None:
        for notice in notices:
            parts.metrics.heard(notice)
            if isinstance(notice, ListAsked | CodeAsked):
                if sweep is not None:
                    sweep.ring()
            elif isinstance(notice, SignedOut):
                parts.streams.ring()
            else:
                parts.hub.hear(notice)
                parts.bells.hear(notice)
            if isinstance(notice, StockChanged):
                parts.stock_live.tell(_change(notice))

    def look_again() -> None:
        parts.hub.look_again()
        parts.bells.look_again()
        parts.streams.ring()
        if sweep is not None:
            sweep.ring()

    settings = parts.settings
    # The other process tells us by a file: there is no event to wait for.
    while not settings.mqtt_url and not announced(settings.data_dir, "gateway"):  # noqa: ASYNC110
        await asyncio.sleep(GATEWAY_LOOK_S)
    broker_key(settings.data_dir, parts.ids)
    # Not by the process's own name: the gateway hears whoever publishes as the API.
    fan = Fanout(settings, "api", listen=hear, on_gap=look_again)
    fan.start()
    parts.fan = fan


async def _leave_fan(parts: Parts, joining: asyncio.Task[None]) -> None:
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    fan, parts.fan = parts.fan, None
    if fan is not None:
        await asyncio.to_thread(fan.stop)
