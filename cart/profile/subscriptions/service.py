"""Commands of subscribing: make a topic, ask, confirm, choose, leave, undo.

Asking sends a mail and says nothing else, whoever the address is. Only the press on the page
that the mail leads to confirms: then the address is proved, and the grant goes into the consent
ledger with the very words of that page. Leaving is never refused and never limited.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from sqlmodel import Session, col, delete, func, select, update

from cart.db.guarded import insert_new, write
from cart.kernel.clock import Clock
from cart.kernel.email import normal_address
from cart.kernel.errors import InvalidInput, NotFound, TooManyAttempts, UnknownWithdrawal
from cart.kernel.i18n import LOCALES
from cart.kernel.ids import Ids
from cart.profile import limits
from cart.profile import service as profile
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Purpose, Shown, Subject
from cart.profile.consent.model import Source as ConsentSource
from cart.profile.queries import addresses_of
from cart.profile.subscriptions import queries, suppression
from cart.profile.subscriptions.model import (
    ASKS_PER_ADDRESS,
    ASKS_PER_NETWORK,
    CONFIRM_FOR,
    LETTERS_KEPT,
    TOPIC_ID_LENGTH_MAX,
    TOPICS_MAX,
    UNDO_FOR,
    LetterKind,
    Source,
    State,
    domain_of,
    mark_of,
)
from cart.profile.subscriptions.tables import SubscriptionRow, TopicLetterRow, TopicRow

TOPIC_ID: Final = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{TOPIC_ID_LENGTH_MAX - 2}}}[a-z0-9])?")
PURPOSE: Final = Purpose.MARKETING_EMAIL  # what every topic is written under
FORGOTTEN_AT_ONCE_MAX: Final = 1_000  # rows; the writer's lock is held for as long as they take


def make_topic(
    db: Session,
    clock: Clock,
    *,
    topic_id: str,
    names: Mapping[str, str],
    abouts: Mapping[str, str],
) -> TopicRow:
    """Make a topic. ``names``, ``abouts``: by language; English has to be there.

    Raises:
        InvalidInput: no such id or name may be, it is there, or there are as many as may be.
    """
    if not TOPIC_ID.fullmatch(topic_id) or not names.get("en", "").strip():
        msg = "a topic has an id of small letters, digits and dashes, and an English name"
        raise InvalidInput(msg)
    known = db.exec(select(func.count()).select_from(TopicRow)).one()
    if known >= TOPICS_MAX or db.get(TopicRow, topic_id) is not None:
        msg = f"there is a topic of this id, or {TOPICS_MAX} topics"
        raise InvalidInput(msg)
    row = TopicRow(
        id=topic_id,
        name=names["en"].strip(),
        name_i18n=_translated(names),
        about=abouts.get("en", "").strip(),
        about_i18n=_translated(abouts),
        made_at=clock.now(),
    )
    db.add(row)
    db.flush()
    return row


def topic(db: Session, topic_id: str) -> TopicRow:
    """Return a topic that is open.

    Raises:
        NotFound: there is none.
    """
    found = db.get(TopicRow, topic_id)
    if found is None or found.closed_at is not None:
        msg = "there is no such topic"
        raise NotFound(msg)
    return found


def ask(
    db: Session,
    clock: Clock,
    ids: Ids,
    secret: bytes,
    *,
    email: str,
    topic_ids: Sequence[str],
    network: str,
    locale: str,
) -> str | TooManyAttempts:
    """Have a mail sent that asks whether the address is hers; return the letter's id.

    The same for every address. A refusal is returned: what it counted has to be committed.

    Raises:
        InvalidEmail: no mail can be sent to this address.
        InvalidInput: no topic at all.
        NotFound: one of them is none.
    """
    address = normal_address(email)
    if not topic_ids:
        msg = "at least one topic is to be chosen"
        raise InvalidInput(msg)
    wanted = [topic(db, one) for one in dict.fromkeys(topic_ids)]
    per = [(ASKS_PER_NETWORK, network), (ASKS_PER_ADDRESS, address)]
    if (refused := limits.count(db, clock, secret, per)) is not None:
        return refused
    letter = new_letter(ids, clock, LetterKind.CONFIRM, address, locale)
    db.add(letter)
    for one in wanted:
        row = own_row(
            db, clock, ids, topic_id=one.id, address=address, source=Source.PAGE, locale=locale
        )
        row.ask_id = letter.id
        if row.state != State.CONFIRMED:
            row.state, row.asked_at, row.source = State.PENDING, clock.now(), Source.PAGE
            row.locale = locale
        db.add(row)
    db.flush()
    return letter.id


def asking(db: Session, clock: Clock, letter_id: str) -> TopicLetterRow:
    """Return the letter behind a link that confirms.

    Raises:
        UnknownWithdrawal: it is not ours, or too old.
    """
    found = db.get(TopicLetterRow, letter_id)
    fits = found is not None and found.kind == LetterKind.CONFIRM
    if found is None or not fits or found.requested_at < clock.now() - CONFIRM_FOR:
        msg = "this link confirms nothing, or nothing any more"
        raise UnknownWithdrawal(msg)
    return found


def confirm(db: Session, clock: Clock, ids: Ids, letter_id: str, *, shown: Shown, seen: int) -> str:
    """Confirm what a letter asks about; once more is the same. Return the customer.

    ``shown``: the words on the page that she pressed on. ``seen``: as the ledger wants it.

    Raises:
        UnknownWithdrawal: the link is too old.
        ConsentChanged: the page was older than what she has decided since.
    """
    letter = asking(db, clock, letter_id)
    customer_id = profile.become(db, clock, ids, address=letter.address)
    how = How(ConsentSource.MAIL_LINK, shown)
    consents.grant(db, clock, ids, Subject(customer_id=customer_id), PURPOSE, how=how, seen=seen)
    for row, _ in queries.asked_by(db, letter_id):
        if row.state != State.CONFIRMED:
            set_confirmed(row, clock, customer_id, shown.hash_for(PURPOSE))
            db.add(row)
    db.flush()
    return customer_id


def choose(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    customer_id: str,
    topic_id: str,
    wanted: bool,
    source: Source,
    locale: str,
) -> None:
    """Have, or leave, one topic. Whether letters may go at all is the consent ledger's to say.

    Raises:
        NotFound: there is none to have.
    """
    hers = [one for one in queries.mine(db, customer_id) if one.topic_id == topic_id]
    if not wanted:
        for row in hers:
            _left(row, clock)
            db.add(row)
        db.flush()
        return
    topic(db, topic_id)
    if any(one.state == State.CONFIRMED for one in hers):
        return
    address = addresses_of(db, customer_id)[0]
    row = own_row(db, clock, ids, topic_id=topic_id, address=address, source=source, locale=locale)
    row.source, row.locale = source, locale
    set_confirmed(row, clock, customer_id, row.wording_hash)
    db.add(row)
    db.flush()


def leave_all(db: Session, clock: Clock, customer_id: str) -> int:
    """Leave every topic; return how many there were. The ledger is the caller's to write."""
    hers = [one for one in queries.mine(db, customer_id) if one.state == State.CONFIRMED]
    for row in hers:
        _left(row, clock)
        db.add(row)
    db.flush()
    return len(hers)


def take_back(db: Session, clock: Clock, customer_id: str) -> int:
    """Undo what was left within the last hour; return how many topics came back."""
    since = clock.now() - UNDO_FOR
    back = [one for one in queries.mine(db, customer_id) if one.left_at and one.left_at >= since]
    for row in back:
        if row.state == State.LEFT:
            row.state, row.left_at = State.CONFIRMED, None
            db.add(row)
    db.flush()
    return len(back)


def welcome(db: Session, secret: bytes, customer_id: str) -> None:
    """Let letters go to her addresses again: she is signed in, and says so herself."""
    for address in addresses_of(db, customer_id):
        suppression.lift(db, secret, address)


def new_letter(
    ids: Ids, clock: Clock, kind: LetterKind, address: str, locale: str
) -> TopicLetterRow:
    """Return a letter that is to be sent; the caller adds it."""
    letter_id, now = ids.new("tletter"), clock.now()
    return TopicLetterRow(
        id=letter_id,
        kind=kind,
        address=address,
        domain=domain_of(address),
        locale=locale,
        mark=mark_of(letter_id),
        requested_at=now,
        due_at=now,
    )


def forget(db: Session, clock: Clock) -> int:
    """Delete letters that are old, and what was asked for and never confirmed; return how many."""
    now = clock.now()
    old = (
        select(TopicLetterRow.id)
        .where(TopicLetterRow.requested_at < now - LETTERS_KEPT)
        .limit(FORGOTTEN_AT_ONCE_MAX)
    )
    gone = write(db, delete(TopicLetterRow).where(col(TopicLetterRow.id).in_(old)))
    never = (
        select(SubscriptionRow.id)
        .where(
            SubscriptionRow.state == State.PENDING,
            SubscriptionRow.asked_at < now - CONFIRM_FOR,
            col(SubscriptionRow.customer_id).is_(None),
        )
        .limit(FORGOTTEN_AT_ONCE_MAX)
    )
    gone += write(db, delete(SubscriptionRow).where(col(SubscriptionRow.id).in_(never)))
    given_up = (
        update(SubscriptionRow)
        .where(
            col(SubscriptionRow.state) == State.PENDING,
            col(SubscriptionRow.asked_at) < now - CONFIRM_FOR,
        )
        .values(state=State.LEFT)
    )
    return gone + write(db, given_up)


def own_row(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    topic_id: str,
    address: str,
    source: Source,
    locale: str,
) -> SubscriptionRow:
    """Return the one row of an address and a topic; a fresh one is pending."""
    fresh = {
        "id": ids.new("subscription"),
        "topic_id": topic_id,
        "address": address,
        "state": State.PENDING.value,
        "source": source.value,
        "locale": locale,
        "proof": "",
        "asked_at": clock.now(),
    }
    insert_new(db, SubscriptionRow, fresh, keys=["topic_id", "address"])
    found = queries.of_address(db, topic_id, address)
    assert found is not None  # noqa: S101 - ours, or that which stood in its way
    return found


def set_confirmed(
    row: SubscriptionRow, clock: Clock, customer_id: str, wording_hash: str | None
) -> None:
    """Note that she has this topic from now on."""
    row.state, row.customer_id, row.wording_hash = State.CONFIRMED, customer_id, wording_hash
    row.confirmed_at, row.left_at = clock.now(), None


def _left(row: SubscriptionRow, clock: Clock) -> None:
    if row.state == State.CONFIRMED:
        row.left_at = clock.now()
    row.state = State.LEFT


def _translated(texts: Mapping[str, str]) -> dict[str, str]:
    return {
        locale: texts[locale].strip()
        for locale in LOCALES
        if locale != "en" and texts.get(locale, "").strip()
    }
