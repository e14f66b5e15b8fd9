"""Decide and show: what the page and the API of consent have in common."""

from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.kernel.errors import ConsentChanged
from cart.profile.consent import queries
from cart.profile.consent import service as consents
from cart.profile.consent.model import (
    REFUSED_BY_SIGNAL,
    Decision,
    How,
    Purpose,
    Source,
    Subject,
    holds,
)
from cart.profile.subscriptions.service import PURPOSE, leave_all
from gateway.notices import CameraSwitched
from mobile_api.bands.following import let_follow
from mobile_api.look.words import Words
from mobile_api.privacy.schemas import Decide, PurposeOut
from mobile_api.privacy.wordings import WORDINGS, scope_of, shown_by_hash, shown_in
from mobile_api.wiring import Parts


def subject_of(shopper: ShopperSessionRow | None) -> Subject | None:
    """Return who decides with this session: its customer, or the session itself."""
    if shopper is None:
        return None
    if shopper.customer_id is not None:
        return Subject(customer_id=shopper.customer_id)
    return Subject(session_id=shopper.id)


def purposes(
    db: Session, subject: Subject | None, spoken: Words, *, signal: bool
) -> list[PurposeOut]:
    """Return every purpose as this subject is shown it."""
    found: dict[Purpose, Decision | None] = {}
    numbers: dict[Purpose, int] = {}
    if subject is not None:
        found = queries.all_standing(db, subject)
        numbers = queries.own_numbers(db, subject)
    return [
        _out(
            spoken,
            subject,
            one,
            found.get(one),
            seen=numbers.get(one, 0),
            stopped=signal and one in REFUSED_BY_SIGNAL,
        )
        for one in Purpose
    ]


def decide(
    wired: Parts,
    db: Session,
    shopper: ShopperSessionRow,
    purpose: Purpose,
    wanted: Decide,
    *,
    spoken: Words,
    signal: bool,
) -> PurposeOut:
    """Write the decision down; return the purpose as she is shown it now.

    Raises:
        ConsentChanged: what was shown is not what would be shown now; for a grant only.
        CarryoverError: as :func:`cart.profile.consent.service.grant` says.
    """
    subject = subject_of(shopper)
    assert subject is not None  # noqa: S101 - there is a session
    shown = shown_by_hash(purpose, subject, wanted.wording)
    how = How(Source.PAGE, shown, signal=signal)
    if not wanted.granted:
        consents.withdraw(db, wired.clock, wired.ids, subject, purpose, how=how)
        if purpose is PURPOSE:
            leave_all(db, wired.clock, subject.customer_id)
    elif shown is None and subject.may_grant(purpose):
        msg = f"the wording of {purpose.value} is another by now, or for somebody else"
        raise ConsentChanged(msg)
    else:
        consents.grant(db, wired.clock, wired.ids, subject, purpose, how=how, seen=wanted.seen)
    if purpose is Purpose.LOCATION_IN_SHOP:
        let_follow(wired, db, shopper.id, follow=wanted.granted)
    if purpose is Purpose.MIRROR_VIDEO:
        wired.tell(db, CameraSwitched(shopper.cart_id))
    return _out(
        spoken,
        subject,
        purpose,
        queries.all_standing(db, subject, [purpose])[purpose],
        seen=queries.own_numbers(db, subject).get(purpose, 0),
        stopped=signal and purpose in REFUSED_BY_SIGNAL,
    )


def _out(
    spoken: Words,
    subject: Subject | None,
    purpose: Purpose,
    decision: Decision | None,
    *,
    seen: int,
    stopped: bool,
) -> PurposeOut:
    wording, shown = WORDINGS[purpose], shown_in(spoken, purpose, subject)
    _ = spoken.gettext
    return PurposeOut(
        purpose=purpose,
        granted=holds(decision) and not stopped,
        may_grant=not stopped and (subject or Subject()).may_grant(purpose),
        seen=seen,
        decided_at=decision.at if decision else None,
        source=decision.source if decision else None,
        title=_(wording.title),
        meaning=_(wording.meaning),
        who=_(wording.who),
        end=_(wording.end),
        scope=_(scope_of(purpose, subject)),
        version=shown.version,
        locale=shown.locale,
        wording=shown.hash_for(purpose),
    )
