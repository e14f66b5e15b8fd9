"""A finger on the tablet's touch screen: the same requests as its page sends, and eyes.

Owns nothing of the tablet: it is another HTTP client on loopback.
"""

import time
from collections.abc import Callable
from typing import Final

import httpx2

from cart.kernel.errors import Unavailable
from firmware_sim.look import Seen, seen

TIMEOUT_S: Final = 10.0
WAIT_S: Final = 20.0  # on a busy machine; what is waited for takes a tenth of a second as a rule
PAUSE_S: Final = 0.05


class Finger:
    """Touches and looks at the kiosk page at ``url``."""

    def __init__(self, url: str) -> None:
        origin = url.rstrip("/")
        self._http = httpx2.Client(base_url=url, timeout=TIMEOUT_S, headers={"Origin": origin})

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def touch(self, name: str, **fields: str) -> None:
        """Tap what sends ``name`` (``begin``, ``look``, ``more``, ``mail``, ``done`` and so on).

        Raises:
            Unavailable: the page does not answer, or refuses.
        """
        try:
            self._http.post(f"do/{name}", data=fields).raise_for_status()
        except httpx2.HTTPError as error:
            msg = f"touching {name} did nothing: {error}"
            raise Unavailable(msg) from error

    def look(self) -> Seen:
        """Return what stands on the screen.

        Raises:
            Unavailable: the page does not answer.
        """
        try:
            return seen(self._http.get("screen").raise_for_status().text)
        except httpx2.HTTPError as error:
            msg = f"the screen is dark: {error}"
            raise Unavailable(msg) from error

    def wait_for(self, holds: Callable[[Seen], bool], wait_s: float = WAIT_S) -> Seen:
        """Look until ``holds``; return that screen.

        Raises:
            Unavailable: it did not come about; the message has the screen's words.
        """
        deadline = time.monotonic() + wait_s
        while True:
            now = self.look()
            if holds(now):
                return now
            if time.monotonic() > deadline:
                msg = f"the screen did not come to it in {wait_s:.0f} s; it says: {now.text[:500]}"
                raise Unavailable(msg)
            time.sleep(PAUSE_S)
