"""Signs mails with the shop's own key (DKIM, RFC 6376), where its mail server does not."""

from collections.abc import Callable
from email.utils import parseaddr
from pathlib import Path
from typing import Final

import dkim  # type: ignore[import-untyped]  # it has no types

from mobile_api.settings import ApiSettings

# RFC 6376, 5.4.1; and both of RFC 8058, 4, without which mail programs show no button. Those of a
# name that a mail has not got are signed too: nobody can add one on the way.
SIGNED: Final = (
    *("from", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("content-language", "auto-submitted", "list-id", "list-unsubscribe"),
    *("list-unsubscribe-post", "list-help", "list-subscribe", "list-owner", "list-post"),
)


def signer(settings: ApiSettings) -> Callable[[bytes], bytes] | None:
    """Return what gives a message its signature, as header lines; None without a key.

    Raises:
        ValueError: the file holds no RSA key in PEM.
    """
    if not settings.dkim_key_file:
        return None
    key = Path(settings.dkim_key_file).read_bytes()
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2].encode()
    selector = settings.dkim_selector.encode()

    def sign(message: bytes) -> bytes:
        signed: bytes = dkim.sign(
            message,
            selector,
            domain,
            key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[one.encode() for one in SIGNED],
        )
        return signed

    try:
        sign(b"From: a@b.example\r\n\r\nx\r\n")
    except (dkim.DKIMException, ValueError) as error:
        msg = "DKIM_KEY_FILE holds no RSA key in PEM"
        raise ValueError(msg) from error
    return sign
