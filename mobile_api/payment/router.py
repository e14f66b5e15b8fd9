"""Pay and stop, for the shopper; webhooks, for the provider.

``pay`` promises everything in the transaction of its Idempotency-Key, then waits
a moment for the workflow to bring the provider's page. The same request again
answers how it stands by then.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import glancing, reading
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.errors import NotFound, PaymentUnavailable
from cart.orders import paying
from cart.orders.model import AttemptState
from cart.orders.tables import CheckoutRow
from cart.ports import RefundNews
from mobile_api.checkouts import service
from mobile_api.checkouts.queries import last_attempt, own
from mobile_api.checkouts.refusing import REFUSED, with_checkout
from mobile_api.checkouts.schemas import checkout_out
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import OnceOnly, read_once
from mobile_api.edge.short_way import ShortRoute, plain_json, short_way
from mobile_api.look.words import Words, words
from mobile_api.payment import queries, steps
from mobile_api.payment.awaiting import Page
from mobile_api.payment.beginning import OK, PayWish, Reserved
from mobile_api.payment.schemas import Pay, PaymentOut, Tried, WebhookOut, payment_out
from mobile_api.payment.settling import Told, end, finish, ring
from mobile_api.payment.steps import Wish
from mobile_api.wiring import Parts, Wired, parts

router = APIRouter(prefix="/api/v1", tags=["payment"], route_class=ShortRoute)
CheckoutId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
PROVIDER_LENGTH_MAX: Final = 16
ProviderName = Annotated[str, Path(max_length=PROVIDER_LENGTH_MAX)]
# Longer than a provider takes, shorter than a shopper takes for broken; then 202, look again.
PAGE_WAIT_S: Final = 8.0


async def _ordinary_try(request: Request) -> Response | None:
    checkout_id = request.path_params["checkout_id"]
    if not plain_json(request) or len(checkout_id) > ID_LENGTH_MAX:
        return None
    try:
        wanted = Pay.model_validate_json(await request.body())
    except ValidationError:
        return None
    once = await read_once(request)
    return await pay(checkout_id, wanted, once.keyed.parts, once)


async def _ordinary_news(request: Request) -> Response | None:
    name = request.path_params["provider"]
    if len(name) > PROVIDER_LENGTH_MAX:
        return None
    taken = await webhook(request, name, await parts(request))
    return Response(taken.model_dump_json(), media_type="application/json")


@router.post(
    "/checkouts/{checkout_id}/pay",
    dependencies=[allow(Role.SHOPPER)],
    response_model=PaymentOut,
    responses={202: {"model": PaymentOut}, 503: {}, **REFUSED},
)
@short_way(_ordinary_try)
async def pay(checkout_id: CheckoutId, wanted: Pay, wired: Wired, once: OnceOnly) -> Response:
    """Hold everything and get the provider's page. 202: it is not made yet; look again."""
    attempt_id, request = paying.attempt_id_of(once.key), once.keyed.request
    wish: Wish | None = None

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        nonlocal wish
        own(db, checkout_id, shopper.id)
        begun = paying.begin(
            db,
            wired.clock,
            wired.ids,
            wired.shop,
            checkout_id=checkout_id,
            attempt_id=attempt_id,
            total_minor=wanted.total_minor,
            rest_minor=wanted.rest_minor,
            promise_at=wanted.promise_at,
            ready_estimate=service.ready_estimate(wired, db, checkout_id),
        )
        if begun.settled is not None:
            finish(wired, db, begun.settled)
        else:
            ring(wired, db, checkout_id)
            wish = steps.worded(wired, db, begun.wish)
        return Tried(attempt_id=attempt_id)

    def alone() -> Response:
        answer = once.run(effect, needs_session=True)
        if answer.status_code == OK:
            wired.marked("reserved")
        return answer

    token, request_hash = once.visitor.token, once.keyed.request_hash
    answer = await wired.paying.do(
        PayWish(once.key, request_hash, token, checkout_id, wanted.seen, locale_of(request), alone)
    )
    if isinstance(answer, Reserved):
        return await _with_page(request, wired, answer)
    if answer.status_code != OK:  # a refusal, and nothing is held
        return await asyncio.to_thread(with_checkout, request, wired, answer, checkout_id)
    if wired.working:
        await _page_made(wired, attempt_id, wish)
    return _how_it_stands(await asyncio.to_thread(_stands, request, wired, attempt_id))


@router.post(
    "/checkouts/{checkout_id}/stop",
    dependencies=[allow(Role.SHOPPER)],
    response_model=PaymentOut,
    responses={**REFUSED},
)
def stop(checkout_id: CheckoutId, wired: Wired, once: OnceOnly) -> Response:
    """Give the attempt up: what it held is free, the page is closed, the checkout open again.

    Where the money was faster it is paid; the answer says so.
    """

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        open_attempt = own(db, checkout_id, shopper.id).attempt_id
        if open_attempt is not None:
            end(wired, db, open_attempt, AttemptState.CANCELLED)
        return _out(once.keyed.request, wired, db, checkout_id)

    answer = once.run(effect, needs_session=True)
    return with_checkout(once.keyed.request, wired, answer, checkout_id)


@router.post("/payments/{provider}/webhook", dependencies=[allow(Role.PROVIDER)])
@short_way(_ordinary_news)
async def webhook(request: Request, provider: ProviderName, wired: Wired) -> WebhookOut:
    """Take in what a provider says. 200 once it is stored; anything else: send it again."""
    known = wired.payments.known.get(provider)
    if known is None:
        msg = "payments are not taken by this provider"
        raise NotFound(msg)
    news = known.news(await request.body(), request.headers)
    if news is None:
        return WebhookOut(taken=False)
    if isinstance(news, RefundNews):
        await asyncio.to_thread(steps.refund_failed_later, wired, news)
        return WebhookOut(taken=True)
    await wired.settling.do(Told(provider, news))
    return WebhookOut(taken=True)


def _out(request: Request, wired: Parts, db: Session, checkout_id: str) -> PaymentOut:
    """Return how it stands within this transaction."""
    db.flush()
    db.expire_all()  # the domain changes rows by UPDATE
    checkout = db.get_one(CheckoutRow, checkout_id)
    attempt = last_attempt(db, checkout_id)
    payment, spoken = queries.payment_of(db, attempt.id) if attempt else None, _words(request)
    whole = checkout_out(service.read(wired, db, spoken, checkout_id, whole=False), spoken)
    return payment_out(checkout, attempt, payment, whole)


def _words(request: Request) -> Words:
    return words(locale_of(request))


async def _with_page(request: Request, wired: Parts, reserved: Reserved) -> Response:
    """Wait for the page of a try that was reserved with others, and return how it stands."""
    page: Page | None = None
    if wired.working:
        page = await _until_told(wired, reserved.attempt_id, reserved.asking.start)
    if page is not None:
        return _how_it_stands(reserved.out(page))
    return _how_it_stands(await asyncio.to_thread(_stands, request, wired, reserved.attempt_id))


async def _page_made(wired: Parts, attempt_id: str, begun: Wish | None) -> None:
    """Start the workflow, and wait until there is a page or there will be none.

    ``begun`` None: a repeated request, or nothing is to be asked of a provider.
    """
    wanted = begun or await asyncio.to_thread(_wish, wired, attempt_id)
    if wanted is None:
        return
    from mobile_api.payment.workflow import start_pay  # noqa: PLC0415 - DBOS is large

    async def start() -> bool:
        return await start_pay(attempt_id, wanted)

    await _until_told(wired, attempt_id, start)


async def _until_told(
    wired: Parts, attempt_id: str, start: Callable[[], Awaitable[object]]
) -> Page | None:
    async def done() -> bool:
        return not await asyncio.to_thread(_is_reserved, wired, attempt_id)

    return await wired.awaited.until(attempt_id, done, PAGE_WAIT_S, start=start)


def _wish(wired: Parts, attempt_id: str) -> Wish | None:
    with reading(wired.engine) as db:
        return steps.wish(wired, db, attempt_id)


def _is_reserved(wired: Parts, attempt_id: str) -> bool:
    with glancing(wired.engine) as db:
        return queries.is_reserved(db, attempt_id)


def _stands(request: Request, wired: Parts, attempt_id: str) -> PaymentOut:
    """Return how it stands.

    Raises:
        PaymentUnavailable: the provider made no page; nothing is held.
    """
    spoken = _words(request)
    with reading(wired.engine) as db:
        checkout, attempt, payment = queries.standing(db, attempt_id)
        if attempt.state == AttemptState.FAILED and payment and payment.provider_ref is None:
            msg = f"no payment page: {attempt.failure}; try again with a new Idempotency-Key"
            raise PaymentUnavailable(msg)
        whole = checkout_out(service.read(wired, db, spoken, checkout.id, whole=False), spoken)
        return payment_out(checkout, attempt, payment, whole)


def _how_it_stands(found: PaymentOut) -> Response:
    status = 202 if found.state is AttemptState.RESERVED else 200
    return Response(found.model_dump_json(), status, media_type="application/json")
