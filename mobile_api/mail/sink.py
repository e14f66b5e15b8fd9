"""The embedded mail server: takes every mail and keeps it in ``DATA_DIR/mail``, for the demo.

Speaks SMTP on a free port of loopback, so that the way of a mail is the same
as with a real server. The same Message-ID is kept once: that closes, here, the
window between a server's "250" and our record of it.
"""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession

from cart.kernel.errors import NotFound

LETTERS_MAX: Final = 500  # a demo is read, not archived; the oldest go first
LETTER_BYTES_MAX: Final = 8_000_000
NAME_LENGTH: Final = 24
SUFFIX: Final = ".eml"


@dataclass(frozen=True, slots=True)
class LetterCard:
    """A mail in the list."""

    name: str
    subject: str
    to: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenLetter:
    """A mail that is read. ``html`` has its pictures inside, as ``data:``."""

    name: str
    subject: str
    to: str
    at: datetime
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]


class Mailbox:
    """The folder of kept mails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, content: bytes) -> bool:
        """Keep a mail; say whether it was new."""
        head = BytesHeaderParser(policy=policy.default).parsebytes(content)
        key = str(head["Message-ID"] or "") or hashlib.sha256(content).hexdigest()
        path = self._folder / (hashlib.sha256(key.encode()).hexdigest()[:NAME_LENGTH] + SUFFIX)
        if path.exists():
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        half.write_bytes(content)
        half.replace(path)
        for old in self._newest()[LETTERS_MAX:]:
            old.unlink(missing_ok=True)
        return True

    def forget(self, hers: Callable[[str], bool]) -> int:
        """Delete mails to addresses that are hers, told in their normal form; return how many."""
        gone = 0
        for path in self._newest():
            head = BytesHeaderParser(policy=policy.default).parsebytes(path.read_bytes())
            if hers(str(head["To"] or "").strip().lower()):
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _newest(self) -> list[Path]:
        found = self._folder.glob(f"*{SUFFIX}")
        return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def letters(self) -> list[LetterCard]:
        """Return what is kept, newest first."""
        cards = []
        for path in self._newest():
            head = BytesHeaderParser(policy=policy.default).parsebytes(path.read_bytes())
            cards.append(LetterCard(path.stem, *_face(head)))
        return cards

    def read(self, name: str) -> OpenLetter:
        """Open a mail.

        Raises:
            NotFound: there is none of this name.
        """
        path = self._folder / f"{name}{SUFFIX}"
        if not name.isalnum() or not path.is_file():
            msg = "there is no such mail"
            raise NotFound(msg)
        message = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        headers = tuple((key, str(value)) for key, value in message.items())
        return OpenLetter(
            name, *_face(message), _part(message, "plain"), _with_pictures(message), headers
        )


def _face(message: EmailMessage) -> tuple[str, str, datetime]:
    try:
        at = parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    return str(message["Subject"] or ""), str(message["To"] or ""), at


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _with_pictures(message: EmailMessage) -> str:
    html = _part(message, "html")
    for part in message.walk():
        cid = str(part["Content-ID"] or "").strip("<>")
        content = part.get_payload(decode=True)
        if cid and isinstance(content, bytes):
            data = base64.b64encode(content).decode()
            html = html.replace(f"cid:{cid}", f"data:{part.get_content_type()};base64,{data}")
    return html


class _Handler:
    """Takes mails from the SMTP server."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: SmtpSession, envelope: Envelope
    ) -> str:
        """Keep the mail on disk, then say so."""
        content = envelope.content
        await asyncio.to_thread(
            self._mailbox.keep, content.encode() if isinstance(content, str) else content or b""
        )
        return "250 kept"


class MailSink:
    """The running server."""

    def __init__(self, folder: Path) -> None:
        self.mailbox = Mailbox(folder)
        self._server: asyncio.Server | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        loop = asyncio.get_running_loop()

        def connection() -> SMTP:
            return SMTP(
                _Handler(self.mailbox),
                data_size_limit=LETTER_BYTES_MAX,
                enable_SMTPUTF8=True,
                hostname="sink.localhost",
                loop=loop,
            )

        self._server = await loop.create_server(connection, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"smtp://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
