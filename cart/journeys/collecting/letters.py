"""Sources of what went out by mail, and of signing in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, select
from sqlmodel import Session, col, literal

from cart.carts.keys import name_of
from cart.carts.tables import ListRequestRow, SavedListRow, SessionKeyRow, ShopperSessionRow
from cart.journeys.collecting.model import OVERLAP, At, Told
from cart.journeys.collecting.reading import Order, page, told
from cart.journeys.tables import JourneyMessageRow
from cart.kernel.clock import to_us
from cart.orders.tables import OrderLetterRow, OrderRow
from cart.profile.tables import AccountLetterRow
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.queries import origins

MAILS: Final = frozenset({Kind.MAIL_SENT})


@dataclass(frozen=True, slots=True)
class ListMails:
    """Mails with a list that have left."""

    name: str = "list_mails"
    kinds: frozenset[Kind] = MAILS
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell mails in the order in which they were sent."""
        row = ListRequestRow
        asked = _asked(row.list_id, SavedListRow.session_id, row.sent_at, row.id).join(SavedListRow)
        return _mails(db, asked, "list", after, limit)


@dataclass(frozen=True, slots=True)
class OrderMails:
    """Mails about an order that have left."""

    name: str = "order_mails"
    kinds: frozenset[Kind] = MAILS
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell mails in the order in which they were sent."""
        row = OrderLetterRow
        asked = _asked(row.order_id, OrderRow.session_id, row.sent_at, row.id).join(OrderRow)
        return _mails(db, asked, "order", after, limit)


@dataclass(frozen=True, slots=True)
class AccountMails:
    """Mails about an account that have left."""

    name: str = "account_mails"
    kinds: frozenset[Kind] = MAILS
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell mails in the order in which they were sent."""
        row = AccountLetterRow
        asked = _asked(row.id, ShopperSessionRow.id, row.sent_at, row.id).join(
            ShopperSessionRow, col(ShopperSessionRow.customer_id) == col(row.customer_id)
        )
        return _mails(db, asked, "account", after, limit)


@dataclass(frozen=True, slots=True)
class JourneyMails:
    """Reminders that have left."""

    name: str = "journey_mails"
    kinds: frozenset[Kind] = MAILS
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell mails in the order in which they were sent."""
        row = JourneyMessageRow
        asked = _asked(row.id, row.session_id, row.sent_at, row.id)
        return _mails(db, asked, "journey", after, limit)


def _asked(*columns: Any) -> "Select[*tuple[Any, ...]]":  # noqa: ANN401 - what mails are about, and their columns
    """Ask for what a mail is about, whose it is, when it was sent, and its id."""
    return select(*columns)


def _mails(
    db: Session, asked: "Select[*tuple[Any, ...]]", about: str, after: At, limit: int
) -> Told:
    *_, sent_at, name = asked.selected_columns
    order = Order(sent_at, name, literal(f"mail:{about}:").concat(name))
    rows = page(db, asked, order, after, limit)
    first = origins(db, about, [one[0] for one in rows])
    return told(
        rows,
        limit,
        lambda one: Interaction(
            id=f"mail:{about}:{one[3]}",
            session_id=first.get(one[0], one[1]),
            kind=Kind.MAIL_SENT,
            channel=Channel.MAIL,
            at=one[2],
            ref=one[0],
        ),
    )


@dataclass(frozen=True, slots=True)
class SignIns:
    """Phones on which a customer signed in."""

    name: str = "sign_ins"
    kinds: frozenset[Kind] = frozenset({Kind.SIGNED_IN})
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell sign-ins in the order in which they happened."""
        row = SessionKeyRow
        # Only a key to a customer's session has an end that no use moves.
        asked = select(col(row.token_hash), col(row.session_id), col(row.created_at)).where(
            col(row.ends_at).is_not(None)
        )
        rows = page(db, asked, Order(col(row.created_at), col(row.token_hash)), after, limit)
        return told(
            rows,
            limit,
            lambda one: Interaction(
                # Not by the key's hash: ids of interactions leave the house.
                id=f"sign-in:{name_of(one[0])}:{to_us(one[2])}",
                session_id=one[1],
                kind=Kind.SIGNED_IN,
                channel=Channel.PHONE,
                at=one[2],
            ),
        )
