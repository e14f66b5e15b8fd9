"""A customer's own story and interests: seen with their reasons, corrected, cleared.

Plain forms, each of which may be pressed twice. Interests are worked out when the page is asked
for and are kept nowhere; what she says about them is kept.
"""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError, SignInNeeded
from cart.profile.consent.gate import granted
from cart.profile.consent.model import Purpose, Subject
from cart.profile.interests import queries, service
from cart.profile.interests.model import Facet, Said
from cart.profile.timeline import queries as timeline
from inventory_api.catalogue.traits import traits
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.edge.sessions import CurrentVisitor, Visitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.timeline import shown
from mobile_api.timeline.words import FACETS
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/account", dependencies=[allow(Role.CUSTOMER)], include_in_schema=False)
HERE: Final = "/account/interests"
VALUE_LENGTH_MAX: Final = 200
Value = Annotated[str, Form(max_length=VALUE_LENGTH_MAX)]
# A time in microseconds and a position, as the page before wrote them.
Before = Annotated[str, Query(pattern=r"^([0-9]{1,16}-[0-9]{1,18})?$")]


def before_of(text: str) -> tuple[int, int] | None:
    """Return the place in a story that a link names."""
    at_us, _, position = text.partition("-")
    return (int(at_us), int(position)) if position else None


@router.get("/story")
def story_page(
    request: Request, wired: Wired, visitor: CurrentVisitor, before: Before = ""
) -> Response:
    """Show what she did with the shop, from all devices, the newest first."""
    spoken = words(locale_of(request))
    visitor.used(wired)
    with reading(wired.engine) as db:
        try:
            me = visitor.customer(db, wired.clock)
        except SignInNeeded:
            return RedirectResponse("/sign-in", 303, NO_STORE)
        found = timeline.story(db, me.id, shown.PAGE_MAX, before_of(before))
        context = {
            "touches": shown.touches(wired, db, found, spoken),
            "older": shown.older(found),
            "is_first": not before,
            "keep_days": wired.settings.timeline_keep_days,
            "page_id": "account",
        }
    return page(request, "account_story.html", context, headers=NO_STORE)


@router.get("/interests")
def interests_page(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    fault: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show what her story says about taste and sizes, why, and what she said about it."""
    visitor.used(wired)
    try:
        context = _interests(request, wired, visitor)
    except SignInNeeded:
        return RedirectResponse("/sign-in", 303, NO_STORE)
    title = words(locale_of(request)).gettext(TITLES[fault]) if fault in TITLES else ""
    return page(request, "account_interests.html", {**context, "fault": title}, headers=NO_STORE)


def _interests(request: Request, wired: Parts, visitor: Visitor) -> dict[str, object]:
    spoken, now = words(locale_of(request)), wired.clock.now()
    with reading(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        found, known = queries.interests_of(db, me.id, traits, now)
        said = queries.words_of(db, me.id)
        subject = Subject(customer_id=me.customer_id or "")
        seen_by_others = granted(db, subject, Purpose.ANALYTICS, signal=visitor.signal)
    mine = shown.interests(found, known, spoken, now)
    return {
        "facets": [
            (title, [one for one in mine if one.facet is facet]) for facet, title in FACETS.items()
        ],
        "any": bool(mine),
        "refused": [one for one in said if one.said is Said.NOT_FOR_ME],
        "facet_words": FACETS,
        "shared": seen_by_others,
        "page_id": "account",
    }


@router.post("/interests/refuse")
def refuse(
    wired: Wired, visitor: CurrentVisitor, facet: Annotated[Facet, Form()], value: Value
) -> Response:
    """Note that an interest is not hers."""
    return _do(
        wired,
        visitor,
        lambda db, home: service.refuse(db, wired.clock, home=home, facet=facet, value=value),
    )


@router.post("/interests/size")
def correct_size(wired: Wired, visitor: CurrentVisitor, category: Value, size: Value) -> Response:
    """Note which size is hers."""
    return _do(
        wired,
        visitor,
        lambda db, home: service.correct_size(
            db, wired.clock, home=home, category=category, size=size
        ),
    )


@router.post("/interests/take-back")
def take_back(
    wired: Wired, visitor: CurrentVisitor, facet: Annotated[Facet, Form()], value: Value
) -> Response:
    """Forget what she said about an interest."""
    return _do(
        wired, visitor, lambda db, home: service.take_back(db, home=home, facet=facet, value=value)
    )


@router.post("/interests/clear")
def clear(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Let nothing that was before now count any more."""
    return _do(wired, visitor, lambda db, home: service.clear(db, wired.clock, home=home))


def _do(wired: Parts, visitor: Visitor, act: Callable[[Session, str], None]) -> Response:
    try:
        with unit_of_work(wired.engine) as db:
            act(db, visitor.customer(db, wired.clock).id)
    except SignInNeeded:
        raise
    except CarryoverError as refusal:
        return RedirectResponse(f"{HERE}?fault={refusal.code}", 303, NO_STORE)
    return RedirectResponse(HERE, 303, NO_STORE)
