"""Signed links: an id that opens something on any device, and cannot be guessed."""

import base64
import hashlib
import hmac

from cart.kernel.errors import NotFound, UnknownCart, UnknownList, UnknownOrder, UnknownWithdrawal
from cart.profile.consent.model import Purpose

SIGNATURE_BYTES = 16  # 128 bits: beyond trying, and short enough for a line of an e-mail
LINK_LENGTH_MAX = 128


def list_link(secret: bytes, list_id: str) -> str:
    """Return ``{list_id}.{signature}``."""
    return _signed(secret, "list", list_id)


def list_of_link(secret: bytes, link: str) -> str:
    """Return the list id of a link.

    Raises:
        UnknownList: the signature is not ours; which of the two halves is wrong is not said.
    """
    return _needed(secret, "list", link, UnknownList("this is not a list link of ours"))


def order_link(secret: bytes, order_id: str) -> str:
    """Return ``{order_id}.{signature}``."""
    return _signed(secret, "order", order_id)


def order_of_link(secret: bytes, link: str) -> str:
    """Return the order id of a link.

    Raises:
        UnknownOrder: the signature is not ours; which of the two halves is wrong is not said.
    """
    return _needed(secret, "order", link, UnknownOrder("this is not an order link of ours"))


def message_link(secret: bytes, message_id: str) -> str:
    """Return ``{message_id}.{signature}``: it brings back what a journey's message showed."""
    return _signed(secret, "message", message_id)


def message_of_link(secret: bytes, link: str) -> str:
    """Return the message id of a link.

    Raises:
        UnknownCart: the signature is not ours.
    """
    return _needed(secret, "message", link, UnknownCart("this link brings nothing back"))


def why_link(secret: bytes, message_id: str) -> str:
    """Return ``{message_id}.{signature}``: it opens why this message came, and nothing else."""
    return _signed(secret, "why", message_id)


def message_of_why(secret: bytes, link: str) -> str:
    """Return the message id of a link to its why.

    Raises:
        UnknownWithdrawal: the signature is not ours.
    """
    return _needed(secret, "why", link, UnknownWithdrawal("this is not a link of ours"))


def withdrawal_link(secret: bytes, subject_id: str, purpose: Purpose) -> str:
    """Return ``{subject_id}.{purpose}.{signature}``: it withdraws this one purpose, and no other.

    It has no end: whoever keeps a mail for years may still say no by it.
    """
    return _signed(secret, "withdraw", f"{subject_id}.{purpose.value}")


def withdrawal_of_link(secret: bytes, link: str) -> tuple[str, Purpose]:
    """Return the ledger's subject and the purpose of a link.

    Raises:
        UnknownWithdrawal: the signature is not ours.
    """
    subject_id, _, purpose = (_opened(secret, "withdraw", link) or "").rpartition(".")
    if not subject_id or purpose not in set(Purpose):
        msg = "this is not a withdrawal link of ours"
        raise UnknownWithdrawal(msg)
    return subject_id, Purpose(purpose)


def choices_link(secret: bytes, subject_id: str) -> str:
    """Return ``{subject_id}.{signature}``: it opens the page on which she chooses her letters.

    It names nobody and has no end, as the mail that it stands in.
    """
    return _signed(secret, "letters", subject_id)


def subject_of_link(secret: bytes, link: str) -> str:
    """Return the ledger's subject of a link to choices.

    Raises:
        UnknownWithdrawal: the signature is not ours.
    """
    return _needed(secret, "letters", link, UnknownWithdrawal("this is not a link of ours"))


def confirm_link(secret: bytes, letter_id: str) -> str:
    """Return ``{letter_id}.{signature}``: it opens the page that confirms what was asked for."""
    return _signed(secret, "confirm", letter_id)


def letter_of_link(secret: bytes, link: str) -> str:
    """Return the letter of a link that confirms.

    Raises:
        UnknownWithdrawal: the signature is not ours.
    """
    return _needed(secret, "confirm", link, UnknownWithdrawal("this is not a link of ours"))


def _signed(secret: bytes, kind: str, name: str) -> str:
    """Return ``name`` with its signature. ``kind`` is signed too: no link opens another thing."""
    digest = hmac.digest(secret, f"{kind}\0{name}".encode(), hashlib.sha256)[:SIGNATURE_BYTES]
    return f"{name}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _opened(secret: bytes, kind: str, link: str) -> str | None:
    name, _, _signature = link.rpartition(".")
    genuine = _signed(secret, kind, name).encode()
    good = len(link) <= LINK_LENGTH_MAX and hmac.compare_digest(genuine, link.encode())
    return name if good else None


def _needed(secret: bytes, kind: str, link: str, refusal: NotFound) -> str:
    name = _opened(secret, kind, link)
    if name is None:
        raise refusal
    return name
