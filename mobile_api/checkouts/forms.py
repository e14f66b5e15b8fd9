"""The checkout without scripts: plain forms that decide, pay and stop, then show the page again.

Each does what the API does, by the same commands, and answers with the way to the
page that shows what came of it: reloading that sends nothing twice. Paying is under
a key that was made with the page, so pressing twice is one attempt. The module
``till.js`` keeps these forms from being sent and calls the API instead.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlmodel import Session

from cart.carts import service as carts
from cart.carts.model import QUANTITY_MAX
from cart.carts.queries import view as cart_view
from cart.db import reading, unit_of_work
from cart.db.columns import ID_LENGTH_MAX, NAME_LENGTH_MAX
from cart.kernel.email import EMAIL_LENGTH_MAX
from cart.kernel.errors import CarryoverError, InvalidInput
from cart.kernel.gtin import Gtin
from cart.orders import checkout
from cart.orders.checkout import ADDRESS_PART_LENGTH_MAX, Choice
from cart.orders.model import Method
from cart.orders.tables import CheckoutRow
from cart.orders.view import ADDRESS_FIELDS
from mobile_api.carts.router import ring, shopping
from mobile_api.checkouts import queries
from mobile_api.checkouts.schemas import CODE_LENGTH_MAX
from mobile_api.checkouts.service import tell
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.keyed import KEY_LENGTH_MAX, keyed_form
from mobile_api.edge.once import Once
from mobile_api.edge.sessions import CurrentVisitor, Visitor
from mobile_api.lists import router as lists
from mobile_api.lists.schemas import SaveList
from mobile_api.payment import router as payment
from mobile_api.payment.schemas import MINOR_MAX, Pay
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/checkout", dependencies=[allow(Role.SHOPPER)], include_in_schema=False)
CheckoutId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
MOMENT_LENGTH_MAX: Final = 40
GTIN_TEXT_LENGTH_MAX: Final = 64  # as in the address of a line of the API
GtinField = Annotated[str, Form(max_length=GTIN_TEXT_LENGTH_MAX)]
_MOMENT: Final[TypeAdapter[datetime]] = TypeAdapter(AwareDatetime)
Moment = Annotated[str, Field(max_length=MOMENT_LENGTH_MAX)]
AddressPart = Annotated[str, Field(max_length=ADDRESS_PART_LENGTH_MAX)]


class ChoicesForm(BaseModel):
    """The whole form as it was sent; a field that the page did not have is None.

    ``slot``: a time to tap, "" for the soonest; ``later``: one of the list below them.
    """

    model_config = ConfigDict(extra="forbid")

    location_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)] | None = None
    method: Method | None = None
    slot: Moment | None = None
    later: Moment | None = None
    email: Annotated[str, Field(max_length=EMAIL_LENGTH_MAX)] | None = None
    name: AddressPart | None = None
    street: AddressPart | None = None
    street2: AddressPart | None = None
    postcode: AddressPart | None = None
    city: AddressPart | None = None
    region: AddressPart | None = None
    country: AddressPart | None = None
    phone: AddressPart | None = None

    def choice(self, now: CheckoutRow) -> Choice:
        """Return what is chosen anew; another shop has other times, so it is chosen alone.

        Raises:
            InvalidInput: a time that is none.
        """
        if self.location_id not in {None, now.location_id}:
            return Choice(location_id=self.location_id, email=self.email)
        slot_at, soonest = self._slot(now.slot_at)
        address = {part: value for part in ADDRESS_FIELDS if (value := getattr(self, part))}
        sent = any(getattr(self, part) is not None for part in ADDRESS_FIELDS)
        return Choice(
            method=self.method,
            slot_at=slot_at,
            soonest=soonest,
            email=self.email,
            address=address if sent else None,
        )

    def _slot(self, before: datetime | None) -> tuple[datetime | None, bool]:
        """Return the time chosen, and whether it is the soonest; the list wins where it moved."""
        later = _moment(self.later) if self.later else None
        if later is not None and later != before:
            return later, False
        if self.slot is None:
            return None, False
        return (None, True) if not self.slot else (_moment(self.slot), False)


async def choices_form(request: Request) -> ChoicesForm:
    """Read the form itself: FastAPI takes a field that was emptied for one that is not there.

    Raises:
        InvalidInput: a field that the page does not have, or too long a text.
    """
    async with request.form() as form:
        try:
            return ChoicesForm.model_validate(dict(form))
        except ValidationError as error:
            msg = f"not this page's form: {error.error_count()} fields"
            raise InvalidInput(msg) from error


def _moment(text: str) -> datetime:
    try:
        return _MOMENT.validate_python(text)
    except ValidationError as error:
        msg = "this is not a moment"
        raise InvalidInput(msg) from error


def _to(checkout_id: str, fault: str = "") -> RedirectResponse:
    asked = f"?fault={fault}" if fault else ""
    return RedirectResponse(f"/checkout/{checkout_id}{asked}", 303, NO_STORE)


def _changed(
    wired: Parts,
    visitor: Visitor,
    checkout_id: str,
    act: Callable[[Session, CheckoutRow], None],
) -> RedirectResponse:
    """Do it in one transaction, and show the checkout; a refusal is said there in words."""
    try:
        with unit_of_work(wired.engine) as db:
            mine = queries.own(db, checkout_id, visitor.need(db, wired.clock).id)
            act(db, mine)
            db.flush()
            version = db.get_one(CheckoutRow, checkout_id, populate_existing=True).version
            tell(wired, db, checkout_id, version)
    except CarryoverError as refusal:
        return _to(checkout_id, refusal.code)
    return _to(checkout_id)


@router.post("/{checkout_id}/choose")
def choose(
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    form: Annotated[ChoicesForm, Depends(choices_form)],
) -> Response:
    """Take all the choices of the page; the same again changes nothing."""

    def act(db: Session, mine: CheckoutRow) -> None:
        choice = form.choice(mine)
        checkout.choose(db, wired.clock, wired.shop, checkout_id=checkout_id, choice=choice)

    return _changed(wired, visitor, checkout_id, act)


@router.post("/{checkout_id}/line")
def take(
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    gtin: GtinField,
    quantity: Annotated[int, Form(ge=0, le=QUANTITY_MAX)],
) -> Response:
    """Take so many pieces of a line, or none of it; the same again changes nothing more.

    What was taken off elsewhere since the page was made is not brought back.
    """

    def act(db: Session, _mine: CheckoutRow) -> None:
        shopper, code = visitor.need(db, wired.clock), Gtin.parse(gtin)
        if all(line.gtin != code for line in cart_view(db, shopper.cart_id).lines):
            return
        applied = carts.set_quantity(
            db,
            shopping(wired, db, shopper),
            operation_id=wired.ids.new("op"),
            gtin=code,
            quantity=quantity,
        )
        ring(wired, db, applied)

    return _changed(wired, visitor, checkout_id, act)


@router.post("/{checkout_id}/price")
def accept_price(
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    gtin: GtinField,
    price_minor: Annotated[int, Form(ge=0, le=MINOR_MAX)],
) -> Response:
    """Agree to today's price of a line; one that has changed once more is not agreed to."""

    def act(db: Session, _mine: CheckoutRow) -> None:
        code = Gtin.parse(gtin)
        checkout.accept_price(
            db,
            wired.clock,
            wired.shop,
            checkout_id=checkout_id,
            gtin=code,
            price_minor=price_minor,
        )

    return _changed(wired, visitor, checkout_id, act)


@router.post("/{checkout_id}/list")
def to_list(
    request: Request,
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    key: Annotated[str, Form(max_length=KEY_LENGTH_MAX)],
    gtin: GtinField,
    name: Annotated[str, Form(max_length=NAME_LENGTH_MAX)] = "",
) -> Response:
    """Move a line to a list of its own; pressed twice it is one list."""
    try:
        with reading(wired.engine) as db:
            queries.own(db, checkout_id, visitor.need(db, wired.clock).id)
        once = Once(keyed_form(request, key, gtin, name), visitor)
        wanted = SaveList(name=name, gtin=Gtin.parse(gtin), move=True)
        answer = lists.save_list(wanted, wired, once)
    except CarryoverError as refusal:
        return _to(checkout_id, refusal.code)
    return _to(checkout_id, _code_of(answer))


@router.post("/{checkout_id}/voucher")
def use_voucher(
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    code: Annotated[str, Form(max_length=CODE_LENGTH_MAX)] = "",
) -> Response:
    """Lay a gift card or voucher on it; no code: take it off again."""

    def act(db: Session, _mine: CheckoutRow) -> None:
        if code.strip():
            checkout.use_voucher(db, wired.clock, checkout_id=checkout_id, code=code)
        else:
            checkout.drop_voucher(db, wired.clock, checkout_id=checkout_id)

    return _changed(wired, visitor, checkout_id, act)


@router.post("/{checkout_id}/pay")
async def pay(
    request: Request,
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    key: Annotated[str, Form(max_length=KEY_LENGTH_MAX)],
    total_minor: Annotated[int, Form(ge=0, le=MINOR_MAX)],
    rest_minor: Annotated[int | None, Form(ge=0, le=MINOR_MAX)] = None,
    promise_at: Annotated[str, Form(max_length=MOMENT_LENGTH_MAX)] = "",
) -> Response:
    """Hold everything, and show the way on to the provider's page.

    The way is a link there: browsers let no form lead to another site that its page
    did not name, also by way of a redirect.
    """
    try:
        once = Once(
            keyed_form(request, key, str(total_minor), str(rest_minor), promise_at), visitor
        )
        seen = Pay(
            total_minor=total_minor,
            rest_minor=rest_minor,
            promise_at=_moment(promise_at) if promise_at else None,
        )
        answer = await payment.pay(checkout_id, seen, wired, once)
    except CarryoverError as refusal:
        return _to(checkout_id, refusal.code)
    return _to(checkout_id, _code_of(answer))


@router.post("/{checkout_id}/stop")
def stop(
    request: Request,
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    key: Annotated[str, Form(max_length=KEY_LENGTH_MAX)],
) -> Response:
    """Give the attempt up."""
    try:
        answer = payment.stop(checkout_id, wired, Once(keyed_form(request, key), visitor))
    except CarryoverError as refusal:
        return _to(checkout_id, refusal.code)
    return _to(checkout_id, _code_of(answer))


def _code_of(answer: Response) -> str:
    """Return the code of a refusal that was given as an answer; "" for one that is none."""
    if answer.status_code < 400:  # noqa: PLR2004 - not a refusal
        return ""
    return str(json.loads(bytes(answer.body)).get("code", ""))
