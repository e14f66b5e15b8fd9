"""Asking for letters, and the page that confirms it: plain forms, nothing changes by looking.

Every address gets the same answer and the same mail. A link scanner that opens the mail's link
sees the page; only the press on its button confirms.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from cart.db import reading, unit_of_work
from cart.kernel.email import EMAIL_LENGTH_MAX
from cart.kernel.errors import (
    CarryoverError,
    ConsentChanged,
    InvalidEmail,
    InvalidInput,
    NotFound,
    TooManyAttempts,
)
from cart.kernel.i18n import of_language
from cart.profile.consent import queries as consents
from cart.profile.consent.model import Subject
from cart.profile.model import network_of
from cart.profile.queries import customer_of
from cart.profile.subscriptions import queries, service
from cart.profile.subscriptions.model import TOPIC_ID_LENGTH_MAX, State
from cart.profile.subscriptions.service import PURPOSE
from gateway.fanout import CodeAsked
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, choices_link, letter_of_link
from mobile_api.edge.problems import N_, TITLES, retry_headers, status_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.privacy.schemas import NUMBER_MAX
from mobile_api.privacy.wordings import WORDINGS, scope_of, shown_by_hash, shown_in
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
Link = Annotated[str, Path(max_length=LINK_LENGTH_MAX)]
PRIVATE: Final = {**NO_STORE, "X-Robots-Tag": "noindex"}
MINUTE_S: Final = 60
NONE_CHOSEN: Final = N_("Choose at least one of these.")


@router.get("/letters")
def letters_page(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Show what we write about; who is signed in goes on to her own choices."""
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
    if shopper is not None and shopper.customer_id is not None:
        return RedirectResponse("/letters/by/me", 303, NO_STORE)
    return _ask_page(request, wired)


@router.post("/letters")
def ask(
    request: Request,
    wired: Wired,
    email: Annotated[str, Form(max_length=EMAIL_LENGTH_MAX)] = "",
    topic: Annotated[list[str] | None, Form(max_length=50)] = None,
) -> Response:
    """Have the mail sent that asks back. What is answered does not depend on the address."""
    chosen = [one[:TOPIC_ID_LENGTH_MAX] for one in topic or []]
    network = network_of(request.client.host if request.client else "")
    try:
        with unit_of_work(wired.engine) as db:
            asked = service.ask(
                db,
                wired.clock,
                wired.ids,
                wired.secret,
                email=email,
                topic_ids=chosen,
                network=network,
                locale=locale_of(request),
            )
            if isinstance(asked, str):
                wired.tell(db, CodeAsked(asked))
    except (InvalidEmail, InvalidInput, NotFound) as refused:
        return _ask_page(request, wired, email, chosen, refused)
    if isinstance(asked, TooManyAttempts):
        return _ask_page(request, wired, email, chosen, asked)
    return RedirectResponse("/letters/asked", 303, NO_STORE)


@router.get("/letters/asked")
def asked_page(request: Request) -> Response:
    """Say that a mail is on its way."""
    return page(request, "letters_asked.html", {"page_id": "letters"}, headers=PRIVATE)


@router.get("/letters/confirm/{link}")
def confirm_page(
    request: Request, link: Link, wired: Wired, *, fault: str = "", done: bool = False
) -> Response:
    """Show what would be confirmed, in the words that the ledger keeps; change nothing."""
    letter_id, spoken = letter_of_link(wired.secret, link), words(locale_of(request))
    with reading(wired.engine) as db:
        letter = service.asking(db, wired.clock, letter_id)
        customer_id = customer_of(db, letter.address) or ""
        subject = Subject(customer_id=customer_id)
        seen = consents.own_numbers(db, subject).get(PURPOSE, 0) if customer_id else 0
        found = queries.asked_by(db, letter_id)
        subject_id = consents.subject_id_of(db, subject) if customer_id else None
    wording, shown = WORDINGS[PURPOSE], shown_in(spoken, PURPOSE, None)
    choices = f"/letters/by/{choices_link(wired.secret, subject_id)}" if subject_id else ""
    context = {
        "link": link,
        "topics": [of_language(one.name_i18n, one.name, spoken.locale) for _, one in found],
        "open": any(one.state == State.PENDING for one, _ in found),
        "title": spoken.gettext(wording.title),
        "parts": [spoken.gettext(one) for one in (wording.meaning, wording.who, wording.end)],
        "scope": spoken.gettext(scope_of(PURPOSE, None)),
        "wording": shown.hash_for(PURPOSE),
        "seen": seen,
        "choices": choices if done else "",
        "fault": spoken.gettext(TITLES[fault]) if fault in TITLES else "",
        "page_id": "letters",
    }
    return page(request, "letters_confirm.html", context, headers=PRIVATE)


@router.post("/letters/confirm/{link}")
def confirm(
    link: Link,
    wired: Wired,
    wording: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")],
    seen: Annotated[int, Form(ge=0, le=NUMBER_MAX)],
) -> Response:
    """Confirm: the address is hers, and she allows what the page said."""
    letter_id = letter_of_link(wired.secret, link)
    here = f"/letters/confirm/{link}"
    shown = shown_by_hash(PURPOSE, None, wording)
    if shown is None:
        return RedirectResponse(f"{here}?fault={ConsentChanged.code}", 303, NO_STORE)
    try:
        with unit_of_work(wired.engine) as db:
            service.confirm(db, wired.clock, wired.ids, letter_id, shown=shown, seen=seen)
    except ConsentChanged as refused:
        return RedirectResponse(f"{here}?fault={refused.code}", 303, NO_STORE)
    return RedirectResponse(f"{here}?done=true", 303, NO_STORE)


def _ask_page(
    request: Request,
    wired: Wired,
    email: str = "",
    chosen: list[str] | None = None,
    refused: CarryoverError | None = None,
) -> Response:
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        topics = [
            (
                one.id,
                of_language(one.name_i18n, one.name, spoken.locale),
                of_language(one.about_i18n, one.about, spoken.locale),
            )
            for one in queries.topics(db)
        ]
    fault = ""
    if isinstance(refused, TooManyAttempts):
        minutes = -(-int(refused.data["retry_after_s"]) // MINUTE_S)
        fault = spoken.ngettext(
            "That was tried often enough. Please try again in %(num)s minute.",
            "That was tried often enough. Please try again in %(num)s minutes.",
            minutes,
        )
    elif refused is not None:
        none_chosen = type(refused) is InvalidInput
        fault = spoken.gettext(NONE_CHOSEN if none_chosen else TITLES[refused.code])
    context = {
        "topics": topics,
        "chosen": chosen or [],
        "email": email,
        "fault": fault,
        "page_id": "letters",
    }
    status = 200 if refused is None else status_of(refused)
    more = retry_headers(refused) if refused is not None else {}
    return page(request, "letters.html", context, status=status, headers=PRIVATE | more)
