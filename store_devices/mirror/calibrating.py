"""From pictures of the board to a camera's calibration: which views are there, and what follows.

Pure. First views of the board held anywhere, upright and leaning, until the picture is covered;
from them the lens (Zhang's method, ``cv2.calibrateCamera``). Then the board on the floor, lying
still: its normal is what is upright, so it says how the camera is tilted. Nobody measures anything.
Owns what is enough, and what is refused.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cart.kernel.errors import InvalidInput
from store_devices.mirror.board import Found
from store_devices.mirror.straight import ROLL_MAX_RAD, Calibration, guessed

ZONES: Final = 3
"""Of the picture, in each direction: distortion is known only where the board was."""
ZONE_CORNERS_MIN: Final = 6
VIEWS_MIN: Final = 12
VIEWS_MAX: Final = 60
"""More cost time and tell nothing new."""
LEANING_MIN: Final = 3
"""Of each kind: from boards that all face the lens nobody can tell a long lens from a far board."""
LEANS_DEG: Final = 14.0
MOVED_SHARE_MAX: Final = 0.0015
"""Of the picture's height, from one picture to the next: more is a hand in motion, and blurred."""
NEW_SHARE: Final = 0.04
"""Of the picture's height: a view that is nearer to one that was taken, and leans as that does,
tells nothing new."""
NEW_LEAN_DEG: Final = 10.0
ERROR_MAX_PX: Final = 0.8
"""Root of the mean square over all corners, at 1280 pixels high: three times what a good lens and
a flat board leave. More is a bent board, or a lens that this model is not made for."""
ERROR_HEIGHT_PX: Final = 1280
FOCAL_SHARES: Final = (0.4, 3.0)
"""Of the picture's height: from a fisheye to a lens that would see no more than her face."""
STILL_MIN: Final = 8
"""Pictures of the board lying on the floor, one after the other."""
UPRIGHT_MAX_RAD: Final = 0.9
"""How far the floor may stand off what is below in the picture: more is a board that is held."""
FLOOR_ERROR_MAX_PX: Final = 1.5
"""Of the board on the floor, at 1280 pixels high: it is far away, and seen at a slant."""

Need = Literal["sideways", "back_or_forward", "more", "floor", ""]
Zone = tuple[int, int]
"""Row from the top, column from the picture's left."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Missing:
    """What to ask for next: a ``zone`` of the picture, or another ``need``; neither: all is there.

    ``share``: how much of the views there is, 0 to 1.
    """

    share: float
    zone: Zone | None = None
    need: Need = ""


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    found: Found
    tilt_deg: tuple[float, float]


class Views:
    """Collects views of a camera that gives pictures of this size."""

    def __init__(self, width_px: int, height_px: int, camera: str = "") -> None:
        self._size = (width_px, height_px)
        self._camera = camera
        self._guess = guessed(width_px, height_px)
        self._views: list[_View] = []
        self._last: Found | None = None
        self._lens: Calibration | None = None
        self._floor: list[Found] = []
        self.calibration: Calibration | None = None

    @property
    def count(self) -> int:
        """How many views were taken."""
        return len(self._views)

    @property
    def far(self) -> bool:
        """Whether the board is looked for on the floor now, where it is small."""
        return self._lens is not None

    def see(self, found: Found | None) -> Missing:
        """Take what was found in the next picture, if it is of use; return what is missing.

        Raises:
            InvalidInput: the views are there, but what follows from them cannot be right.
        """
        still = found is not None and self._moved(self._last, found) <= MOVED_SHARE_MAX
        self._last = found
        if self._lens is not None:
            self._see_floor(found if still else None, self._lens)
        elif found is not None and still:
            self._see_held(found)
        return self.missing()

    def missing(self) -> Missing:
        """Say what to ask for next."""
        if self.calibration is not None:
            return Missing(1.0)
        if self._lens is not None:
            return Missing(1.0, need="floor")
        corners = self._corners()
        zones = [(row, column) for row in range(ZONES) for column in range(ZONES)]
        lacking = [zone for zone in zones if corners[zone] < ZONE_CORNERS_MIN]
        leaning = [self._leaning(axis) for axis in (0, 1)]
        done = len(zones) - len(lacking) + sum(min(one, LEANING_MIN) for one in leaning)
        share = (done + min(self.count, VIEWS_MIN)) / (len(zones) + 2 * LEANING_MIN + VIEWS_MIN)
        if lacking:
            return Missing(share, zone=min(lacking, key=lambda zone: (corners[zone], zone)))
        for axis, need in enumerate[Need](("sideways", "back_or_forward")):
            if leaning[axis] < LEANING_MIN:
                return Missing(share, need=need)
        return Missing(share, need="more")

    def _see_held(self, found: Found) -> None:
        view = _View(found, self._leans(found))
        if any(self._like(one, view) for one in self._views):
            return
        self._views.append(view)
        if self.count > VIEWS_MAX:
            del self._views[0]
        missing = self.missing()
        if missing.zone is None and missing.need == "more" and self.count >= VIEWS_MIN:
            self._lens = self._solved()

    def _see_floor(self, found: Found | None, lens: Calibration) -> None:
        if self.calibration is not None:
            return
        if found is None or _upright(_normal(found, lens)) is None:
            self._floor.clear()
            return
        self._floor.append(found)
        if len(self._floor) < STILL_MIN:
            return
        seen = [_upright(_normal(one, lens)) for one in self._floor]
        tilts, rolls = np.array([one for one in seen if one is not None]).T
        tilt, roll = float(np.median(tilts)), float(np.median(rolls))
        off_px = float(np.median([_pose(one, lens)[2] for one in self._floor]))
        self._floor.clear()
        if abs(roll) > ROLL_MAX_RAD:
            msg = (
                f"the camera hangs {math.degrees(abs(roll)):.0f} degrees off upright: straighten it"
            )
            raise InvalidInput(msg)
        if off_px > FLOOR_ERROR_MAX_PX * self._size[1] / ERROR_HEIGHT_PX:
            msg = f"the board on the floor is {off_px:.2f} px off: is it flat, and lit?"
            raise InvalidInput(msg)
        self.calibration = lens.model_copy(update={"tilt_rad": tilt, "roll_rad": roll})

    def _solved(self) -> Calibration:
        """Return the lens that explains the views best.

        Raises:
            InvalidInput: it explains them badly.
        """
        width_px, height_px = self._size
        flags = (
            cv2.CALIB_USE_INTRINSIC_GUESS
            | cv2.CALIB_FIX_ASPECT_RATIO
            | cv2.CALIB_ZERO_TANGENT_DIST
            | cv2.CALIB_FIX_K3
        )
        error_px, matrix, bent, _, _ = cv2.calibrateCamera(
            [view.found.places_m for view in self._views],
            [view.found.places_px for view in self._views],
            self._size,
            _matrix(self._guess),
            np.zeros(5),
            flags=flags,
        )
        focal_px, curve = float(matrix[0, 0]), np.ravel(bent)
        low, high = FOCAL_SHARES
        limit_px = ERROR_MAX_PX * height_px / ERROR_HEIGHT_PX
        if not math.isfinite(error_px) or error_px > limit_px:
            msg = (
                f"the corners are {error_px:.2f} px off where they should be; {limit_px:.2f} is the"
                " most that is taken. Is the board flat, and the lens clean and in focus?"
            )
            raise InvalidInput(msg)
        if not low <= focal_px / height_px <= high or max(abs(curve[0]), abs(curve[1])) > 1:
            msg = (
                f"a focal length of {focal_px:.0f} px and a distortion of {curve[0]:.2f},"
                f" {curve[1]:.2f} cannot be: take other views, nearer and leaning more"
            )
            raise InvalidInput(msg)
        return Calibration(
            width_px=width_px,
            height_px=height_px,
            focal_px=focal_px,
            middle_x_px=float(matrix[0, 2]),
            middle_y_px=float(matrix[1, 2]),
            k1=float(curve[0]),
            k2=float(curve[1]),
            camera=self._camera,
            error_px=round(float(error_px), 3),
        )

    def _corners(self) -> dict[Zone, int]:
        """Return how many corners were seen in each zone."""
        counts = {(row, column): 0 for row in range(ZONES) for column in range(ZONES)}
        for view in self._views:
            shares = view.found.places_px / np.array(self._size) * ZONES
            for column, row in np.clip(shares.astype(int), 0, ZONES - 1):
                counts[int(row), int(column)] += 1
        return counts

    def _leaning(self, axis: int) -> int:
        return sum(abs(view.tilt_deg[axis]) > LEANS_DEG for view in self._views)

    def _leans(self, found: Found) -> tuple[float, float]:
        """Return how a board is turned off the line of sight: about upright, about level; degrees.

        By the guessed lens: it is enough to tell a leaning board from one that faces the lens.
        """
        normal = _normal(found, self._guess)
        _, place, _ = _pose(found, self._guess)
        ahead = place / np.linalg.norm(place)
        across = np.cross((0.0, 1.0, 0.0), ahead)
        across /= np.linalg.norm(across)
        depth = max(float(normal @ ahead), 1e-6)
        return (
            math.degrees(math.atan2(float(normal @ across), depth)),
            math.degrees(math.atan2(float(normal @ np.cross(ahead, across)), depth)),
        )

    def _like(self, before: _View, now: _View) -> bool:
        leant = np.abs(np.subtract(before.tilt_deg, now.tilt_deg)).max()
        return bool(leant < NEW_LEAN_DEG and self._moved(before.found, now.found) < NEW_SHARE)

    def _moved(self, before: Found | None, now: Found) -> float:
        """Return how far the corners that both have moved, as a share of the picture's height."""
        if before is None:
            return math.inf
        _, first, second = np.intersect1d(before.numbers, now.numbers, return_indices=True)
        if first.size == 0:
            return math.inf
        away = np.linalg.norm(before.places_px[first] - now.places_px[second], axis=1)
        return float(np.median(away)) / self._size[1]


def _matrix(lens: Calibration) -> Matrix:
    return np.array(
        [
            [lens.focal_px, 0, lens.middle_x_px],
            [0, lens.focal_px, lens.middle_y_px],
            [0, 0, 1],
        ],
        dtype=np.float64,
    )


def _pose(found: Found, lens: Calibration) -> tuple[Matrix, Matrix, float]:
    """Return the board's axes (3 x 3), its place (3) before the lens, and the error in px."""
    curve = np.array([lens.k1, lens.k2, 0, 0, 0])
    _, turned, moved = cv2.solvePnP(found.places_m, found.places_px, _matrix(lens), curve)
    shown, _ = cv2.projectPoints(found.places_m, turned, moved, _matrix(lens), curve)
    off = np.linalg.norm(shown.reshape(-1, 2) - found.places_px, axis=1)
    axes, _ = cv2.Rodrigues(turned)
    place = np.asarray(moved, dtype=np.float64).reshape(3)
    return np.asarray(axes, dtype=np.float64), place, float(np.sqrt((off**2).mean()))


def _normal(found: Found, lens: Calibration) -> Matrix:
    """Return the board's normal (3) as the camera sees it: right, down, ahead; away from it."""
    axes, place, _ = _pose(found, lens)
    normal = axes[:, 2]
    return normal if float(normal @ place) > 0 else -normal


def _upright(normal: Matrix) -> tuple[float, float] | None:
    """Return tilt and roll (radians) of a camera that sees a floor so; None: it is no floor.

    What is below in the room is (0, cos tilt, sin tilt) for a camera that hangs upright, turned
    by its roll.
    """
    right, down, ahead = (float(one) for one in normal)
    tilt = math.atan2(ahead, math.hypot(right, down))
    roll = math.atan2(-right, down)
    return (tilt, roll) if abs(tilt) < UPRIGHT_MAX_RAD and abs(roll) < UPRIGHT_MAX_RAD else None
