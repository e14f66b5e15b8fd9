"""The mirror's eyes: learns the empty room, watches a recording, judges and finishes it.

Joins the parts of this package for one camera. Keeps everything in memory; ``discard`` wipes
it. Opens nothing, and knows no clock but the frames' own times. Not for two threads at once.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cart.kernel.errors import Conflict
from store_devices.hardware import Frame, Pixels
from store_devices.mirror.apart import Apart
from store_devices.mirror.course import Course, course
from store_devices.mirror.cutout import cut_out
from store_devices.mirror.encoding import contact_sheet, webm
from store_devices.mirror.film import FILM_BYTES_MAX, Film
from store_devices.mirror.front import Front, moved
from store_devices.mirror.picking import Doubles, best_frames, view_deg
from store_devices.mirror.recolour import found_garment
from store_devices.mirror.silhouette import Body, EmptyRoom, Mask, nearest
from store_devices.mirror.straight import Calibration, Straightener, filling, whole_view
from store_devices.mirror.thumbnail import thumbnailed
from store_devices.mirror.track import tracked
from store_devices.mirror.turning import Follower
from store_devices.mirror.verdict import Reason, Seen, refused

SIGHT_WIDTH_PX: Final = 270
"""Enough to follow a seam, and five milliseconds of one core."""

VIDEO_WIDTH_PX: Final = 540
"""A phone shows no more of a portrait video than this, doubled by its own screen."""

SHEET_WIDTH_PX: Final = 270
DARK_MEAN: Final = 28.0
"""Mean grey level under which faces and cloth are noise."""

SAME_MEAN: Final = 0.02
"""Two pictures of a living camera differ by their noise: by less, it has frozen."""

GLANCES_MIN: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """One frame as it was seen: straightened, everybody's silhouettes, who is nearest, and hers."""

    straight: Pixels
    everybody: Mask
    body: Body | None
    mask: Mask | None


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Why the recording is no turn (``None``: it is one) and how she turned, if she was seen."""

    reason: Reason | None
    course: Course | None


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A finished turn: a video, a contact sheet (JPEG), and the view of each frame in degrees.

    ``front``: what another colour of her garment is shown on.
    """

    video: bytes
    sheet: bytes
    at_s: Doubles
    views_deg: Doubles
    eight: tuple[int, ...]
    front: Front


class Eyes:
    """What one mirror sees, through one calibrated camera."""

    def __init__(self, calibration: Calibration, *, film_bytes_max: int = FILM_BYTES_MAX) -> None:
        self._calibration = calibration
        self._sight = Straightener(calibration, whole_view(calibration), SIGHT_WIDTH_PX)
        self._room = EmptyRoom()
        self._film = Film(film_bytes_max)
        self._begin()

    def _begin(self) -> None:
        self._film.wipe()
        self._follower = Follower()
        self._apart = Apart()
        self._seen = Seen()
        self._boxes: list[tuple[int, int, int, int]] = []
        self._held: list[int] = []
        self._last: Pixels | None = None
        self._last_at_s = self._fresh_s = self._with_her_s = 0.0
        self._judged: Course | None = None

    @property
    def ready(self) -> bool:
        """Whether the empty room is known."""
        return self._room.known

    @property
    def held_bytes(self) -> int:
        """Bytes of pictures of the recording in memory."""
        return self._film.size_bytes

    def idle(self, frame: Frame, *, learns: bool = True) -> Glance:
        """Look at a frame outside a recording, and learn the room from it if nobody is there.

        ``learns`` False: somebody is known to be about; what she holds up is not of the room.
        Until the room is known it takes it to be empty: a mirror starts before the shop opens.
        """
        glance = self._glance(frame)
        if learns and glance.body is None:
            self._room.learn(glance.straight)
        return glance

    def begin(self) -> None:
        """Begin a recording; what was held is wiped.

        Raises:
            Conflict: the empty room is not known yet.
        """
        if not self._room.known:
            msg = "the mirror has not seen its room empty yet"
            raise Conflict(msg)
        self._begin()

    def record(self, frame: Frame) -> Glance:
        """Take the next frame of the recording; a full film takes no more, and says so by it.

        Raises:
            LimitExceeded: the film is full.
        """
        glance = self._glance(frame)
        straight, at_s = glance.straight, frame.at_s
        seen = self._seen
        if seen.frames == 0:
            self._last_at_s = self._fresh_s = self._with_her_s = at_s
        fresh = self._last is None or not _same(straight, self._last)
        stopped = at_s - (self._last_at_s if fresh else self._fresh_s)
        if fresh:
            self._fresh_s = at_s
        self._last, self._last_at_s = straight, at_s
        away = at_s - self._with_her_s if glance.body is None else 0.0
        dark = float(straight[::4, ::4].mean()) < DARK_MEAN
        self._seen = replace(
            seen,
            frames=seen.frames + 1,
            with_her=seen.with_her + (glance.body is not None),
            beside=seen.beside + (glance.body is not None and glance.body.others > 0),
            dark=seen.dark + dark,
            away_s=max(seen.away_s, away),
            stopped_s=max(seen.stopped_s, stopped),
        )
        self._film.add(frame)
        if glance.body is None or glance.mask is None:
            self._follower.lost()
            return glance
        self._with_her_s = at_s
        body, mask = self._apart.own(straight, glance.everybody, glance.mask, glance.body, at_s)
        self._follower.add(straight, mask, body, at_s)
        self._boxes.append(body.box)
        self._held.append(len(self._film) - 1)
        return replace(glance, body=body, mask=mask)

    def judge(self, *, broken: bool = False) -> Judgement:
        """Say whether what was recorded is a turn; ``broken``: the camera gave up.

        What is none is wiped at once.
        """
        glimpses = self._follower.glimpses
        found = course(glimpses) if len(glimpses) >= GLANCES_MIN else None
        reason = refused(replace(self._seen, broken=broken), found)
        if reason is not None:
            self.discard()
        else:
            self._judged = found
        return Judgement(reason, found)

    def finish(self) -> Turn:
        """Make video and contact sheet of a turn that was judged to be one.

        Raises:
            Conflict: there is none.
        """
        if self._judged is None:
            msg = "there is no turn to finish"
            raise Conflict(msg)
        views = view_deg(self._judged.angle_deg)
        sharp = [glimpse.sharp for glimpse in self._follower.glimpses]
        eight = best_frames(self._judged.angle_deg, sharp)
        window = filling(self._sight, self._around())
        glass = Straightener(self._calibration, window, VIDEO_WIDTH_PX)
        small = Straightener(self._calibration, window, SHEET_WIDTH_PX)
        first_s = self._film.at_s(self._held[0])
        video = webm(
            (self._film.at_s(index) - first_s, glass.straight(self._film.picture(index)))
            for index in self._held
        )
        sheet = contact_sheet(
            [small.straight(self._film.picture(self._held[index])) for index in eight]
        )
        at_s = self._judged.at_s - first_s
        front = self._front(glass, self._film.picture(self._held[eight[0]]))
        if front.garment is not None:
            sheet = cut_out(sheet, front.garment, small.width_px, small.height_px)
        sheet = tracked(sheet, at_s.tolist(), views.tolist())
        sheet = thumbnailed(sheet, front.pixels)  # before the others: the first chunk has it
        return Turn(video, sheet, at_s, views, tuple(eight), front)

    def discard(self) -> None:
        """Overwrite and forget the recording. May be called at any time."""
        self._begin()

    def _front(self, glass: Straightener, pixels: Pixels) -> Front:
        shown = glass.straight(pixels)
        found = nearest(self._room.silhouettes(self._sight.straight(pixels)))
        if found is None:
            return Front(shown, None)
        body, mask = found
        larger, there = moved(self._sight, glass, mask, body)
        return Front(shown, found_garment(shown, larger, there))

    def _around(self) -> tuple[int, int, int, int]:
        """Return the box round all silhouettes of the turn, but for the odd one."""
        boxes = np.array(self._boxes)
        left, top = np.percentile(boxes[:, 0], 3), np.percentile(boxes[:, 1], 3)
        right = np.percentile(boxes[:, 0] + boxes[:, 2], 97)
        bottom = np.percentile(boxes[:, 1] + boxes[:, 3], 97)
        return round(left), round(top), round(right - left), round(bottom - top)

    def _glance(self, frame: Frame) -> Glance:
        straight = self._sight.straight(frame.pixels)
        everybody = self._room.silhouettes(straight)
        found = nearest(everybody)
        return Glance(straight, everybody, *(found or (None, None)))


def _same(first: Pixels, second: Pixels) -> bool:
    thin = (slice(None, None, 4), slice(None, None, 4))
    return bool(
        np.abs(first[thin].astype(np.int16) - second[thin].astype(np.int16)).mean() < SAME_MEAN
    )
