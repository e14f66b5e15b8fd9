"""QR codes as inline SVG: dark on white in every colour scheme, since readers need that."""

from io import BytesIO
from typing import Final

import segno
from markupsafe import Markup

BORDER_MODULES: Final = 2  # four are the standard's; the white card around it gives the rest


def qr(text: str) -> Markup:
    """Return the code, error correction M: read at a slant, from a glossy screen."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        border=BORDER_MODULES,
        svgclass=None,
        lineclass=None,
        dark="#14110d",
        light="#ffffff",
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - segno draws it, dots only
