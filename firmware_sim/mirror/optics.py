"""The simulated lens: which way each pixel looks, and where a point of the room is seen.

Owns the camera's place and its lens, as figures that a calibration would find. Room
coordinates in metres: x to the camera's right, y up, z towards the camera; the shopper stands at
the origin. Must not draw.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store_devices.mirror.straight import Calibration

Floats = NDArray[np.float32]

UNDISTORTING_ROUNDS: Final = 12
"""Each round takes the error of the inverse down by about five; twelve leave none."""

FOCAL_PER_HEIGHT: Final = 0.86
"""Sixty degrees from top to bottom: head to shoes from less than two metres away."""


@dataclass(frozen=True)
class Lens:
    """A camera in portrait, above eye level and tilted down, with barrel distortion.

    ``k1`` and ``k2`` are the radial coefficients of OpenCV's model, ``tilt_rad`` is positive
    downwards, ``place_m`` is where the lens is.
    """

    width_px: int = 540
    height_px: int = 960
    k1: float = -0.16
    k2: float = 0.025
    tilt_rad: float = 0.3
    place_m: tuple[float, float, float] = (0.0, 1.6, 1.75)

    @property
    def focal_px(self) -> float:
        """Pixels per unit of the tangent."""
        return self.height_px * FOCAL_PER_HEIGHT

    @property
    def middle_px(self) -> tuple[float, float]:
        """The optical axis in the picture: x, y."""
        return (self.width_px - 1) / 2, (self.height_px - 1) / 2

    @property
    def eye(self) -> Floats:
        """The lens in the room, shape (3,)."""
        return np.array(self.place_m, dtype=np.float32)

    @property
    def calibration(self) -> Calibration:
        """What a calibration of this camera would find."""
        return Calibration(
            width_px=self.width_px,
            height_px=self.height_px,
            focal_px=self.focal_px,
            middle_x_px=self.middle_px[0],
            middle_y_px=self.middle_px[1],
            k1=self.k1,
            k2=self.k2,
            tilt_rad=self.tilt_rad,
        )

    @cached_property
    def rays(self) -> Floats:
        """Which way each pixel looks, height x width x 3 in the room, 1 deep along the axis."""
        across, down = np.meshgrid(
            (np.arange(self.width_px) - self.middle_px[0]) / self.focal_px,
            (np.arange(self.height_px) - self.middle_px[1]) / self.focal_px,
        )
        straight_x, straight_y = across.copy(), down.copy()
        for _ in range(UNDISTORTING_ROUNDS):
            stretch = self._stretch(straight_x**2 + straight_y**2)
            straight_x, straight_y = across / stretch, down / stretch
        sine, cosine = np.sin(self.tilt_rad), np.cos(self.tilt_rad)
        room = np.stack(
            (straight_x, -straight_y * cosine - sine, straight_y * sine - cosine), axis=-1
        )
        return np.ascontiguousarray(room, dtype=np.float32)

    def seen(self, points: Floats) -> Floats:
        """Return where points of the room (n x 3) are in the picture (n x 2: x, y)."""
        sine, cosine = np.sin(self.tilt_rad), np.cos(self.tilt_rad)
        x, y, z = (points - self.eye).T
        depth = np.maximum(-y * sine - z * cosine, 1e-3)
        flat_x, flat_y = x / depth, (-y * cosine + z * sine) / depth
        stretch = self._stretch(flat_x**2 + flat_y**2)
        return np.stack(
            (
                flat_x * stretch * self.focal_px + self.middle_px[0],
                flat_y * stretch * self.focal_px + self.middle_px[1],
            ),
            axis=-1,
        ).astype(np.float32)

    def _stretch(self, squared: NDArray[np.floating]) -> NDArray[np.floating]:
        return 1 + self.k1 * squared + self.k2 * squared**2
