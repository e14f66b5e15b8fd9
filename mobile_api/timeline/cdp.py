"""Tells a CDP what happened: follows the timeline by position, and goes on where it was.

Only of people who allow analytics at this moment, and only what happened since they do. At least
once: what was sent and not acknowledged is sent again under the same ids, by which a CDP counts it
once. What is refused is tried again without end: nothing is left out in silence.
"""

import asyncio
import hashlib
import json
import logging
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.errors import AddressRefused, ConsentMissing
from cart.profile.consent.gate import need
from cart.profile.consent.model import Purpose
from cart.profile.interests.queries import subject_of
from cart.profile.timeline import queries, service
from cart.profile.timeline.model import Placed
from inventory_api.catalogue.traits import traits
from mobile_api.outgoing.sending import BODY_BYTES_MAX, NotDelivered, Sender
from mobile_api.timeline.cdp_calls import Who, calls, group_of, grouped
from mobile_api.wiring import Parts

logger = logging.getLogger(__name__)
MARK: Final = "cdp"  # of the one target that there is
# An order has at most 200 lines, told in one call: a page holds more than one of them.
PAGE_MAX: Final = 400
PAGES_MAX: Final = 20  # in one round
EVERY_S: Final = 5.0
BACK_OFF_FIRST_S: Final = 10.0
BACK_OFF_MAX_S: Final = 900.0  # a target that was away for a night is told within a quarter hour
CALL_BYTES_MAX: Final = 32_000  # Segment's limit for one call


@dataclass(frozen=True, slots=True)
class Told:
    """A page that was read: its calls, and the position it ends at."""

    calls: Sequence[dict[str, Any]]
    position: int


def next_page(parts: Parts) -> Told | None:
    """Return what is to be told next; None if everything was."""
    with reading(parts.engine) as db:
        page = queries.after(db, queries.mark(db, MARK).position, PAGE_MAX)
        if not page:
            return None
        if len(page) == PAGE_MAX:
            page = _whole(page)
        return Told(_calls(parts, db, page), page[-1].position)


def _whole(page: list[Placed]) -> list[Placed]:
    """Leave out the last group of a full page: the rest of it may be on the next one."""
    last = group_of(page[-1])
    kept = [one for one in page if group_of(one) != last]
    return kept or page


def _calls(parts: Parts, db: Session, page: Sequence[Placed]) -> list[dict[str, Any]]:
    known = traits(db, {one.interaction.gtin for one in page if one.interaction.gtin})
    allowed: dict[str, tuple[Who, datetime] | None] = {}
    found: list[dict[str, Any]] = []
    for group in grouped(page):
        first = group[0].interaction
        if first.session_id not in allowed:
            allowed[first.session_id] = _allowed(db, first.session_id)
        who = allowed[first.session_id]
        if who is not None and first.at >= who[1]:
            found += calls(group, who[0], known, parts.secret)
    return found


def _allowed(db: Session, session_id: str) -> tuple[Who, datetime] | None:
    """Return whose session this is and since when she allows analytics; None if she does not."""
    home = queries.home_of(db, session_id)
    subject = subject_of(db, home)
    try:
        decision = need(db, subject, Purpose.ANALYTICS, signal=False)
    except ConsentMissing:
        return None
    return Who(home, subject.customer_id if subject else ""), decision.at


def deliver(parts: Parts, sender: Sender) -> int:
    """Tell one page; return how many calls, or -1 if there was nothing to tell.

    Raises:
        NotDelivered, AddressRefused: the target has not got it; the next try begins with it.
    """
    page = next_page(parts)
    if page is None:
        return -1
    for batch in _batches(page.calls):
        body = json.dumps({"batch": batch}, ensure_ascii=False).encode()
        sender.post(
            parts.settings.cdp_url,
            body,
            message_id=hashlib.sha256(body).hexdigest()[:32],
            secret=parts.settings.cdp_signing_secret,
            headers={"Authorization": _basic(parts.settings.cdp_write_key)},
        )
    with unit_of_work(parts.engine) as db:
        service.moved(db, MARK, position=page.position)
    return len(page.calls)


def _batches(found: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the calls in batches, each small enough to be sent."""
    batches: list[list[dict[str, Any]]] = []
    left = 0
    for one in found:
        size = len(json.dumps(one, ensure_ascii=False).encode()) + 2
        if not batches or size > left:
            batches.append([])
            left = BODY_BYTES_MAX - CALL_BYTES_MAX
        batches[-1].append(one)
        left -= size
    return batches


def _basic(write_key: str) -> str:
    """Return the header by which Segment's HTTP API knows a source."""
    return f"Basic {b64encode(f'{write_key}:'.encode()).decode()}"


class CdpSweep:
    """What one round does. ``Rounds`` calls it. ``due_s``: when it next does anything."""

    def __init__(self, parts: Parts, sender: Sender | None = None) -> None:
        self._parts = parts
        self._sender = sender or Sender(parts.clock, parts.outgoing)
        self.due_s = float("-inf")
        self._failures = 0

    async def look(self) -> None:
        """Do one round, off the event loop, if there is a target and it is due."""
        if self._parts.settings.cdp_url and self._parts.clock.monotonic() >= self.due_s:
            await asyncio.to_thread(self.sweep)

    def sweep(self) -> None:
        """Tell some pages; after a failure wait longer each time."""
        now_s = self._parts.clock.monotonic()
        self.due_s = now_s + EVERY_S
        try:
            for _ in range(PAGES_MAX):
                if deliver(self._parts, self._sender) < 0:
                    break
            self._failures = 0
        except (NotDelivered, AddressRefused) as error:
            wait_s = min(BACK_OFF_FIRST_S * 2**self._failures, BACK_OFF_MAX_S)
            self._failures += 1
            self.due_s = now_s + wait_s
            logger.warning("the CDP was not told; trying again in %.0f s: %s", wait_s, error)


def replay(db: Session, position: int) -> None:
    """Let everything after a position be told again, as far as it may be."""
    service.set_back(db, MARK, position)
