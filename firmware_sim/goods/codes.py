"""Article numbers and location numbers of the demo. Nothing here may leave a demo.

GS1 keeps prefix 950 for its own office, from which examples are given; GTIN-8
beginning with 2 and UPC-A beginning with 4 are for circulation inside one
company (GS1 General Specifications, 1.4.3 and 2.1.11). So none of these can
meet a real pack.
"""

from collections.abc import Iterator
from itertools import count
from typing import Final, Literal

from cart.kernel.gtin import check_digit

Symbology = Literal["ean13", "ean8", "upca"]

PREFIXES: Final[dict[Symbology, tuple[str, int]]] = {
    "ean13": ("950", 12),  # prefix, digits before the check digit
    "ean8": ("2", 7),
    "upca": ("4", 11),
}
STRIDE: Final = 7919  # a prime: neighbours on a shelf do not have neighbouring numbers
GLN_STEM: Final = "95060001343"

SMALL_PACKS: Final = {"mug", "glass", "candle", "bowl"}  # the label must fit under the foot
AMERICAN: Final = {"tee", "hat", "trousers"}  # bought from a supplier who prints UPC-A


def symbology_of(form: str) -> Symbology:
    """Return which bars are printed on a form's label."""
    if form in SMALL_PACKS:
        return "ean8"
    return "upca" if form in AMERICAN else "ean13"


def numbers(symbology: Symbology) -> Iterator[str]:
    """Yield the digits under the bars, each with its check digit, none twice."""
    prefix, total = PREFIXES[symbology]
    width = total - len(prefix)
    room = 10**width
    for i in count(1):
        payload = prefix + str(i * STRIDE % room).rjust(width, "0")
        yield payload + str(check_digit(payload))


def gln(number: int) -> str:
    """Return the 13-digit GLN of the demo's location ``number`` (0-9)."""
    payload = f"{GLN_STEM}{number}"
    return payload + str(check_digit(payload))
