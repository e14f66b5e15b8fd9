"""Where a request may go: an address is looked up once, judged, and that very one is called.

Whoever can set a target could else have this server call what only it can reach: itself, its
neighbours, a cloud's metadata. A name that answers otherwise a moment later changes nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cart.kernel.errors import InvalidInput

# Returns the addresses of a host, as text. Passed in, so that tests answer for the network.
Resolver = Callable[[str, int], Sequence[str]]
URL_LENGTH_MAX: Final = 2_000
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80
# Addresses of metadata services that are no private ones by their kind.
METADATA: Final = frozenset({"168.63.129.16", "100.100.100.200"})
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in an IPv6 one, RFC 6052
_SIX_TO_FOUR: Final = ipaddress.ip_network("2002::/16")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call: ``address`` is connected to, ``host`` is who has to answer there."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def system_resolver(host: str, port: int) -> list[str]:
    """Return what the system says are the addresses of a host.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def target_of(url: str, *, private_host: str, resolve: Resolver) -> Target:
    """Return whom a URL calls, judged.

    ``private_host``: the one host, by name, that an operator has said may be a private one and
    need not speak TLS; "" for none.

    Raises:
        InvalidInput: no such URL is called: not https, with a name and password in it, or one of
            its host's addresses is not a public one.
        OSError: the host has no address now.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_private = bool(private_host) and host == private_host.lower()
    fault = _fault(url, is_private=is_private)
    if fault:
        msg = f"outgoing requests do not go to {host or 'nowhere'}: {fault}"
        raise InvalidInput(msg, field="url")
    port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
    addresses = resolve(host, port)
    if not addresses:
        msg = f"{host} has no address"
        raise OSError(msg)
    # All of them: which one is called must not be a question of luck.
    bad = [one for one in addresses if not (is_private or is_public(one))]
    if bad:
        msg = f"outgoing requests do not go to {host}: {bad[0]} is not a public address"
        raise InvalidInput(msg, field="url")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return Target(parts.scheme, host, port, path, addresses[0])


def _fault(url: str, *, is_private: bool) -> str:
    parts = urlsplit(url)
    if len(url) > URL_LENGTH_MAX or not url.isprintable() or not parts.hostname:
        return "it is no URL"
    if parts.scheme != "https" and not (is_private and parts.scheme == "http"):
        return "it is not https"
    if parts.username is not None or parts.fragment:
        return "a name, password or fragment is in it"
    return ""


def is_public(text: str) -> bool:
    """Say whether an address is one of the public internet, also where it is hidden in another."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if text in METADATA:
        return False
    return address.is_global and not address.is_multicast and all(map(_plain, _inside(address)))


def _inside(address: Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour if address in _SIX_TO_FOUR else None]
    found += list(address.teredo or ())
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def _plain(address: ipaddress.IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and str(address) not in METADATA
