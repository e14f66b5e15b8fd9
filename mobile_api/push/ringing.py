"""Carries out one ring: composed as things are now, sealed, handed to the phone's push service."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlmodel import Session

from cart.db import reading
from cart.kernel.errors import AddressRefused, Unavailable
from cart.profile.push.tables import PushPhoneRow, PushRingRow
from mobile_api.look.words import words
from mobile_api.outgoing.posting import Answer
from mobile_api.push import sealing
from mobile_api.queues.shown import zone_names
from mobile_api.wiring import Parts

GONE: Final = frozenset({404, 410})  # RFC 8030, 7.3: the browser is not subscribed any more
BUSY: Final = frozenset({408, 425, 429})
SERVER_FAULT: Final = 500

Outcome = Literal["sent", "later", "failed", "gone", "nothing"]


@dataclass(frozen=True, slots=True)
class Tried:
    """How a try went. ``phone_id``: of the phone it was for."""

    outcome: Outcome
    reason: str = ""
    phone_id: str = ""


@dataclass(frozen=True, slots=True)
class _Ring:
    phone_id: str
    endpoint: str
    point: str
    auth: str
    ends_at: datetime
    message: dict[str, str]


def try_once(parts: Parts, ring_id: str) -> Tried:
    """Ring a phone, unless that is settled, or says nothing any more."""
    with reading(parts.engine) as db:
        ring = _composed(db, ring_id)
    if ring is None:
        return Tried("nothing")
    now = parts.clock.now()
    left_s = int((ring.ends_at - now).total_seconds())
    if left_s <= 0:
        return Tried("failed", "it was over before the phone could be rung", ring.phone_id)
    who = sealing.headers(parts.secret, ring.endpoint, parts.settings.push_contact, now, left_s)
    try:
        body = sealing.sealed(ring.message, ring.point, ring.auth)
        answer = parts.outgoing.post(ring.endpoint, body, who)
        parts.marked("rung")
    except (AddressRefused, ValueError) as error:
        return Tried("gone", str(error), ring.phone_id)
    except Unavailable as error:
        return Tried("later", error.message, ring.phone_id)
    return read_answer(answer, ring.phone_id)


def read_answer(answer: Answer, phone_id: str) -> Tried:
    """Return what a push service's answer means."""
    if answer.good:
        return Tried("sent", "", phone_id)
    said = f"{answer.status} {answer.body[:100].decode(errors='replace')}".strip()
    if answer.status in GONE:
        return Tried("gone", said, phone_id)
    late = answer.status in BUSY or answer.status >= SERVER_FAULT
    return Tried("later" if late else "failed", said, phone_id)


def _composed(db: Session, ring_id: str) -> _Ring | None:
    row = db.get(PushRingRow, ring_id)
    if row is None or row.state != "requested":
        return None
    phone = db.get_one(PushPhoneRow, row.phone_id)
    spoken = words(phone.locale)
    place = zone_names(db, spoken, row.location_id).get(row.about) or row.about
    message = {
        "title": spoken.gettext("It is your turn"),
        "body": spoken.gettext("%(place)s, number %(number)s. Please come now.")
        % {"place": place, "number": spoken.number(row.number)},
        "tag": f"turn-{row.location_id}-{row.about}",
        "url": f"/shops/{row.location_id}/waiting",
        "lang": spoken.locale,
        "dir": spoken.direction,
    }
    return _Ring(phone.id, phone.endpoint, phone.point, phone.auth, row.ends_at, message)
