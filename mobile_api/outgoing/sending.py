"""Sends a webhook: signed, and delivered when the target has said so.

Signed as Standard Webhooks has it: HMAC-SHA-256 over id, time and body, so that whoever is called
knows that it is we, and that it is not an old one.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cart.kernel.clock import Clock
from cart.kernel.errors import Unavailable
from mobile_api.outgoing.posting import Outgoing

BODY_BYTES_MAX: Final = 500_000  # Segment's limit for a batch, which those after it have taken over
SAID_BYTES_MAX: Final = 200  # of an answer, for the log
_HEADERS: Final = {"content-type": "application/json", "user-agent": "Carryover"}


class NotDelivered(Exception):
    """A target could not be reached, did not answer in time, or said no. The message says which."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends by ``outgoing``."""

    clock: Clock
    outgoing: Outgoing

    def post(
        self, url: str, body: bytes, *, message_id: str, secret: str, headers: Mapping[str, str]
    ) -> None:
        """Send a body; return when the target has said that it has it.

        ``secret``: signs it; "" for none. ``message_id``: the same for the same body sent again.

        Raises:
            NotDelivered: it is not sure that the target has it.
            AddressRefused: no request goes there.
        """
        if len(body) > BODY_BYTES_MAX:
            msg = f"{len(body)} bytes are more than {BODY_BYTES_MAX}"
            raise NotDelivered(msg)
        said = {**_HEADERS, **headers, **self._signed(body, message_id, secret)}
        try:
            answer = self.outgoing.post(url, body, said)
        except Unavailable as error:
            raise NotDelivered(error.message) from error
        if not answer.good:
            msg = f"the target answered {answer.status}: {answer.body[:SAID_BYTES_MAX]!r}"
            raise NotDelivered(msg)

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
