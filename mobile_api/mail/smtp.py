"""Hands one message to a mail server, and says how that went.

Until the dot that ends the message is sent, a broken connection means that it was not taken:
it may be tried again. From then on only the server's answer tells. Without one the outcome is
unknown, and whoever asked decides whether a second copy is worse than none.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from threading import Timer
from typing import Final
from urllib.parse import unquote, urlsplit

from mobile_api.mail.model import FAILURE_LENGTH_MAX, LONG_LINES, Attempt, Outcome

TIMEOUT_S: Final = 30  # RFC 5321 allows minutes; a workflow tries again instead
TALK_S_MAX: Final = 120  # of one mail: a server that answers a letter at a time is let go of
PORT_SUBMISSION: Final = 587
PORT_TLS: Final = 465
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
TEMPORARY: Final = range(400, 500)
TAKEN: Final = range(200, 300)
GO_ON: Final = 354
STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")  # RFC 3463, first in a reply: RFC 2034
DOTS: Final = re.compile(rb"(?m)^\.")  # RFC 5321, 4.5.2


@dataclass(frozen=True, slots=True)
class Postage:
    """How a mail leaves. ``sender``: where what comes back goes; "" for the address in From.

    ``sign``: returns header lines that go before a message. ``timeout_s``: of one answer;
    ``talk_s``: of the whole conversation.
    """

    sender: str = ""
    sign: Callable[[bytes], bytes] | None = None
    timeout_s: float = TIMEOUT_S
    talk_s: float = TALK_S_MAX


class _NotTaken(Exception):
    """The server said no. ``at_recipient``: to this recipient."""

    def __init__(self, code: int, words: bytes, *, at_recipient: bool = False) -> None:
        super().__init__(code)
        self.attempt = _refused(code, words, at_recipient=at_recipient)


def deliver(url: str, message: EmailMessage, postage: Postage | None = None) -> Attempt:
    """Send ``message`` by ``smtp://`` or ``smtps://``; refusals are an answer, not an error."""
    postage = postage or Postage()
    try:
        with _talking(url, postage) as server:
            return _hand_over(server, message, postage)
    except _NotTaken as refused:
        return refused.attempt
    except smtplib.SMTPNotSupportedError as error:
        return Attempt(Outcome.FAILED, str(error)[:FAILURE_LENGTH_MAX])
    except smtplib.SMTPResponseException as error:
        # Of the greeting, of TLS or of our password: it says nothing of this mail.
        words = _text(error.smtp_error)
        return Attempt(Outcome.LATER, f"{error.smtp_code} {words}"[:FAILURE_LENGTH_MAX])
    except (smtplib.SMTPException, OSError) as error:
        return Attempt(Outcome.LATER, f"no connection: {error}"[:FAILURE_LENGTH_MAX])


@contextmanager
def _talking(url: str, postage: Postage) -> Iterator[smtplib.SMTP]:
    """Connect, and hang up at the end, or when it has taken too long."""
    server = _connect(url, postage)
    over = Timer(postage.talk_s, _cut, [server])
    over.daemon = True
    over.start()
    try:
        yield server
    finally:
        over.cancel()
        _leave(server)


def _cut(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)


def _hand_over(server: smtplib.SMTP, message: EmailMessage, postage: Postage) -> Attempt:
    sender = postage.sender or parseaddr(str(message["From"]))[1]
    recipient = parseaddr(str(message["To"]))[1]
    server.ehlo_or_helo_if_needed()
    international = not (sender + recipient).isascii()
    if international and not server.has_extn("smtputf8"):
        msg = "the mail server does not know addresses beyond ASCII (SMTPUTF8)"
        raise smtplib.SMTPNotSupportedError(msg)
    options = ["SMTPUTF8", "BODY=8BITMIME"] if international else []
    content = message.as_bytes(policy=LONG_LINES.clone(utf8=international))
    if postage.sign is not None:
        content = postage.sign(content) + content
    _need(TAKEN, *server.mail(sender, options))
    _need(TAKEN, *server.rcpt(recipient), at_recipient=True)
    _need(range(GO_ON, GO_ON + 1), *server.docmd("DATA"))
    server.send(DOTS.sub(b"..", content))
    try:
        server.send(b".\r\n")
        code, words = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        return Attempt(Outcome.UNKNOWN, f"no answer after the mail: {error}"[:FAILURE_LENGTH_MAX])
    _need(TAKEN, code, words)
    return Attempt(Outcome.SENT)


def _need(wanted: range, code: int, words: bytes, *, at_recipient: bool = False) -> None:
    if code not in wanted:
        raise _NotTaken(code, words, at_recipient=at_recipient)


def _leave(server: smtplib.SMTP) -> None:
    """Hang up. How the server takes our leave says nothing of the mail: it has it, or refused."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _text(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words


def _refused(code: int, words: bytes | str, *, at_recipient: bool = False) -> Attempt:
    text = _text(words)
    found = STATUS.match(text)
    status = (found.group() if found else str(code)) if at_recipient else ""
    # What is neither yes nor no is no answer of SMTP: a server that is confused may recover.
    outcome = Outcome.FAILED if code >= TEMPORARY.stop else Outcome.LATER
    return Attempt(outcome, f"{code} {text}"[:FAILURE_LENGTH_MAX], status)


def _connect(url: str, postage: Postage) -> smtplib.SMTP:
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    timeout = postage.timeout_s
    if parts.scheme == "smtps":
        port = parts.port or PORT_TLS
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or PORT_SUBMISSION, timeout=timeout)
        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif parts.username and host not in LOOPBACK:
            server.close()
            msg = "the mail server offers no TLS; the password is not sent in the clear"
            raise smtplib.SMTPNotSupportedError(msg)
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
