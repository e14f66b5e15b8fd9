"""Signing in as JSON, for the page's script and for apps: a code by e-mail, or a passkey.

No Idempotency-Key: a code or a challenge that is asked for again is another one, and each
is used once by itself. What a browser asked for is good with its cookie alone.
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cart.db import unit_of_work
from cart.kernel.errors import CarryoverError, TooManyAttempts
from cart.profile.model import CODE_LIFETIME
from cart.profile.service import Proved
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.sign_in import asking, passkeys, schemas
from mobile_api.sign_in.cookies import CODE, PASSKEY, Asking, bind, network
from mobile_api.sign_in.service import sign_in
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1/sign-in",
    dependencies=[allow(Role.ANYONE)],
    tags=["sign-in"],
    responses={403: {}, 429: {}},
)


@router.post("/code", status_code=202, response_model=schemas.CodeOut)
def ask_for_code(request: Request, wanted: schemas.AskForCode, wired: Wired) -> Response:
    """Send a code to an address, known or not."""
    asked = asking.ask_for_code(request, wired, wanted.email)
    if isinstance(asked, TooManyAttempts):
        raise asked
    answer = schemas.CodeOut(good_for_s=int(CODE_LIFETIME.total_seconds()))
    response = JSONResponse(answer.model_dump(), 202, NO_STORE)
    bind(response, CODE, asked.browser, secure=wired.settings.secure)
    return response


@router.post("", response_model=schemas.SignedInOut)
def use_code(
    request: Request, wanted: schemas.UseCode, wired: Wired, visitor: CurrentVisitor
) -> Response:
    """Sign in with the code. Once more is the same sign-in, for an answer that was lost."""
    return _signed_in(wired, CODE, asking.use_code(request, wired, visitor, wanted.code))


@router.post("/passkey/options", responses={404: {}}, response_model=schemas.PasskeyOptionsOut)
def ask_to_sign(request: Request, wired: Wired) -> Response:
    """Return what a passkey is to sign; the same for everybody, whoever has one."""
    with unit_of_work(wired.engine) as db:
        asked = passkeys.ask_to_sign(wired, db, network(request))
    return options_out(wired, asked)


@router.post("/passkey", responses={404: {}}, response_model=schemas.SignedInOut)
def use_passkey(
    request: Request, wanted: schemas.SignedByPasskey, wired: Wired, visitor: CurrentVisitor
) -> Response:
    """Sign in with a passkey that answers what this browser was asked."""
    phone = asking.phone_of(request, wired, visitor, PASSKEY)
    with unit_of_work(wired.engine) as db:
        proved: Proved | CarryoverError = passkeys.prove(
            wired,
            db,
            browser=phone.browser,
            credential=wanted.model_dump(by_alias=True, exclude_none=True),
            network=network(request),
        )
        token = sign_in(wired, db, proved, phone) if isinstance(proved, Proved) else proved
    return _signed_in(wired, PASSKEY, token)


def options_out(wired: Parts, asked: passkeys.Options | CarryoverError) -> Response:
    """Give a browser its challenge and the cookie that it is bound to.

    Raises:
        TooManyAttempts: as was decided, and committed, before.
    """
    if isinstance(asked, CarryoverError):
        raise asked
    options, browser = asked
    answer = schemas.PasskeyOptionsOut(public_key=options)
    response = JSONResponse(answer.model_dump(by_alias=True), headers=NO_STORE)
    bind(response, PASSKEY, browser, secure=wired.settings.secure)
    return response


def _signed_in(wired: Parts, kind: Asking, token: str | CarryoverError) -> Response:
    if isinstance(token, CarryoverError):
        raise token
    response = JSONResponse(schemas.SignedInOut().model_dump(), headers=NO_STORE)
    return asking.let_in(response, wired, kind, token)
