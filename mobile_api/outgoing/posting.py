"""Requests to addresses that somebody else chose: an operator's webhook, a phone's push service.

What is asked for is never a part of our own network (OWASP API7:2023, server-side request
forgery): a name is resolved once, each address it has must be one of the public internet, and
the connection goes to exactly that one, so a name that points elsewhere a moment later changes
nothing. TLS is checked against the name. A redirect is an answer, and is not followed. Hosts
that an operator names in a setting are exempt: a customer data platform may stand beside us.

What asks is loaded with the first request, as are the certificates that are believed: 6 MiB,
and most shops ask nobody.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cart.kernel.errors import AddressRefused, Unavailable

if TYPE_CHECKING:
    import httpx2

CONNECT_MAX_S: Final = 5.0
READ_MAX_S: Final = 10.0  # between two pieces of an answer
WHOLE_MAX_S: Final = 20.0  # of an answer that comes in drops
ANSWER_MAX_BYTES: Final = 65_536  # what a webhook says is a word, or the reason of a refusal
URL_LENGTH_MAX: Final = 2_048
_PORTS: Final = {"https": 443, "http": 80}
# Services of clouds for their machines, which stand at numbers of the internet.
_METADATA: Final = frozenset({"168.63.129.16", "100.100.100.200"})
# Ways to carry an IPv4 address in an IPv6 one, for which ``is_global`` says nothing of the former.
_CARRYING: Final = tuple(
    ipaddress.ip_network(one)
    for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)

Resolve = Callable[[str, int], Sequence[str]]
"""A name and a port to addresses; raises OSError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most ANSWER_MAX_BYTES of it. ``retry_after``: the header, as it is."""

    status: int
    body: bytes
    retry_after: str = ""

    @property
    def good(self) -> bool:
        """Whether it was taken."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110, 15.3


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Outgoing:
    """Posts to addresses of others. May be used from several threads; close it."""

    def __init__(
        self,
        *,
        exempt: frozenset[str] = frozenset(),
        resolve: Resolve = system_resolve,
        trust: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``exempt``: host names that may be private, and asked without TLS.

        ``trust``: whose certificates are believed; the system's, as a rule.
        """
        self._exempt = frozenset(one.lower() for one in exempt)
        self._resolve = resolve
        self._monotonic = monotonic
        self._trust = trust
        self._opening = threading.Lock()
        self._http: httpx2.Client | None = None

    def close(self) -> None:
        """Let go of it."""
        with self._opening:
            if self._http is not None:
                self._http.close()

    def check_form(self, url: str) -> None:
        """Take an address that might be asked; its name is not looked up.

        Raises:
            AddressRefused: it is none, or not by https.
        """
        self._parts(url)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post ``body`` there; any status is an answer.

        Raises:
            AddressRefused: it is no address that is asked.
            Unavailable: nobody answers, or not in time, or with too much.
        """
        import httpx2  # noqa: PLC0415 - see the module

        target, host = self._target(url)
        http = self._opened()
        request = http.build_request(
            "POST",
            target,
            content=body,
            headers={**headers, "host": host},
            extensions={"sni_hostname": urlsplit(url).hostname},
        )
        ends_s = self._monotonic() + WHOLE_MAX_S
        try:
            answer = http.send(request, stream=True)
            try:
                return Answer(
                    answer.status_code,
                    self._read(answer, ends_s),
                    answer.headers.get("retry-after", ""),
                )
            finally:
                answer.close()
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            msg = f"{host} does not answer: {type(error).__name__}"
            raise Unavailable(msg) from error

    def _opened(self) -> "httpx2.Client":
        import httpx2  # noqa: PLC0415 - see the module

        with self._opening:
            if self._http is None:
                self._http = httpx2.Client(
                    verify=self._trust or ssl.create_default_context(),
                    timeout=httpx2.Timeout(READ_MAX_S, connect=CONNECT_MAX_S),
                    follow_redirects=False,
                    trust_env=False,  # a proxy would resolve the name once more
                    # The next one is checked anew.
                    limits=httpx2.Limits(max_keepalive_connections=0),
                )
            return self._http

    def _read(self, answer: "httpx2.Response", ends_s: float) -> bytes:
        read = bytearray()
        for piece in answer.iter_raw():
            read += piece
            if len(read) > ANSWER_MAX_BYTES or self._monotonic() > ends_s:
                msg = "the answer is too long, or takes too long"
                raise Unavailable(msg)
        return bytes(read)

    def _target(self, url: str) -> tuple["httpx2.URL", str]:
        """Return the address to connect to, and what to call it there."""
        import httpx2  # noqa: PLC0415 - see the module

        host, port, exempt = self._parts(url)
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            msg = f"{host} is not known now"
            raise Unavailable(msg) from error
        if not found:
            msg = f"{host} has no address"
            raise Unavailable(msg)
        if not exempt and not all(map(is_public, found)):
            msg = f"{host} is not of the public internet"
            raise AddressRefused(msg)
        parts = urlsplit(url)
        named = f"[{host}]" if ":" in host else host
        shown = named if port == _PORTS[parts.scheme] else f"{named}:{port}"
        return httpx2.URL(url).copy_with(host=found[0], port=port), shown

    def _parts(self, url: str) -> tuple[str, int, bool]:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError as error:
            msg = "this is no address"
            raise AddressRefused(msg) from error
        exempt = host.lower() in self._exempt
        named = parts.username is not None or parts.password is not None
        if len(url) > URL_LENGTH_MAX or not url.isprintable() or not host or named:
            msg = "this is no address that is asked: a host is needed, and no name or password"
            raise AddressRefused(msg)
        if parts.scheme != "https" and not (exempt and parts.scheme == "http"):
            msg = f"{host} is asked by https only"
            raise AddressRefused(msg)
        return host, port, exempt


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in one for one in _CARRYING):
            return False
    return ip.is_global and not ip.is_multicast and str(ip) not in _METADATA
