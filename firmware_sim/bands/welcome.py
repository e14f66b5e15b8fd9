"""The welcome desk of a simulated shop: has bands made, hands them out, takes them back.

As somebody of the staff does it: by the page, with what it shows read out.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Final

import httpx2

from cart.kernel.errors import Refused, Unavailable
from firmware_sim.asking import ask, fill_in, trust
from firmware_sim.shop import Shop

TIMEOUT_S: Final = 30.0
OK: Final = 200
PAGE: Final = "/staff/bands"
SET_UP_WAIT_S: Final = 40.0  # the page itself gives up after half a minute
PAUSE_S: Final = 0.1
_PAYING: Final = re.compile(
    r'<input type="hidden" name="(key|loan_id|checkout_id|total_minor|rest_minor)" value="([^"]*)"'
)
_HIDDEN: Final = re.compile(r'<input type="hidden" name="(wording|seen)" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class MadeBand:
    """A band as its maker has it: the number that is engraved, and what is programmed."""

    number: int
    secret: bytes


class WelcomeDesk:
    """Somebody at the desk of ``location``, signed in. Close it."""

    def __init__(self, shop: Shop, location: str, *, number: str = "90", pin: str = "") -> None:
        """Sign in; without a ``pin`` somebody is hired under this number first.

        Raises:
            Unavailable: a command line refused.
            Refused: she cannot sign in.
        """
        self._shop, self._location = shop, location
        self._http = httpx2.Client(base_url=shop.url, timeout=TIMEOUT_S, verify=trust())
        fields = {
            "location_id": location,
            "number": number,
            "pin": pin or shop.hire(location, "Mira", number),
        }
        fill_in(self._http, "/staff", fields)

    def close(self) -> None:
        """Go home."""
        self._http.close()

    def make(self, count: int) -> list[MadeBand]:
        """Have bands made, which lie in the drawer then."""
        said = self._shop.command(
            *("gateway.cli", "bands", "make", "--location", self._location),
            *("--count", str(count), "--json"),
        )
        made = [json.loads(line) for line in said.splitlines()]
        return [MadeBand(one["number"], bytes.fromhex(one["secret"])) for one in made]

    def set_up(self, desk: str, wait_s: float = SET_UP_WAIT_S) -> int:
        """Have the fresh band that is held to a desk's reader set up; return its number.

        Raises:
            Refused: the page says why it was not.
            Unavailable: nothing came of it.
        """
        self._send("/set-up", {"desk": desk})
        until_s = time.monotonic() + wait_s
        while time.monotonic() < until_s:
            found = ask(self._http, "GET", "/api/v1/staff/bands/set-up")
            if found["standing"] == "done":
                return int(found["number"])
            if found["standing"] == "failed":
                raise Refused(str(found["fault"]))
            time.sleep(PAUSE_S)
        msg = f"no band was set up at {desk}"
        raise Unavailable(msg)

    def call_next(self, zone: str) -> None:
        """Call who waits longest at a serving place.

        Raises:
            Refused: nobody is served there.
        """
        ask(self._http, "POST", f"/api/v1/staff/waiting/{zone}/call", {})

    def who_pays(self, desk: str) -> str:
        """Return the page of whoever holds a band to a desk."""
        return self._http.get(f"/staff/desks/{desk}/pay").raise_for_status().text

    def take_payment(self, desk: str, pin: str) -> str:
        """Have her pay with her band, who types this PIN; return where that leads.

        Raises:
            Refused: nobody stands there.
        """
        fill_in(self._http, f"/staff/desks/{desk}/open", {})
        hidden = dict(_PAYING.findall(self.who_pays(desk)))
        return fill_in(self._http, f"/staff/desks/{desk}/take", hidden | {"pin": pin})

    def hand_out(
        self, number: int, *, greeting: str = "", locale: str = "en", follow: bool, code: str = ""
    ) -> None:
        """Give a band to somebody: to whom ``code`` is shown on a phone, or to anybody.

        Raises:
            Refused: the page does not take it.
        """
        asked = {"number": str(number), "verb": "out", "locale": locale, "code": code}
        hidden = dict(_HIDDEN.findall(self._send("/look", asked)))
        form = {"number": str(number), "locale": locale, "greeting": greeting, "code": code}
        self._send("/out", form | hidden | ({"follow": "true"} if follow else {}))

    def take_back(self, number: int) -> None:
        """Put a band back into the drawer.

        Raises:
            Refused: nobody has it.
        """
        self._send("/back", {"number": str(number)})

    def _send(self, path: str, fields: dict[str, str]) -> str:
        answer = self._http.post(PAGE + path, data=fields)
        if answer.status_code != OK:
            msg = f"the welcome desk does not take {fields}"
            raise Refused(msg, status=answer.status_code)
        return answer.text
