"""The measure that tells a right read from a wrong one with a valid check digit."""

from dataclasses import replace
from random import Random

import pytest

from cart.kernel.gtin import Gtin
from firmware_sim.scenes import Look, scene
from store_devices.vision import zxing
from store_devices.vision.bars import modules, squeezed
from store_devices.vision.evidence import WEAKEST_DIGIT_MIN, Evidence
from store_devices.vision.fit import fit
from store_devices.vision.grey import Grey, grey_of
from store_devices.vision.model import Code, Reader, Symbology, retail_code
from store_devices.vision.passes import PLAIN, Pass

TRUTH = Gtin("4006381333931")
NEAR = Gtin("4006381334938")  # two digits of twelve differ, and its check digit holds
WHERE = ((0.0, 0.0), (95.0, 0.0), (95.0, 9.0), (0.0, 9.0))


def _seen() -> tuple[Grey, Code]:
    grey = grey_of(scene(TRUTH, Look(blur_px=0.9), Random(1)))
    (code,) = zxing.read(grey)
    assert code.gtin == TRUTH
    return grey, code


def test_a_wrong_digit_shows() -> None:
    """The whole of a near miss looks fine; its weakest digit gives it away."""
    grey, code = _seen()
    right = fit(grey, code)
    wrong = fit(grey, replace(code, text=NEAR[-13:], gtin=NEAR))
    assert right.weakest_digit > 0.95
    assert wrong.weakest_digit < WEAKEST_DIGIT_MIN < right.weakest_digit
    assert wrong.whole > 0.8


def test_the_verified_code_stands_and_the_near_miss_falls() -> None:
    """The code that the pixels bear out wins its place, however often the other came back."""
    grey, code = _seen()
    wrong = replace(code, text=NEAR[-13:], gtin=NEAR)
    evidence = Evidence(grey)
    evidence.add([code, wrong], PLAIN)
    for name in ("second", "third"):
        evidence.add([wrong], Pass(name, zxing.read))
    assert [found.gtin for found in evidence.believed()] == [TRUTH]


def test_a_lone_read_that_does_not_fit_is_not_believed() -> None:
    """A check digit alone is nothing; a second reader makes it believed, unverified."""
    grey, code = _seen()
    wrong = replace(code, text=NEAR[-13:], gtin=NEAR)
    evidence = Evidence(grey)
    evidence.add([wrong], PLAIN)
    assert evidence.believed() == []
    evidence.add([replace(wrong, reader=Reader.OPENCV)], Pass("cv2", zxing.read))
    assert [(found.gtin, found.verified) for found in evidence.believed()] == [(NEAR, False)]


@pytest.mark.parametrize(
    ("upc", "short"),
    [
        ("012000003455", "123450"),
        ("012100003454", "123451"),
        ("012300000451", "123453"),
        ("012340000053", "123454"),
        ("012345000065", "123456"),
    ],
)
def test_upc_e_is_squeezed_by_its_five_rules(upc: str, short: str) -> None:
    """What Gtin.from_upc_e expands, the drawing of bars squeezes back."""
    gtin = Gtin.from_upc_e("0" + short + upc[-1])
    assert squeezed(gtin[2:]) == short
    code = retail_code(gtin[2:], Symbology.UPC_E, WHERE, Reader.ZXING)
    assert code is not None
    assert len(modules(code)) == 51


def test_a_upc_a_without_zeros_has_no_short_form() -> None:
    """Most UPC-A cannot be squeezed; asking for the bars of other codes is refused too."""
    with pytest.raises(ValueError, match="no short form"):
        squeezed("036000291452")
    with pytest.raises(ValueError, match="no EAN bars"):
        modules(Code("x", Symbology.QR, None, WHERE, Reader.ZXING))


def test_the_bars_of_a_known_code() -> None:
    """EAN-13 modules as the standard's own example draws them: guards, sets, 95 in all."""
    code = retail_code("4006381333931", Symbology.EAN_13, WHERE, Reader.ZXING)
    assert code is not None
    drawn = modules(code)
    assert len(drawn) == 95
    assert (drawn[:3], drawn[45:50], drawn[-3:]) == ("101", "01010", "101")
    assert drawn[3:10] == "0001101"
    assert drawn[-10:-3] == "1100110"
