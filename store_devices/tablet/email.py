"""Whether a typed address is one that mail can be sent to. Keeps none."""

import re
from typing import Final

from cart.kernel.errors import InvalidEmail

LENGTH_MAX: Final = 254  # RFC 5321, 4.5.3.1.3, without its angle brackets
LOCAL_LENGTH_MAX: Final = 64  # RFC 5321, 4.5.3.1.1
# The HTML standard's pattern for type=email, plus a dot in the domain: nobody's mail lives at
# a bare host name, and "anna@gmail" is a slip worth catching in front of the screen.
_ADDRESS: Final = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@"
    r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)


def checked_email(text: str) -> str:
    """Return the address without spaces around it.

    Raises:
        InvalidEmail: it is none; the address is not in the message.
    """
    address = text.strip()
    local = address.partition("@")[0]
    too_long = len(address) > LENGTH_MAX or len(local) > LOCAL_LENGTH_MAX
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    if too_long or dotted or not _ADDRESS.fullmatch(address):
        msg = "this is not an e-mail address"
        raise InvalidEmail(msg)
    return address
