"""RFC 9457 problem details for every refusal; a page for people who came with a browser.

Owns the map from the error tree to HTTP. Its titles are for the reader and in
her language; ``detail`` is the English sentence for whoever reads the log.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from cart.kernel import errors
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page
from mobile_api.look.words import words

logger = logging.getLogger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
FIELDS_MAX = 10  # of a body at fault; more is noise
RETRY_AFTER_S = 2  # a transaction in flight takes milliseconds; a broker that restarts, seconds

# The most specific class in an error's ancestry wins.
STATUS: Final[Mapping[type[errors.CarryoverError], int]] = {
    errors.InvalidInput: 422,
    errors.IdempotencyKeyMissing: 400,
    errors.NotFound: 404,
    errors.Refused: 403,
    errors.NoSession: 401,
    errors.NotSignedIn: 401,
    errors.ClaimUsed: 409,
    errors.ClaimExpired: 410,
    errors.Conflict: 409,
    errors.LimitExceeded: 409,
    errors.TooManyMails: 429,
    errors.TooManyAttempts: 429,
    errors.PayloadTooLarge: 413,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
}
RETRIED: Final = (errors.InFlight, errors.Unavailable)


def N_(text: str) -> str:  # noqa: N802 - gettext's name for "translate later"
    """Mark a text for translation; it is looked up when it is shown."""
    return text


TITLES: Final[Mapping[str, str]] = {
    "invalid_input": N_("Something in this request is not right."),
    "invalid_gtin": N_("This is not a code that we know how to read."),
    "invalid_payload": N_("Something in this request is not right."),
    "invalid_email": N_("This does not look like an e-mail address."),
    "unreadable_photo": N_("There is no barcode to read in this photo."),
    "idempotency_key_missing": N_("This request needs an Idempotency-Key."),
    "idempotency_key_reused": N_("This Idempotency-Key was used for something else."),
    "not_found": N_("There is nothing here."),
    "unknown_gtin": N_("We do not sell anything with this code."),
    "unknown_sku": N_("We do not sell anything with this number."),
    "unknown_location": N_("We have no such shop."),
    "unknown_product": N_("We do not have this product any more."),
    "unknown_cart": N_("This cart is gone."),
    "unknown_list": N_("This list is gone, or its link is not complete."),
    "unknown_claim": N_("This link does not lead to a list."),
    "unknown_checkout": N_("This checkout is gone."),
    "unknown_order": N_("This order is not on this phone."),
    "unknown_voucher": N_("We know no gift card or voucher with this code."),
    "checkout_changed": N_("Something has changed. Please look again before you pay."),
    "checkout_closed": N_("This checkout is being paid, or is over."),
    "offer_closed": N_("This was answered already, or the time for it is over."),
    "voucher_refused": N_("This gift card or voucher is used up or too old."),
    "refused": N_("This is not allowed."),
    "address_refused": N_("We send nothing to this address."),
    "sign_in_needed": N_("Please sign in first."),
    "sign_in_code_refused": N_(
        "This code is wrong, was used already, or is too old. Ask for a new one."
    ),
    "passkey_refused": N_("This passkey did not work here. A code by e-mail always does."),
    "fresh_sign_in_needed": N_("Please sign in once more first: it is a while ago."),
    "too_many_passkeys": N_("You have as many passkeys as we can keep. Remove one first."),
    "too_many_attempts": N_("That was tried often enough. Please wait before you try again."),
    "unknown_joining": N_("There is nothing to undo."),
    "erasure_waits": N_("Something of yours is still under way."),
    "undo_closed": N_("This cannot be undone any more."),
    "consent_missing": N_("This needs your consent first."),
    "unknown_segment": N_("There is no such segment."),
    "segment_ended": N_("This segment is over. Make another."),
    "segment_in_use": N_("A journey that is on asks for this segment."),
    "journey_saved": N_("Somebody saved another version meanwhile."),
    "journey_name_taken": N_("Another journey has this name."),
    "consent_changed": N_("This has changed meanwhile. Please look again, then decide."),
    "browser_refuses": N_("Your browser asks us not to. Change that in the browser first."),
    "unknown_withdrawal": N_("This link is not complete. Please copy all of it from the e-mail."),
    "no_session": N_("There is no cart on this phone yet."),
    "origin_refused": N_("This request came from another website."),
    "signature_refused": N_("This message is not signed as agreed."),
    "claim_used": N_("Another phone has taken this list along."),
    "claim_expired": N_("This link has expired."),
    "conflict": N_("That does not fit the present state."),
    "in_flight": N_("The same request is being worked on."),
    "insufficient_stock": N_("There are not that many left."),
    "visit_ended": N_("This visit is over."),
    "unknown_task": N_("This is not in the queue any more."),
    "unknown_staff": N_("Nobody here has this number."),
    "not_signed_in": N_("Please sign in first."),
    "session_locked": N_("Locked. Enter your PIN to go on."),
    "sign_in_refused": N_(
        "Number or PIN is wrong. After five wrong tries the number rests for a quarter of an hour."
    ),
    "second_factor_refused": N_(
        "This code is wrong, was used already, or is too old. After five wrong tries the number"
        " rests for a quarter of an hour."
    ),
    "provider_refused": N_("Your company's sign-in gives you no access here."),
    "provider_unavailable": N_("Your company's sign-in does not answer right now."),
    "role_needed": N_("Your role does not do this."),
    "last_operator": N_("Nobody else is an operator. Make somebody one first."),
    "lead_needed": N_("Only a lead may do this."),
    "operator_needed": N_("Only an operator may see this."),
    "code_refused": N_("This is not the code of this order."),
    "unknown_band": N_("There is no wristband with this number, or you have none."),
    "band_not_here": N_("This wristband is not in the drawer."),
    "band_held": N_("This shopper has a wristband already. Take that one back first."),
    "desk_reader_away": N_("The reader at this desk is not connected. Nothing was set up."),
    "desk_code_refused": N_(
        "This code is wrong or too old. A fresh one is on the shopper's phone."
    ),
    "pin_too_easy": N_("Choose four to eight digits that nobody tries first."),
    "purse_pin_refused": N_("This PIN is wrong."),
    "purse_locked": N_(
        "Too many wrong PINs. The shopper can unlock the wristband on her account page."
    ),
    "purse_off": N_("This shopper does not pay with a wristband."),
    "purse_limit": N_("That is more than the shopper's own limit."),
    "purse_short": N_("There is not enough money on the wristband."),
    "band_away": N_("Please hold the wristband to the desk once more."),
    "several_bands": N_("Several wristbands are near. Hold up one only, or press its button."),
    "task_taken": N_("A colleague has taken this already."),
    "wrong_item": N_("Wrong item. Put it back."),
    "too_many_pieces": N_("That is more than was ordered."),
    "already_handed_over": N_("This was handed over before. The code is good no longer."),
    "no_address": N_("This order has no e-mail address: there is nowhere to send it."),
    "not_ready": N_("This is not on a shelf yet, or is closed."),
    "limit_exceeded": N_("That is more than we can take."),
    "payload_too_large": N_("This is too large."),
    "unknown_serving_place": N_("Nobody is served there."),
    "unknown_size_request": N_("Nobody in a fitting room asks for this."),
    "size_request_taken": N_("A colleague looks for it."),
    "size_request_over": N_("It was answered or called off."),
    "too_many_size_requests": N_("So much is on its way to you already."),
    "too_much_tried": N_("So many things cannot be in one fitting room."),
    "unknown_turn": N_("There is no such place in the queue."),
    "turn_over": N_("This turn is over, or was not called yet."),
    "unknown_plan": N_("You have no plan for a visit, or this is not in it."),
    "unknown_booking": N_("There is no such booking."),
    "time_not_offered": N_(
        "The shop is closed then, or it is too late for that. Choose another time."
    ),
    "booking_full": N_("Somebody was faster: nothing is free then. Choose another time."),
    "already_booked": N_("You have booked that already. Change or cancel what you have."),
    "booking_clash": N_("You have booked something else for that time."),
    "booking_over": N_("That is over, and cannot be changed any more."),
    "plan_not_today": N_("Your visit is planned for another day."),
    "seal_broken": N_("This cannot be opened: it is not as it was sealed."),
    "unknown_look": N_("This look is gone, or it is not yours."),
    "unknown_looks_phone": N_("No phone asks for this any more."),
    "unknown_share": N_("This link leads nowhere any more. Ask for a new one."),
    "unknown_upload": N_("There is no such upload."),
    "object_gone": N_("This is gone."),
    "storage_full": N_("There is no room for this right now. Please try again later."),
    "grant_refused": N_("This grant is used or too old."),
    "looks_closed": N_("This phone cannot open these looks yet."),
    "looks_pin_needed": N_("Enter the PIN of your looks first."),
    "wrong_looks_pin": N_("This is not the PIN of your looks."),
    "no_looks_key": N_("No phone has said yes to looks on this visit."),
    "upload_out_of_step": N_("The upload stands elsewhere."),
    "upload_broken": N_("What was uploaded is not what was announced."),
    "too_many_looks": N_("There are as many as there may be. Delete some first."),
    "queue_full": N_("Too many wait there already. Please ask the staff."),
    "too_many_lines": N_("The list is full."),
    "too_many_mails": N_("That was mailed often enough. Please try again in an hour."),
    "unavailable": N_("We cannot do this right now. Please try again."),
    "payment_unavailable": N_("The payment could not be started. Nothing was charged or held."),
    "method_not_allowed": N_("This address does not do that."),
    "error": N_("Something went wrong on our side. Please try again."),
}


# Staff read other words where a shopper's own things are meant.
STAFF_TITLES: Final[Mapping[str, str]] = {"unknown_order": N_("We have no such order here.")}


def status_of(error: errors.CarryoverError) -> int:
    """Return the HTTP status of an error of the tree."""
    return next((STATUS[one] for one in type(error).__mro__ if one in STATUS), 500)


def problem(
    request: Request, status: int, code: str, detail: str, data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a problem document; ``data`` are its extension members."""
    _ = words(locale_of(request)).gettext
    told = STAFF_TITLES if _of_staff(request) else {}
    title = told.get(code) or TITLES.get(code, TITLES["error"])
    return {
        "type": f"urn:carryover:problem:{code}",
        "title": _(title),
        "status": status,
        "detail": detail,
        "code": code,
        **({"data": dict(data)} if data else {}),
    }


def answer(
    request: Request, document: dict[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Return the document as JSON, or as a page to a browser that asked for one."""
    status = document["status"]
    if _wants_page(request):
        name = "staff_problem.html" if _of_staff(request) else "problem.html"
        return page(request, name, {"problem": document}, status=status, headers=headers)
    return JSONResponse(document, status, dict(headers or {}), media_type=MEDIA_TYPE)


def _of_staff(request: Request) -> bool:
    return request.url.path.removeprefix("/api/v1").startswith(("/staff", "/operator"))


def _wants_page(request: Request) -> bool:
    wants = "text/html" in request.headers.get("accept", "")
    return wants and not request.url.path.startswith("/api/")


def of_error(request: Request, error: errors.CarryoverError) -> dict[str, Any]:
    """Return the problem document of an error of the tree."""
    return problem(request, status_of(error), error.code, error.message, error.data)


def as_json(document: Mapping[str, Any]) -> str:
    """Return the document as it is kept for a replay."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def retry_headers(error: errors.CarryoverError) -> dict[str, str]:
    """Return Retry-After where trying again helps."""
    if isinstance(error, errors.TooManyAttempts):
        return {"Retry-After": str(error.data["retry_after_s"])}
    return {"Retry-After": str(RETRY_AFTER_S)} if isinstance(error, RETRIED) else {}


async def _carryover(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.CarryoverError)  # noqa: S101 - registered for this class
    if isinstance(error, errors.NotSignedIn) and _wants_page(request):
        way_back = quote(request.url.path, safe="/")
        return RedirectResponse(f"/staff?back={way_back}", 303, {"Cache-Control": "no-store"})
    return answer(request, of_error(request, error), retry_headers(error))


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    details = error.errors()
    faults = [
        {"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
        for one in details[:FIELDS_MAX]
    ]
    # One wrong code deserves the words for it, not "a field is not right".
    code = "invalid_gtin" if {one["type"] for one in details} == {"invalid_gtin"} else ""
    first = f"{faults[0]['field']}: {faults[0]['message']}" if faults else "the request is invalid"
    document = problem(request, 422, code or "invalid_payload", first, {"fields": faults})
    return answer(request, document)


METHOD_NOT_ALLOWED: Final = 405
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    code = _CODES.get(error.status_code, "invalid_input" if error.status_code < 500 else "error")  # noqa: PLR2004
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_of(request))
    return answer(request, problem(request, error.status_code, code, str(error.detail)), headers)


def _methods_of(request: Request) -> list[str]:
    """Return what may be asked of this path: the framework names one route's methods only."""
    path = request.url.path
    routes = iter_route_contexts(request.app.routes)
    fitting = (one for one in routes if compile_path(one.path or "/")[0].match(path))
    return sorted({method for one in fitting for method in one.methods or ()})


def path_of(request: Request) -> str:
    """Return the route's path with its names, `/c/{secret}`: what stands there may be a key."""
    route = request.scope.get("route")
    return str(getattr(route, "path_format", None) or "an unknown path")


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("unexpected error on %s %s", request.method, path_of(request), exc_info=error)
    return answer(request, problem(request, 500, "error", "an unexpected error; it was logged"))


async def _busy(request: Request, error: Exception) -> Response:
    """The database is away, or gave way to another transaction: trying again helps."""
    logger.warning("%s %s has to be repeated: %s", request.method, path_of(request), error)
    again = errors.Unavailable("the database did not answer; please repeat the request")
    return await _carryover(request, again)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(errors.CarryoverError, _carryover)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for busy in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(busy, _busy)
    app.add_exception_handler(Exception, _unexpected)
