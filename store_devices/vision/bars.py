"""How EAN and UPC digits become bars (GS1 General Specifications, section 5.2).

Pure tables and string work. ``1`` is a dark module, ``0`` a light one.
"""

from typing import Final

from cart.kernel.gtin import Gtin
from store_devices.vision.model import Code, Symbology

L_SET: Final = (
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
)
R_SET: Final = tuple(digit.translate(str.maketrans("01", "10")) for digit in L_SET)
G_SET: Final = tuple(digit[::-1] for digit in R_SET)

FIRST_DIGIT: Final = (
    "LLLLLL",
    "LLGLGG",
    "LLGGLG",
    "LLGGGL",
    "LGLLGG",
    "LGGLLG",
    "LGGGLL",
    "LGLGLG",
    "LGLGGL",
    "LGGLGL",
)
"""EAN-13 prints twelve digits; the first is in the choice of sets for the left six."""

_UPC_E_PARITY: Final = (
    "GGGLLL",
    "GGLGLL",
    "GGLLGL",
    "GGLLLG",
    "GLGGLL",
    "GLLGGL",
    "GLLLGG",
    "GLGLGL",
    "GLGLLG",
    "GLLGLG",
)
"""UPC-E keeps its check digit in the choice of sets; number system 1 swaps L and G."""

SIDE: Final = "101"
MIDDLE: Final = "01010"
UPC_E_END: Final = "010101"


def modules(code: Code) -> str:
    """Return the modules from the first bar to the last of an EAN/UPC ``code``.

    Raises:
        ValueError: the code is of another family.
    """
    if code.gtin is None or code.symbology not in _DRAWN:
        msg = f"{code.symbology} has no EAN bars"
        raise ValueError(msg)
    return _DRAWN[code.symbology](code.gtin)


def _ean13(gtin: Gtin) -> str:
    digits = [int(digit) for digit in gtin[1:]]
    return SIDE + _left(digits[1:7], FIRST_DIGIT[digits[0]]) + MIDDLE + _right(digits[7:]) + SIDE


def _ean8(gtin: Gtin) -> str:
    digits = [int(digit) for digit in gtin[6:]]
    return SIDE + _left(digits[:4], "LLLL") + MIDDLE + _right(digits[4:]) + SIDE


def _upc_e(gtin: Gtin) -> str:
    upc = gtin[2:]
    body = squeezed(upc)
    sets = _UPC_E_PARITY[int(upc[-1])]
    if upc[0] == "1":
        sets = sets.translate(str.maketrans("LG", "GL"))
    return SIDE + _left([int(digit) for digit in body], sets) + UPC_E_END


def squeezed(upc: str) -> str:
    """Return the six digits that UPC-E prints for a 12-digit UPC-A.

    Raises:
        ValueError: this UPC-A has too few zeros for UPC-E.
    """
    maker, item = upc[1:6], upc[6:11]
    if maker[2:] in {"000", "100", "200"} and item.startswith("00"):
        return maker[:2] + item[2:] + maker[2]
    if maker.endswith("00") and item.startswith("000"):
        return maker[:3] + item[3:] + "3"
    if maker.endswith("0") and item.startswith("0000"):
        return maker[:4] + item[4] + "4"
    if item.startswith("0000") and item[4] >= "5":
        return maker + item[4]
    msg = f"{upc} has no short form"
    raise ValueError(msg)


def _left(digits: list[int], sets: str) -> str:
    return "".join(
        (L_SET if name == "L" else G_SET)[digit] for digit, name in zip(digits, sets, strict=True)
    )


def _right(digits: list[int]) -> str:
    return "".join(R_SET[digit] for digit in digits)


_DRAWN: Final = {
    Symbology.EAN_13: _ean13,
    Symbology.UPC_A: _ean13,
    Symbology.EAN_8: _ean8,
    Symbology.UPC_E: _upc_e,
}
