"""A turn's small picture inside its contact sheet, and how the server finds it there."""

import cv2
import numpy as np
import pytest

from cart.kernel.errors import InvalidInput
from cart.kernel.sealed_file import CHUNK_BYTES
from mobile_api.looks import thumbnails
from store_devices.mirror.encoding import contact_sheet
from store_devices.mirror.thumbnail import BYTES_MAX, MARK, WIDTH_PX, thumbnailed
from store_devices.mirror.track import track_of, tracked

FRONT = np.full((960, 540, 3), (40, 90, 160), dtype=np.uint8)
SHEET = contact_sheet([np.full((480, 270, 3), 90, dtype=np.uint8)] * 8)


def test_the_server_finds_what_the_mirror_puts_in() -> None:
    """240 pixels wide with the front's sides and colour; the sheet's picture and angles stay."""
    made = thumbnailed(tracked(SHEET, [0.0, 0.1], [0.0, 40.0]), FRONT)
    small = thumbnails.in_head(made[:CHUNK_BYTES])
    assert small is not None
    shown = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (427, WIDTH_PX, 3)
    assert np.abs(shown.reshape(-1, 3).mean(axis=0) - FRONT[0, 0]).max() < 3
    track = track_of(made)
    assert track is not None
    assert track.view_deg == [0, 40]
    before, after = (cv2.imdecode(np.frombuffer(one, np.uint8), 1) for one in (SHEET, made))
    assert before is not None
    assert after is not None
    assert np.array_equal(before, after)
    assert thumbnails.MARK == MARK


def test_noise_still_fits_in_the_first_chunk() -> None:
    """The most that a picture can have; with its mark it is opened with one chunk."""
    noise = np.random.default_rng(7).integers(0, 256, (427, 240, 3), dtype=np.uint8)
    small = thumbnails.in_head(thumbnailed(SHEET, noise)[:CHUNK_BYTES])
    assert small is not None
    assert 20_000 < len(small) <= BYTES_MAX


def test_a_sheet_without_one_has_none() -> None:
    """Of an older mirror; cut off; another comment first; what is no JPEG after the mark."""
    whole = thumbnailed(SHEET, FRONT)
    told = MARK + b"GIF89a"
    strange = b"\xff\xd8\xff\xfe" + (len(told) + 2).to_bytes(2) + told + SHEET[2:]
    for sheet in (SHEET, tracked(SHEET, [0.0], [0.0]), whole[:900], b"", b"\xff\xd8", strange):
        assert thumbnails.in_head(sheet) is None


def test_what_is_no_sheet_is_refused() -> None:
    """As of the angles."""
    with pytest.raises(InvalidInput):
        thumbnailed(b"GIF89a", FRONT)
