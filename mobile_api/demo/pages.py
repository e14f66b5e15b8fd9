"""The demo's front page: tablet and phone side by side, and the mails that were sent."""

import json
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from cart.db import unit_of_work
from cart.kernel.errors import NotFound
from cart.kernel.ids import secret_hash
from gateway.binding.queries import of_claim
from mobile_api.demo.stage import OnShow, on_show
from mobile_api.edge.access import Role, allow
from mobile_api.edge.guard import POLICY
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.sessions import CurrentVisitor, cookie_name
from mobile_api.look.templates import page
from mobile_api.mail.sink import Mailbox
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/demo", dependencies=[allow(Role.DEMO)], include_in_schema=False)
Name = Annotated[str, Path(max_length=64)]
TABLETS_SHOWN_MAX: Final = 3
HTTP_PORT: Final = 80
# A mail may style itself inline and show the pictures it carries; nothing else, no script.
LETTER_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
)


class Now(BaseModel):
    """What the page asks for again and again: a new ``visit`` is one for the phone to take."""

    visit: str


def announced_tablets(wired: Parts) -> list[tuple[str, str]]:
    """Return name and address of kiosk pages that processes on this machine have announced."""
    found = []
    for path in sorted((wired.settings.data_dir / "run").glob("tablet*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        url = str(facts.get("url", ""))
        if url.startswith(("http://127.0.0.1:", "http://localhost:")):
            found.append((path.stem, url))
    return found[:TABLETS_SHOWN_MAX]


@router.get("")
def front_page(request: Request, wired: Wired) -> HTMLResponse:
    """Show the shop at work."""
    show = on_show(wired.settings)
    if show is not None:
        tablets = [(show.tablet, show.url), *show.others]
    else:
        tablets = announced_tablets(wired)
    policy = f"{POLICY}; frame-src 'self' http://127.0.0.1:* http://localhost:*"
    headers = {"Content-Security-Policy": policy, **NO_STORE}
    context = {
        "tablets": tablets,
        "visit": show.visit if show else "",
        "playing": show is not None,
        "show": show,
        # By this machine's other name: cookies of its own, or the next shopper on show would
        # take the phone away from who stands before the mirror.
        "mirror_phone": f"http://localhost:{request.url.port or HTTP_PORT}/demo/mirror",
        "page_id": "demo",
    }
    return page(request, "demo.html", context, headers=headers)


@router.get("/now")
def now(wired: Wired, response: Response) -> Now:
    """Say which visit is on show."""
    response.headers.update(NO_STORE)
    show = on_show(wired.settings)
    return Now(visit=show.visit if show else "")


@router.get("/phone")
def phone(wired: Wired, visitor: CurrentVisitor) -> RedirectResponse:
    """Be the phone of whoever holds the tablet on show: a fresh one for each visit."""
    show = on_show(wired.settings)
    if show is None or not show.secret or _has_it(wired, visitor, show):
        return RedirectResponse("/", 303, NO_STORE)
    answer = RedirectResponse(f"/c/{show.secret}", 303, NO_STORE)
    secure = wired.settings.secure
    answer.delete_cookie(cookie_name(secure=secure), secure=secure, httponly=True, samesite="lax")
    return answer


@router.get("/mirror")
def mirror(wired: Wired) -> RedirectResponse:
    """Be the phone of whoever stands before the mirror: take her visit, or see what she kept."""
    show = on_show(wired.settings)
    secret = show.mirror_secret if show is not None else ""
    return RedirectResponse(f"/c/{secret}" if secret else "/looks", 303, NO_STORE)


def _has_it(wired: Parts, visitor: CurrentVisitor, show: OnShow) -> bool:
    """Say whether this very phone has taken the visit's list already: another frame did it."""
    with unit_of_work(wired.engine) as db:  # of_claim locks the row on PostgreSQL
        shopper = visitor.find(db, wired.clock)
        binding = of_claim(db, secret_hash(show.secret))
        return shopper is not None and binding is not None and binding.session_id == shopper.id


def _mailbox(wired: Parts) -> Mailbox:
    if wired.sink is None:
        msg = "there is no mailbox here"
        raise NotFound(msg)
    return wired.sink.mailbox


@router.get("/mail")
def mailbox(request: Request, wired: Wired) -> HTMLResponse:
    """List the mails."""
    return page(request, "demo_mail.html", {"letters": _mailbox(wired).letters()})


@router.get("/mail/{name}")
def letter(request: Request, name: Name, wired: Wired) -> HTMLResponse:
    """Show one mail."""
    policy = f"{POLICY}; frame-src 'self'"
    context = {"letter": _mailbox(wired).read(name)}
    headers = {"Content-Security-Policy": policy}
    return page(request, "demo_letter.html", context, headers=headers)


@router.get("/mail/{name}/html")
def letter_html(name: Name, wired: Wired) -> HTMLResponse:
    """Give the HTML part as it is, in a cage."""
    headers = {"Content-Security-Policy": LETTER_POLICY}
    return HTMLResponse(_mailbox(wired).read(name).html, headers=headers)
