"""Her page of privacy, without scripts: each purpose with its switch, and what she decided.

A switch is a form of its own, under a key that was made with the page and with what the page
showed: an old page that is sent again grants nothing anew.
"""

import json
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError
from cart.profile.consent import queries
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Purpose, Source
from cart.profile.subscriptions.service import leave_all
from gateway.notices import CameraSwitched
from mobile_api.bands.following import let_follow
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.keyed import KEY_LENGTH_MAX, keyed_form
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import Once
from mobile_api.edge.problems import N_, TITLES
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.privacy.deciding import decide, purposes, subject_of
from mobile_api.privacy.router import PurposeName
from mobile_api.privacy.schemas import NUMBER_MAX, Decide
from mobile_api.privacy.wordings import WORDINGS
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.SHOPPER)], include_in_schema=False)
WHERE: Final = {
    Source.PAGE: N_("on this page"),
    Source.MAIL_LINK: N_("by the link in an e-mail"),
    Source.STAFF_DESK: N_("at the desk"),
    Source.TABLET: N_("on a tablet in the shop"),
    Source.IMPORT: N_("brought over from our earlier system"),
    Source.BROWSER_SIGNAL: N_("by your browser's signal"),
}
BROUGHT: Final = N_("on a phone, before you signed in")


@router.get("/privacy")
def privacy_page(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    saved: str = "",
    fault: str = "",
) -> Response:
    """Show every purpose with its switch, and the decisions so far. ``saved``: just now."""
    visitor.used(wired)
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        subject = subject_of(visitor.find(db, wired.clock))
        found = purposes(db, subject, spoken, signal=visitor.signal)
        past = queries.history(db, subject) if subject else []
    context = {
        "purposes": found,
        "past": past,
        "wordings": WORDINGS,
        "where": WHERE,
        "brought": BROUGHT,
        "any_on": any(one.granted for one in found),
        "signal": visitor.signal,
        "signed_in": subject is not None and bool(subject.customer_id),
        "key": wired.ids.token(),
        "saved": saved,
        "fault": spoken.gettext(TITLES[fault]) if fault in TITLES else "",
        "page_id": "privacy",
    }
    return page(request, "privacy.html", context, headers=NO_STORE)


@router.post("/privacy/off")
def all_off(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Withdraw everything; once more changes nothing."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        subject = subject_of(shopper)
        assert subject is not None  # noqa: S101 - there is a session
        let_follow(wired, db, shopper.id, follow=False)
        for purpose in filter(subject.may_grant, Purpose):
            consents.withdraw(db, wired.clock, wired.ids, subject, purpose, how=How(Source.PAGE))
        if subject.customer_id:
            leave_all(db, wired.clock, subject.customer_id)
        wired.tell(db, CameraSwitched(shopper.cart_id))
    return RedirectResponse("/privacy?saved=off", 303, NO_STORE)


@router.post("/privacy/{purpose}")
def switch(
    request: Request,
    purpose: PurposeName,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    key: Annotated[str, Form(max_length=KEY_LENGTH_MAX)],
    granted: Annotated[bool, Form()],
    wording: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")],
    seen: Annotated[int, Form(ge=0, le=NUMBER_MAX)],
) -> Response:
    """Switch one purpose on or off; show the page again, with what came of it."""
    spoken = words(locale_of(request))
    wanted = Decide(granted=granted, wording=wording, seen=seen)
    fields = (purpose.value, str(granted), wording, str(seen))

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        return decide(wired, db, shopper, purpose, wanted, spoken=spoken, signal=visitor.signal)

    try:
        answer = Once(keyed_form(request, key, *fields), visitor).run(effect)
    except CarryoverError as refusal:
        return _back(purpose, refusal.code)
    code = "" if answer.status_code < 400 else json.loads(bytes(answer.body)).get("code", "")  # noqa: PLR2004 - a refusal
    response = _back(purpose, str(code))
    if (cookie := answer.headers.get("set-cookie")) is not None:
        response.headers["set-cookie"] = cookie
    return response


def _back(purpose: Purpose, fault: str) -> Response:
    said = f"fault={fault}" if fault else f"saved={purpose.value}"
    return RedirectResponse(f"/privacy?{said}#{purpose.value}", 303, NO_STORE)
