"""Where staff go on: back to where they were, if they may open that, else to their first page."""

from typing import Final
from urllib.parse import urlsplit

from sqlmodel import Session

from cart.picking import doors, people
from cart.picking.model import Staff
from cart.picking.permissions import Permission, holds
from cart.picking.roles import May
from cart.picking.staff import SignedIn

QUEUE: Final = "/staff/queue"
SEGMENTS: Final = "/staff/segments"
TOPICS: Final = "/staff/topics"
DOOR, SECOND, PEOPLE, OPERATOR = "/staff", "/staff/second", "/staff/people", "/operator"
JOURNEYS: Final = "/staff/journeys"
REPORT: Final = "/staff/report"


def own_way(back: str) -> str:
    """Return the way back if it is to a page of staff, else the queue. Whose is not asked."""
    own = _under(back, DOOR, OPERATOR) and back != DOOR and "\\" not in back
    return back if own else QUEUE


def home_of(db: Session, me: Staff) -> str:
    """Return her first page: of the pages that she may open, the one for what she does most."""
    if me.on_the_floor:
        return QUEUE
    if holds(db, me.id, Permission.OPERATOR):
        return OPERATOR
    return JOURNEYS if me.may(May.MARKETING) else SECOND


def way_of(db: Session, me: Staff, back: str) -> str:
    """Return the way back if it is to a page of staff that she may open, else her first page."""
    way = own_way(back)
    return way if _opens(db, me, urlsplit(way).path) else home_of(db, me)


def way_on(db: Session, signed: SignedIn | doors.Halfway, back: str) -> str:
    """Return where she goes from the door: on, or by the page that asks for a second factor."""
    way = way_of(db, signed.staff, back)
    if isinstance(signed, doors.Halfway):
        return f"{DOOR}?back={way}"
    return way if signed.second_due_at is None else f"{SECOND}?back={way}"


def _opens(db: Session, me: Staff, path: str) -> bool:
    if _under(path, OPERATOR):
        return holds(db, me.id, Permission.OPERATOR)
    if _under(path, PEOPLE):
        return people.may_see(db, me)
    if _under(path, JOURNEYS, SEGMENTS, TOPICS):
        return me.may(May.MARKETING) or holds(db, me.id, Permission.OPERATOR)
    if _under(path, REPORT):
        return me.may(May.REPORT) or holds(db, me.id, Permission.OPERATOR)
    return _under(path, SECOND) or me.on_the_floor


def _under(path: str, *tops: str) -> bool:
    return f"{path}/".startswith(tuple(f"{one}/" for one in tops))
