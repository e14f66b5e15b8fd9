"""The mirror's camera before which somebody holds the printed board; the lens is known.

Owns the poses, and draws the board through the lens, by casting a ray through each quarter of a
pixel. Implements ``store_devices.hardware.Camera``.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import numpy as np

from firmware_sim.mirror.drawing import Light, Room
from firmware_sim.mirror.optics import Floats, Lens
from store_devices.hardware import Frame, Pixels
from store_devices.mirror import board

FRAMES_PER_S: Final = 10.0
HELD_FRAMES: Final = 3
"""So long a hand holds still before it goes on."""
LIES_FRAMES: Final = 12
FIELD_PX: Final = 48
PAPER_M: Final = 0.02
"""Of white round the board."""
PAPER: Final = 215.0
INK: Final = 32.0
NOISE: Final = 2.0
LEVEL: Final = 1e-6
"""A ray that is nearer to the board's own plane does not meet it."""
FLOOR_Z_M: Final = 0.1
"""Where it lies: about where she stands, the origin."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the board's middle is in the room, and its turns: about upright, level and itself."""

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    spin_rad: float = 0.0

    def axes(self) -> Floats:
        """Return what is to the board's right and what is down on it, 2 x 3."""
        turned = _about(1, self.yaw_rad) @ _about(0, self.pitch_rad) @ _about(2, self.spin_rad)
        return np.asarray((turned @ np.array([[1, 0], [0, -1], [0, 0]])).T, dtype=np.float32)


LYING: Final = Pose(0.05, 0.0, FLOOR_Z_M, pitch_rad=-math.pi / 2, spin_rad=0.2)


def held(lens: Lens, rng: Random, count: int) -> list[Pose]:
    """Return poses all over the picture, every second one leaning.

    The board faces the lens but for how it leans.
    """
    poses = []
    for number in range(count):
        row, column = divmod(number % 9, 3)
        deep = rng.uniform(0.65, 1.0)
        aim_x = lens.middle_px[0] * (0.42 + 0.58 * column) + rng.uniform(-8, 8)
        aim_y = lens.middle_px[1] * (0.36 + 0.64 * row) + rng.uniform(-8, 8)
        ray = lens.rays[round(aim_y), round(aim_x)]
        x, y, z = (float(one) for one in lens.eye + ray * deep)
        to_lens = lens.eye - np.array((x, y, z))
        yaw = math.atan2(to_lens[0], to_lens[2])
        pitch = -math.atan2(to_lens[1], math.hypot(to_lens[0], to_lens[2]))
        lean = rng.choice((-1, 1)) * rng.uniform(0.35, 0.6)
        yaw += lean * (number % 4 == 1)
        pitch += lean * (number % 4 == 3)  # noqa: PLR2004 - every fourth one
        poses.append(Pose(x, y, z, yaw, pitch, rng.uniform(-0.15, 0.15)))
    return poses


class BoardCamera:
    """Shows the empty room, the board held in each pose, then the board on the floor."""

    def __init__(
        self,
        lens: Lens,
        poses: Sequence[Pose],
        *,
        lying: Pose | None = LYING,
        seed: int = 1,
        bent_m: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """``bent_m``: how far the middle of a board stands out that is not flat."""
        self._fine = replace(lens, width_px=2 * lens.width_px, height_px=2 * lens.height_px)
        self._room = Room(lens, Light(noise=0.0), seed).picture([]).pixels
        self._noises = np.random.default_rng(seed)
        self._bent_m = bent_m
        self._face = _face()
        self._frames = self._played(poses, lying)
        self._monotonic, self._wait = monotonic, wait
        self._closed = False

    def read(self) -> Frame | None:
        """Wait one frame's time and return what is seen; ``None`` closed or at the end."""
        self._wait(1 / FRAMES_PER_S)
        clean = None if self._closed else next(self._frames, None)
        if clean is None:
            return None
        noisy = clean + self._noises.normal(0, NOISE, clean.shape)
        return Frame(np.clip(noisy, 0, 255).astype(np.uint8), self._monotonic())

    def close(self) -> None:
        """End the show."""
        self._closed = True

    def _played(self, poses: Sequence[Pose], lying: Pose | None) -> Iterator[Pixels]:
        yield self._room
        for pose in poses:
            shown = self._drawn(pose)
            for _ in range(HELD_FRAMES):
                yield shown
            yield self._room  # a hand that moves: no corner is found
        if lying is not None:
            shown = self._drawn(lying)
            for _ in range(LIES_FRAMES):
                yield shown

    def _drawn(self, pose: Pose) -> Pixels:
        right, down = pose.axes()
        normal = np.cross(right, down)
        middle = np.array((pose.x_m, pose.y_m, pose.z_m), dtype=np.float32)
        unit = FIELD_PX / (board.SQUARE_MM / 1000)
        high_px, wide_px = self._face.shape
        window = self._window(middle, right * wide_px / unit / 2, down * high_px / unit / 2)
        rays, eye = self._fine.rays[window], self._fine.eye
        slant = rays @ normal
        depth = float(normal @ (middle - eye)) / np.where(np.abs(slant) < LEVEL, LEVEL, slant)
        away = eye + rays * depth[..., None] - middle
        across, along = away @ right, away @ down
        if self._bent_m:  # a cylinder's hump, seen from the front: what is out is nearer the lens
            wide = board.COLUMNS * board.SQUARE_MM / 2000
            across = across * (1 + self._bent_m * (1 - (across / wide) ** 2))
        at_x = (across * unit + wide_px / 2 - 0.5).astype(np.float32)
        at_y = (along * unit + high_px / 2 - 0.5).astype(np.float32)
        there = (depth > 0) & (at_x > 0) & (at_x < wide_px - 1) & (at_y > 0) & (at_y < high_px - 1)
        face = _sampled(self._face, at_x, at_y)
        cover, seen = _halved(there.astype(np.float32)), _halved(face * there)
        coarse = tuple(slice(one.start // 2, one.stop // 2) for one in window)
        picture = self._room.copy()
        mixed = picture[coarse] * (1 - cover[..., None]) + seen[..., None]
        picture[coarse] = np.clip(mixed, 0, 255).astype(np.uint8)
        return picture

    def _window(self, middle: Floats, right: Floats, down: Floats) -> tuple[slice, slice]:
        """Return the rows and columns in which a board can be seen, whole pixels of the camera."""
        rim = np.linspace(-1, 1, 9, dtype=np.float32)[:, None]
        edges = [middle + rim * right + side * down for side in (-1, 1)]
        edges += [middle + side * right + rim * down for side in (-1, 1)]
        seen = self._fine.seen(np.concatenate(edges))
        low = np.maximum(np.floor(seen.min(axis=0)).astype(int) - 4, 0) // 2 * 2
        size = (self._fine.width_px, self._fine.height_px)
        high = np.minimum(np.ceil(seen.max(axis=0)).astype(int) + 4, size) // 2 * 2
        high = np.maximum(high, low + 2)
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _face() -> Floats:
    grey = board.picture(FIELD_PX)[..., 0]
    rim = round(PAPER_M / (board.SQUARE_MM / 1000) * FIELD_PX)
    padded = np.pad(grey, rim, constant_values=255)
    return np.where(padded > 0, PAPER, INK).astype(np.float32)


def _sampled(picture: Floats, x: Floats, y: Floats) -> Floats:
    """Return a picture's values between its pixels, of the four around; at its rim, of the rim."""
    high, wide = picture.shape
    at_x, at_y = np.clip(x, 0, wide - 1.001), np.clip(y, 0, high - 1.001)
    left, top = at_x.astype(np.intp), at_y.astype(np.intp)
    across, along = at_x - left, at_y - top
    upper = picture[top, left] * (1 - across) + picture[top, left + 1] * across
    lower = picture[top + 1, left] * (1 - across) + picture[top + 1, left + 1] * across
    return np.asarray(upper * (1 - along) + lower * along, dtype=np.float32)


def _halved(fine: Floats) -> Floats:
    """Return the mean of each two by two."""
    rows, columns = fine.shape
    return np.asarray(fine.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)))


def _about(axis: int, angle_rad: float) -> Floats:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    first, second = ((1, 2), (2, 0), (0, 1))[axis]
    turn = np.eye(3, dtype=np.float32)
    turn[first, first] = turn[second, second] = cosine
    turn[first, second], turn[second, first] = -sine, sine
    return turn
