"""Reading codes in drawn scenes; photographs are the benchmark's matter."""

import time
from random import Random

import cv2
import numpy as np
import pytest
import zxingcpp

from cart.kernel.gtin import Gtin, check_digit
from firmware_sim.scenes import Difficulty, Look, code_face, empty_scene, look, scene
from store_devices.hardware import Pixels
from store_devices.vision import opencv
from store_devices.vision.grey import grey_of
from store_devices.vision.model import Code, Reader, Symbology, gtin_in, retail_code
from store_devices.vision.reading import LiveReader, read_photo

EAN_13 = Gtin("4006381333931")
EAN_8 = Gtin("96385074")
UPC_A = Gtin("036000291452")
LINK = EAN_13.link("https://shop.example")


def _read(pixels: Pixels) -> list[Code]:
    return read_photo(pixels, monotonic=time.monotonic)


def _written(text: str, kind: zxingcpp.BarcodeFormat) -> Pixels:
    """Draw a code with zxing-cpp's own writer, on a white sheet."""
    image = np.asarray(zxingcpp.create_barcode(text, kind).to_image(scale=3), dtype=np.uint8)
    return np.asarray(np.pad(image, 40, constant_values=255), dtype=np.uint8)


@pytest.mark.parametrize(
    ("gtin", "symbology", "text"),
    [
        (EAN_13, Symbology.EAN_13, "4006381333931"),
        (EAN_8, Symbology.EAN_8, "96385074"),
        (UPC_A, Symbology.UPC_A, "036000291452"),
    ],
)
def test_bars_on_a_shelf_are_read(gtin: Gtin, symbology: Symbology, text: str) -> None:
    """Each printed symbology gives its own text, its GTIN, and is borne out by the pixels."""
    (code,) = _read(scene(gtin, Look(turn_deg=4, tilt=0.1), Random(1)))
    assert (code.text, code.symbology, code.gtin) == (text, symbology, gtin)
    assert code.verified
    assert code.reader is Reader.ZXING


def test_a_digital_link_gives_its_gtin() -> None:
    """A QR with a GS1 Digital Link names the product as its bars do."""
    (code,) = _read(scene(LINK, Look(turn_deg=20), Random(2)))
    assert (code.text, code.symbology, code.gtin) == (LINK, Symbology.QR, EAN_13)


def test_upc_e_is_expanded() -> None:
    """The short form gives the GTIN of the UPC-A that it stands for."""
    (code,) = _read(_written("01234565", zxingcpp.BarcodeFormat.UPCE))
    assert code.symbology is Symbology.UPC_E
    assert code.gtin == Gtin("012345000065")


def test_code_128_has_no_gtin_of_its_own() -> None:
    """Fourteen digits in a plain Code 128 are somebody's own number."""
    (code,) = _read(_written("00614141999996", zxingcpp.BarcodeFormat.Code128))
    assert (code.symbology, code.gtin) == (Symbology.CODE_128, None)


@pytest.mark.parametrize("degrees", [0, 40, 90])
def test_the_polygon_lies_on_the_code(degrees: float) -> None:
    """Whatever pass finds the code, its corners are in pixels of the picture handed in."""
    face = np.asarray(code_face(EAN_13).convert("L"))
    side = 600
    turn = cv2.getRotationMatrix2D((face.shape[1] / 2, face.shape[0] / 2), degrees, 1.0)
    turn[:, 2] += (side / 2 - face.shape[1] / 2, side / 2 - face.shape[0] / 2)
    sheet = np.full((2400, 3000), 255, dtype=np.uint8)
    sheet[1500 : 1500 + side, 2200 : 2200 + side] = cv2.warpAffine(
        face, turn, (side, side), borderValue=(255,)
    )
    (code,) = _read(sheet)
    assert code.gtin == EAN_13
    assert all(2200 <= x <= 2800 and 1500 <= y <= 2100 for x, y in code.polygon)
    assert np.hypot(*np.subtract(code.polygon[0], code.polygon[1])) > 300


def test_no_code_no_answer() -> None:
    """Blank, noise, stripes and an empty shelf give nothing."""
    grain = np.random.default_rng(1)
    nothing = [
        np.full((720, 1280, 3), 128, dtype=np.uint8),
        grain.integers(0, 255, (480, 640, 3), dtype=np.uint8),
        np.tile(np.repeat(np.array([0, 255], dtype=np.uint8), 3), (400, 100)),
        empty_scene(Look(), Random(1)),
    ]
    live = LiveReader()
    for pixels in nothing:
        assert _read(pixels) == []
        assert live.read(pixels) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (3, 3, 3), (0, 5)])
def test_a_sliver_is_no_picture(shape: tuple[int, ...]) -> None:
    """Pictures too small for any code give nothing and raise nothing."""
    pixels = np.zeros(shape, dtype=np.uint8)
    assert _read(pixels) == []


def test_a_spent_budget_ends_the_search() -> None:
    """With no time left only the first pass runs: a code that needs more is not found."""
    hard = scene(EAN_13, Look(turn_deg=40), Random(3))
    assert [code.gtin for code in _read(hard)] == [EAN_13]
    assert read_photo(hard, monotonic=lambda: 0.0, budget_s=0.0) == []


def test_a_live_camera_reads_a_turned_code_in_a_few_frames() -> None:
    """The dearer passes take turns while the plain one is blind, and the lucky one stays on."""
    hard = scene(EAN_13, Look(turn_deg=40), Random(3))
    live = LiveReader()
    frames = [live.read(hard) for _ in range(7)]
    first = next(index for index, codes in enumerate(frames) if codes)
    assert all([code.gtin for code in codes] == [EAN_13] for codes in frames[first:])


def test_together_they_beat_each_alone() -> None:
    """On drawn scenes of every difficulty ours reads more than either, and nothing wrong."""
    difficulties: tuple[Difficulty, ...] = ("plain", "rotated", "blurred", "dark", "small", "glare")
    right = {"cv2": 0, "zxing-cpp": 0, "ours": 0}
    for index, difficulty in enumerate(difficulties * 3):
        rng = Random(f"together-{index}")
        payload = str(rng.randint(10**11, 10**12 - 1))
        gtin = Gtin(payload + str(check_digit(payload)))
        pixels = scene(gtin, look(difficulty, rng), rng)
        ours = {code.gtin for code in _read(pixels)}
        assert ours <= {gtin}
        right["ours"] += gtin in ours
        right["cv2"] += gtin in {code.gtin for code in opencv.read_bars(grey_of(pixels))}
        right["zxing-cpp"] += any(
            code.text.rjust(14, "0") == gtin for code in zxingcpp.read_barcodes(pixels)
        )
    assert right["ours"] > max(right["cv2"], right["zxing-cpp"])
    assert right["ours"] >= 15


def test_what_is_too_blurred_for_the_others_is_read() -> None:
    """Blurred by half a bar's width neither other reader sees anything; ours is sure."""
    pixels = scene(EAN_13, Look(module_px=3.0, blur_px=2.2), Random(4))
    assert opencv.read_bars(grey_of(pixels)) == []
    assert zxingcpp.read_barcodes(pixels) == []
    (code,) = _read(pixels)
    assert (code.gtin, code.reader, code.verified) == (EAN_13, Reader.PROFILE, True)


def test_upc_a_has_one_form() -> None:
    """Twelve digits, or thirteen with a leading zero: the same UPC-A; a wrong check digit: none."""
    where = ((0.0, 0.0),) * 4
    short = retail_code("036000291452", Symbology.UPC_A, where, Reader.OPENCV)
    long = retail_code("0036000291452", Symbology.EAN_13, where, Reader.OPENCV)
    assert short == long
    assert retail_code("036000291453", Symbology.UPC_A, where, Reader.OPENCV) is None


@pytest.mark.parametrize(
    ("text", "gs1", "gtin"),
    [
        ("0104006381333931", False, None),
        ("0104006381333932", True, None),
        ("010400638133393110LOT", True, EAN_13),
        (LINK, False, EAN_13),
        ("https://shop.example/about", False, None),
        ("(01)04006381333931(10)AB", True, EAN_13),
        ("0104006381333931", True, EAN_13),
    ],
)
def test_a_gtin_inside_a_text(text: str, gs1: bool, gtin: Gtin | None) -> None:  # noqa: FBT001
    """Application identifier 01 counts in a GS1 symbol only, and only with its check digit."""
    assert gtin_in(text, gs1=gs1) == gtin
