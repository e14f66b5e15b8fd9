"""Sources of what went out, by mail or another way, of who came back by it, and of signing in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
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
from cart.profile.subscriptions.tables import TopicLetterRow
from cart.profile.tables import AccountLetterRow
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.queries import origins


@dataclass(frozen=True, slots=True)
class Mails:
    """Mails of one sort that have left.

    ``asked``: what each is about, whose it is, when it was sent, and its id.
    """

    about: str
    asked: "Select[*tuple[Any, ...]]"
    kinds: frozenset[Kind] = frozenset({Kind.MAIL_SENT})
    overlap: timedelta = OVERLAP

    @property
    def name(self) -> str:
        """Name of the mark."""
        return f"{self.about}_mails"

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell mails in the order in which they were sent."""
        *_, sent_at, mail_id = self.asked.selected_columns
        order = Order(sent_at, mail_id, literal(f"mail:{self.about}:").concat(mail_id))
        rows = page(db, self.asked, order, after, limit)
        first = origins(db, self.about, [one[0] for one in rows])
        return told(
            rows,
            limit,
            lambda one: Interaction(
                id=f"mail:{self.about}:{one[3]}",
                session_id=first.get(one[0], one[1]),
                kind=Kind.MAIL_SENT,
                channel=Channel.MAIL,
                at=one[2],
                ref=one[0],
            ),
        )


def _mails(*columns: Any) -> "Select[*tuple[Any, ...]]":  # noqa: ANN401 - columns of any rows
    return select(*columns)


MAILS: Final = (
    Mails(
        "list",
        _mails(
            ListRequestRow.list_id,
            SavedListRow.session_id,
            ListRequestRow.sent_at,
            ListRequestRow.id,
        ).join(SavedListRow),
    ),
    Mails(
        "order",
        _mails(
            OrderLetterRow.order_id, OrderRow.session_id, OrderLetterRow.sent_at, OrderLetterRow.id
        ).join(OrderRow),
    ),
    Mails(
        "account",
        _mails(
            AccountLetterRow.id, ShopperSessionRow.id, AccountLetterRow.sent_at, AccountLetterRow.id
        ).join(
            ShopperSessionRow,
            col(ShopperSessionRow.customer_id) == col(AccountLetterRow.customer_id),
        ),
    ),
    Mails(
        "letter",
        _mails(
            TopicLetterRow.id, ShopperSessionRow.id, TopicLetterRow.sent_at, TopicLetterRow.id
        ).join(
            ShopperSessionRow,
            col(ShopperSessionRow.customer_id) == col(TopicLetterRow.customer_id),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class JourneyMessages:
    """Messages of journeys that have left: each by its way."""

    name: str = "journey_mails"
    kinds: frozenset[Kind] = frozenset({Kind.MAIL_SENT, Kind.MESSAGE_SENT})
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell messages in the order in which they were sent."""
        row = JourneyMessageRow
        named = literal("mail:journey:").concat(col(row.id))  # since all of them were mails
        rows = page(db, select(row), Order(col(row.sent_at), col(row.id), named), after, limit)
        return told(rows, limit, lambda one: _sent(one[0]))


def _sent(row: JourneyMessageRow) -> Interaction:
    kind = Kind.MAIL_SENT if row.channel == Channel.MAIL else Kind.MESSAGE_SENT
    return _of_journey(row, "mail", kind, row.sent_at)


@dataclass(frozen=True, slots=True)
class Firsts:
    """The first time that somebody did something on the page of a journey's message.

    ``what``: stands in the ids; ``column``: of the message, when it was.
    """

    name: str
    what: str
    kind: Kind
    column: str
    overlap: timedelta = OVERLAP

    @property
    def kinds(self) -> frozenset[Kind]:
        """The one kind that it tells."""
        return frozenset({self.kind})

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell them in their order."""
        row = JourneyMessageRow
        named = literal(f"{self.what}:journey:").concat(col(row.id))
        order = Order(getattr(row, self.column), col(row.id), named)
        rows = page(db, select(row), order, after, limit)
        return told(
            rows,
            limit,
            lambda one: _of_journey(one[0], self.what, self.kind, getattr(one[0], self.column)),
        )


OPENINGS: Final = Firsts("journey_openings", "opened", Kind.MAIL_OPENED, "opened_at")
# Her things were brought back by it.
PRESSES: Final = Firsts("journey_presses", "pressed", Kind.CAME_BACK, "pressed_at")


def _of_journey(row: JourneyMessageRow, what: str, kind: Kind, at: datetime | None) -> Interaction:
    return Interaction(
        id=f"{what}:journey:{row.id}",
        session_id=row.session_id,
        kind=kind,
        channel=Channel(row.channel),
        at=at or row.requested_at,
        ref=row.id,
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
