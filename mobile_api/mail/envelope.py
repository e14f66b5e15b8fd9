"""Puts a mail together: headers, text and HTML parts, pictures inside.

Pictures are JPEG by Content-ID: many mail programs show neither WebP nor
anything they would have to fetch, and fetching would tell us when it is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Any, Final

from cart.kernel.errors import NotFound
from mobile_api.look.templates import render
from mobile_api.mail.model import LONG_LINES, message_id
from mobile_api.products.pictures import Pictures
from mobile_api.settings import ApiSettings

PICTURE_WIDTH_PX: Final = 160  # shown at 64 to 80; sharp on a dense screen
# A mail of 200 lines with pictures would have 2 MB; the link shows the rest.
PICTURES_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Envelope:
    """To whom and about what. ``id``, ``at``: of the wish; so every attempt is the same mail.

    ``headers``: more of them.
    """

    kind: str
    id: str
    to: str
    at: datetime
    subject: str
    locale: str
    headers: Mapping[str, str] = field(default_factory=dict)


def enclose(
    envelope: Envelope,
    settings: ApiSettings,
    template: str,
    context: Mapping[str, Any],
    named: Iterable[tuple[str, str | None]],
) -> EmailMessage:
    """Return the whole message; two calls for one wish have the same Message-ID and Date.

    ``template``: its name without ``.txt`` and ``.html``. ``named``: pictures by what the
    template calls them; it finds their Content-IDs as ``cids``.
    """
    name, sender = parseaddr(settings.mail_from)
    domain = sender.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=LONG_LINES)
    message["From"] = Address(display_name=name, addr_spec=sender)
    message["To"] = envelope.to
    message["Subject"] = envelope.subject
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = message_id(envelope.id, domain, envelope.kind)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    for key, value in envelope.headers.items():
        message[key] = value
    inside = _inside(named, Pictures(settings.data_dir), domain)
    cids = {key: cid for key, (cid, _) in inside.items()}
    shown = {**context, "cids": cids, "base_url": settings.base_url}
    message.set_content(render(envelope.locale, f"{template}.txt", shown))
    message.add_alternative(render(envelope.locale, f"{template}.html", shown), subtype="html")
    message["Content-Language"] = envelope.locale  # a content header: not before the content
    html = message.get_payload()[1]  # type: ignore[index]
    for cid, path in inside.values():
        html.add_related(  # type: ignore[union-attr]
            path.read_bytes(), "image", "jpeg", cid=f"<{cid}>", disposition="inline"
        )
    return message


def _inside(
    named: Iterable[tuple[str, str | None]], pictures: Pictures, domain: str
) -> dict[str, tuple[str, Path]]:
    """Return Content-ID and file by name; a picture that is gone is left out."""
    found: dict[str, tuple[str, Path]] = {}
    for key, picture in named:
        if picture is None or key in found or len(found) >= PICTURES_MAX:
            continue
        try:
            path = pictures.sized(picture, PICTURE_WIDTH_PX, ".jpg")
        except (NotFound, OSError):
            continue
        found[key] = (make_msgid(domain=domain)[1:-1], path)
    return found
