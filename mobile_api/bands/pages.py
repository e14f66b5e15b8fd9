"""A shopper's page of her wristband: its number and battery, lost, no more following; or a code.

Plain forms, each of which may be pressed twice: what is over is over.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.errors import UnknownBand
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Source
from gateway.bands import desk_codes, queries
from mobile_api.bands import handing
from mobile_api.bands.following import let_follow
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.keyed import KEY_LENGTH_MAX, keyed_form
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import Once
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.privacy.deciding import subject_of
from mobile_api.wiring import Wired

router = APIRouter(prefix="/wristband", dependencies=[allow(Role.SHOPPER)], include_in_schema=False)


class Shown(BaseModel):
    """That a code is on the page now; the code itself is not kept with the answer."""

    shown: bool = True


@router.get("")
def band_page(request: Request, wired: Wired, visitor: CurrentVisitor, saved: str = "") -> Response:
    """Show her band, or the code with which she gets one. ``saved``: what was done just now."""
    visitor.used(wired)
    spoken = words(locale_of(request))
    mine, code = None, None
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        if shopper is not None:
            mine = queries.band_of_session(db, shopper.id)
            code = desk_codes.shown(db, wired.clock, wired.secret, shopper.id)
    minutes = -int(-(code.expires_at - wired.clock.now()).total_seconds() // 60) if code else 0
    context = {
        "band": mine[0] if mine else None,
        "holder": mine[1] if mine else None,
        "code": code.digits if code and mine is None else "",
        "left": spoken.ngettext("good for %(num)s minute", "good for %(num)s minutes", minutes),
        "customer": shopper is not None and shopper.customer_id is not None,
        "key": wired.ids.token(),
        "saved": saved if saved in {"lost", "still"} else "",
        "page_id": "wristband",
        "here_path": "/wristband",
    }
    return page(request, "wristband.html", context, headers=NO_STORE)


@router.post("/code")
def show_code(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    key: Annotated[str, Form(max_length=KEY_LENGTH_MAX)],
) -> Response:
    """Show a fresh code; a phone without a cart gets one."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        shopper.locale = locale_of(request)  # what the desk has her read is in this language
        db.add(shopper)
        desk_codes.show(db, wired.clock, wired.secret, shopper.id)
        return Shown()

    answer = Once(keyed_form(request, key), visitor).run(effect)
    response = RedirectResponse("/wristband", 303, NO_STORE)
    if (cookie := answer.headers.get("set-cookie")) is not None:
        response.headers["set-cookie"] = cookie
    return response


@router.post("/lost")
def report_lost(wired: Wired, visitor: CurrentVisitor) -> Response:
    """End the loan and what it opened: the band opens and says nothing from the commit on."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        try:
            handing.report_lost(wired, db, shopper.id)
        except UnknownBand:
            return RedirectResponse("/wristband", 303, NO_STORE)
    return RedirectResponse("/wristband?saved=lost", 303, NO_STORE)


@router.post("/still")
def stop_following(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Withdraw: nobody notes any more where she is. The band opens tablets as before."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        subject = subject_of(shopper)
        assert subject is not None  # noqa: S101 - there is a session
        consents.withdraw(
            db, wired.clock, wired.ids, subject, handing.PURPOSE, how=How(Source.PAGE)
        )
        let_follow(wired, db, shopper.id, follow=False)
    return RedirectResponse("/wristband?saved=still", 303, NO_STORE)
