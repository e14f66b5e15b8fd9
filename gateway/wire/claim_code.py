"""The claim code: what is typed where a phone's camera cannot read the QR code. Pure.

Its ten characters are the first 50 bits of ``claim_hash`` in Crockford's base 32, so device and
server come to the same one and nothing more travels. Source of letters and forgiven readings:
https://www.crockford.com/base32.html
"""

import unicodedata
from typing import Final

CHARACTERS: Final = 10
GROUP: Final = 5  # two groups: what people keep in mind from one screen to the other
_BITS: Final = 5  # of a character
_HASH_BITS: Final = 256
_REST_BITS: Final = _HASH_BITS - CHARACTERS * _BITS
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans("OIL", "011")


def claim_code(claim_hash: str) -> str:
    """Return the code of a visit by the hex SHA-256 of its claim secret: ``7K3MQ 2XD9A``."""
    value = int(claim_hash, 16) >> _REST_BITS
    code = "".join(_ALPHABET[value >> _BITS * at & 31] for at in reversed(range(CHARACTERS)))
    return " ".join(code[at : at + GROUP] for at in range(0, CHARACTERS, GROUP))


def hashes_of(typed: str) -> tuple[str, str] | None:
    """Return the first and the last claim hash (hex) that have this code; None: it is no code.

    Small letters, wide ones, spaces, dashes and marks of direction do not matter; O is 0, I and L
    are 1.
    """
    plain = unicodedata.normalize("NFKC", typed).upper()
    code = "".join(one for one in plain if one.isalnum()).translate(_READ_AS)
    if len(code) != CHARACTERS or not set(code) <= set(_ALPHABET):
        return None
    value = 0
    for one in code:
        value = value << _BITS | _ALPHABET.index(one)
    first, past = value << _REST_BITS, (value + 1) << _REST_BITS
    return f"{first:064x}", f"{past - 1:064x}"
