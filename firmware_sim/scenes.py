"""Draws what a tablet's camera sees: a code on a package in front of a shelf.

Owns the drawing, from a seeded ``random.Random`` alone, so that a scene can be
drawn again. It reads no codes and shows no frames (``camera.py`` does).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Final, Literal

import barcode
import numpy as np
import segno
from barcode.writer import ImageWriter
from PIL import Image, ImageDraw, ImageFilter

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import Gtin
from firmware_sim.shelf import panel, shelf
from store_devices.hardware import Pixels

FRAME_SIZE_PX: Final = (1280, 720)
FACE_MODULE_PX: Final = 4
"""At 300 dots per inch a module of 0.33867 mm is four pixels to the dot: even bars."""

_PRINT: Final = {
    "dpi": 300,
    "module_width": 0.33867,
    "module_height": 16.0,
    "quiet_zone": 4.5,
    "font_size": 9,
    "text_distance": 4.5,
}
_SYMBOLOGIES: Final = {8: "ean8", 12: "upca", 13: "ean13"}
_QR_CELL_PX: Final = 8
_QR_CELLS_COARSER: Final = 1.5  # a cell of a shop's QR beside the narrowest bar: 0.5 mm to 0.33

Difficulty = Literal["plain", "rotated", "blurred", "dark", "small", "glare"]


@dataclass(frozen=True, slots=True)
class Look:
    """How hard a scene is to read.

    ``module_px`` is the width of the narrowest bar in the frame (distance),
    ``turn_deg`` the rotation in the picture's plane, ``tilt`` the perspective
    (0 flat, 0.3 a package seen well from the side), ``blur_px`` the radius of
    a Gaussian, ``light`` a factor on all brightness, ``glare`` the strength of
    a lamp's reflection on the label (0 to 1), ``noise`` its deviation in
    grey levels of 255.
    """

    module_px: float = 3.0
    turn_deg: float = 0.0
    tilt: float = 0.0
    blur_px: float = 0.6
    light: float = 1.0
    glare: float = 0.0
    noise: float = 3.0


def look(difficulty: Difficulty, rng: Random) -> Look:
    """Draw a look: hand-held and ordinary, with one thing made hard."""
    ordinary = Look(
        module_px=rng.uniform(2.4, 4.0),
        turn_deg=rng.uniform(-6, 6),
        tilt=rng.uniform(0, 0.12),
        blur_px=rng.uniform(0.4, 1.0),
        light=rng.uniform(0.8, 1.1),
        noise=rng.uniform(2, 5),
    )
    return _HARDER[difficulty](ordinary, rng)


def scene(code: Gtin | str, how: Look, rng: Random) -> Pixels:
    """Draw a camera frame (720 x 1280 x 3, BGR) that shows ``code``.

    A :class:`Gtin` is printed as EAN-8, UPC-A or EAN-13 by its length, any
    other text as a QR code.

    Raises:
        InvalidGtin: a GTIN-14 of a case of goods: it has no EAN bars.
    """
    face = panel(code_face(code), rng)
    shrink = FACE_MODULE_PX if isinstance(code, Gtin) else _QR_CELL_PX / _QR_CELLS_COARSER
    view = shelf(FRAME_SIZE_PX, rng)
    _hold(view, face, how, min(1.0, how.module_px / shrink), rng)
    return _taken(view, how, rng)


def empty_scene(how: Look, rng: Random) -> Pixels:
    """Draw the shelf with nothing held in front of it."""
    return _taken(shelf(FRAME_SIZE_PX, rng), how, rng)


@lru_cache(maxsize=64)
def code_face(code: Gtin | str) -> Image.Image:
    """Return the printed code, black on white, with its quiet zone, at 4 (QR: 8) px a module."""
    if isinstance(code, Gtin):
        digits = code.shortest
        if len(digits) not in _SYMBOLOGIES:
            msg = f"{code} is the number of a case; shelves show those of the pieces in it"
            raise InvalidGtin(msg, text=str(code))
        kind = barcode.get_barcode_class(_SYMBOLOGIES[len(digits)])
        printed: Image.Image = kind(digits, writer=ImageWriter()).render(_PRINT)
        return printed.convert("L")
    cells = np.array(list(segno.make_qr(code).matrix_iter(border=4)), dtype=np.uint8)
    dots = np.kron(255 * (1 - cells), np.ones((_QR_CELL_PX, _QR_CELL_PX), dtype=np.uint8))
    return Image.fromarray(dots.astype(np.uint8))


def _hold(view: Image.Image, face: Image.Image, how: Look, scale: float, rng: Random) -> None:
    """Paste ``face`` into ``view``, scaled, turned and tilted, somewhere near the middle."""
    # Shrinking first, with a proper filter, spares the warp the aliasing of thin bars.
    small = face.resize(
        (max(8, round(face.width * scale)), max(8, round(face.height * scale))),
        Image.Resampling.LANCZOS,
    )
    turn = math.radians(how.turn_deg)
    lean = how.tilt * rng.choice((-1, 1))
    middle = (
        view.width / 2 + rng.uniform(-0.06, 0.06) * view.width,
        view.height / 2 + rng.uniform(-0.06, 0.06) * view.height,
    )
    corners = [_seen(point, small.size, turn, lean, middle) for point in _corners(small.size)]
    warp = _perspective(corners, _corners(small.size))
    held = small.transform(view.size, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BICUBIC)
    mask = Image.new("L", small.size, 255).transform(
        view.size, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BILINEAR
    )
    if how.glare:
        _shine(held, middle, min(small.size), how.glare, rng)
    view.paste(held, (0, 0), mask)


def _corners(size: tuple[int, int]) -> list[tuple[float, float]]:
    width, height = size
    return [(0, 0), (width, 0), (width, height), (0, height)]


def _seen(
    point: tuple[float, float],
    size: tuple[int, int],
    turn: float,
    lean: float,
    middle: tuple[float, float],
) -> tuple[float, float]:
    """Project a point of the face: turn it, then let its far side shrink."""
    flat_x, flat_y = point[0] - size[0] / 2, point[1] - size[1] / 2
    depth = 1 + lean * flat_x / size[0]
    flat_x, flat_y = flat_x * (1 - abs(lean) / 2) / depth, flat_y / depth
    return (
        middle[0] + flat_x * math.cos(turn) - flat_y * math.sin(turn),
        middle[1] + flat_x * math.sin(turn) + flat_y * math.cos(turn),
    )


def _perspective(
    seen: list[tuple[float, float]], flat: list[tuple[float, float]]
) -> tuple[float, ...]:
    """Return Pillow's eight coefficients that map ``seen`` points back onto ``flat`` ones."""
    rows, values = [], []
    for (sx, sy), (fx, fy) in zip(seen, flat, strict=True):
        rows.append([sx, sy, 1, 0, 0, 0, -fx * sx, -fx * sy])
        rows.append([0, 0, 0, sx, sy, 1, -fy * sx, -fy * sy])
        values += [fx, fy]
    return tuple(float(value) for value in np.linalg.solve(np.array(rows), np.array(values)))


def _shine(
    held: Image.Image, middle: tuple[float, float], size_px: int, strength: float, rng: Random
) -> None:
    """Lay a lamp's soft reflection over the label."""
    x = middle[0] + rng.uniform(-0.5, 0.5) * size_px
    y = middle[1] + rng.uniform(-0.4, 0.4) * size_px
    wide, high = size_px * rng.uniform(0.2, 0.4), size_px * rng.uniform(0.1, 0.2)
    spot = Image.new("L", held.size, 0)
    ImageDraw.Draw(spot).ellipse(
        (x - wide, y - high, x + wide, y + high), fill=round(255 * strength)
    )
    spot = spot.filter(ImageFilter.BoxBlur(high / 2))
    held.paste(Image.new("RGB", held.size, (255, 255, 250)), (0, 0), spot)


def _taken(view: Image.Image, how: Look, rng: Random) -> Pixels:
    """Pass the view through the lens and the sensor: blur, light, noise."""
    if how.blur_px > 0:
        view = view.filter(ImageFilter.GaussianBlur(how.blur_px))
    light = np.asarray(view, dtype=np.float32) * how.light
    grain = np.random.default_rng(rng.getrandbits(63))
    if how.noise > 0:
        light += grain.normal(0.0, how.noise, light.shape[:2]).astype(np.float32)[..., None]
    return np.ascontiguousarray(np.clip(light, 0, 255).astype(np.uint8)[..., ::-1])


def _rotated(ordinary: Look, rng: Random) -> Look:
    return _with(ordinary, turn_deg=rng.uniform(15, 75) * rng.choice((-1, 1)))


def _blurred(ordinary: Look, rng: Random) -> Look:
    return _with(ordinary, blur_px=ordinary.module_px * rng.uniform(0.45, 0.95))


def _dark(ordinary: Look, rng: Random) -> Look:
    return _with(ordinary, light=rng.uniform(0.12, 0.3), noise=rng.uniform(3, 7))


def _small(ordinary: Look, rng: Random) -> Look:
    return _with(ordinary, module_px=rng.uniform(1.1, 1.7), blur_px=rng.uniform(0.3, 0.6))


def _glare(ordinary: Look, rng: Random) -> Look:
    return _with(ordinary, glare=rng.uniform(0.75, 1.0), tilt=rng.uniform(0.05, 0.2))


def _with(ordinary: Look, **changed: float) -> Look:
    fields = {name: getattr(ordinary, name) for name in Look.__slots__}
    return Look(**(fields | changed))


_HARDER: Final[dict[str, Callable[[Look, Random], Look]]] = {
    "plain": lambda ordinary, _rng: ordinary,
    "rotated": _rotated,
    "blurred": _blurred,
    "dark": _dark,
    "small": _small,
    "glare": _glare,
}
