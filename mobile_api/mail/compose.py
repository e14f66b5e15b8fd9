"""Writes the mail: text and HTML parts in the reader's language, pictures inside.

Pictures are JPEG by Content-ID: many mail programs show neither WebP nor
anything they would have to fetch, and fetching would tell us when it is read.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Final

from sqlmodel import Session

from cart.carts.tables import ListRequestRow, SavedListRow
from cart.kernel.errors import NotFound
from cart.kernel.i18n import choose
from cart.ports import CatalogueLookup
from mobile_api.carts.basket import shown, totals
from mobile_api.edge.links import list_link
from mobile_api.lists.queries import wanted
from mobile_api.look.templates import render
from mobile_api.look.words import words
from mobile_api.mail.model import Letter, message_id
from mobile_api.products.pictures import Pictures
from mobile_api.settings import ApiSettings

PICTURE_WIDTH_PX: Final = 160  # shown at 64 to 80; sharp on a dense screen
# A mail of 200 lines with pictures would have 2 MB; the link shows the rest.
PICTURES_MAX: Final = 40


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


def compose(
    letter: Letter, row: ListRequestRow, settings: ApiSettings, pictures: Pictures
) -> EmailMessage:
    """Return the whole message; two calls for one request have the same Message-ID and Date."""
    name, sender = parseaddr(settings.mail_from)
    domain = sender.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(display_name=name, addr_spec=sender)
    message["To"] = row.email
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(row.requested_at)
    message["Message-ID"] = message_id(row.id, domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    inside = _inside(letter, pictures, domain)
    cids = {gtin: cid for gtin, (cid, _) in inside.items()}
    context = {"letter": letter, "cids": cids, "base_url": settings.base_url}
    locale = letter.words.locale
    message.set_content(render(locale, "mail.txt", context))
    message.add_alternative(render(locale, "mail.html", context), subtype="html")
    message["Content-Language"] = letter.words.locale  # a content header: not before the content
    html = message.get_payload()[1]  # type: ignore[index]
    for cid, path in inside.values():
        html.add_related(  # type: ignore[union-attr]
            path.read_bytes(), "image", "jpeg", cid=f"<{cid}>", disposition="inline"
        )
    return message


def _inside(letter: Letter, pictures: Pictures, domain: str) -> dict[str, tuple[str, Path]]:
    """Return Content-ID and file by GTIN; a picture that is gone is left out."""
    found: dict[str, tuple[str, Path]] = {}
    for line in letter.lines:
        if line.picture is None or len(found) >= PICTURES_MAX:
            continue
        try:
            path = pictures.sized(line.picture, PICTURE_WIDTH_PX, ".jpg")
        except (NotFound, OSError):
            continue
        found[line.gtin] = (make_msgid(domain=domain)[1:-1], path)
    return found
