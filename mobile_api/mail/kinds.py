"""The kinds of mail: lists, letters about orders, accounts and topics, codes, reminders.

They differ in their rows and in what they say. How they are found, carried and
settled is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from sqlmodel import Session

from cart.carts.queries import waiting_requests
from cart.carts.tables import ListRequestRow
from cart.journeys import sending
from cart.journeys.tables import JourneyMessageRow
from cart.orders import letters
from cart.orders.tables import OrderLetterRow
from cart.profile import letters as account_letters
from cart.profile.queries import waiting as codes_waiting
from cart.profile.subscriptions.queries import waiting as letters_waiting
from cart.profile.subscriptions.tables import TopicLetterRow
from cart.profile.tables import AccountLetterRow, SignInCodeRow
from mobile_api.journeys import reminder
from mobile_api.journeys.ways import other_way
from mobile_api.mail.account import account_mail
from mobile_api.mail.code import code_mail
from mobile_api.mail.compose import compose, letter_of
from mobile_api.mail.model import Attempt
from mobile_api.mail.order_letters import order_mail
from mobile_api.mail.queries import Waiting, Wish
from mobile_api.mail.topic_letters import hand_over, letter_mail
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class Kind:
    """``message``: what is sent for a wish; None if it is settled or gone.

    ``hand_over``: how it is sent, if not as all are. ``paced``: so many to a domain in a minute.
    ``may``: asked before each attempt; a refusal of it has settled the wish.
    ``other_way``: sends what is no mail, and says how that went; None: it is one.
    """

    name: str
    rows: Wish
    waiting: Waiting
    message: Callable[[Parts, Session, str], EmailMessage | None]
    hand_over: Callable[[Parts, str, EmailMessage | None], Attempt] | None = None
    paced: bool = False
    may: Callable[[Parts, str], bool] | None = None
    other_way: Callable[[Parts, str], Attempt | None] | None = None


def _list_mail(parts: Parts, db: Session, request_id: str) -> EmailMessage | None:
    row = db.get(ListRequestRow, request_id)
    if row is None or row.state != "requested":
        return None
    return compose(letter_of(db, parts.lookup, parts.settings, row), row, parts.settings)


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("list", ListRequestRow, waiting_requests, _list_mail),
        Kind("order", OrderLetterRow, letters.waiting, order_mail),
        Kind("code", SignInCodeRow, codes_waiting, code_mail),
        Kind("account", AccountLetterRow, account_letters.waiting, account_mail),
        Kind("letter", TopicLetterRow, letters_waiting, letter_mail, hand_over, paced=True),
        Kind(
            *("journey", JourneyMessageRow, sending.waiting, reminder.reminder_mail),
            hand_over=reminder.hand_over,
            may=reminder.may,
            other_way=other_way,
        ),
    )
}
