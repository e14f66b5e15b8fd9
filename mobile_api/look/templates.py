"""Renders a template in the reader's language."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cart.kernel.i18n import LOCALES, language_name
from mobile_api.edge.keeping import SESSION_OVER
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import is_over
from mobile_api.look.words import words

FOLDER = Path(__file__).parent.parent / "templates"


@lru_cache(maxsize=len(LOCALES))
def environment(locale: str) -> Environment:
    """Return the templates of a language: its texts, prices and dates are built in."""
    spoken = words(locale)
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(
        w=spoken,
        _=spoken.gettext,
        ngettext=spoken.ngettext,
        languages=[(code, language_name(code)) for code in LOCALES],
    )
    return found


def render(locale: str, name: str, context: Mapping[str, Any]) -> str:
    """Return the template's text; a name that it uses and nobody gave is an error."""
    return environment(locale).get_template(name).render(context)


def page(
    request: Request,
    name: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return a whole page. Pages carry a shopper's cart, so no shared cache may keep them."""
    parts = request.app.state.parts
    over = is_over(request)
    shown = {
        "asset": parts.assets.url,
        "demo": parts.settings.demo,
        "base_url": parts.settings.base_url,
        "here_path": request.url.path,
        "over": over,
        **context,
    }
    text = render(locale_of(request), name, shown)
    caching = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Accept-Language"}
    ended = SESSION_OVER if over else {}
    return HTMLResponse(text, status, {**caching, **ended, **(headers or {})})
