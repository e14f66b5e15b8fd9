"""Hands one message to a mail server, and says how that went."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from mobile_api.mail.model import FAILURE_LENGTH_MAX, Attempt, Outcome

TIMEOUT_S: Final = 30  # RFC 5321 allows minutes; a workflow tries again instead
PORT_SUBMISSION: Final = 587
PORT_TLS: Final = 465
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
TEMPORARY: Final = range(400, 500)


def deliver(url: str, message: EmailMessage) -> Attempt:
    """Send ``message`` by ``smtp://`` or ``smtps://``; refusals are an answer, not an error."""
    try:
        server = _connect(url)
        try:
            server.send_message(message)
        finally:
            _leave(server)
    except smtplib.SMTPRecipientsRefused as refused:
        code, words = next(iter(refused.recipients.values()))
        return _refused(code, words)
    except smtplib.SMTPResponseException as refused:
        return _refused(refused.smtp_code, refused.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        return Attempt(Outcome.FAILED, str(error)[:FAILURE_LENGTH_MAX])
    except (smtplib.SMTPException, OSError) as error:
        return Attempt(Outcome.LATER, f"no connection: {error}"[:FAILURE_LENGTH_MAX])
    return Attempt(Outcome.SENT)


def _leave(server: smtplib.SMTP) -> None:
    """Hang up. How the server takes our leave says nothing of the mail: it has it, or refused."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _refused(code: int, words: bytes | str) -> Attempt:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    outcome = Outcome.LATER if code in TEMPORARY else Outcome.FAILED
    return Attempt(outcome, f"{code} {text}"[:FAILURE_LENGTH_MAX])


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        port = parts.port or PORT_TLS
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or PORT_SUBMISSION, timeout=TIMEOUT_S)
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
