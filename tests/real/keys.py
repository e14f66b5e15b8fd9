"""Keys as a browser gets them from hardware: each with the time at which the hardware had it.

The pace of a scanner or of a hand is in those times. How long the machine that
runs the test takes to hand the keys over is not, as in a shop.
"""

import time
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page

SCANNER_MS = 4  # a wedge on USB
HAND_MS = 180  # a good typist
MOVE_MS = 400  # from the last key of a hand to the trigger of a scanner


class Keys:
    """A keyboard, and a scanner that poses as one, on a page."""

    def __init__(self, page: Page) -> None:
        self._line = page.context.new_cdp_session(page)
        self._at_s = 0.0

    def scan(
        self, code: str, *, gap_ms: int = SCANNER_MS, held_up_ms: Mapping[int, int] | None = None
    ) -> None:
        """Type a code and Enter; ``held_up_ms``: how much later the n-th character comes."""
        self._rest()
        for number, character in enumerate(code):
            self._press(character, gap_ms + (held_up_ms or {}).get(number, 0))
        self._press("\r", gap_ms)

    def type(self, text: str, *, gap_ms: int = HAND_MS) -> None:
        """Type as a person does."""
        self._rest()
        for character in text:
            self._press(character, gap_ms)

    def _rest(self) -> None:
        self._at_s = max(time.time(), self._at_s + MOVE_MS / 1000)

    def _press(self, character: str, after_ms: int) -> None:
        self._at_s += after_ms / 1000
        facts: dict[str, Any] = {"key": character, "text": character}
        if character == "\r":
            facts |= {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        for kind in ("keyDown", "keyUp"):
            self._line.send(
                "Input.dispatchKeyEvent", {**facts, "type": kind, "timestamp": self._at_s}
            )
