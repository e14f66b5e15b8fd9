"""The mirror's pure parts: verdicts, phases, picking, film, delay, lens, colour."""

from random import Random

import numpy as np
import pytest

from cart.kernel.errors import Conflict, InvalidInput, LimitExceeded
from firmware_sim.mirror.drawing import Light, Room
from firmware_sim.mirror.figure import GARMENTS, Part, Person, Pose
from store_devices.hardware import Frame
from store_devices.mirror import model
from store_devices.mirror.course import Course, course
from store_devices.mirror.encoding import contact_sheet, webm
from store_devices.mirror.film import Delay, Film
from store_devices.mirror.model import MirrorState
from store_devices.mirror.picking import best_frames, in_step, off_deg, view_deg
from store_devices.mirror.recolour import found_garment, recoloured
from store_devices.mirror.silhouette import EmptyRoom, nearest
from store_devices.mirror.straight import Straightener, filling, whole_view
from store_devices.mirror.verdict import Reason, Seen, refused
from tests.fakes.mirror_films import SMALL


def _course(*angles: float, apart: float = 0.1) -> Course:
    angle = np.array(angles)
    return Course(np.arange(len(angle)) / 10, angle, np.full(len(angle), apart))


ROUND = _course(*np.linspace(0, 358, 40))
GOOD = Seen(frames=40, with_her=40)


@pytest.mark.parametrize(
    ("seen", "went", "reason"),
    [
        (GOOD, ROUND, None),
        (GOOD, _course(*-np.linspace(0, 352, 40)), None),
        (GOOD, _course(*np.linspace(0, 300, 40)), "not_turned"),
        (GOOD, _course(*np.linspace(0, 358, 40), apart=0.9), "not_turned"),
        (GOOD, _course(0, 90, 180, 120, 200, 300, 358), "not_turned"),
        (GOOD, None, "nobody"),
        (Seen(frames=40, with_her=40, away_s=0.7), ROUND, "left"),
        (Seen(frames=40, with_her=40, away_s=0.5), ROUND, None),
        (Seen(frames=40, with_her=40, beside=5), ROUND, "two_people"),
        (Seen(frames=40, with_her=40, beside=4), ROUND, None),
        (Seen(frames=40, with_her=40, stopped_s=0.9), ROUND, "camera_stopped"),
        (Seen(frames=40, with_her=40, broken=True), ROUND, "camera_stopped"),
        (Seen(frames=40, with_her=40, dark=13), ROUND, "too_dark"),
        (Seen(), None, "camera_stopped"),
    ],
)
def test_verdicts(seen: Seen, went: Course | None, reason: Reason | None) -> None:
    """Each rule by itself, on both sides of its limit."""
    assert refused(seen, went) == reason


def test_a_course_needs_a_motion() -> None:
    """One glimpse tells no motion."""
    with pytest.raises(ValueError, match="two"):
        course([])


def test_a_turn_from_touch_to_decision() -> None:
    """Countdown, recording, judging, deciding, kept, idle: only one of them records."""
    state = model.started(MirrorState(), 0.0)
    assert (state.phase, state.records, state.holds) == ("countdown", False, False)
    assert model.ticked(state, 2.9) is state
    state = model.ticked(state, 3.0)
    assert (state.phase, state.records) == ("recording", True)
    assert model.ticked(state, 10.9) is state
    state = model.ticked(state, 11.0)
    assert (state.phase, state.records, state.holds) == ("judging", False, True)
    state = model.judged(state, 12.0, None)
    assert (state.phase, state.holds) == ("deciding", True)
    state = model.kept(state, 20.0)
    assert (state.phase, state.holds) == ("kept", False)
    assert model.ticked(state, 26.0).phase == "idle"


def test_what_is_not_decided_is_discarded() -> None:
    """She walks away: after 45 seconds the mirror holds nothing."""
    state = MirrorState("deciding", 100.0)
    assert model.ticked(state, 144.9) is state
    assert model.ticked(state, 145.0) == MirrorState("idle", 145.0)


def test_a_refusal_is_shown_and_may_be_tried_again() -> None:
    """The reason is told; she may begin anew at once."""
    state = model.judged(MirrorState("judging", 0.0), 1.0, "left")
    assert (state.phase, state.reason, state.holds) == ("refused", "left", False)
    assert model.started(state, 2.0).phase == "countdown"


def test_a_camera_that_stops_ends_the_countdown_and_the_recording() -> None:
    """Before the recording nothing is held; in it there is something to judge."""
    assert model.broken_off(MirrorState("countdown", 0.0), 1.0).reason == "camera_stopped"
    assert model.broken_off(MirrorState("recording", 0.0), 1.0).phase == "judging"
    assert model.broken_off(MirrorState("idle", 0.0), 1.0).phase == "idle"


@pytest.mark.parametrize("phase", ["countdown", "recording", "judging", "deciding"])
def test_a_turn_under_way_is_not_begun_again(phase: model.Phase) -> None:
    """A second touch changes nothing; breaking off is possible from everywhere."""
    state = MirrorState(phase, 1.0)
    with pytest.raises(Conflict):
        model.started(state, 2.0)
    assert model.discarded(state, 2.0) == MirrorState("idle", 2.0)


@pytest.mark.parametrize("phase", ["idle", "countdown", "recording", "refused", "kept"])
def test_only_a_judged_turn_is_kept(phase: model.Phase) -> None:
    """There is nothing to keep, and nothing to judge."""
    with pytest.raises(Conflict):
        model.kept(MirrorState(phase, 0.0), 1.0)
    with pytest.raises(Conflict):
        model.judged(MirrorState(phase, 0.0), 1.0, None)


def test_the_sharper_of_two_near_frames_is_picked() -> None:
    """Two degrees are worth less than half the sharpness; twenty are worth more."""
    angle = np.array([0.0, 43.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0, 335.0])
    sharp = [10.0, 20.0, 8.0, 10.0, 10.0, 10.0, 10.0, 10.0, 1.0, 99.0]
    assert best_frames(angle, sharp) == [0, 1, 3, 4, 5, 6, 7, 8]
    with pytest.raises(ValueError, match="one"):
        best_frames(np.array([]), [])


def test_two_turns_go_in_step_whichever_way_round() -> None:
    """One to the left, the other to the right and faster: the views agree."""
    lead = view_deg(np.linspace(0, 360, 60))
    other = view_deg(-np.linspace(0, 360, 40))
    steps = in_step(lead, other)
    assert max(off_deg(lead, other[steps])) < 5
    with pytest.raises(ValueError, match="no frame"):
        in_step(lead, np.array([]))


def _frame(at_s: float, level: int) -> Frame:
    return Frame(np.full((48, 32, 3), level, dtype=np.uint8), at_s)


def _fill(film: Film) -> None:
    for _ in range(20):
        film.add(_frame(2.0, 90))


def test_a_film_has_an_end_and_is_wiped() -> None:
    """A frame too many is refused and changes nothing; a wiped film's own bytes are zeros."""
    film = Film(bytes_max=2000)
    film.add(_frame(1.0, 90))
    held = film.size_bytes
    with pytest.raises(LimitExceeded):
        _fill(film)
    assert held < film.size_bytes <= 2000
    assert film.at_s(0) == 1.0
    assert abs(int(film.picture(0).mean()) - 90) < 3
    bytes_of_it = [pressed.data for pressed in film._frames]  # noqa: SLF001 - what is left of it
    film.wipe()
    assert (len(film), film.size_bytes) == (0, 0)
    assert all(not any(data) for data in bytes_of_it)


def test_the_delayed_view_is_five_seconds_old() -> None:
    """Before five seconds there is nothing; then what was seen then, and no older frame is held."""
    delay = Delay()
    for second in range(20):
        delay.add(_frame(float(second), second * 10))
        seen = delay.picture(float(second))
        if second < 5:
            assert seen is None
        else:
            assert seen is not None
            assert abs(int(seen.mean()) - (second - 5) * 10) < 3
    assert delay.size_bytes < 7 * 1000
    delay.wipe()
    assert delay.picture(30.0) is None


def test_upright_things_stand_upright() -> None:
    """Points one above the other, anywhere before the mirror, come to one column."""
    whole = Straightener(SMALL.calibration, whole_view(SMALL.calibration), 216)
    for x in (-0.3, 0.0, 0.25):
        columns = []
        for y in (0.3, 0.9, 1.5):
            column, row = SMALL.seen(np.array([[x, y, 0.0]], dtype=np.float32))[0]
            spot = np.zeros((SMALL.height_px, SMALL.width_px, 3), dtype=np.uint8)
            spot[round(float(row)) - 2 : round(float(row)) + 3] = 0
            spot[
                round(float(row)) - 2 : round(float(row)) + 3,
                round(float(column)) - 2 : round(float(column)) + 3,
            ] = 255
            columns.append(float(np.nonzero(whole.straight(spot)[..., 0] > 100)[1].mean()))
        assert max(columns) - min(columns) < 2


def test_a_small_body_fills_the_glass() -> None:
    """Whatever the box, the window has the glass's shape and holds all of it."""
    whole = Straightener(SMALL.calibration, whole_view(SMALL.calibration), 216)
    window = filling(whole, (80, 100, 50, 200))
    assert window.width / window.height == pytest.approx(9 / 16)
    tangent = whole.window.width / 216
    assert 200 * tangent / window.height == pytest.approx(0.92)


def test_no_picture_is_no_video() -> None:
    """Nothing in, an error out."""
    with pytest.raises(InvalidInput):
        webm([])
    with pytest.raises(InvalidInput):
        contact_sheet([])


def test_a_garment_in_another_colour_looks_as_if_drawn_in_it() -> None:
    """Half of the cloth is within 12 grey levels of the same scene drawn in blue; skin stays."""
    room = Room(SMALL, Light(noise=1.0), 1)
    sight = Straightener(SMALL.calibration, whole_view(SMALL.calibration), 216)
    empty = EmptyRoom()
    for _ in range(10):
        empty.learn(sight.straight(room.picture([]).pixels))
    pose = Pose(turn_rad=Random(3).uniform(0, 1))
    red, blue = (
        room.picture([(Person(garment=GARMENTS[colour]), pose)]) for colour in ("red", "blue")
    )
    before, wanted = sight.straight(red.pixels), sight.straight(blue.pixels)
    found = nearest(empty.silhouettes(before))
    assert found is not None
    garment = found_garment(before, found[1], found[0])
    assert garment is not None
    after = recoloured(before, garment, GARMENTS["red"], GARMENTS["blue"])
    parts = [
        sight.straight(np.dstack([np.isin(red.parts, kind).astype(np.uint8) * 255] * 3))[..., 0]
        > 200
        for kind in ((Part.GARMENT, Part.SLEEVE), (Part.HEAD, Part.TROUSERS))
    ]
    apart = np.abs(after.astype(int) - wanted.astype(int)).max(axis=2)
    assert np.median(apart[parts[0]]) < 12
    assert np.median(np.abs(before.astype(int) - wanted.astype(int)).max(axis=2)[parts[0]]) > 60
    kept = np.abs(after.astype(int) - before.astype(int)).max(axis=2)[parts[1]]
    assert (kept > 10).mean() < 0.03
