"""The mirror's page: a tablet's kiosk with other taps, and the pictures of the turn.

Pictures are served to whoever stands here now, and to nobody after: 410 once they are wiped,
or while what is hers is hidden. They are answered from memory and stored nowhere.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from cart.kernel.gtin import Gtin
from gateway.wire.events import PutDownReason, Reader
from store_devices.mirror.agent import MirrorAgent
from store_devices.mirror.beside import SIDES, Side
from store_devices.mirror.glass import GlassDrawer
from store_devices.mirror.seen import Mode
from store_devices.scanner import clean
from store_devices.tablet.kiosk import Kiosk, Tap
from store_devices.tablet.model import Locale
from store_devices.tablet.pictures import Pictures

HERE: Final = Path(__file__).parent
GONE: Final = 410
TYPES: Final = {
    "video": "video/webm",
    "sheet": "image/jpeg",
    **{str(side): "image/jpeg" for side in SIDES},
}

_LOCALE: Final = TypeAdapter(Locale)
_SIDE: Final[TypeAdapter[Side]] = TypeAdapter(Side)
_MODE: Final[TypeAdapter[Mode]] = TypeAdapter(Mode)


def kiosk(
    agent: MirrorAgent, drawer: GlassDrawer, pictures: Pictures, *, framed_by: str = ""
) -> Kiosk:
    """Return the mirror's page."""
    return Kiosk(
        agent,
        drawer,
        pictures,
        framed_by=framed_by,
        taps=taps(agent),
        templates=[HERE / "templates"],
        more=[
            Route("/turns/{turn}/in/{gtin}", _tinted(agent)),
            Route("/live", _live(agent)),
            Route("/turns/{turn}/{part}", _picture(agent)),
            Mount("/glass", StaticFiles(directory=HERE / "static")),
        ],
    )


def taps(agent: MirrorAgent) -> dict[str, Tap]:
    """Return what can be touched on the glass, by the last part of its path."""
    return {
        "begin": lambda _: agent.take_up(),
        "touch": lambda _: agent.touch(),
        "here": lambda _: _here(agent),
        "scan": lambda form: agent.code_read(clean(form.get("code", "")), Reader.HID),
        "look": lambda form: agent.look_at(Gtin(form.get("gtin", ""))),
        "back": lambda form: agent.put_back(Gtin(form.get("gtin", ""))),
        "ask": lambda form: agent.ask_for(Gtin(form.get("gtin", ""))),
        "drop": lambda form: agent.drop_wish(form.get("request", "")),
        "sheet": lambda form: agent.open_sheet("take" if form.get("sheet") == "take" else ""),
        "language": lambda form: agent.choose_language(
            _LOCALE.validate_python(form.get("locale", ""))
        ),
        "record": lambda _: agent.record(),
        "discard": lambda _: agent.discard(),
        "keep": lambda _: agent.keep(),
        "show": lambda form: agent.show(_MODE.validate_python(form.get("mode", ""))),
        "step": lambda form: agent.step(_side(form.get("side", ""))),
        "tint": lambda form: agent.tint(Gtin(form["gtin"]) if form.get("gtin") else None),
        "done": lambda _: agent.finish(PutDownReason.DONE),
    }


def _here(agent: MirrorAgent) -> None:
    if agent.touch():  # her things have been hidden for a while: this is somebody else
        agent.finish(PutDownReason.DONE)


def _side(text: str) -> Side | None:
    return None if text == "play" else _SIDE.validate_python(int(text))


def _live(agent: MirrorAgent) -> Callable[[Request], Response]:
    def answer(_request: Request) -> Response:
        return _answered(agent.studio.live() if agent.open else None, "image/jpeg")

    return answer


def _picture(agent: MirrorAgent) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        turn, part = request.path_params["turn"], request.path_params["part"]
        data = agent.studio.picture(turn, part) if agent.open and part in TYPES else None
        return _answered(data, TYPES.get(part, ""))

    return answer


def _tinted(agent: MirrorAgent) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        turn, gtin = request.path_params["turn"], request.path_params["gtin"]
        data = agent.tinting.picture(turn, gtin, agent.brought) if agent.open else None
        return _answered(data, "image/jpeg")

    return answer


def _answered(data: bytes | None, media_type: str) -> Response:
    if data is None:
        return Response(status_code=GONE)
    return Response(data, media_type=media_type)
