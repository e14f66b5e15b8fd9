"""EPC: what an RFID tag on a thing says; of it only the GTIN is wanted here, no serial.

Source: GS1 EPC Tag Data Standard 2.1, sections 14.6.1 (SGTIN-96, SGTIN-198) and 14.2 (partitions).
"""

from typing import Final

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import Gtin, check_digit

# Header byte and length of the two forms; both begin alike.
_LENGTHS_BYTES: Final = {0x30: 12, 0x36: 26}  # SGTIN-96; SGTIN-198: 198 bits, filled up to words
# By partition: bits and digits of the company prefix, then of indicator and item reference.
_PARTITIONS: Final = (
    (40, 12, 4, 1), (37, 11, 7, 2), (34, 10, 10, 3), (30, 9, 14, 4),
    (27, 8, 17, 5), (24, 7, 20, 6), (20, 6, 24, 7),
)  # fmt: skip
_AFTER_FILTER_BITS: Final = 8 + 3  # header, filter


def gtin_of(epc: bytes) -> Gtin | None:
    """Return the GTIN in a tag's EPC; None for a tag that says another thing, or nothing whole.

    ``epc``: the bytes of the EPC bank without its protocol word, 12 or 26 of them.
    """
    if not epc or len(epc) != _LENGTHS_BYTES.get(epc[0]):
        return None
    bits, left = int.from_bytes(epc), len(epc) * 8 - _AFTER_FILTER_BITS

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return (bits >> left) & ((1 << count) - 1)

    partition = take(3)
    if partition >= len(_PARTITIONS):
        return None
    company_bits, company_digits, item_bits, item_digits = _PARTITIONS[partition]
    company, item = take(company_bits), take(item_bits)
    if company >= 10**company_digits or item >= 10**item_digits:
        return None
    reference = f"{item:0{item_digits}}"
    payload = f"{reference[0]}{company:0{company_digits}}{reference[1:]}"
    try:
        return Gtin(payload + str(check_digit(payload)))
    except InvalidGtin:  # all zeros
        return None
