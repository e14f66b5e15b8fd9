"""What is painted on a figure: the garment's front and back, a face, hair.

Owns the flat pictures that are wrapped round torso and head: columns are the angle round the
body (the middle column is the front, the edges the middle of the back), rows the height. Colours
are linear light, 0 to 1, red-green-blue.
"""

import numpy as np

from firmware_sim.mirror.figure import Colour, Person
from firmware_sim.mirror.optics import Floats

ROUND_PX = 512
"""Columns round the body: 0.7 degrees each."""

HIGH_PX = 256
WEAVE = 0.09
"""How far cloth is from even: a knit's light and dark, as a share."""


def linear(colour: Colour) -> Floats:
    """Return a colour as linear light, shape (3,)."""
    share = (np.array(colour, dtype=np.float32) / 255) ** 2.2
    return share.astype(np.float32)


def garment(person: Person) -> Floats:
    """Return the garment unrolled, HIGH_PX x ROUND_PX x 3; row 0 is the hem."""
    base = linear(person.garment)
    light = float(base.mean())
    trim = base * 0.35 if light > 0.1 else base * 0.5 + 0.22  # noqa: PLR2004 - seen on both
    cloth = np.broadcast_to(base, (HIGH_PX, ROUND_PX, 3)).copy()
    cloth *= weave(person.pattern, HIGH_PX, ROUND_PX)[..., None]
    high = np.linspace(0, 1, HIGH_PX, dtype=np.float32)[:, None]
    turn = np.linspace(-180, 180, ROUND_PX, endpoint=False, dtype=np.float32)[None]
    _lay(cloth, np.abs(turn) < 1.6, trim * 0.8)  # the placket  # noqa: PLR2004 - degrees
    for button in range(5):
        spot = (turn / 2.6) ** 2 + ((high - 0.2 - 0.15 * button) / 0.012) ** 2 < 1
        _lay(cloth, spot, np.array([0.8, 0.78, 0.7], dtype=np.float32))
    pocket = (np.abs(turn - 34) < 15) & (np.abs(high - 0.68) < 0.055)  # noqa: PLR2004
    edge = pocket & ~((np.abs(turn - 34) < 13) & (np.abs(high - 0.675) < 0.045))  # noqa: PLR2004
    _lay(cloth, edge, trim)
    for side in (-90.0, 90.0):
        _lay(cloth, np.abs(turn - side) < 1, base * 0.6)  # seams
    _lay(cloth, (high > 0.955) & (turn > -400), trim)  # the collar  # noqa: PLR2004
    _lay(cloth, (high < 0.025) & (turn > -400), base * 0.55)  # the hem  # noqa: PLR2004
    if person.print_on_back:
        behind = np.minimum(180 - turn, 180 + turn) * np.where(turn < 0, -1, 1)
        ring = np.hypot(behind / 34, (high - 0.62) / 0.16)
        _lay(cloth, (ring < 1) & (ring > 0.72), trim)  # noqa: PLR2004 - a printed ring
        _lay(cloth, (np.abs(behind + 4) < 7) & (np.abs(high - 0.62) < 0.07), trim)  # noqa: PLR2004
    yoke = (np.abs(turn) > 100) & (np.abs(high - 0.82) < 0.006)  # noqa: PLR2004
    _lay(cloth, yoke, base * 0.6)
    return cloth


def head(person: Person) -> Floats:
    """Return the head unrolled, HIGH_PX x ROUND_PX x 3; row 0 is the throat."""
    skin, hair = linear(person.skin), linear(person.hair)
    picture = np.broadcast_to(skin, (HIGH_PX, ROUND_PX, 3)).copy()
    high = np.linspace(0, 1, HIGH_PX, dtype=np.float32)[:, None]
    turn = np.linspace(-180, 180, ROUND_PX, endpoint=False, dtype=np.float32)[None]
    hairline = np.where(np.abs(turn) < 58, 0.84, 0.36 if person.long_hair else 0.5)  # noqa: PLR2004
    covered = (high > hairline) | (np.abs(turn) > 100) & (high > 0.36)  # noqa: PLR2004
    strands = weave(person.pattern + 7, HIGH_PX, ROUND_PX)[..., None] ** 3
    picture = np.where(covered[..., None], hair * strands, picture).astype(np.float32)
    for side in (-24.0, 24.0):
        white = ((turn - side) / 9) ** 2 + ((high - 0.655) / 0.022) ** 2 < 1
        _lay(picture, white, np.array([0.8, 0.8, 0.8], dtype=np.float32))
        dark = ((turn - side) / 4) ** 2 + ((high - 0.655) / 0.02) ** 2 < 1
        _lay(picture, dark, np.array([0.02, 0.02, 0.02], dtype=np.float32))
        _lay(picture, (np.abs(turn - side) < 11) & (np.abs(high - 0.7) < 0.008), hair)  # noqa: PLR2004
    mouth = (turn / 15) ** 2 + ((high - 0.505) / 0.014) ** 2 < 1
    _lay(picture, mouth, skin * np.array([0.8, 0.35, 0.35], dtype=np.float32))
    return picture


def weave(seed: int, rows: int, columns: int) -> Floats:
    """Return a soft uneven pattern round 1, rows x columns, that closes behind."""
    rng = np.random.default_rng(seed)
    pattern = np.zeros((rows, columns), dtype=np.float32)
    for cells, share in ((8, 0.3), (32, 0.4), (64, 0.3)):
        coarse = rng.normal(0, 1, (cells // 2, cells)).astype(np.float32)
        fine = np.repeat(np.repeat(coarse, rows * 2 // cells, 0), columns // cells, 1)
        width = columns // cells
        for _ in range(2):  # a box blur over one cell, twice: no edges between cells
            fine = sum_along(fine, width, 1)
            fine = sum_along(fine, rows * 2 // cells, 0)
        pattern += share * fine / max(float(fine.std()), 1e-6)
    unit: Floats = np.clip(1 + WEAVE * pattern, 0.3, 1.8)
    return unit


def sum_along(field: Floats, width: int, axis: int) -> Floats:
    """Return the mean over ``width`` cells along ``axis``, going round."""
    total = np.zeros_like(field)
    for shift in range(width):
        total += np.roll(field, shift - width // 2, axis)
    mean: Floats = total / np.float32(width)
    return mean


def _lay(cloth: Floats, where: np.ndarray, colour: Floats) -> None:
    cloth[np.broadcast_to(where, cloth.shape[:2])] = colour
