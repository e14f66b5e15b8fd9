"""E-mail addresses as advertisers want them hashed. Pure.

Google, Customer Match ("Format your customer data", support.google.com/google-ads/answer/7659867,
and "Normalize and hash" of the Google Ads API): without spaces around, lower case; of gmail.com
and googlemail.com also without the dots and without what follows a plus before the at sign. Meta,
Custom Audiences ("Customer file: hashing and normalization", developers.facebook.com/docs/
marketing-api/audiences/guides/custom-audiences): without spaces around, lower case. Both: SHA-256
of the UTF-8 text, as 64 small hex digits, without salt. (Google's page drops what follows the
plus; some of its samples keep it. We follow the page.)
"""

import hashlib
from enum import StrEnum
from typing import Final

GMAIL: Final = frozenset({"gmail.com", "googlemail.com"})


class Style(StrEnum):
    """Whose rules of normalisation."""

    GOOGLE = "google"
    META = "meta"


def normalised(address: str, style: Style) -> str:
    """Return an address in the one form that this advertiser hashes."""
    plain = address.strip().lower()
    if style is Style.META:
        return plain
    local, at, domain = plain.rpartition("@")
    if domain in GMAIL:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}{at}{domain}"


def hashed(address: str, style: Style) -> str:
    """Return the hex SHA-256 of an address."""
    return hashlib.sha256(normalised(address, style).encode()).hexdigest()
