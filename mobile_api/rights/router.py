"""What a customer asks about her own data, for apps.

No Idempotency-Key: an export changes nothing, and an erasure is one by the customer's id.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from mobile_api.carts.schemas import Taken
from mobile_api.edge import sessions
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.rights.asking import erase, export_of
from mobile_api.wiring import Wired

router = APIRouter(
    prefix="/api/v1/account",
    dependencies=[allow(Role.CUSTOMER)],
    tags=["account"],
    responses={401: {}, 403: {}},
)
ZIP = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}


class Erase(Taken):
    """That she means it: it cannot be undone."""

    sure: Literal[True]


class ErasureOut(BaseModel):
    """The erasure has begun; the phone is signed out."""

    erasure_id: Annotated[str, Field(description="To name it by, should she ask later.")]


@router.post("/export", response_class=Response, responses={200: ZIP, 429: {}})
def export_my_data(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Return everything about her as a ZIP: `data.json` and a page to read.

    She has to have signed in on this phone within 15 minutes.
    """
    return export_of(wired, visitor, locale_of(request))


@router.post("/erasure", status_code=202, responses={409: {}}, response_model=ErasureOut)
def erase_me(_: Erase, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Have everything about her erased.

    She has to have signed in on this phone within 15 minutes, and nothing of hers may be
    under way.
    """
    answer = ErasureOut(erasure_id=erase(wired, visitor))
    response = JSONResponse(answer.model_dump(), 202, NO_STORE)
    sessions.drop_cookie(response, secure=wired.settings.secure)
    return response
