"""The zxing-cpp reader: fast on sharp, roughly upright codes.

Owns the translation of its results into ours; decides nothing about trust.
"""

from typing import Final

import zxingcpp

from store_devices.vision.grey import Grey
from store_devices.vision.model import Code, Polygon, Reader, Symbology, gtin_in, retail_code

CODES_PER_PICTURE_MAX: Final = 16
"""A shelf full of price labels is a picture of nothing in particular."""

_EAN_UPC_FORMATS: Final = "EAN13,EAN8,UPCA,UPCE"
_FORMATS: Final = zxingcpp.barcode_formats_from_str(f"{_EAN_UPC_FORMATS},Code128,QRCode")
_SYMBOLOGIES: Final = {
    zxingcpp.BarcodeFormat.EAN13: Symbology.EAN_13,
    zxingcpp.BarcodeFormat.EAN8: Symbology.EAN_8,
    zxingcpp.BarcodeFormat.UPCA: Symbology.UPC_A,
    zxingcpp.BarcodeFormat.UPCE: Symbology.UPC_E,
    zxingcpp.BarcodeFormat.Code128: Symbology.CODE_128,
    zxingcpp.BarcodeFormat.QRCode: Symbology.QR,
    zxingcpp.BarcodeFormat.QRCodeModel2: Symbology.QR,
}


def read(grey: Grey, *, uneven_light: bool = True) -> list[Code]:
    """Return the codes zxing-cpp sees; those with a failing check digit are left out.

    ``uneven_light`` picks the local threshold; a global one suits even light and
    costs half.
    """
    found = zxingcpp.read_barcodes(
        grey,
        formats=_FORMATS,
        text_mode=zxingcpp.TextMode.Plain,
        binarizer=(
            zxingcpp.Binarizer.LocalAverage if uneven_light else zxingcpp.Binarizer.GlobalHistogram
        ),
    )
    codes = (_translated(seen) for seen in found[:CODES_PER_PICTURE_MAX])
    return [code for code in codes if code is not None]


def _translated(seen: zxingcpp.Barcode) -> Code | None:
    symbology = _SYMBOLOGIES.get(seen.format)
    if symbology is None:
        return None
    polygon = _corners(seen.position)
    if symbology in {Symbology.CODE_128, Symbology.QR}:
        gs1 = seen.content_type == zxingcpp.ContentType.GS1
        return Code(seen.text, symbology, gtin_in(seen.text, gs1=gs1), polygon, Reader.ZXING)
    return retail_code(seen.text, symbology, polygon, Reader.ZXING)


def _corners(position: zxingcpp.Position) -> Polygon:
    corners = (
        position.top_left,
        position.top_right,
        position.bottom_right,
        position.bottom_left,
    )
    return tuple((float(corner.x), float(corner.y)) for corner in corners)
