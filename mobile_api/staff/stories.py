"""One customer's story, for staff: of it what their work needs, or what she has allowed.

Whoever works on the floor sees what became of her orders at this location. A marketer sees her
story and interests if she allows analytics, and else that she does not. Every look is noted.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from cart.audit.model import Action, On
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.errors import ConsentMissing
from cart.picking import staff
from cart.picking.model import Staff
from cart.picking.roles import May, Role
from cart.profile.interests.queries import for_marketers
from cart.profile.timeline import queries as timeline
from cart.profile.timeline.model import Placed
from inventory_api.catalogue.traits import traits
from mobile_api.edge import access
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.staff.looking import looking
from mobile_api.staff.signed_in import CurrentDevice, note_seen
from mobile_api.staff.ways import home_of
from mobile_api.timeline import shown
from mobile_api.timeline.cdp_calls import OF_ORDERS
from mobile_api.timeline.words import FACETS
from mobile_api.wiring import Wired

router = APIRouter(
    prefix="/staff", dependencies=[access.allow(access.Role.STAFF)], include_in_schema=False
)
SessionId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


@router.get("/stories/{session_id}")
def story_page(
    request: Request, session_id: SessionId, wired: Wired, device: CurrentDevice
) -> HTMLResponse:
    """Show of somebody's story what whoever is signed in here may see."""
    spoken, now = words(locale_of(request)), wired.clock.now()
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, spoken)
        home = timeline.home_of(db, session_id)
        found, interests, refused = _seen(db, home, me), [], False
        if me.role is Role.MARKETER:
            try:
                derived, known = for_marketers(db, home, traits, now)
                interests = shown.interests(derived, known, spoken, now)
            except ConsentMissing:
                found, refused = (), True
        context = {
            "me": me,
            "place": look.place,
            "page_id": "story",
            "home": home_of(db, me),
            "touches": shown.touches(wired, db, found, spoken),
            "facets": [
                (title, [one for one in interests if one.facet is facet])
                for facet, title in FACETS.items()
            ],
            "refused": refused,
        }
    # Before the page is given away: what cannot be noted is not shown.
    note_seen(wired, staff.as_who(me), Action.STORY_SEE, On("session", home))
    return page(request, "staff_story.html", context, headers=NO_STORE)


def _seen(db: Session, home: str, me: Staff) -> Sequence[Placed]:
    """Return what her role sees: all, for a marketer; else of orders at her location; or nothing.

    A marketer's is shown only after the gate was asked.
    """
    if me.role is Role.MARKETER:
        return timeline.story(db, home, shown.PAGE_MAX)
    if not me.may(May.FLOOR):
        return ()
    return timeline.story(db, home, shown.PAGE_MAX, kinds=OF_ORDERS, location_id=me.location_id)
