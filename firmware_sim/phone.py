"""A shopper's phone without a phone: claims by a link, hears its cart, taps.

Owns a cookie and one open stream. It asks the API what a browser asks it, and
measures how long after its making an event was heard.
"""

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from cart.kernel.errors import Refused, Unavailable
from firmware_sim.asking import ask, fill_in, trust
from firmware_sim.timing import Moments

TIMEOUT_S: Final = 10.0
BEAT_S: Final = 45.0  # three of the server's: a stream that says nothing for longer is dead
WAIT_S: Final = 20.0  # on a busy machine; what is waited for takes a tenth of a second as a rule
CLAIM_PAUSE_S: Final = 0.3
RETRY_S: Final = 0.5
KEY_BYTES: Final = 16
GONE: Final = frozenset({409, 410})


class Phone:
    """One phone at the API ``url``. Close it.

    ``timed``: where the milliseconds from ``moments`` to here go, if several phones share one.
    """

    def __init__(
        self,
        url: str,
        moments: Moments | None = None,
        *,
        language: str = "en",
        timed: list[float] | None = None,
    ) -> None:
        self._http = httpx2.Client(
            base_url=url,
            timeout=TIMEOUT_S,
            headers={"Accept-Language": language},
            verify=trust(),
        )
        self._moments = moments
        self._changed = threading.Condition()
        self._cart: dict[str, Any] = {}
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._last_event_id = ""
        self._closing = threading.Event()
        self._stream: httpx2.Response | None = None
        self._thread: threading.Thread | None = None
        self.latencies_ms: list[float] = [] if timed is None else timed
        self.operations: list[str] = []
        self.opened_s: list[float] = []  # monotonic moments at which the stream was opened

    def close(self) -> None:
        """Hang up."""
        self._closing.set()
        if self._stream is not None:
            _hang_up(self._stream)
        if self._thread is not None:
            self._thread.join(TIMEOUT_S)
        self._http.close()

    @property
    def cookies(self) -> str:
        """What a browser with this phone's session sends as its ``Cookie`` header."""
        return "; ".join(f"{one.name}={one.value}" for one in self._http.cookies.jar)

    # -- what its owner does

    def claim(self, link: str, wait_s: float = WAIT_S) -> None:
        """Open a claim link as a browser does: look, take, and again while the tablet is offline.

        Raises:
            Refused: another phone has it, or it is too old.
            Unavailable: nobody knew the link for ``wait_s``.
        """
        secret = urlsplit(link).path.rpartition("/")[2]
        self._http.get(f"/c/{secret}").raise_for_status()
        headers = {"Idempotency-Key": secrets.token_hex(KEY_BYTES)}
        deadline = time.monotonic() + wait_s
        while True:
            answer = self._http.post(f"/api/v1/claims/{secret}", headers=headers)
            if answer.is_success:
                return
            if answer.status_code in GONE:
                raise Refused(str(answer.json().get("title", "")), status=answer.status_code)
            if time.monotonic() > deadline:
                msg = f"the claim is not known after {wait_s:.0f} s"
                raise Unavailable(msg)
            # A key that was answered stays answered; a new try is a new request.
            headers = {"Idempotency-Key": secrets.token_hex(KEY_BYTES)}
            time.sleep(CLAIM_PAUSE_S)

    def cart(self) -> dict[str, Any]:
        """Ask for the cart."""
        return self._json("GET", "/api/v1/cart")

    def remove(self, gtin: str) -> None:
        """Take a line off."""
        self._json("DELETE", f"/api/v1/cart/lines/{gtin}")

    def set_quantity(self, gtin: str, quantity: int) -> None:
        """Say how many pieces."""
        self._json("PUT", f"/api/v1/cart/lines/{gtin}", json={"quantity": quantity})

    def let_go(self) -> int:
        """Release the tablet from here; return how many were told to clear themselves."""
        headers = {"Idempotency-Key": secrets.token_hex(KEY_BYTES)}
        released: int = self._json("POST", "/api/v1/device/release", headers=headers)["released"]
        return released

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask the API; raises as :func:`firmware_sim.asking.ask`."""
        return ask(self._http, method, path, body)

    def fill_in(self, url: str, fields: dict[str, str]) -> str:
        """Send a form; return where it leads, raises as :func:`firmware_sim.asking.fill_in`."""
        return fill_in(self._http, url, fields)

    def page(self, path: str = "/") -> str:
        """Return a page's HTML."""
        return self._http.get(path, headers={"Sec-Fetch-Dest": "iframe"}).raise_for_status().text

    def _json(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on
        answer = self._http.request(method, path, **kwargs).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    # -- what it hears

    def listen(self) -> None:
        """Open the live stream, and open it again when it breaks, in a thread of its own."""
        self._thread = threading.Thread(target=self._hear_on, name="phone", daemon=True)
        self._thread.start()

    def lines(self) -> dict[str, int]:
        """Return pieces by GTIN as the stream last told."""
        with self._changed:
            return {line["gtin"]: line["quantity"] for line in self._cart.get("lines", ())}

    def heard(self, name: str) -> list[dict[str, Any]]:
        """Return the data of every event of this name so far."""
        with self._changed:
            return [data for one, data in self._events if one == name]

    def wait_for(self, holds: Callable[["Phone"], bool], wait_s: float = WAIT_S) -> None:
        """Return as soon as ``holds(phone)``, asked after every event of the stream.

        Raises:
            Unavailable: it did not come about.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self), wait_s):
                msg = f"the phone did not come to it in {wait_s:.0f} s; it has {self.lines()}"
                raise Unavailable(msg)

    def wait_for_lines(self, lines: dict[str, int], wait_s: float = WAIT_S) -> None:
        """Return as soon as the cart is exactly this."""
        self.wait_for(lambda phone: phone.lines() == lines, wait_s)

    def _hear_on(self) -> None:
        while not self._closing.is_set():
            try:
                self._hear()
            except (httpx2.HTTPError, httpx2.StreamError, OSError):
                self._closing.wait(RETRY_S)

    def _hear(self) -> None:
        headers = {"Last-Event-ID": self._last_event_id} if self._last_event_id else {}
        timeout = httpx2.Timeout(TIMEOUT_S, read=BEAT_S)
        path = "/api/v1/cart/events"
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as stream:
            stream.raise_for_status()
            self.opened_s.append(time.monotonic())
            self._stream = stream
            fields: dict[str, str] = {}
            for line in stream.iter_lines():
                if self._closing.is_set():
                    return
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif "data" in fields:
                    self._take(fields)
                    fields = {}

    def _take(self, fields: dict[str, str]) -> None:
        at_s = time.monotonic()
        data: dict[str, Any] = json.loads(fields["data"])
        name = fields.get("event", "message")
        with self._changed:
            self._last_event_id = fields.get("id", self._last_event_id)
            self._events.append((name, data))
            if name == "cart":
                self._cart = data
            elif name == "operation":
                self.operations.append(data["id"])
                self._time(data["id"], at_s)
            self._changed.notify_all()

    def _time(self, operation_id: str, at_s: float) -> None:
        if self._moments is not None:
            passed_ms = self._moments.since_ms(operation_id.rpartition(":")[2], at_s)
            if passed_ms is not None:
                self.latencies_ms.append(passed_ms)


def _hang_up(stream: httpx2.Response) -> None:
    """Wake the thread that waits for the next event: closing alone would leave it waiting."""
    network = stream.extensions.get("network_stream")
    line = network.get_extra_info("socket") if network is not None else None
    if isinstance(line, socket.socket):
        with suppress(OSError):  # it broke by itself just now
            line.shutdown(socket.SHUT_RDWR)
