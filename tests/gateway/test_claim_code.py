"""The code that is typed where a camera does not read the QR code."""

import pytest

from cart.kernel.ids import secret_hash
from gateway.wire.claim_code import claim_code, hashes_of


def test_a_code_is_the_first_fifty_bits() -> None:
    """In groups of five; so a device of another maker can make it, too."""
    assert claim_code("0" * 64) == "00000 00000"
    assert claim_code("f" * 64) == "ZZZZZ ZZZZZ"
    assert claim_code("0123456789abcdef" * 4) == "04HMA SW9NF"
    for number in range(200):
        made = secret_hash(f"secret {number}")
        first, last = hashes_of(claim_code(made)) or ("", "")
        assert first <= made <= last
        assert claim_code(first) == claim_code(last) == claim_code(made)
        assert int(last, 16) - int(first, 16) == 2**206 - 1


@pytest.mark.parametrize(
    "typed",
    [
        "10DKA 7Z0A1",
        "10dka7z0a1",
        "  lOdka-7zoAi\t",
        "IodKa.7zOaL",
        "\uff11\uff10\uff24\uff2b\uff21\u3000\uff17\uff3a\uff10\uff21\uff11",
        "\u200e10DKA\u00a07Z0A1\u200f",
        "1 0 D K A 7 Z 0 A 1",
    ],
)
def test_what_people_type_is_forgiven(typed: str) -> None:
    """Small letters, spaces, dashes, O for 0, I and L for 1, wide letters, marks of direction."""
    assert hashes_of(typed) == hashes_of("10DKA7Z0A1") is not None


@pytest.mark.parametrize(
    "typed", ["", "10DKA 7Z0A", "10DKA 7Z0A11", "10DKA 7Z0AU", "10DKA 7Z\u05d0A1", "\u00e9" * 10]
)
def test_what_is_no_code_is_none(typed: str) -> None:
    """Too short, too long, a letter that codes do not have."""
    assert hashes_of(typed) is None
