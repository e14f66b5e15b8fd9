"""Writes the mail of a list: today's prices and stock, in the reader's language."""

from email.message import EmailMessage

from sqlmodel import Session

from cart.carts.tables import ListRequestRow, SavedListRow
from cart.kernel.i18n import choose
from cart.ports import CatalogueLookup
from mobile_api.carts.basket import shown, totals
from mobile_api.edge.links import list_link
from mobile_api.lists.queries import wanted
from mobile_api.look.words import words
from mobile_api.mail.envelope import Envelope, enclose
from mobile_api.mail.model import Letter
from mobile_api.settings import ApiSettings


def letter_of(
    db: Session,
    lookup: CatalogueLookup,
    settings: ApiSettings,
    row: ListRequestRow,
) -> Letter:
    """Return what the mail says, with today's prices and stock."""
    spoken = words(choose(row.locale))
    lines, here, _ = shown(db, lookup, spoken, wanted(db, row.list_id), here_id=row.location_id)
    saved = db.get_one(SavedListRow, row.list_id)
    link = f"{settings.base_url}/l/{list_link(settings.key(), row.list_id)}"
    return Letter(
        words=spoken,
        title=saved.name,
        lines=lines,
        pieces=sum(line.quantity for line in lines),
        totals=tuple(totals(lines)),
        link=link,
        place=here.name if here else "",
    )


def compose(letter: Letter, row: ListRequestRow, settings: ApiSettings) -> EmailMessage:
    """Return the whole message; two calls for one request have the same Message-ID and Date."""
    envelope = Envelope(
        "list", row.id, row.email, row.requested_at, letter.subject, letter.words.locale
    )
    named = [(line.gtin, line.picture) for line in letter.lines]
    return enclose(envelope, settings, "mail", {"letter": letter}, named)
