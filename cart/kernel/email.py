"""E-mail addresses: what can be one, and when two are the same."""

import unicodedata
from typing import Final

from cart.kernel.errors import InvalidEmail

EMAIL_LENGTH_MAX: Final = 254  # RFC 5321, 4.5.3.1


def address(text_typed: str) -> str:
    """Return an e-mail address as it will be used: trimmed, one @, a domain with a dot.

    Whether it exists only the mail shows; a stricter pattern refuses real people.

    Raises:
        InvalidEmail: no mail can be sent to this.
    """
    typed = text_typed.strip()
    local, at, domain = typed.rpartition("@")
    fits = len(typed) <= EMAIL_LENGTH_MAX and typed.isprintable() and " " not in typed
    whole = local and at and "." in domain.strip(".") and not set(typed) & set('<>,;:"()[]\\')
    if not (fits and whole) or "@" in local or ".." in domain or domain != domain.strip(".-"):
        msg = "this is not an e-mail address such as name@example.com"
        raise InvalidEmail(msg)
    return typed


def normal_address(text_typed: str) -> str:
    """Return the one form in which an address names a person: composed, in small letters.

    RFC 5321 lets a server tell `Ada@` from `ada@`; none that people use does, and a phone
    begins with a capital. Mail that proves an address goes to this very form, so whoever
    reads it there is the person; letters that only look alike stay different.

    Raises:
        InvalidEmail: no mail can be sent to this.
    """
    return address(unicodedata.normalize("NFC", address(text_typed)).lower())
