"""How simulated people's devices ask the API: one key per wish, repeated while that helps."""

import secrets
import ssl
import time
from functools import cache
from typing import Any, Final

import httpx2

from cart.kernel.errors import Refused, Unavailable

KEY_BYTES: Final = 16
TRIES_MAX: Final = 10
PAUSE_S: Final = 0.3
SERVER_FAULT: Final = 500
SEE_OTHER: Final = 303


@cache
def trust() -> ssl.SSLContext:
    """Return whose certificates are believed; reading them takes longer than a phone's claim."""
    return ssl.create_default_context()


def ask(
    http: httpx2.Client,
    method: str,
    path: str,
    body: object = None,
    *,
    tries_max: int = TRIES_MAX,
) -> dict[str, Any]:
    """Ask; a changing request is repeated under its key while that helps.

    Raises:
        Refused: the answer is no; ``data`` has its ``code`` and ``status``.
        Unavailable: no answer but "later", or none at all, however often it was asked.
    """
    headers = {"Idempotency-Key": secrets.token_hex(KEY_BYTES)} if method == "POST" else {}
    for _ in range(tries_max):
        try:
            answer = http.request(method, path, json=body, headers=headers)
        except httpx2.TransportError:  # nobody knows whether it was done: the key tells
            time.sleep(PAUSE_S)
            continue
        if answer.is_success:
            found: dict[str, Any] = answer.json()
            return found
        said = answer.json()
        code = str(said.get("code", ""))
        if answer.status_code < SERVER_FAULT and code != "in_flight":
            raise Refused(str(said.get("title", "")), code=code, status=answer.status_code)
        time.sleep(PAUSE_S)
    msg = f"{method} {path} had no answer"
    raise Unavailable(msg)


def fill_in(http: httpx2.Client, url: str, fields: dict[str, str]) -> str:
    """Send a form as a browser does; return where it leads.

    Raises:
        Refused: the page does not take it.
    """
    answer = http.post(url, data=fields, follow_redirects=False)
    if answer.status_code != SEE_OTHER:
        msg = f"{url} does not take this form"
        raise Refused(msg, status=answer.status_code)
    return str(answer.headers["location"])
