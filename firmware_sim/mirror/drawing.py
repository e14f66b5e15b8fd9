"""Draws the room and who is in it, by casting a ray through every pixel.

Owns light, shade, the floor's shadow and the sensor's noise. Knows for each pixel which part
of the first person it shows. Must not decide who moves how (``scripts.py`` does).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.mirror import cloth
from firmware_sim.mirror.figure import Ellipsoid, Part, Person, Pose, posed
from firmware_sim.mirror.optics import Floats, Lens
from store_devices.hardware import Pixels

WALL_Z_M: Final = -2.6
"""The wall behind the shopper; passers-by walk between the two."""

GAMMA_STEPS: Final = 4096
FAR: Final = np.float32(1e6)
LEVEL: Final = 1e-4
"""A ray that falls by less meets no floor."""

_CURVE: Final = np.round(
    255 * (np.arange(GAMMA_STEPS, dtype=np.float64) / (GAMMA_STEPS - 1)) ** (1 / 2.2)
).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Light:
    """A lamp: where it shines from, its colour (red, green, blue), how much is ambient."""

    towards: tuple[float, float, float] = (0.4, 0.8, 0.6)
    colour: tuple[float, float, float] = (1.0, 0.97, 0.9)
    ambient: float = 0.45
    strength: float = 0.9
    noise: float = 2.5


@dataclass(slots=True)
class Smear:
    """A finger's mark on the lens: x, y and radius as shares of the picture's width."""

    x: float = 0.35
    y: float = 0.7
    radius: float = 0.25
    strength: float = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A picture (BGR), and which part of the first person each pixel shows (height x width)."""

    pixels: Pixels
    parts: NDArray[np.uint8]


@dataclass(slots=True)
class _Depths:
    """What is nearest so far at each pixel."""

    distance: Floats
    owner: NDArray[np.uint8]
    part: NDArray[np.uint8]
    normal: Floats


@dataclass(slots=True)
class Room:
    """A room seen through a lens, in one light. Draws any number of people into it."""

    lens: Lens
    light: Light
    seed: int = 0
    smear: Smear | None = None
    _empty: Floats = field(init=False, repr=False)
    _grain: Floats = field(init=False, repr=False)
    _floor: tuple[Floats, Floats, NDArray[np.bool_]] = field(init=False, repr=False)
    _dressed: dict[Person, tuple[Floats, Floats]] = field(init=False, repr=False)
    _noises: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Draw the empty room once."""
        self._noises = np.random.default_rng(self.seed)
        self._grain = self._noises.normal(
            0, 1, (self.lens.height_px * 2, self.lens.width_px * 2)
        ).astype(np.float32)
        self._dressed = {}
        self._draw_room()

    def picture(self, people: Sequence[tuple[Person, Pose]], *, dim: float = 1.0) -> Drawn:
        """Draw ``people``; the first of them is the one whose parts are told."""
        shape = (self.lens.height_px, self.lens.width_px)
        near = _Depths(
            np.full(shape, FAR),
            np.zeros(shape, dtype=np.uint8),
            np.zeros(shape, dtype=np.uint8),
            np.zeros((*shape, 3), dtype=np.float32),
        )
        scene = self._empty.copy()
        for number, (person, pose) in enumerate(people, start=1):
            for piece in posed(person, pose):
                self._cast(piece, number, near)
            self._shade_floor(scene, pose)
        for number, (person, pose) in enumerate(people, start=1):
            self._paint(scene, near, number, person, pose)
        parts = np.where(near.owner == 1, near.part, 0).astype(np.uint8)
        return Drawn(self._sensed(scene, dim), parts)

    def _cast(self, piece: Ellipsoid, number: int, near: _Depths) -> None:
        """Intersect the rays that may meet ``piece`` with it."""
        corners = np.array(
            [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float32
        )
        reach = ((corners * piece.radii) @ piece.axes).astype(np.float32)
        box = self.lens.seen(piece.middle + reach)
        left, top = np.maximum(np.floor(box.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(box.max(axis=0)).astype(int) + 1
        window = (slice(top, max(bottom, top)), slice(left, max(right, left)))
        rays = self.lens.rays[window]
        if rays.size == 0:
            return
        squash = piece.axes / piece.radii[:, None]
        start = squash @ (self.lens.eye - piece.middle)
        toward = rays @ squash.T
        a = np.einsum("ijk,ijk->ij", toward, toward)
        b = toward @ start
        inside = b * b - a * (start @ start - 1)
        distance = np.where(inside > 0, (-b - np.sqrt(np.maximum(inside, 0))) / a, FAR)
        nearer = (distance < near.distance[window]) & (distance > 0)
        if not nearer.any():
            return
        hit = start + toward[nearer] * distance[nearer][:, None]
        normal = hit @ squash
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        near.distance[window][nearer] = distance[nearer]
        near.owner[window][nearer] = number
        near.part[window][nearer] = piece.part
        near.normal[window][nearer] = normal

    def _paint(self, scene: Floats, near: _Depths, number: int, person: Person, pose: Pose) -> None:
        seen = near.owner == number
        if not seen.any():
            return
        if person not in self._dressed:
            self._dressed[person] = (cloth.garment(person), cloth.head(person))
        wrapped, face = self._dressed[person]
        part = near.part[seen]
        points = self.lens.eye + self.lens.rays[seen] * near.distance[seen][:, None]
        points -= np.array([pose.x_m, 0, pose.z_m], dtype=np.float32)
        cosine, sine = np.cos(pose.turn_rad), np.sin(pose.turn_rad)
        across = points[:, 0] * cosine - points[:, 2] * sine
        ahead = points[:, 0] * sine + points[:, 2] * cosine
        columns = ((np.arctan2(across, ahead) / np.pi + 1) / 2 * cloth.ROUND_PX).astype(int)
        columns %= cloth.ROUND_PX
        share = points[:, 1] / person.height_m
        colour = np.empty((len(part), 3), dtype=np.float32)
        colour[:] = cloth.linear(person.skin)
        for kind, plain in (
            (Part.TROUSERS, person.trousers),
            (Part.SHOE, (40, 36, 34)),
            (Part.SLEEVE, person.garment),
        ):
            colour[part == kind] = cloth.linear(plain)
        sleeve = part == Part.SLEEVE
        colour[sleeve] *= 1 + 0.08 * np.sin(points[sleeve, 1:2] * 90)
        legs = part == Part.TROUSERS
        colour[legs] *= 1 + 0.05 * np.sin(points[legs, 1:2] * 140)
        for kind, picture, low, high in (
            (Part.GARMENT, wrapped, person.hem - 0.01, 0.83),
            (Part.HEAD, face, 0.8, 1.0),
        ):
            here = part == kind
            rows = ((share[here] - low) / (high - low) * cloth.HIGH_PX).astype(int)
            colour[here] = picture[np.clip(rows, 0, cloth.HIGH_PX - 1), columns[here]]
        scene[seen] = colour * self._lit(near.normal[seen])

    def _lit(self, normal: Floats) -> Floats:
        towards = np.array(self.light.towards, dtype=np.float32)
        towards /= np.linalg.norm(towards)
        direct = np.clip(normal @ towards, 0, 1)[:, None]
        from_above = 0.8 + 0.2 * normal[:, 1:2]
        lamp = np.array(self.light.colour, dtype=np.float32)
        amount = self.light.ambient * from_above + (1 - self.light.ambient) * direct
        lit: Floats = self.light.strength * amount * lamp
        return lit

    def _shade_floor(self, scene: Floats, pose: Pose) -> None:
        x, z, floor = self._floor
        lean_x = pose.x_m - 0.12 * self.light.towards[0]
        lean_z = pose.z_m - 0.12 * self.light.towards[2]
        away = ((x[floor] - lean_x) ** 2 + (z[floor] - lean_z) ** 2) / 0.09
        scene[floor] *= (1 - 0.5 * np.exp(-away))[:, None]

    def _draw_room(self) -> None:
        rays, eye = self.lens.rays, self.lens.eye
        down = np.where(rays[..., 1] < -LEVEL, -eye[1] / np.minimum(rays[..., 1], -LEVEL), FAR)
        wall = (WALL_Z_M - eye[2]) / rays[..., 2]
        floor = down < wall
        x = eye[0] + rays[..., 0] * np.where(floor, down, wall)
        y = eye[1] + rays[..., 1] * wall
        z = eye[2] + rays[..., 2] * down
        tints = np.random.default_rng(self.seed + 1).uniform(0.75, 1.15, (64, 3))
        boards = 0.9 + 0.1 * np.sign(np.sin(z * 9)) * np.sign(np.sin(x * 4))
        shelf = (np.floor(x * 2.2).astype(int) * 7 + np.floor(y * 2.8).astype(int)) % 64
        edge = (np.abs(np.mod(y * 2.8, 1) - 0.5) > 0.44)[..., None]  # noqa: PLR2004 - boards
        ground = boards[..., None] * np.array([0.34, 0.29, 0.24])
        rear = np.where(edge, 0.3, 0.42 * tints[shelf] * np.array([1.0, 0.98, 0.95]))
        lamp = np.array(self.light.colour) * self.light.strength * 0.8
        self._empty = (np.where(floor[..., None], ground, rear) * lamp).astype(np.float32)
        self._floor = (x.astype(np.float32), z.astype(np.float32), floor)

    def _sensed(self, scene: Floats, dim: float) -> Pixels:
        """Pass the scene through lens and sensor: softness, a smear, the curve, noise."""
        scene[1:-1] = 0.25 * (scene[:-2] + scene[2:]) + 0.5 * scene[1:-1]
        scene[:, 1:-1] = 0.25 * (scene[:, :-2] + scene[:, 2:]) + 0.5 * scene[:, 1:-1]
        if self.smear is not None:
            self._smeared(scene, self.smear)
        steps = np.clip(scene * np.float32(dim * (GAMMA_STEPS - 1)), 0, GAMMA_STEPS - 1)
        encoded = _CURVE[steps.astype(np.int32)]
        rows, columns = self._noises.integers(0, scene.shape[:2])
        tile = self._grain[rows : rows + scene.shape[0], columns : columns + scene.shape[1]]
        noisy = encoded + (tile * np.float32(self.light.noise))[..., None]
        return np.ascontiguousarray(np.clip(noisy, 0, 255).astype(np.uint8)[..., ::-1])

    def _smeared(self, scene: Floats, smear: Smear) -> None:
        width, height = self.lens.width_px, self.lens.height_px
        across, down = np.meshgrid(np.arange(width), np.arange(height))
        away = np.hypot(across / width - smear.x, (down / height - smear.y) * height / width)
        veil = smear.strength * np.clip(1.4 - away / smear.radius, 0, 1)[..., None]
        soft = scene
        for axis in (0, 1):
            soft = cloth.sum_along(soft, max(3, width // 40), axis)
        scene *= 1 - veil
        scene += veil * (0.75 * soft + 0.05)
