"""How well a calibration of the mirror's camera undoes a lens whose true figures are known."""

import sys
from random import Random

import numpy as np
from numpy.typing import NDArray

from cart.kernel.errors import CarryoverError
from firmware_sim.mirror.board import BoardCamera, held
from firmware_sim.mirror.optics import Lens
from store_devices.mirror.calibrate import calibrated
from store_devices.mirror.straight import Calibration, guessed, seen_at, whole_view

SEED = 20261130
POSES = 27
POINTS = 60  # across the level view, and down it


def undone_px(found: Calibration, true: Calibration) -> NDArray[np.float64]:
    """Return by how many pixels of the camera's picture the straight view is taken off, n points.

    Over all of the level view that the true camera sees.
    """
    view = whole_view(true)
    across, down = np.meshgrid(
        np.linspace(view.left, view.left + view.width, POINTS),
        np.linspace(view.top, view.top + view.height, POINTS),
    )
    (x, y), (other_x, other_y) = (seen_at(one, across, down) for one in (true, found))
    inside = (x >= 0) & (x < true.width_px) & (y >= 0) & (y < true.height_px)
    return np.asarray(np.hypot(x - other_x, y - other_y)[inside])


def measured_lenses(count: int) -> dict[str, object]:
    """Calibrate ``count`` drawn cameras; return what is left of their distortion, in pixels."""
    left: list[NDArray[np.float64]] = []
    before: list[NDArray[np.float64]] = []
    stated: list[float] = []
    tilts: list[float] = []
    refused = 0
    for seed in range(count):
        rng = Random(f"{SEED}-lens-{seed}")
        lens = Lens(
            width_px=432,
            height_px=768,
            k1=rng.uniform(-0.22, -0.08),
            k2=rng.uniform(0.0, 0.04),
            tilt_rad=rng.uniform(0.24, 0.36),
        )
        camera = BoardCamera(lens, held(lens, rng, POSES), seed=seed, wait=lambda _: None)
        try:
            found = calibrated(camera, lambda _: None)
        except CarryoverError as error:
            refused += 1
            sys.stderr.write(f"lens {seed}: {error.message}\n")
            continue
        true = lens.calibration
        left.append(undone_px(found, true))
        before.append(undone_px(guessed(lens.width_px, lens.height_px), true))
        stated.append(found.error_px or 0.0)
        tilts.append(abs(found.tilt_rad - true.tilt_rad))
        sys.stderr.write(f"lens {seed}: {np.median(left[-1]):.2f} px off\n")
    if not left:
        return {"cameras": count, "refused": refused}
    return {
        "cameras": count,
        "refused": refused,
        "height_px": 768,
        "uncorrected_px": _spread(np.concatenate(before)),
        "corrected_px": _spread(np.concatenate(left)),
        "stated_error_px": round(float(np.median(stated)), 3),
        "tilt_error_deg_max": round(float(np.degrees(max(tilts))), 3),
    }


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "max": round(float(values.max()), 2),
    }
