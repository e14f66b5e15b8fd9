"""A turn's angles inside its contact sheet."""

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from cart.kernel.errors import InvalidInput
from store_devices.mirror import cutout
from store_devices.mirror.cutout import Cutout, cut_out
from store_devices.mirror.encoding import contact_sheet
from store_devices.mirror.recolour import Garment
from store_devices.mirror.track import MARK, Track, comment_of, track_of, tracked
from store_devices.mirror.turning import FRAMES_MAX

SHEET = contact_sheet([np.full((48, 32, 3), 90, dtype=np.uint8)] * 8)


def test_what_goes_in_comes_out_and_the_picture_is_the_same() -> None:
    """Times in milliseconds, views from 0 to 359; every pixel as before."""
    made = tracked(SHEET, [0.0, 0.1004, 0.2], [0.2, 359.8, 181.4])
    assert track_of(made) == Track(at_ms=[0, 100, 200], view_deg=[0, 0, 181])
    before, after = (cv2.imdecode(np.frombuffer(one, np.uint8), 1) for one in (SHEET, made))
    assert before is not None
    assert after is not None
    assert np.array_equal(before, after)


def test_the_longest_turn_fits() -> None:
    """As many frames as a recording may have, in one comment of a JPEG."""
    count = range(FRAMES_MAX)
    found = track_of(tracked(SHEET, [n / 20 for n in count], [float(n % 360) for n in count]))
    assert found is not None
    assert len(found.at_ms) == FRAMES_MAX


def test_what_has_none_tells_none() -> None:
    """A sheet of an older mirror, one that is cut off, no picture at all."""
    for sheet in (SHEET, tracked(SHEET, [0.0], [0.0])[:3], b"", b"\xff\xd8\xff"):
        assert track_of(sheet) is None


def test_what_is_none_is_refused() -> None:
    """No JPEG, no frames, two times for one view, a view that there is not."""
    with pytest.raises(InvalidInput):
        tracked(b"GIF89a", [0.0], [0.0])
    for at_s, views in (([], []), ([0.0, 0.1], [0.0]), ([99.0], [0.0])):
        with pytest.raises(ValidationError):
            tracked(SHEET, at_s, views)
    bad = MARK + b'{"at_ms":[0],"view_deg":[400]}'
    with pytest.raises(ValidationError):
        track_of(SHEET[:2] + b"\xff\xfe" + (len(bad) + 2).to_bytes(2) + bad + SHEET[2:])


@pytest.mark.parametrize("worn_first", [False, True])
def test_a_garment_is_told_beside_the_angles(worn_first: bool) -> None:  # noqa: FBT001 - a parameter
    """Its pixels at the sheet's size, and its colour; the angles are read as before."""
    mask = np.zeros((96, 54), dtype=np.uint8)
    mask[30:60, 12:40] = 255
    mask[:2] = 255 * worn_first
    garment = Garment(mask, np.array([0.01, 0.4, 0.123456789], dtype=np.float32))
    made = tracked(cut_out(SHEET, garment, 27, 48), [0.0], [0.0])
    said = comment_of(made, cutout.MARK)
    assert said is not None
    found = Cutout.model_validate_json(said)
    worn = np.repeat(np.arange(len(found.runs)) % 2, found.runs).reshape(48, 27)
    assert np.array_equal(worn * 255, mask[::2, ::2])
    assert found.colour == (0.01, 0.4, 0.12346)
    assert track_of(made) == Track(at_ms=[0], view_deg=[0])


def test_a_mask_of_specks_is_left_out() -> None:
    """It would not fit in a comment, and nothing can be painted by it."""
    specks = np.zeros((200, 100), dtype=np.uint8)
    specks[::2, ::2] = 255
    garment = Garment(specks, np.zeros(3, dtype=np.float32))
    assert cut_out(SHEET, garment, 100, 200) == SHEET
