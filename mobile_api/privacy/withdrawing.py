"""Withdrawing by a link from a mail: nobody has to sign in, and looking changes nothing.

As RFC 8058 has it: the mail program posts to the same address that the mail's link shows.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.errors import UnknownWithdrawal
from cart.profile.consent import gate, queries
from cart.profile.consent import service as consents
from cart.profile.consent.model import FOR_CUSTOMERS, Purpose, Subject
from cart.profile.subscriptions.service import PURPOSE, leave_all
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, choices_link, withdrawal_link, withdrawal_of_link
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.privacy.wordings import WORDINGS
from mobile_api.settings import ApiSettings
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
# When we last changed what we do about the signal: https://www.w3.org/TR/gpc/, 4.
SIGNAL_SINCE: Final = "2026-11-29"
Link = Annotated[str, Path(max_length=LINK_LENGTH_MAX)]


def withdrawal_headers(
    db: Session, settings: ApiSettings, subject: Subject, purpose: Purpose
) -> Mapping[str, str]:
    """Return the headers of a mail that is sent under ``purpose`` (RFC 2369, RFC 8058).

    The link among them belongs into the mail's text too. A mail cannot have them without
    consent, so asking for them in the transaction that sends is asking the gate.

    Raises:
        ConsentMissing: this mail may not be sent.
    """
    gate.need(db, subject, purpose, signal=False)
    subject_id = queries.subject_id_of(db, subject) or ""
    link = f"{settings.base_url}/withdraw/{withdrawal_link(settings.key(), subject_id, purpose)}"
    return {
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@router.get("/withdraw/{link}")
def withdrawal_page(request: Request, link: Link, wired: Wired) -> Response:
    """Say what the link would withdraw; mail programs open links to look at them."""
    subject_id, purpose = withdrawal_of_link(wired.secret, link)
    with reading(wired.engine) as db:
        if not queries.is_subject(db, subject_id):
            msg = "this link withdraws nothing"
            raise UnknownWithdrawal(msg)
        own = queries.own_newest(db, subject_id, purpose)
    return _page(request, wired, link, done=own is not None and not own.granted)


@router.post("/withdraw/{link}")
def withdraw(request: Request, link: Link, wired: Wired) -> Response:
    """Withdraw; once more is the same. Answers at once, without another page: RFC 8058, 3.1."""
    subject_id, purpose = withdrawal_of_link(wired.secret, link)
    with unit_of_work(wired.engine) as db:
        consents.withdraw_by_link(db, wired.clock, subject_id, purpose)
        if purpose is PURPOSE and (customer_id := queries.customer_of_subject(db, subject_id)):
            leave_all(db, wired.clock, customer_id)
    return _page(request, wired, link, done=True)


@router.get("/.well-known/gpc.json")
def signal_is_heeded() -> Response:
    """Say that Global Privacy Control is heeded here."""
    return JSONResponse({"gpc": True, "lastUpdate": SIGNAL_SINCE})


def _page(request: Request, wired: Parts, link: str, *, done: bool) -> Response:
    subject_id, purpose = withdrawal_of_link(wired.secret, link)
    title = words(locale_of(request)).gettext(WORDINGS[purpose].title)
    choices = choices_link(wired.secret, subject_id) if purpose in FOR_CUSTOMERS else ""
    context = {"link": link, "what": title, "done": done, "choices": choices}
    return page(request, "withdraw.html", {**context, "page_id": "withdraw"}, headers=PRIVATE)
