"""The kiosk page: draws the screen, takes touches, rings when something changed.

Owns the HTTP routes on loopback. The event stream carries version numbers and
nothing else; what is on the screen is fetched, and is never stored on the way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cart.kernel.errors import InvalidEmail, InvalidGtin
from cart.kernel.gtin import Gtin
from cart.kernel.i18n import LOCALES, language_name
from gateway.wire.events import PutDownReason, Reader
from store_devices.scanner import clean
from store_devices.tablet.agent import Agent
from store_devices.tablet.email import checked_email
from store_devices.tablet.guard import Guard
from store_devices.tablet.model import Locale, Sheet
from store_devices.tablet.pictures import Pictures
from store_devices.tablet.screen import Drawer

HERE: Final = Path(__file__).parent
STREAMS_MAX: Final = 8  # one screen has one; a few tabs of whoever sets the tablet up
HEARTBEAT_S: Final = 15.0  # a dead connection is noticed within this
FORM_MAX_BYTES: Final = 8_192
FIELDS_MAX: Final = 8
QR_BORDER_MODULES: Final = 2  # paper around it is white as well; four would waste the corner

_READERS: Final = {"hid": Reader.HID, "keyboard": Reader.KEYBOARD}
_LOCALE: Final = TypeAdapter(Locale)
_SHEET: Final = TypeAdapter(Sheet)

Form = dict[str, str]
Touch = Callable[[Agent, Form], object]
Tap = Callable[[Form], object]


def qr(link: str) -> Markup:
    """Return a QR code as inline SVG, error correction M: read at a slant, from a glossy screen."""
    out = BytesIO()
    segno.make(link, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        border=QR_BORDER_MODULES,
        svgclass="qr",
        lineclass=None,
        dark="#1d1a16",
        light="#ffffff",
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - segno draws it from a link of ours


def environment(*first: Path) -> Environment:
    """Return the templates, those in ``first`` before the tablet's; an unknown name is an error."""
    found = Environment(
        loader=FileSystemLoader([*first, HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(qr=qr, languages=[(code, language_name(code)) for code in LOCALES])
    return found


class Kiosk:
    """The routes over one agent. ``app`` is the ASGI application.

    Another device's page hands in its own ``taps`` (by the last part of their path),
    ``templates`` and ``more`` routes.
    """

    def __init__(
        self,
        agent: Agent,
        drawer: Drawer,
        pictures: Pictures,
        *,
        framed_by: str = "",
        taps: Mapping[str, Tap] | None = None,
        templates: Sequence[Path] = (),
        more: Sequence[BaseRoute] = (),
    ) -> None:
        self._agent = agent
        self._drawer = drawer
        self._pictures = pictures
        self._templates = environment(*templates)
        self._streams = 0
        self._closing = asyncio.Event()
        taken = taps or {name: partial(touch, agent) for name, touch in TOUCHES.items()}
        touches = [
            Route(f"/do/{name}", self._taking(tap), methods=["POST"]) for name, tap in taken.items()
        ]
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/screen", self._screen),
                Route("/events", self._events),
                Route("/pictures/{name}", self._picture),
                *touches,
                *more,
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ],
            middleware=[Middleware(Guard, framed_by=framed_by)],
        )

    def close(self) -> None:
        """End the open streams; in the event loop's thread."""
        self._closing.set()
        self._agent.ring()

    def _draw(self, template: str) -> str:
        screen = self._drawer.screen(self._agent.snapshot())
        return self._templates.get_template(template).render(
            s=screen, w=screen.w, _=screen.w.gettext, ngettext=screen.w.ngettext
        )

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(self._draw, "page.html"))

    async def _screen(self, _request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(self._draw, "screen.html"))

    async def _picture(self, request: Request) -> Response:
        path = await run_in_threadpool(self._pictures.path, request.path_params["name"])
        if path is None:
            return Response(status_code=404)
        # A picture's name is its content: it says nothing of who looked at it, when or how often.
        return FileResponse(path, headers={"Cache-Control": "max-age=86400, immutable"})

    async def _events(self, _request: Request) -> Response:
        if self._streams >= STREAMS_MAX:
            return Response("too many screens\n", 503, headers={"Retry-After": "5"})
        return StreamingResponse(self._rings(), media_type="text/event-stream")

    async def _rings(self) -> AsyncIterator[str]:
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def ring() -> None:
            with suppress(RuntimeError):  # the loop has just ended, and this screen with it
                loop.call_soon_threadsafe(changed.set)

        unsubscribe = self._agent.subscribe(ring)
        self._streams += 1
        try:
            while not self._closing.is_set():
                yield f"data: {self._agent.snapshot().version}\n\n"
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
                except TimeoutError:
                    continue
                changed.clear()
        finally:
            self._streams -= 1
            unsubscribe()

    def _taking(self, tap: Tap) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            if int(request.headers.get("content-length", FORM_MAX_BYTES + 1)) > FORM_MAX_BYTES:
                return Response(status_code=413)
            try:
                form = _form(await request.body())
                await run_in_threadpool(tap, form)
            except (InvalidGtin, ValueError):  # pydantic's ValidationError is a ValueError
                return Response(status_code=422)
            if "text/html" not in request.headers.get("accept", ""):
                return Response(status_code=204)
            return RedirectResponse("/", 303)  # a page without its script works as well

        return take


def _form(body: bytes) -> Form:
    """Return the fields of a URL-encoded form; a field that comes twice is taken once."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))


def _scan(agent: Agent, form: Form) -> None:
    reader = _READERS.get(form.get("reader", ""), Reader.KEYBOARD)
    agent.code_read(clean(form.get("code", "")), reader)


def _mail(agent: Agent, form: Form) -> None:
    try:
        agent.request_list(checked_email(form.get("email", "")))
    except InvalidEmail:
        agent.note("bad_address")


def _here(agent: Agent) -> None:
    if agent.touch():  # her list has been hidden for a while: this is somebody else
        agent.finish(PutDownReason.DONE)


TOUCHES: Final[dict[str, Touch]] = {
    "begin": lambda agent, _: agent.take_up(),
    "touch": lambda agent, _: agent.touch(),
    "here": lambda agent, _: _here(agent),
    "scan": _scan,
    "look": lambda agent, form: agent.look_at(Gtin(form.get("gtin", ""))),
    "more": lambda agent, form: agent.more(Gtin(form.get("gtin", ""))),
    "fewer": lambda agent, form: agent.fewer(Gtin(form.get("gtin", ""))),
    "remove": lambda agent, form: agent.remove(Gtin(form.get("gtin", ""))),
    "undo": lambda agent, _: agent.undo(),
    "sheet": lambda agent, form: agent.open_sheet(_SHEET.validate_python(form.get("sheet", ""))),
    "language": lambda agent, form: agent.choose_language(
        _LOCALE.validate_python(form.get("locale", ""))
    ),
    "mail": _mail,
    "done": lambda agent, _: agent.finish(PutDownReason.DONE),
}
