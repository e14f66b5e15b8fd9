"""Shows a garment in another colour of the same product, with its folds and shade kept.

Cloth scatters light: what the camera sees is the cloth's colour times the light that falls on
it. So in linear light the shade is the pixel's luminance over the luminance of the colour that
the garment has, and the new picture is the new colour times that shade and the lamp's tint.
Owns finding the garment's pixels and painting them; must not look for people.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.hardware import Pixels
from store_devices.mirror.silhouette import Body, Mask

Colour = tuple[int, int, int]
"""Red, green, blue of a swatch in the catalogue, 0 to 255."""

Linear = NDArray[np.float32]

GAMMA: Final = 2.2
LUMINANCE: Final = np.array((0.0722, 0.7152, 0.2126), dtype=np.float32)
"""Of blue, green, red (ITU-R BT.709)."""

ROWS: Final = (0.15, 0.72)
"""Where an upper garment can be, of her height from the top."""

CHEST: Final = (0.22, 0.4)
"""Where it is for certain."""

TINT_MAX: Final = 0.42
"""Logarithms of the channels' shares may differ by that much: more is another colour."""

SHADE: Final = (0.22, 3.2)
"""Darkest and lightest cloth, of the chest's median: folds, and a lamp from the side."""

DARK: Final = 0.012
"""Linear light under which a camera's colours are noise: added before colours are compared."""

_TABLE: Final = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """The garment's pixels (255), and its colour in this light: linear BGR, the chest's median."""

    mask: Mask
    colour: Linear


def found_garment(straight: Pixels, silhouette: Mask, body: Body) -> Garment | None:
    """Return the upper garment of a straight picture, or ``None`` where no chest is seen."""
    _, top, _, height = body.box
    linear = _TABLE[cv2.medianBlur(straight, 5)]
    here = np.zeros(silhouette.shape, dtype=bool)
    here[round(top + ROWS[0] * height) : round(top + ROWS[1] * height)] = True
    here &= silhouette > 0
    chest = np.zeros(silhouette.shape, dtype=bool)
    reach = max(2, round(body.width_px * 0.22))
    middle = round(body.middle_px)
    chest[
        round(top + CHEST[0] * height) : round(top + CHEST[1] * height),
        max(0, middle - reach) : middle + reach,
    ] = True
    chest &= here
    if not chest.any():
        return None
    colour = np.median(linear[chest], axis=0).astype(np.float32)
    share = np.log(linear + DARK)
    wanted = np.log(colour + DARK)
    tint = np.abs((share - share.mean(axis=2, keepdims=True)) - (wanted - wanted.mean())).max(
        axis=2
    )
    light = (linear @ LUMINANCE + DARK) / (float(colour @ LUMINANCE) + DARK)
    alike = here & (tint < TINT_MAX) & (light > SHADE[0]) & (light < SHADE[1])
    mask = alike.astype(np.uint8) * np.uint8(255)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), dtype=np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    least = 0.02 * float((labels[chest] > 0).sum() + 1)
    joined = [
        number
        for number in range(1, count)
        if (labels[chest] == number).any() or stats[number, cv2.CC_STAT_AREA] > 8 * least + 40
    ]
    mask = np.isin(labels, joined).astype(np.uint8) * np.uint8(255)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel, iterations=2)
    inside = np.where(here, closed, 0).astype(np.uint8)
    return Garment(inside, colour)


def recoloured(straight: Pixels, garment: Garment, was: Colour, wanted: Colour) -> Pixels:
    """Return the picture with the garment, whose swatch ``was`` is known, in ``wanted``."""
    old, new = linear(was), linear(wanted)
    light = _TABLE[straight]
    bright = float(old @ LUMINANCE)
    shade: Linear = (light @ LUMINANCE) / np.float32(max(bright, 1e-4))
    if bright < 5 * DARK:  # a black coat's noise would be a red one's speckles
        shade = np.asarray(cv2.bilateralFilter(shade, 7, 0.4, 3), dtype=np.float32)
    # The lamp: what the camera makes of the old swatch, beside the swatch itself.
    lamp = (garment.colour + DARK / 4) / (old + DARK / 4)
    lamp = lamp / max(float(lamp.mean()), 1e-4)
    lamp = np.clip(lamp, 0.7, 1.4)
    level = float((lamp * old) @ LUMINANCE) / max(bright, 1e-4)
    painted = new * lamp * (shade / level)[..., None]
    edge = cv2.GaussianBlur(garment.mask, (3, 3), 0).astype(np.float32)[..., None] / 255
    mixed = np.clip(light * (1 - edge) + painted * edge, 0, 1)
    return np.asarray(np.round(255 * mixed ** (1 / GAMMA)), dtype=np.uint8)


def linear(colour: Colour) -> Linear:
    """Return a swatch in linear light: blue, green, red."""
    return np.asarray(_TABLE[np.array(colour[::-1])], dtype=np.float32)
