"""The demo's front page: tablet and phone side by side, and the mails that were sent."""

import json
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from cart.kernel.errors import NotFound
from mobile_api.edge.access import Role, allow
from mobile_api.edge.guard import POLICY
from mobile_api.look.templates import page
from mobile_api.mail.sink import Mailbox
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/demo", dependencies=[allow(Role.DEMO)], include_in_schema=False)
Name = Annotated[str, Path(max_length=64)]
TABLETS_SHOWN_MAX: Final = 3
# A mail may style itself inline and show the pictures it carries; nothing else, no script.
LETTER_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
)


@dataclass(frozen=True, slots=True)
class RunningTablet:
    """A kiosk page of this machine."""

    name: str
    url: str


def tablets(wired: Parts) -> list[RunningTablet]:
    """Return the kiosk pages that processes on this machine have announced."""
    found = []
    for path in sorted((wired.settings.data_dir / "run").glob("tablet*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        url = str(facts.get("url", ""))
        if url.startswith(("http://127.0.0.1:", "http://localhost:")):
            found.append(RunningTablet(path.stem, url))
    return found[:TABLETS_SHOWN_MAX]


@router.get("")
def front_page(request: Request, wired: Wired) -> HTMLResponse:
    """Show the shop at work."""
    running = tablets(wired)
    policy = f"{POLICY}; frame-src 'self' http://127.0.0.1:* http://localhost:*"
    headers = {"Content-Security-Policy": policy}
    return page(request, "demo.html", {"tablets": running}, headers=headers)


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
