"""Reads what comes back: a delivery status, a complaint, or a mail that unsubscribes.

RFC 3464 (DSN) and RFC 5965 (ARF), as mail servers and providers send them. Which letter or
reminder it is about the return path says (``bounces+MARK@…``), or the Message-ID of what is
enclosed. Pure.
What comes is from anybody: it is parsed, never believed beyond the mark, which is not guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from itertools import islice
from typing import Any, Final

from cart.kernel.errors import InvalidPayload
from cart.profile.subscriptions.model import MARK_LENGTH, Bounce, bounce_of
from mobile_api.mail.listed import LEAVE

RETURNED_BYTES_MAX: Final = 1_000_000  # with a copy of a letter; ours have 100 kB at most
PARTS_MAX: Final = 100  # of a message, at all depths
HEADS_MAX: Final = 50  # recipients of one report; our letters have one
STATUS_LENGTH_MAX: Final = 80

_MARK: Final = rf"([0-9a-f]{{{MARK_LENGTH}}})"
VERP: Final = re.compile(rf"\+{_MARK}@")
_OURS: Final = rf"<(?:letter|journey)-{_MARK}@"
MESSAGE_ID: Final = re.compile(_OURS)
# Also in what some servers enclose as plain text.
ENCLOSED_ID: Final = re.compile(rf"(?im)^message-id:\s*{_OURS}")
STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
TO: Final = ("to", "delivered-to", "x-original-to", "original-mail-from", "return-path")
COMPLAINTS: Final = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "virus", "other"})
_SEVERITY: Final = {Bounce.SOFT: 1, Bounce.HARD: 2, Bounce.COMPLAINT: 3}


@dataclass(frozen=True, slots=True)
class Returned:
    """What a message says. ``bounce`` None: nothing of weight (delayed, delivered).

    ``leave``: the link of a mail that unsubscribes; then nothing else is said.
    """

    mark: str = ""
    bounce: Bounce | None = None
    status: str = ""
    leave: str = ""


def read(raw: bytes) -> Returned:
    """Return what a message says of a letter.

    Raises:
        InvalidPayload: too large, no report, or it does not say of which letter.
    """
    if not 0 < len(raw) <= RETURNED_BYTES_MAX:
        msg = f"a message of 1 to {RETURNED_BYTES_MAX} bytes is wanted"
        raise InvalidPayload(msg)
    message = message_from_bytes(raw, policy=compat32)
    first, _, link = _head(message, "subject").partition(" ")
    if first.lower() == LEAVE and link.strip():
        return Returned(leave=link.strip())
    parts = list(islice(_parts(message), PARTS_MAX))
    said = [*_complaints(parts), *_statuses(parts)]
    if not said:
        msg = "this is neither a delivery status nor a complaint"
        raise InvalidPayload(msg)
    mark = _mark(message, parts)
    if not mark:
        msg = "it does not say which letter of ours it is about"
        raise InvalidPayload(msg)
    weighty = [one for one in said if one[0] is not None]
    if not weighty:
        return Returned(mark)
    bounce, status = max(weighty, key=lambda one: _SEVERITY[one[0]] if one[0] else 0)
    return Returned(mark, bounce, status[:STATUS_LENGTH_MAX])


def _parts(message: Message) -> Iterator[Message]:
    """Yield a message and what is in it, without recursion: depth is the sender's to choose."""
    waiting: list[Any] = [message]
    while waiting:
        one = waiting.pop(0)
        yield one
        inside = one.get_payload() if one.is_multipart() else []
        waiting += [each for each in inside if isinstance(each, Message)]


def _head(message: Message, name: str) -> str:
    """Return a header as text on one line; what is no ASCII has a mark in its place."""
    return " ".join(str(message.get(name, "")).split())


def _inside(part: Message) -> list[Message]:
    """Return the blocks of fields that a report's part holds."""
    payload: Any = part.get_payload()
    found = payload if isinstance(payload, list) else []
    return [one for one in found if isinstance(one, Message)][:HEADS_MAX]


def _statuses(parts: list[Message]) -> Iterator[tuple[Bounce | None, str]]:
    for part in parts:
        if part.get_content_type() not in {
            "message/delivery-status",
            "message/global-delivery-status",
        }:
            continue
        for block in _inside(part):
            action = _head(block, "action").lower().partition(" ")[0]
            if action == "failed":
                found = STATUS.search(_head(block, "status"))
                found = found or STATUS.search(_head(block, "diagnostic-code"))
                status = found.group(1) if found else ""
                yield bounce_of(status), status
            elif action:
                yield None, ""


def _complaints(parts: list[Message]) -> Iterator[tuple[Bounce | None, str]]:
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            for block in _inside(part):
                kind = _head(block, "feedback-type").lower()
                if kind:
                    yield (Bounce.COMPLAINT, kind) if kind in COMPLAINTS else (None, "")


def _mark(message: Message, parts: list[Message]) -> str:
    """Return the mark of the letter: of the return path first, of what is enclosed then."""
    for one in (message, *parts[1:]):
        for name in TO:
            if (found := VERP.search(_head(one, name))) is not None:
                return found.group(1)
    for one in parts[1:]:
        if (found := MESSAGE_ID.search(_head(one, "message-id"))) is not None:
            return found.group(1)
    for one in parts[1:]:
        if one.get_content_type() == "text/rfc822-headers":
            text: Any = one.get_payload()
            if isinstance(text, str) and (found := ENCLOSED_ID.search(text)) is not None:
                return found.group(1)
    return ""
