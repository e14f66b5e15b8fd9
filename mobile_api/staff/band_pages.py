"""The pages for a payment by wristband: what it is, the pad for her PIN, and what came of it.

Plain forms, under a key that was made with the page: pressing twice is one payment. The PIN
is in no key, no address and no log. ``pad.js`` lets large keys fill in what can be typed too.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On
from cart.carts.tables import CartRow
from cart.db import unit_of_work
from cart.kernel.errors import (
    BandAway,
    CarryoverError,
    PurseLimit,
    PursePinRefused,
    PurseShort,
    SeveralBands,
)
from cart.kernel.money import Money
from cart.picking.staff import as_who
from mobile_api.checkouts import queries as checkouts
from mobile_api.checkouts import service
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.payment.schemas import MINOR_MAX
from mobile_api.staff import band_pay
from mobile_api.staff.band_pay import PayForm
from mobile_api.staff.looking import looking
from mobile_api.staff.signed_in import CurrentDevice
from mobile_api.wiring import Wired

router = APIRouter(prefix="/staff/desks", dependencies=[allow(Role.FLOOR)], include_in_schema=False)
Desk = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
FAULT_LENGTH_MAX: Final = 40
TO_DESK: Final = "/staff/desk"


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, NO_STORE)


def _said(spoken: Words, fault: str, left: int, currency: str) -> str:
    """Return a refusal in words. ``left``: tries, or minor units, as the refusal has it."""
    if fault not in TITLES:
        return ""
    said, sum_left = spoken.gettext(TITLES[fault]), spoken.money(Money(left, currency))
    match fault:
        case PursePinRefused.code:
            more = spoken.ngettext("%(num)s try is left.", "%(num)s tries are left.", left)
        case PurseShort.code:
            more = spoken.gettext("%(amount)s is missing.") % {"amount": sum_left}
        case PurseLimit.code:
            more = spoken.gettext("%(amount)s is left of it.") % {"amount": sum_left}
        case _:
            more = ""
    return f"{said} {more}".strip()


@router.get("/{desk}/pay")
def pay_page(
    request: Request,
    desk: Desk,
    wired: Wired,
    device: CurrentDevice,
    *,
    fault: Annotated[str, Query(max_length=FAULT_LENGTH_MAX)] = "",
    left: Annotated[int, Query(ge=0, le=MINOR_MAX)] = 0,
) -> Response:
    """Show what is to be paid at a desk, and the pad; ``fault``: why it was not, the last time."""
    spoken = words(locale_of(request))
    with device.reading(wired, by_hand=True) as (db, me):
        look, said = looking(wired, db, me, spoken), ""
        payer, found, c = None, None, None
        try:
            payer = band_pay.standing(wired, db, me, desk)
        except CarryoverError as refusal:
            said = spoken.gettext(TITLES[refusal.code])
        if payer is not None:
            found = checkouts.open_of_cart(db, payer.cart_id)
            currency = found.currency if found else db.get_one(CartRow, payer.cart_id).currency
            said = _said(spoken, fault, left, currency)
        if found is not None and found.location_id == me.location_id:
            c = service.read(wired, db, spoken, found.id, whole=False)
        context = {
            "me": me,
            "place": look.place,
            "page_id": "desk",
            "desk": desk,
            "payer": payer,
            "c": c,
            "fault": said,
            "key": wired.ids.token(),
            "here_path": f"/staff/desks/{desk}/pay",
        }
        return page(request, "staff_band_pay.html", context, headers=NO_STORE)


@router.post("/{desk}/open")
def begin(desk: Desk, wired: Wired, device: CurrentDevice) -> Response:
    """Open her checkout here, and show what it comes to; pressed twice it is the same one."""
    refusal = None
    with unit_of_work(wired.engine) as db:
        me = device.need(db, wired.clock)
        try:
            with db.begin_nested():
                band_pay.open_here(wired, db, me, band_pay.standing(wired, db, me, desk))
        except CarryoverError as error:
            refusal = error
        outcome, on = refusal.code if refusal else DONE, On("desk", desk)
        audit.note(db, wired.clock, as_who(me), Action.BAND_PAY_OPEN, on, outcome=outcome)
    if refusal is not None and not isinstance(refusal, BandAway | SeveralBands):
        raise refusal
    return _to(f"/staff/desks/{desk}/pay")


@router.post("/{desk}/take")
def pay(
    desk: Desk, wired: Wired, device: CurrentDevice, form: Annotated[PayForm, Form()]
) -> Response:
    """Take the payment, and show the order; or the page again with what was wrong."""
    with unit_of_work(wired.engine) as db:
        me = device.need(db, wired.clock)
    try:
        order_id = band_pay.take(wired, me, desk, form)
    except CarryoverError as refusal:
        data = refusal.data
        left = data.get("left", data.get("left_minor", data.get("missing_minor", 0)))
        return _to(f"/staff/desks/{desk}/pay?fault={refusal.code}&left={left}")
    return _to(f"/staff/order/{order_id}")
