"""What a person sees on the tablet's screen, read from the page as it was drawn.

Owns the reading of the kiosk's HTML: which lines, which link. It sends nothing.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

import numpy as np

from store_devices.hardware import Pixels
from store_devices.vision.reading import LiveReader

LINK_LOOKS_MAX: Final = 6  # one look at a clean drawing is enough; the reader's passes take turns
MODULE_PX: Final = 8
_QR: Final = re.compile(r'<svg[^>]*class="qr"[^>]*>.*?</svg>', re.DOTALL)
_SIDE: Final = re.compile(r'viewBox="0 0 (\d+) \d+"')
_STROKES: Final = re.compile(r'<path[^>]*stroke="[^"]*"[^>]*d="([^"]+)"')
_STEP: Final = re.compile(r"([Mmh])(-?[\d.]+)(?:[ ,](-?[\d.]+))?")
_GTIN_ID: Final = re.compile(r"(line|colour|size)-(\d{14})")


@dataclass(slots=True)
class Seen:
    """A screen. ``lines``: pieces by GTIN, the newest first; ``others``: variants to tap.

    ``shown``: the variant in large. ``tap``: why a band that was held here began nothing.
    """

    html: str = ""
    phase: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    shown: str = ""
    tap: str = ""
    text: str = ""

    @property
    def claimed(self) -> bool:
        """Whether the screen says that the list is on a phone."""
        return 'class="claimed"' in self.html

    @property
    def has_code(self) -> bool:
        """Whether there is a QR code on it."""
        return _QR.search(self.html) is not None

    def link(self) -> str | None:
        """Return the address in the QR code, read as a phone's camera reads it; None without."""
        pixels = qr_pixels(self.html)
        if pixels is None:
            return None
        reader = LiveReader()
        for _ in range(LINK_LOOKS_MAX):
            for code in reader.read(pixels):
                return code.text
        return None


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of the parts that carry an id."""
        facts = dict(attrs)
        name = facts.get("id") or ""
        if name == "screen":
            self.seen.phase = facts.get("data-phase") or ""
        if tag == "p" and "data-outcome" in facts:
            self.seen.tap = facts["data-outcome"] or ""
        if name == "add":
            self.seen.shown = facts.get("value") or ""
        found = _GTIN_ID.fullmatch(name)
        if found is None:
            return
        kind, gtin = found.groups()
        if kind == "line" and tag == "li":
            self.seen.lines[gtin] = int(facts.get("data-quantity") or 0)
        elif facts.get("aria-pressed") == "false" and gtin not in self.seen.others:
            self.seen.others.append(gtin)

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if data.strip():
            self._words.append(data.strip())

    def close(self) -> None:
        """Put the words together."""
        super().close()
        self.seen.text = " ".join(self._words)


def seen(html: str) -> Seen:
    """Read a screen."""
    page = _Page()
    page.feed(html)
    page.close()
    page.seen.html = html
    return page.seen


def qr_pixels(html: str) -> Pixels | None:
    """Return the first QR code in the page as a picture, None if there is none.

    The drawing is one path of horizontal strokes a module wide: M x y, then
    ``m dx dy`` and ``h length``.
    """
    svg = _QR.search(html)
    side = _SIDE.search(svg.group()) if svg else None
    strokes = _STROKES.search(svg.group()) if svg else None
    if side is None or strokes is None:
        return None
    modules = np.full((int(side.group(1)),) * 2, 255, dtype=np.uint8)
    x = y = 0.0
    for step, first, second in _STEP.findall(strokes.group(1)):
        match step:
            case "M":
                x, y = float(first), float(second)
            case "m":
                x, y = x + float(first), y + float(second)
            case _:
                modules[int(y), int(x) : int(x + float(first))] = 0
                x += float(first)
    grey = np.kron(modules, np.ones((MODULE_PX, MODULE_PX), dtype=np.uint8))
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
