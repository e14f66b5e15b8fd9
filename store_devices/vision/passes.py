"""The passes over a picture, from cheap to thorough: one reader on one view each.

Owns what the views are and where they help; whether a read is believed is
``evidence.py``'s question. Every pass gives polygons in pixels of the picture.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from store_devices.vision import opencv, profile, zxing
from store_devices.vision.grey import (
    Grey,
    View,
    cut_out,
    scaled,
    sharpened,
    softened,
    thickened,
    turned,
    unchanged,
)
from store_devices.vision.model import Code

ENLARGED_SIDE_MAX_PX: Final = 1400
"""A picture of more is not enlarged: at 2800 px zxing-cpp costs 40 ms and gains nothing."""

_AREA_SIDE_PX: Final = 500  # bars cut out of a picture are brought to about this width
_AREAS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Pass:
    """One way to read a picture. ``upright`` passes see bars as they stand, unturned."""

    name: str
    run: Callable[[Grey], list[Code]]
    upright: bool = True


def _brought_home(view: View, codes: Iterable[Code]) -> list[Code]:
    return [replace(code, polygon=view.home(code.polygon)) for code in codes]


def _zxing(view: View, *, uneven_light: bool = True) -> list[Code]:
    return _brought_home(view, zxing.read(view.grey, uneven_light=uneven_light))


def _bars(view: View) -> list[Code]:
    return _brought_home(view, opencv.read_bars(view.grey))


def _doubled(grey: Grey) -> View:
    return scaled(grey, 2) if max(grey.shape) <= ENLARGED_SIDE_MAX_PX else unchanged(grey)


def _areas(grey: Grey) -> list[Code]:
    """Cut out what looks like bars, set it upright, and let zxing-cpp read that."""
    codes: list[Code] = []
    for corners in opencv.bar_areas(grey)[:_AREAS_MAX]:
        side_px = max(
            abs(a - b)
            for one in corners
            for other in corners
            for a, b in zip(one, other, strict=True)
        )
        factor = min(3.0, max(1.0, _AREA_SIDE_PX / max(1.0, side_px)))
        view = cut_out(grey, corners, factor=factor)
        found = _zxing(view) or _zxing(sharpened(view, 1.5 * factor, 1.5))
        codes += found or _zxing(thickened(view, round(4 * factor) | 1))
    return codes


def _profiles(grey: Grey) -> list[Code]:
    """Read along lines: of the whole picture, then of what looks like bars."""
    return profile.read(grey) or _area_profiles(grey)


def _area_profiles(grey: Grey) -> list[Code]:
    """Read along lines of what looks like bars, set upright."""
    codes: list[Code] = []
    for corners in opencv.bar_areas(grey)[:_AREAS_MAX]:
        view = cut_out(grey, corners, factor=1.5)
        codes += _brought_home(view, profile.read(view.grey))
    return codes


PLAIN: Final = Pass("plain", lambda grey: _zxing(unchanged(grey)))

AREAS: Final = Pass("areas", _areas)
"""Finds a small code in a large picture, too: what is cut out is enlarged."""

LIVE_EXTRAS: Final = (
    AREAS,
    Pass("doubled", lambda grey: _zxing(_doubled(grey), uneven_light=False)),
    Pass("thickened", lambda grey: _zxing(thickened(_doubled(grey), 9))),
    Pass("cv2", lambda grey: _bars(unchanged(grey))),
    Pass("sharpened", lambda grey: _zxing(sharpened(_doubled(grey), 4.0, 4.0))),
    Pass("profile", _area_profiles),
)
"""What a live camera adds in turn, one per frame, while the plain pass finds nothing."""

BEYOND_PLAIN: Final = (
    Pass("doubled", lambda grey: _zxing(_doubled(grey))),
    Pass("cv2", lambda grey: _bars(unchanged(grey))),
    AREAS,
    Pass("sharpened", lambda grey: _zxing(sharpened(_doubled(grey), 3.0, 1.5))),
    Pass("thickened", lambda grey: _zxing(thickened(_doubled(grey), 9))),
    Pass("profile", _profiles),
    Pass("even light", lambda grey: _zxing(unchanged(grey), uneven_light=False)),
    Pass("sharpened hard", lambda grey: _zxing(sharpened(_doubled(grey), 4.0, 4.0))),
    Pass("softened", lambda grey: _zxing(softened(grey, 1.0))),
    Pass("halved", lambda grey: _zxing(scaled(grey, 0.5))),
    Pass("cv2 sharpened", lambda grey: _bars(sharpened(_doubled(grey), 3.0, 1.5))),
    Pass("cv2 QR", opencv.read_qr),
    Pass("turned 35", lambda grey: _zxing(turned(grey, 35)), upright=False),
    Pass("turned -35", lambda grey: _zxing(turned(grey, -35)), upright=False),
    Pass("turned 17", lambda grey: _zxing(turned(grey, 17)), upright=False),
    Pass("turned -17", lambda grey: _zxing(turned(grey, -17)), upright=False),
)
"""What a still photograph gets after the plain pass, till a code is believed."""
