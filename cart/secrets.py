"""Secrets that a shop must not be opened with: those that documents show, and those that all try.

What stands in an example is copied. On one machine it does no harm; for a server that
others reach, the process does not start.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

# Ours from the documents, then the first that anybody tries.
KNOWN: Final = frozenset({
    "secret", "password", "passwort", "changeme", "change-me", "change_me", "example", "test",
    "demo", "admin", "root", "guest", "user", "server", "postgres", "postgresql", "carryover",
    "mosquitto", "mqtt", "smtp", "1234", "123456", "12345678", "qwerty", "xxx", "\u2026",
})  # fmt: skip
# In a drawn key of 43 characters one of these stands once in thousands of millions.
TYPED: Final = ("change", "secret", "password", "passwort", "example", "carryover")
DISTINCT_MIN: Final = 10  # of a key's characters; 32 random ones of base 64 have more than 20
# RFC 2606 and 6761: names that are nobody's, so whoever uses them is trying.
RESERVED: Final = ("localhost", "example", "test", "invalid", "local", "internal")


def here_only(host: str) -> bool:
    """Say whether a host is this machine: nobody else gets there."""
    if not host or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def for_trying(url: str) -> bool:
    """Say whether an address is for trying: this machine, a private network, a reserved name."""
    host = urlsplit(url).hostname or ""
    if here_only(host):
        return True
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.rsplit(".", 1)[-1] in RESERVED


def check_url(name: str, url: str) -> None:
    """Refuse a server's address with a password that everybody knows.

    Raises:
        ValueError: it has one, and the server is not on this machine.
    """
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    if parts.password is None or here_only(parts.hostname or ""):
        return
    if password.lower() in KNOWN:
        msg = f"{name}: its password is one that documents show; give {parts.hostname} a random one"
        raise ValueError(msg)


def check_key(name: str, key: str) -> None:
    """Refuse a key that was typed rather than drawn.

    Raises:
        ValueError: too few different characters, or words of an example.
    """
    if len(set(key)) < DISTINCT_MIN or any(word in key.lower() for word in TYPED):
        msg = (
            f"{name} looks like an example; have one drawn:"
            ' python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
        raise ValueError(msg)
