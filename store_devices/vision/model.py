"""What a reader says it saw: the words of this package.

Plain values only; how they are found is the readers' business.
"""

from dataclasses import dataclass
from enum import StrEnum

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import Gtin

Polygon = tuple[tuple[float, float], ...]
"""Corners in pixels of the picture that was handed in, in the order of reading."""


class Symbology(StrEnum):
    """The kinds of code that are read, by their GS1 and ISO names."""

    EAN_13 = "EAN-13"
    EAN_8 = "EAN-8"
    UPC_A = "UPC-A"
    UPC_E = "UPC-E"
    CODE_128 = "CODE-128"
    QR = "QR"


EAN_UPC = frozenset({Symbology.EAN_13, Symbology.EAN_8, Symbology.UPC_A, Symbology.UPC_E})
"""The four retail codes of bars. One family: same digits, same check digit."""


class Reader(StrEnum):
    """Which reader found a code."""

    ZXING = "zxing-cpp"
    OPENCV = "cv2"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class Code:
    """One code in a picture. ``gtin`` is there when the text carries one whose check digit holds.

    ``text`` is what is encoded, byte for byte as the code's own character set
    says; for EAN and UPC it is the digits as the symbology prints them.
    ``verified`` says that the pixels were laid under the code's ideal bars and
    agree, digit by digit; a code read off a bent package may be right without.
    """

    text: str
    symbology: Symbology
    gtin: Gtin | None
    polygon: Polygon
    reader: Reader
    verified: bool = False


def retail_code(digits: str, symbology: Symbology, polygon: Polygon, reader: Reader) -> Code | None:
    """Return an EAN/UPC code with its text in one form, or ``None`` when a check digit fails.

    UPC-A is 12 digits here, though readers also give it as an EAN-13 with a
    leading zero; UPC-E is given back as the 12 digits of the UPC-A it stands for.
    """
    try:
        if symbology is Symbology.UPC_E and len(digits) <= len("01234565"):
            gtin = Gtin.from_upc_e(digits)
        else:
            gtin = Gtin(digits)
    except InvalidGtin:
        return None
    if symbology is Symbology.EAN_8:
        return Code(gtin[-8:], symbology, gtin, polygon, reader)
    if gtin.startswith("00"):
        kind = symbology if symbology is Symbology.UPC_E else Symbology.UPC_A
        return Code(gtin[-12:], kind, gtin, polygon, reader)
    return Code(gtin[-13:], Symbology.EAN_13, gtin, polygon, reader)


def gtin_in(text: str, *, gs1: bool) -> Gtin | None:
    """Return the GTIN of a QR's or a Code 128's text, if it carries one.

    A Digital Link gives its GTIN. Element strings count only when the symbol
    itself says that it is GS1 (``gs1``) and application identifier 01 comes
    first: any other fourteen digits are somebody's own number.
    """
    plain = text.replace("(", "").replace(")", "") if gs1 else text
    try:
        if gs1 and plain.startswith("01"):
            return Gtin(plain[2:16])
        if text[:8].lower().startswith(("http://", "https://")):
            return Gtin.parse(text)
    except InvalidGtin:
        return None
    return None
