"""Puts the glimpses of a recording in order of angle: how far she had turned in each frame.

Three things are known. The trunk's surface moves with the turn (``turning.py``): its sign is
sure, its measure is not. A silhouette is widest from the front and behind and narrowest from
the sides. And people are nearly symmetric: at minus theta she looks as the mirror image of what
she looks like at theta. So the part of her look that is even under mirroring is a sum of
cosines of the angle, the odd part a sum of sines. First a search over all courses (Viterbi) by
motion and width; then, in rounds, the sums are fitted to the angles and the angles to the sums
(Gauss-Newton). Angles are counted from the first frame, in which she faces the glass.

Owns the estimate; must not judge it (``verdict.py`` does).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store_devices.mirror.turning import Glimpse

Doubles = NDArray[np.float64]

STEP_DEG: Final = 3.0
"""The search's grid; the fit after it knows no grid."""

FAR_DEG: Final = 480.0
"""Nobody is asked to turn further than once, and a third more is allowed for."""

FASTEST_DEG: Final = 24.0
"""Between two frames: once around in a second at fifteen frames."""

SURFACE: Final = 0.045
"""How far the surface that moves is from the axis, as a share of height, before it is fitted."""

STILL: Final = 0.0009
"""Motion of the surface, as a share of her height, that a standing person shows, too."""

NARROW_MAX: Final = 0.62
NARROW: Final = 0.42
"""Depth to width of a trunk with arms: at most; and as a rule, when she showed no side."""

EVEN: Final = 4
ODD: Final = 2
"""How many features of her look are followed, beside the width."""

ROUNDS: Final = 6
CLEAR_MIN: Final = 0.4
"""With fewer frames without somebody behind her, hers count for what they are."""

CROWDED_TRUST: Final = 0.6
"""How much a frame counts in which somebody behind her may be taken for her."""

PIECES_MAX: Final = 3.0
"""Deviations after which a frame that fits nothing pulls no harder."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Seconds and angle in degrees of each glimpse, positive to her left.

    ``apart`` is how far each look is from that of the first frames, 0 alike, 1 as far as her
    other sides are.
    """

    at_s: Doubles
    angle_deg: Doubles
    apart: Doubles


def course(glimpses: list[Glimpse]) -> Course:
    """Estimate the course of a recording; needs two glimpses at least.

    Raises:
        ValueError: fewer than two.
    """
    if len(glimpses) < 2:  # noqa: PLR2004 - a motion is between two
        msg = "a course needs two glimpses"
        raise ValueError(msg)
    at_s = np.array([glimpse.at_s for glimpse in glimpses])
    width = _calm(np.array([glimpse.width for glimpse in glimpses]))
    middle = _soft(np.array([glimpse.middle for glimpse in glimpses]), 4.0)
    moved = np.array([glimpse.shift for glimpse in glimpses])
    moved -= np.diff(middle, prepend=middle[0])
    moved = _soft(moved, 1.0)
    moved[np.abs(moved) < STILL] *= 0.3
    looks = np.stack([glimpse.look for glimpse in glimpses])
    clear = np.array([not glimpse.crowded for glimpse in glimpses])
    if clear.sum() < CLEAR_MIN * len(clear):
        clear[:] = True
    width = np.interp(at_s, at_s[clear], width[clear])
    apart = _apart(looks)
    trust = np.where(clear, 1.0, CROWDED_TRUST)
    angle = _searched(moved, width, trust)
    features = _features(looks, width, apart)
    for _ in range(ROUNDS):
        angle = _refined(angle, moved, features, trust)
    return Course(at_s, np.degrees(angle), apart)


def _calm(values: Doubles) -> Doubles:
    """Return the running median over five frames."""
    padded = np.pad(values, 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1))


def _soft(values: Doubles, deviation: float) -> Doubles:
    reach = max(1, round(3 * deviation))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _apart(looks: NDArray[np.float32]) -> Doubles:
    distance = np.abs(looks - looks[:3].mean(axis=0)).mean(axis=(1, 2, 3))
    floor = float(np.percentile(distance, 2))
    most = float(np.percentile(distance, 90))
    return np.asarray(np.clip((distance - floor) / max(most - floor, 2.0), 0, 1.5))


def _searched(moved: Doubles, width: Doubles, trust: Doubles) -> Doubles:
    """Return the best course on the grid, in radians."""
    wide, narrow = np.percentile(width, 95), np.percentile(width, 4)
    if narrow > NARROW_MAX * wide:
        narrow = NARROW * wide
    grid = np.radians(np.arange(-FAR_DEG, FAR_DEG + STEP_DEG, STEP_DEG))
    model = np.sqrt(wide**2 * np.cos(grid) ** 2 + narrow**2 * np.sin(grid) ** 2)
    steps = np.arange(-round(FASTEST_DEG / STEP_DEG), round(FASTEST_DEG / STEP_DEG) + 1)
    turns = np.radians(steps * STEP_DEG)
    cost = np.where(np.abs(grid) < np.radians(STEP_DEG) / 2, 0.0, 1e9)
    came = np.zeros((len(moved), len(grid)), dtype=np.int64)
    rows = np.arange(len(grid))
    for index in range(1, len(moved)):
        expected = moved[index] / SURFACE
        spread = 0.02 + 0.5 * abs(expected)
        change = 0.5 * ((turns - expected) / spread) ** 2
        padded = np.pad(cost, steps[-1], constant_values=1e9)
        # Row j holds what it costs to come to each state by the j-th step.
        ways = np.stack(
            [
                padded[steps[-1] - step : steps[-1] - step + len(grid)] + change[number]
                for number, step in enumerate(steps)
            ]
        )
        best = ways.argmin(axis=0)
        came[index] = best
        misfit = (width[index] - model) / (0.1 * wide)
        cost = ways[best, rows] + trust[index] * np.minimum(0.5 * misfit**2, PIECES_MAX**2 / 2)
    state = int(cost.argmin())
    path = np.zeros(len(moved), dtype=np.int64)
    for index in range(len(moved) - 1, -1, -1):
        path[index] = state
        state -= int(steps[came[index, state]]) if index else 0
    return _soft(grid[path], 1.0)


def _features(
    looks: NDArray[np.float32], width: Doubles, apart: Doubles
) -> tuple[Doubles, Doubles]:
    """Return even and odd features, frames x number, each of deviation 1."""
    mirrored = looks[:, :, ::-1]
    even = ((looks + mirrored) / 2).reshape(len(looks), -1)
    odd = ((looks - mirrored) / 2).reshape(len(looks), -1)
    evens = np.column_stack((width, apart, _principal(even, EVEN)))
    odds = _principal(odd, ODD)
    return _standard(evens), _standard(odds)


def _principal(rows: NDArray[np.floating], count: int) -> Doubles:
    """Return the ``count`` strongest components of ``rows``, by their Gram matrix."""
    centred = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))
    count = min(count, len(values))
    return np.asarray(vectors[:, -count:] * np.sqrt(np.maximum(values[-count:], 0)))


def _standard(columns: Doubles) -> Doubles:
    spread = np.maximum(columns.std(axis=0), 1e-9)
    return np.asarray((columns - columns.mean(axis=0)) / spread)


def _refined(
    angle: Doubles, moved: Doubles, features: tuple[Doubles, Doubles], trust: Doubles
) -> Doubles:
    """Return the angles that agree better with looks and motion."""
    evens, odds = features
    orders = np.arange(1, 4)
    ones = np.ones((len(angle), 1))
    waves = angle[:, None] * orders
    rows: list[tuple[Doubles, Doubles]] = []
    for shown, base, slope in (
        (evens, np.hstack((ones, np.cos(waves))), np.hstack((0 * ones, -orders * np.sin(waves)))),
        (odds, np.hstack((ones, np.sin(waves))), np.hstack((0 * ones, orders * np.cos(waves)))),
    ):
        ridge = 0.02 * len(angle) * np.eye(base.shape[1])
        ridge[0, 0] = 1e-9
        weights = np.linalg.solve(base.T @ base + ridge, base.T @ shown)
        left = shown - base @ weights
        spread = np.maximum(np.median(np.abs(left), axis=0) * 1.48, 0.15) * 2.5
        pull = trust[:, None] / np.maximum(1, np.abs(left) / spread / PIECES_MAX)
        rows.append((pull * left / spread, pull * (slope @ weights) / spread))
    return angle + _step(angle, moved, rows)


def _step(angle: Doubles, moved: Doubles, rows: list[tuple[Doubles, Doubles]]) -> Doubles:
    """Solve one Gauss-Newton step with the looks' pull, the motion and a soft course."""
    count = len(angle)
    matrix, right = np.zeros((count, count)), np.zeros(count)
    for left, slope in rows:
        np.fill_diagonal(matrix, matrix.diagonal() + (slope**2).sum(axis=1))
        right += (slope * left).sum(axis=1)
    turned = np.diff(angle)
    surface = moved[1:]
    mid = (angle[1:] + angle[:-1]) / 2
    base = np.column_stack((np.ones(count - 1), np.cos(2 * mid), np.cos(mid))) * turned[:, None]
    ridge = np.diag((1e-4, 1e-1, 1e-1))
    fit = np.linalg.solve(
        base.T @ base + ridge, base.T @ surface + ridge @ np.array((SURFACE, 0, 0))
    )
    radius = np.maximum(fit[0] + fit[1] * np.cos(2 * mid) + fit[2] * np.cos(mid), SURFACE / 3)
    expected = surface / radius
    first = np.diff(np.eye(count), axis=0)
    second = np.diff(np.eye(count), n=2, axis=0)
    sure = 1 / (np.radians(1.0) + 0.35 * np.abs(expected)) ** 2
    matrix += first.T @ (sure[:, None] * first)
    right += first.T @ (sure * (expected - turned))
    soft = 1 / np.radians(1.2) ** 2
    matrix += soft * second.T @ second
    right -= soft * second.T @ (second @ angle)
    matrix[0, 0] += 1 / np.radians(0.5) ** 2
    right[0] -= angle[0] / np.radians(0.5) ** 2
    step = np.linalg.solve(matrix, right)
    return np.asarray(np.clip(step, -0.35, 0.35))
