"""Who opens a shopper's looks: her phones, each by a secret that only its cookie has.

A session's first phone makes the key pair. Another phone of hers is let in by one that opens
already, or by her PIN; nobody else can, this server neither: it meets a private half only while
a request of such a phone goes on.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select, update

from cart.carts.tables import DEVICE_LENGTH_MAX, ShopperSessionRow
from cart.db.guarded import insert_new
from cart.kernel import sealed_key
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    LooksClosed,
    LooksPinNeeded,
    TooManyLooks,
    UnknownLooksPhone,
    WrongLooksPin,
)
from cart.kernel.ids import Ids, drawn
from cart.looks import queries
from cart.looks.model import (
    ASKED_FOR,
    ASKS_MAX,
    KEEP_DAYS_USUAL,
    PHONES_MAX,
    PIN_SAID_FOR,
    PhoneKey,
    PinKeys,
    Work,
    as_bytes,
    as_text,
    checked_pin,
    key_context,
    phone_name,
    pin_keys,
)
from cart.looks.tables import LookAskRow, LookChoiceRow, LookKeyRow, LookPhoneRow

Opened = Mapping[str, bytes]  # private halves by the id of their key


def begin(db: Session, clock: Clock, ids: Ids, session_id: str, phone: PhoneKey) -> bool:
    """Let mirrors seal to this session; say whether this phone opens its looks.

    The first phone makes the key pair; another one that has not been let in changes nothing.
    """
    # Two phones at once make one pair.
    db.get_one(ShopperSessionRow, session_id, with_for_update=True)
    if queries.phones_of(db, session_id, phone.name):
        return True
    if queries.keys_of(db, session_id):
        return False
    # Of the passed-in randomness, as all secrets; X25519 takes any 32 bytes.
    private = drawn(ids)
    key_id = ids.new("lookkey")
    public = sealed_key.public_of(private)
    db.add(
        LookKeyRow(
            id=key_id,
            session_id=session_id,
            public_key=as_text(public),
            created_at=clock.now(),
        )
    )
    db.flush()
    _let(db, clock.now(), {key_id: private}, phone.public, phone.device)
    return True


def opened(db: Session, clock: Clock, session_id: str, phone: PhoneKey | None) -> Opened:
    """Return what this phone opens of a session's looks.

    Raises:
        LooksClosed: nothing: she opens them on another phone.
        LooksPinNeeded: a PIN stands before them, and was not said here of late.
    """
    rows = queries.phones_of(db, session_id, phone.name) if phone else []
    if phone is None or not rows:
        msg = "this phone opens no looks of this shopper"
        raise LooksClosed(msg)
    if queries.has_pin(db, session_id):
        said = max((row.pin_said_at for row in rows if row.pin_said_at), default=None)
        if said is None or said <= clock.now() - PIN_SAID_FOR:
            msg = f"the PIN of these looks was not said within {PIN_SAID_FOR}"
            raise LooksPinNeeded(msg)
    return {
        row.key_id: sealed_key.open_sealed_to(
            phone.private, as_bytes(row.sealed), key_context(row.key_id)
        )
        for row in rows
    }


def ask(db: Session, clock: Clock, ids: Ids, session_id: str, phone: PhoneKey) -> None:
    """Note that this phone wants to open looks; once more is the same wish.

    Raises:
        TooManyLooks: ASKS_MAX phones wait already.
    """
    now, public = clock.now(), as_text(phone.public)
    waiting = [one for one in queries.asks(db, session_id, now) if one.public_key != public]
    if len(waiting) >= ASKS_MAX:
        msg = f"{ASKS_MAX} phones ask already"
        raise TooManyLooks(msg)
    _forget(db, session_id, public_key=public)
    db.add(
        LookAskRow(
            id=ids.new("lookask"),
            session_id=session_id,
            public_key=public,
            device=phone.device[:DEVICE_LENGTH_MAX],
            asked_at=now,
            expires_at=now + ASKED_FOR,
        )
    )
    db.flush()


def let_in(db: Session, clock: Clock, session_id: str, ask_id: str, held: Opened) -> None:
    """Let the phone that asked open what this one opens (``held``).

    Raises:
        UnknownLooksPhone: it asks no more.
        TooManyLooks: PHONES_MAX open already.
    """
    found = db.get(LookAskRow, ask_id)
    if found is None or found.session_id != session_id or found.expires_at <= clock.now():
        msg = "no phone asks under this name"
        raise UnknownLooksPhone(msg)
    _let(db, clock.now(), held, as_bytes(found.public_key), found.device)
    db.delete(found)
    db.flush()


def refuse(db: Session, session_id: str, ask_id: str) -> None:
    """Let a phone that asked not in.

    Raises:
        UnknownLooksPhone: it asks no more, or never did.
    """
    if not _forget(db, session_id, ask_id=ask_id):
        msg = "no phone asks under this name"
        raise UnknownLooksPhone(msg)


def _forget(db: Session, session_id: str, *, ask_id: str = "", public_key: str = "") -> int:
    gone = db.connection().execute(
        delete(LookAskRow).where(
            col(LookAskRow.session_id) == session_id,
            (col(LookAskRow.id) == ask_id) | (col(LookAskRow.public_key) == public_key),
        )
    )
    return int(gone.rowcount)


def set_pin(
    db: Session,
    clock: Clock,
    ids: Ids,
    secret: bytes,
    *,
    session_id: str,
    phone: PhoneKey,
    held: Opened,
    pin: str,
    work: Work = Work(),  # noqa: B008 - frozen
) -> None:
    """Put a PIN before a session's looks, in the place of the one before.

    Raises:
        PinTooEasy: it is no PIN, or guessed first.
    """
    salt = ids.token()
    made = pin_keys(secret, checked_pin(pin), salt, work)
    choice = _choice(db, session_id)
    choice.pin_salt, choice.pin_check = salt, made.check
    db.add(choice)
    for key in queries.keys_of(db, session_id):
        key.pin_sealed = _under_pin(key.id, held, made)
        db.add(key)
    _said(db, clock.now(), session_id, phone)


def say_pin(
    db: Session,
    clock: Clock,
    secret: bytes,
    *,
    session_id: str,
    phone: PhoneKey,
    pin: str,
    work: Work = Work(),  # noqa: B008 - frozen
) -> WrongLooksPin | None:
    """Open looks on this phone for PIN_SAID_FOR; one that opened nothing is let in by it.

    Return why not, to be raised after commit. Tries are the caller's to count, before.
    """
    choice = db.get(LookChoiceRow, session_id)
    wrong = WrongLooksPin("not the PIN of these looks")
    if choice is None or not choice.pin_salt:
        return wrong
    made = pin_keys(secret, pin.strip(), choice.pin_salt, work)
    if not hmac.compare_digest(made.check, choice.pin_check):
        return wrong
    rows = {row.key_id for row in queries.phones_of(db, session_id, phone.name)}
    new: dict[str, bytes] = {}
    for key in queries.keys_of(db, session_id):
        if key.pin_sealed and key.id not in rows:
            sealed = as_bytes(key.pin_sealed)
            new[key.id] = sealed_key.open_under(made.key, sealed, key_context(key.id))
    _let(db, clock.now(), new, phone.public, phone.device)
    _said(db, clock.now(), session_id, phone)
    held = opened(db, clock, session_id, phone) if rows or new else {}
    for key in queries.keys_of(db, session_id):
        if not key.pin_sealed and key.id in held:  # made since, or came with another cart
            key.pin_sealed = _under_pin(key.id, held, made)
            db.add(key)
    db.flush()
    return None


def remove_pin(db: Session, session_id: str) -> None:
    """Take the PIN away; whoever calls has looked whether it was said."""
    choice = _choice(db, session_id)
    choice.pin_salt = choice.pin_check = ""
    db.add(choice)
    mine = col(LookKeyRow.session_id) == session_id
    db.exec(update(LookKeyRow).where(mine).values(pin_sealed=""))
    db.flush()


def move(db: Session, *, from_id: str, session_id: str) -> list[str]:
    """Let looks follow their shopper into another session; return the keys that went.

    A PIN goes along where there is none; where there is one, that one stands before all.
    """
    moved = [key.id for key in queries.keys_of(db, from_id)]
    theirs = db.get(LookChoiceRow, from_id)
    if moved and theirs is not None:
        mine = db.get(LookChoiceRow, session_id)
        if mine is None:
            kept = theirs.model_dump() | {"session_id": session_id}
            db.add(LookChoiceRow(**kept))
        elif not mine.pin_salt:
            mine.pin_salt, mine.pin_check = theirs.pin_salt, theirs.pin_check
            db.add(mine)
        elif theirs.pin_salt:
            _hand(db, moved, session_id, pin_sealed="")
    _hand(db, moved, session_id)
    return moved


def move_back(db: Session, key_ids: Sequence[str], *, session_id: str) -> None:
    """Undo :func:`move`."""
    _hand(db, key_ids, session_id)


def _hand(db: Session, key_ids: Sequence[str], session_id: str, **more: str) -> None:
    db.exec(
        update(LookKeyRow)
        .where(col(LookKeyRow.id).in_(key_ids))
        .values(session_id=session_id, **more)
    )


def _let(db: Session, now: datetime, held: Opened, public: bytes, device: str) -> None:
    for key_id, private in held.items():
        there = select(LookPhoneRow.phone_name).where(LookPhoneRow.key_id == key_id)
        if len(db.exec(there.limit(PHONES_MAX)).all()) >= PHONES_MAX:
            msg = f"{PHONES_MAX} phones open these looks"
            raise TooManyLooks(msg)
        values = {
            "key_id": key_id,
            "phone_name": phone_name(public),
            "sealed": as_text(sealed_key.seal_to(public, private, key_context(key_id))),
            "device": device[:DEVICE_LENGTH_MAX],
            "created_at": now,
        }
        insert_new(db, LookPhoneRow, values, keys=["key_id", "phone_name"])


def _said(db: Session, now: datetime, session_id: str, phone: PhoneKey) -> None:
    for row in queries.phones_of(db, session_id, phone.name):
        row.pin_said_at = now
        db.add(row)
    db.flush()


def _under_pin(key_id: str, held: Opened, made: PinKeys) -> str:
    if key_id not in held:
        return ""
    return as_text(sealed_key.seal_under(made.key, held[key_id], key_context(key_id)))


def _choice(db: Session, session_id: str) -> LookChoiceRow:
    found = db.get(LookChoiceRow, session_id, with_for_update=True)
    return found or LookChoiceRow(session_id=session_id, keep_days=KEEP_DAYS_USUAL)
