"""OpenCV's own readers: slower, and better on turned and skewed codes.

Owns the guard around them: both raise on some pictures.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.vision.grey import Grey
from store_devices.vision.model import Code, Polygon, Reader, Symbology, gtin_in, retail_code

_SYMBOLOGIES = {
    "EAN_13": Symbology.EAN_13,
    "EAN_8": Symbology.EAN_8,
    "UPC_A": Symbology.UPC_A,
    "UPC_E": Symbology.UPC_E,
}
_SIDE_MIN_PX = 8  # its detectors raise on slivers


def read_bars(grey: Grey) -> list[Code]:
    """Return the EAN and UPC codes of OpenCV's bar code detector."""
    if min(grey.shape) < _SIDE_MIN_PX:
        return []
    try:
        _, texts, kinds, quads = cv2.barcode.BarcodeDetector().detectAndDecodeWithType(grey)
    except cv2.error:
        return []  # it asserts on some quads that it found itself
    codes: list[Code] = []
    for index, (text, kind) in enumerate(zip(texts, kinds, strict=True)):
        if text and kind in _SYMBOLOGIES:
            code = retail_code(text, _SYMBOLOGIES[kind], _corners(quads[index]), Reader.OPENCV)
            codes += [code] if code else []
    return codes


def read_qr(grey: Grey) -> list[Code]:
    """Return the QR codes of OpenCV's detector."""
    if min(grey.shape) < _SIDE_MIN_PX:
        return []
    try:
        _, texts, quads, _ = cv2.QRCodeDetector().detectAndDecodeMulti(grey)
    except (cv2.error, UnicodeDecodeError):
        return []  # broken error correction asserts inside; bytes that are no UTF-8 raise outside
    return [
        Code(text, Symbology.QR, gtin_in(text, gs1=False), _corners(quads[index]), Reader.OPENCV)
        for index, text in enumerate(texts)
        if text
    ]


def bar_areas(grey: Grey) -> list[Polygon]:
    """Return where OpenCV sees bars, read or not, as four corners each."""
    if min(grey.shape) < _SIDE_MIN_PX:
        return []
    try:
        seen, quads = cv2.barcode.BarcodeDetector().detectMulti(grey)
    except cv2.error:
        return []
    return [_corners(quad) for quad in quads] if seen else []


def _corners(quad: NDArray[np.float32]) -> Polygon:
    # The bar code detector begins at the lower left corner of its turned rectangle.
    return tuple((float(x), float(y)) for x, y in np.asarray(quad).reshape(-1, 2))
