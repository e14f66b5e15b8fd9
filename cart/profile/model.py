"""Rules of signing in by a code from an e-mail. Pure; no database."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from typing import Final

CODE_DIGITS: Final = 6  # what people copy without a mistake; guessing is held back by the limits
# ASVS 5.0, 6.5.5: at most ten minutes. Mail that takes longer is asked for again.
CODE_LIFETIME: Final = timedelta(minutes=10)
TRIES_MAX: Final = 5  # slips of the finger; five of a million codes
CODES_KEPT: Final = timedelta(days=1)  # to answer "no mail came"; then address and all are erased
IPV6_NETWORK_BITS: Final = 64  # what one connection is given to choose from (RFC 6177)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``times_max`` within ``window_s`` seconds of the first one."""

    what: str
    times_max: int
    window_s: int


# By themselves they let somebody guess 100 of a million codes of one address in a day.
ASKS_PER_ADDRESS: Final = (
    Limit("ask:address:hour", 5, 3_600),
    Limit("ask:address:day", 20, 86_400),
)
# All phones of a shop's Wi-Fi come from one address: a busy hour there is no attack.
ASKS_PER_NETWORK: Final = (Limit("ask:network:hour", 120, 3_600),)
TRIES_PER_NETWORK: Final = (Limit("try:network:hour", 240, 3_600),)


# The browser asks the person meanwhile; WebAuthn level 3, 15.1, recommends five minutes and more.
CHALLENGE_LIFETIME: Final = timedelta(minutes=5)
CHALLENGES_PER_NETWORK: Final = (Limit("passkey:network:hour", 240, 3_600),)
PASSKEYS_MAX: Final = 20  # of one person; she has not so many password managers


def challenge_of(secret: bytes, browser: str) -> bytes:
    """Return the 32 bytes that a passkey is to sign for the browser with this cookie."""
    return hmac.digest(secret, f"passkey\0{browser}".encode(), hashlib.sha256)


def known_mark(secret: bytes, customer_id: str) -> str:
    """Return what a browser is given to keep in which a customer has signed in: it names nobody."""
    return hmac.digest(secret, f"known\0{customer_id}".encode(), hashlib.sha256).hex()[:32]


def code_of(secret: bytes, code_id: str) -> str:
    """Return the six digits that belong to a wish to sign in.

    They follow from the id by the server's key: a mail that is sent again after a crash has
    the same ones, and the database holds nothing that they could be read from.
    """
    digest = hmac.digest(secret, f"sign-in\0{code_id}".encode(), hashlib.sha256)
    return f"{int.from_bytes(digest) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def typed_code(text_typed: str) -> str:
    """Return the digits of what was typed or pasted: spaces and dashes are how people group."""
    return "".join(text_typed.split()).replace("-", "")


def matches(secret: bytes, code_id: str, text_typed: str) -> bool:
    """Say whether this is the code, in a time that does not tell how much of it is right."""
    typed = typed_code(text_typed)
    if not (typed.isascii() and typed.isdigit()):
        return False
    return hmac.compare_digest(code_of(secret, code_id), typed)


def network_of(host: str) -> str:
    """Return the network that a client's address belongs to: one line of the internet.

    An IPv4 address is one; of IPv6 the first 64 bits are. What is no address (a socket
    without one) is a network of its own.
    """
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        pass
    try:
        six = IPv6Address(host.partition("%")[0])
    except AddressValueError:
        return "unknown"
    if six.ipv4_mapped is not None:
        return str(six.ipv4_mapped)
    return str(ip_network((int(six), IPV6_NETWORK_BITS), strict=False))
