"""Signed links: an id that opens something on any device, and cannot be guessed."""

import base64
import hashlib
import hmac

from cart.kernel.errors import UnknownList

SIGNATURE_BYTES = 16  # 128 bits: beyond trying, and short enough for a line of an e-mail
LINK_LENGTH_MAX = 128


def list_link(secret: bytes, list_id: str) -> str:
    """Return ``{list_id}.{signature}``."""
    digest = hmac.digest(secret, f"list\0{list_id}".encode(), hashlib.sha256)[:SIGNATURE_BYTES]
    return f"{list_id}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def list_of_link(secret: bytes, link: str) -> str:
    """Return the list id of a link.

    Raises:
        UnknownList: the signature is not ours; which of the two halves is wrong is not said.
    """
    list_id, _, _signature = link.rpartition(".")
    genuine = list_link(secret, list_id).encode()
    if len(link) > LINK_LENGTH_MAX or not hmac.compare_digest(genuine, link.encode()):
        msg = "this is not a list link of ours"
        raise UnknownList(msg)
    return list_id
