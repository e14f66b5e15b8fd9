"""A mirror shows who it is, and is granted the upload of one look of a visit."""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from cart.db import reading, unit_of_work
from cart.kernel.errors import DeviceRevoked, EventNotAllowed, NoLooksKey
from cart.looks import uploading
from cart.looks.model import GRANTED_FOR
from cart.profile.consent import gate
from cart.profile.consent.model import Purpose
from gateway.binding.queries import session_of, visits
from gateway.cameras import MIRROR, subject
from gateway.registry.model import DeviceRecord
from gateway.registry.queries import verify_credential
from gateway.registry.service import first_use
from gateway.wire.events import VisitId
from mobile_api.carts.schemas import Taken
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.DEVICE)], tags=["devices"])
UPLOADS: Final = "/api/v1/looks/uploads"
AUTHORIZATION_LENGTH_MAX: Final = 512  # of a name and a credential in base64


def calling_mirror(request: Request, wired: Wired) -> DeviceRecord:
    """Return the mirror that calls, by its id and credential (HTTP Basic, RFC 7617).

    Raises:
        DeviceRevoked: it is unknown or revoked, or the credential is not its own.
        EventNotAllowed: it is a device of another kind.
    """
    said = request.headers.get("authorization", "")[:AUTHORIZATION_LENGTH_MAX]
    try:
        name, _, credential = b64decode(said.removeprefix("Basic "), validate=True).partition(b":")
        device_id, password = name.decode("ascii"), credential.decode("ascii")
    except (ValueError, NotBase64):
        device_id = password = ""
    with reading(wired.engine) as db:
        found = verify_credential(db, wired.clock, device_id, password)
    if found is None:
        msg = "no device of ours calls"
        raise DeviceRevoked(msg)
    if found.first_use:
        with unit_of_work(wired.engine) as db:
            first_use(db, device_id, found.credential_hash)
    if found.record.kind != MIRROR:
        msg = f"a {found.record.kind} keeps no looks"
        raise EventNotAllowed(msg, kind=found.record.kind)
    return found.record


CallingMirror = Annotated[DeviceRecord, Depends(calling_mirror)]


class GrantIn(Taken):
    """Whose turn it was."""

    visit: VisitId


class GrantOut(BaseModel):
    """What a mirror needs for one look. The grant is said this once only."""

    look_id: str
    grant: str
    public_key: Annotated[
        str, Field(description="X25519, base64url: the look's content key is sealed to it (HPKE).")
    ]
    uploads: Annotated[str, Field(description="Where its two parts are uploaded, by tus 1.0.")]
    good_for_s: int


@router.post("/api/v1/mirrors/looks", status_code=201, response_model=GrantOut)
def grant(asked: GrantIn, wired: Wired, mirror: CallingMirror) -> Response:
    """Grant the upload of one look to the mirror that the visit is live on.

    Refused (403 ``consent_missing``) where she has switched the mirror's camera off.
    Without Idempotency-Key: a grant that got lost is over within the hour, unused.
    """
    with unit_of_work(wired.engine) as db:
        bound = visits(db, [(mirror.id, asked.visit)]).get((mirror.id, asked.visit))
        if bound is None or not bound.live or bound.erased:
            msg = f"visit {asked.visit} of {mirror.id} is not live"
            raise NoLooksKey(msg)
        shopper = session_of(db, bound.session_id)
        whose_camera = subject(bound.session_id, shopper.customer_id if shopper else None)
        gate.need_unrefused(db, whose_camera, Purpose.MIRROR_VIDEO)
        whose = uploading.Visit(
            mirror.id, mirror.address.location_id, asked.visit, bound.session_id
        )
        granted = uploading.grant(db, wired.clock, wired.ids, whose)
    answer = GrantOut(
        look_id=granted.look_id,
        grant=granted.token,
        public_key=granted.public_key,
        uploads=UPLOADS,
        good_for_s=int(GRANTED_FOR.total_seconds()),
    )
    return JSONResponse(answer.model_dump(), 201, NO_STORE)
