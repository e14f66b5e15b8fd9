"""Handing a band out and taking it back, with the consent that goes with it."""

from dataclasses import dataclass

from sqlmodel import Session

from cart.carts.service import open_session
from cart.carts.tables import ShopperSessionRow
from cart.kernel.errors import BandNotHere, ConsentChanged, NoSession
from cart.picking.model import Staff
from cart.profile.consent import queries as ledger
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Purpose, Shown, Source, Subject
from gateway.bands import desk_codes, queries, service
from gateway.bands.tables import BandRow
from gateway.binding.news import changed
from gateway.binding.tapping import leave
from gateway.fanout import BandChanged
from mobile_api.bands.schemas import HandOut
from mobile_api.look.words import words
from mobile_api.privacy.deciding import subject_of
from mobile_api.privacy.wordings import shown_at_desk, shown_at_desk_by_hash
from mobile_api.rights import idle
from mobile_api.wiring import Parts

PURPOSE = Purpose.LOCATION_IN_SHOP


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read out to a shopper before she gets a band.

    ``seen``: how often she has decided on this before.
    """

    shown: Shown
    hash: str
    seen: int
    customer: bool
    locale: str


def asked(wired: Parts, db: Session, *, code: str, locale: str) -> Asked:
    """Return the words for whoever shows ``code``, or for somebody without a phone.

    Raises:
        DeskCodeRefused: the code is nobody's, or too old.
    """
    subject: Subject | None = None
    if code:
        session = _session(db, desk_codes.session_of(db, wired.clock, wired.secret, code))
        subject, locale = subject_of(session), session.locale
    shown = shown_at_desk(words(locale), subject)
    numbers = ledger.own_numbers(db, subject) if subject else {}
    return Asked(
        shown,
        shown.hash_for(PURPOSE),
        numbers.get(PURPOSE, 0),
        subject is not None and bool(subject.customer_id),
        locale,
    )


def hand_out(wired: Parts, db: Session, me: Staff, form: HandOut) -> None:
    """Give a band of this desk to whoever shows a code, or to somebody without a phone.

    She gets a fresh session and cart then. If she may be followed, that is in the ledger.

    Raises:
        DeskCodeRefused: the code is nobody's, or too old.
        ConsentChanged: the words are others by now, or she has decided since.
        CarryoverError: as :func:`gateway.bands.service.hand_out` says.
    """
    clock, ids = wired.clock, wired.ids
    at_desk(db, form.number, me.location_id)
    subject: Subject | None = None
    if form.code:
        session = _session(db, desk_codes.use(db, clock, wired.secret, form.code))
        subject = subject_of(session)
    else:
        session = open_session(db, clock, ids, locale=form.locale)
    service.hand_out(
        db,
        clock,
        ids,
        number=form.number,
        session_id=session.id,
        greeting=form.greeting,
        locale=session.locale,
        follow=form.follow,
        staff_id=me.id,
    )
    if form.follow:
        shown = shown_at_desk_by_hash(subject, form.wording)
        if shown is None:
            msg = f"the wording of {PURPOSE.value} is another by now, or for somebody else"
            raise ConsentChanged(msg)
        how = How(Source.STAFF_DESK, shown, me.location_id)
        who = subject or Subject(session_id=session.id)
        consents.grant(db, clock, ids, who, PURPOSE, how=how, seen=form.seen)
    wired.tell(db, BandChanged(form.number))


def take_back(wired: Parts, db: Session, me: Staff, number: int) -> None:
    """Put a band into this desk's drawer, whoever had it.

    What it opened ends at once. If it was all that opened her session, that is emptied: nobody
    comes back to it.

    Raises:
        CarryoverError: as :func:`gateway.bands.service.hand_back` says.
    """
    holder = queries.holder_of(db, number)
    if holder is not None:
        over = leave(db, wired.clock, wired.ids, loan_id=holder.loan_id)
        wired.tell(db, *map(changed, over))
        db.flush()
        idle.empty_closed(db, wired.clock.now(), holder.session_id)
    # Last, so that the loan says how it ended, also of a session that is emptied.
    service.hand_back(db, wired.clock, number, location_id=me.location_id)
    wired.tell(db, BandChanged(number))


def report_lost(wired: Parts, db: Session, session_id: str) -> None:
    """Let the band of a shopper who does not find it open nothing any more.

    What it opened ends at once: whoever has found it may stand there.

    Raises:
        UnknownBand: this session has no band; nothing has changed.
    """
    loan = queries.loan_of_session(db, session_id)
    over = leave(db, wired.clock, wired.ids, loan_id=loan.id) if loan is not None else []
    number = service.report_lost(db, wired.clock, session_id=session_id)
    wired.tell(db, *map(changed, over), BandChanged(number))


def at_desk(db: Session, number: int, location_id: str) -> None:
    """Return if this band lies in the drawer of this location; of one that is out others say so.

    Raises:
        BandNotHere: it lies in another's drawer.
    """
    row = db.get(BandRow, number, populate_existing=True)
    if row is not None and row.location_id != location_id:
        msg = f"band {number} belongs to {row.location_id}"
        raise BandNotHere(msg, number=number, state=row.state)


def _session(db: Session, session_id: str) -> ShopperSessionRow:
    found = db.get(ShopperSessionRow, session_id, populate_existing=True)
    if found is None or found.ended_at is not None:
        msg = "the session of this code has ended"
        raise NoSession(msg)
    return found
