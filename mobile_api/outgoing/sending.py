"""Sends a body to a target: no redirects, no proxies, bounded in time and size, signed.

Signed as Standard Webhooks has it: HMAC-SHA-256 over id, time and body, so that whoever is called
knows that it is we, and that it is not an old one.
"""

import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx2

from cart.kernel.clock import Clock
from mobile_api.outgoing.addresses import Resolver, Target, system_resolver, target_of

CONNECT_S: Final = 5.0
WHOLE_S: Final = 20.0  # for an answer in all; a batch that takes longer comes again
BODY_BYTES_MAX: Final = 500_000  # Segment's limit for a batch, which those after it have taken over
ANSWER_BYTES_MAX: Final = 65_536  # nobody reads more of it than a sentence for the log
SUCCESS: Final = range(200, 300)


class NotDelivered(Exception):
    """A target could not be reached, did not answer in time, or said no. The message says which."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends. ``private_host``: as :func:`target_of` has it; ``trust``: None for the system's."""

    clock: Clock
    private_host: str = ""
    resolve: Resolver = system_resolver
    trust: ssl.SSLContext | None = None
    whole_s: float = WHOLE_S
    _headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json", "User-Agent": "Carryover"}
    )

    def post(
        self, url: str, body: bytes, *, message_id: str, secret: str, headers: Mapping[str, str]
    ) -> None:
        """Send a body; return when the target has said that it has it.

        ``secret``: signs it; "" for none. ``message_id``: the same for the same body sent again.

        Raises:
            NotDelivered: it is not sure that the target has it.
            InvalidInput: no request goes there.
        """
        if len(body) > BODY_BYTES_MAX:
            msg = f"{len(body)} bytes are more than {BODY_BYTES_MAX}"
            raise NotDelivered(msg)
        try:
            target = target_of(url, private_host=self.private_host, resolve=self.resolve)
        except OSError as error:
            msg = f"no address: {error}"
            raise NotDelivered(msg) from error
        said = {**self._headers, **headers, **self._signed(body, message_id, secret)}
        try:
            status, answer = self._exchange(target, body, {**said, "Host": _named(target)})
        except httpx2.HTTPError as error:
            msg = f"{target.host}: {type(error).__name__}"
            raise NotDelivered(msg) from error
        if status not in SUCCESS:
            msg = f"{target.host} answered {status}: {answer[:200]!r}"
            raise NotDelivered(msg)

    def _exchange(
        self, target: Target, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        verify = self.trust or ssl.create_default_context()
        timeout = httpx2.Timeout(self.whole_s, connect=min(CONNECT_S, self.whole_s))
        until_s = time.monotonic() + self.whole_s
        # Of the environment nothing: a proxy would look the name up by itself.
        with (
            httpx2.Client(
                verify=verify, timeout=timeout, follow_redirects=False, trust_env=False
            ) as http,
            http.stream(
                "POST",
                f"{target.scheme}://{_literal(target.address)}:{target.port}{target.path}",
                content=body,
                headers=dict(headers),
                extensions={"sni_hostname": target.host},
            ) as answer,
        ):
            found = b""
            for part in answer.iter_raw():
                found += part
                if len(found) > ANSWER_BYTES_MAX:
                    break
                if time.monotonic() > until_s:
                    msg = "it answers too slowly"
                    raise httpx2.ReadTimeout(msg)
            return answer.status_code, found[:ANSWER_BYTES_MAX]

    def _signed(self, body: bytes, message_id: str, secret: str) -> dict[str, str]:
        if not secret:
            return {}
        at = str(int(self.clock.now().timestamp()))
        return {
            "webhook-id": message_id,
            "webhook-timestamp": at,
            "webhook-signature": signature(secret, message_id, at, body),
        }


def signature(secret: str, message_id: str, at: str, body: bytes) -> str:
    """Return the signature of a message (Standard Webhooks 1.0)."""
    signed = b".".join((message_id.encode(), at.encode(), body))
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _named(target: Target) -> str:
    standard = target.port == (443 if target.scheme == "https" else 80)
    return target.host if standard else f"{target.host}:{target.port}"
