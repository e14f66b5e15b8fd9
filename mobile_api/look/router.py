"""What makes pages an app: static files, manifest, service worker, and the choice of language."""

import json
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from cart.kernel.errors import NotFound
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import COOKIE, COOKIE_AGE_S, locale_of
from mobile_api.look.words import words
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
FOR_EVER: Final = "public, max-age=31536000, immutable"
SHELL: Final = (
    "look.css",
    "app.js",
    "scan.js",
    "lens.js",
    "till.css",
    "till.js",
    "icon.svg",
)


@router.get("/static/{name}")
def static(
    request: Request, name: Annotated[str, Path(max_length=64)], wired: Wired, v: str = ""
) -> Response:
    """Give a static file; under its present fingerprint it is kept for ever."""
    asset = wired.assets.get(name)
    if asset is None:
        msg = "there is no such file"
        raise NotFound(msg)
    etag = f'"{asset.fingerprint}"'
    headers = {
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "Cache-Control": FOR_EVER if v == asset.fingerprint else "no-cache",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, headers=headers, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


@router.get("/sw.js")
def service_worker(wired: Wired) -> Response:
    """Give the service worker, with the names of this release's files in front."""
    shell = [wired.assets.url(name) for name in SHELL]
    head = f"const VERSION = {json.dumps(f'shell-{wired.assets.fingerprint}')};\n"
    head += f"const SHELL = {json.dumps(shell)};\n"
    script = wired.assets.get("sw.js")
    body = head.encode() + (script.content if script else b"")
    return Response(body, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get("/manifest.webmanifest")
def manifest(request: Request, wired: Wired) -> Response:
    """Say how the pages are installed on a home screen."""
    spoken = words(locale_of(request))
    icon = wired.assets.url
    body = {
        "name": "Carryover",
        "short_name": "Carryover",
        "description": spoken.gettext("What you scan in the shop is on your phone."),
        "lang": spoken.locale,
        "dir": spoken.direction,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf8f4",
        "theme_color": "#0b5a50",
        "icons": [
            {"src": icon("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
            {"src": icon("icon-192.png"), "sizes": "192x192", "type": "image/png"},
            {
                "src": icon("icon-512.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "any maskable",
            },
        ],
        "shortcuts": [{"name": spoken.gettext("Scan"), "url": "/scan"}],
    }
    headers = {"Cache-Control": "no-cache", "Vary": "Cookie, Accept-Language"}
    return Response(json.dumps(body), media_type="application/manifest+json", headers=headers)


@router.post("/language")
def choose_language(
    wired: Wired,
    language: Annotated[Literal["en", "he", "pl"], Form()],
    back: Annotated[str, Form(max_length=200)] = "/",
) -> RedirectResponse:
    """Remember the language, and go back to the page where it was chosen."""
    own = back.startswith("/") and not back.startswith(("//", "/\\"))
    response = RedirectResponse(back if own else "/", 303)
    response.set_cookie(
        COOKIE,
        language,
        max_age=COOKIE_AGE_S,
        path="/",
        secure=wired.settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response
