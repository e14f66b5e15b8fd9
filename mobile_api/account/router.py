"""A customer's own account as JSON: phones, passkeys, signing out, and undoing a joining.

No Idempotency-Key: what is over is over, and a passkey is kept once by its own id.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from cart.db import reading, unit_of_work
from cart.kernel.errors import PasskeyRefused
from cart.profile.tables import PasskeyRow
from mobile_api.account import schemas, service
from mobile_api.account.pages import Name, leave
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.sign_in import passkeys
from mobile_api.sign_in import service as signing_in
from mobile_api.sign_in.cookies import PASSKEY, browser_of, network, unbind
from mobile_api.sign_in.device import device_words
from mobile_api.sign_in.router import options_out
from mobile_api.sign_in.schemas import MadePasskey, PasskeyOptionsOut
from mobile_api.wiring import Wired

router = APIRouter(
    prefix="/api/v1/account",
    dependencies=[allow(Role.CUSTOMER)],
    tags=["account"],
    responses={401: {}},
)
PasskeyId = Annotated[str, Path(max_length=64)]


def _passkey_out(row: PasskeyRow) -> schemas.PasskeyOut:
    return schemas.PasskeyOut(
        id=row.id,
        device=row.device,
        backed_up=row.backed_up,
        created_at=row.created_at,
        used_at=row.used_at,
    )


@router.get("")
def get_account(wired: Wired, visitor: CurrentVisitor) -> schemas.AccountOut:
    """Return addresses, phones and passkeys of whoever is signed in."""
    with reading(wired.engine) as db:
        found = service.account(wired, db, visitor.customer(db, wired.clock), visitor.token)
        return schemas.AccountOut(
            addresses=list(found.addresses),
            phones=[
                schemas.PhoneOut.model_validate(one, from_attributes=True) for one in found.phones
            ],
            passkeys=[_passkey_out(one) for one in found.passkeys],
        )


@router.delete("/phones/{name}")
def end_phone(name: Name, wired: Wired, visitor: CurrentVisitor) -> schemas.RemovedOut:
    """Sign one phone of hers out."""
    with unit_of_work(wired.engine) as db:
        service.end_phone(wired, db, visitor.customer(db, wired.clock), name)
    return schemas.RemovedOut()


@router.post("/sign-out", response_model=schemas.SignedOutOut)
def sign_out(wanted: schemas.SignOut, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Sign this phone out, or all of hers."""
    with unit_of_work(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        token = ""
        if wanted.everywhere:
            told = service.sign_out_everywhere(db, wired.clock, wired.ids, me)
            wired.tell(db, *told)
        else:
            token = signing_in.sign_out(wired, db, me, visitor.token or "")
    return leave(JSONResponse(schemas.SignedOutOut().model_dump(), headers=NO_STORE), wired, token)


@router.post("/joinings/{joining_id}/undo", responses={404: {}, 409: {}})
def undo_joining(
    joining_id: Annotated[str, Path(max_length=64)], wired: Wired, visitor: CurrentVisitor
) -> schemas.UndoneOut:
    """Take out again what signing in brought to her cart."""
    with unit_of_work(wired.engine) as db:
        signing_in.undo(wired, db, visitor.customer(db, wired.clock), joining_id)
    return schemas.UndoneOut()


@router.post(
    "/passkey-options",
    responses={403: {}, 404: {}, 429: {}},
    response_model=PasskeyOptionsOut,
)
def ask_to_make(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Return what to make a passkey with; she has to have signed in on this phone lately."""
    with unit_of_work(wired.engine) as db:
        me = visitor.fresh_customer(db, wired.clock)
        asked = passkeys.ask_to_make(wired, db, me, network(request))
    return options_out(wired, asked)


@router.post(
    "/passkeys",
    status_code=201,
    responses={403: {}, 404: {}, 409: {}},
    response_model=schemas.PasskeyOut,
)
def add_passkey(
    request: Request, wanted: MadePasskey, wired: Wired, visitor: CurrentVisitor
) -> Response:
    """Keep the passkey that was made: from now on it signs her in."""
    secure = wired.settings.secure
    with unit_of_work(wired.engine) as db:
        added = passkeys.add(
            wired,
            db,
            visitor.fresh_customer(db, wired.clock),
            browser=browser_of(request, PASSKEY, secure=secure),
            credential=wanted.model_dump(by_alias=True, exclude_none=True),
            device=device_words(request.headers.get("user-agent", "")),
            locale=locale_of(request),
        )
        answer = added if isinstance(added, PasskeyRefused) else _passkey_out(added)
    if isinstance(answer, PasskeyRefused):
        raise answer
    response = JSONResponse(answer.model_dump(mode="json"), 201, NO_STORE)
    unbind(response, PASSKEY, secure=secure)
    return response


@router.delete("/passkeys/{passkey_id}")
def remove_passkey(
    request: Request, passkey_id: PasskeyId, wired: Wired, visitor: CurrentVisitor
) -> schemas.RemovedOut:
    """Forget a passkey: it signs nobody in from the commit on, and she is told by e-mail."""
    with unit_of_work(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        service.remove_passkey(wired, db, me, passkey_id, locale_of(request))
    return schemas.RemovedOut()
