"""The mirror's eyes while others walk by behind her: whose silhouette is whose, and her angles."""

import numpy as np

from store_devices.mirror.apart import Apart
from store_devices.mirror.picking import VIEWS_DEG, off_deg
from store_devices.mirror.silhouette import Body, Mask, nearest
from tests.fakes.mirror_films import film, watched

HIGH, WIDE = 400, 240
ROOM, HERS, OTHERS = (90, 90, 90), (40, 40, 180), (160, 80, 30)


def test_a_turn_is_seen_while_others_walk_by() -> None:
    """It is one: half of the frames are within 10 degrees, and the eight views within 25."""
    shown = film("passers_by", 1)
    eyes, judgement = watched(shown)
    assert judgement.reason is None
    assert judgement.course is not None
    true = {truth.at_s: truth.angle_deg for truth in shown.truths}
    angles = np.array([true[at_s] for at_s in judgement.course.at_s])
    assert np.median(np.abs(judgement.course.angle_deg - angles)) < 10
    eight = [true[shown.frames[index].at_s] for index in eyes.finish().eight]
    off = [float(off_deg(angle, view)) for angle, view in zip(eight, VIEWS_DEG, strict=True)]
    assert max(off) < 25


def _stands(
    mask: Mask, pixels: np.ndarray, *, x: int, foot: int, tall: int, colour: object
) -> None:
    """Draw a figure: a head, a throat, a trunk, two legs."""
    half = tall // 8
    for top, bottom, reach in ((0.0, 0.14, 0.4), (0.14, 0.17, 0.2), (0.17, 0.55, 1.0)):
        rows = slice(round(foot - tall * (1 - top)), round(foot - tall * (1 - bottom)))
        columns = slice(round(x - half * reach), round(x + half * reach))
        mask[rows, columns], pixels[rows, columns] = 255, colour
    for side in (-1, 1):
        rows = slice(round(foot - tall * 0.45), foot)
        columns = slice(round(x + side * half * 0.5 - 8), round(x + side * half * 0.5 + 8))
        mask[rows, columns], pixels[rows, columns] = 255, colour


def _seen(other_x: int | None = None, *, throat: bool = True) -> tuple[np.ndarray, Mask]:
    mask = np.zeros((HIGH, WIDE), dtype=np.uint8)
    pixels = np.full((HIGH, WIDE, 3), ROOM, dtype=np.uint8)
    if other_x is not None:
        _stands(mask, pixels, x=other_x, foot=300, tall=230, colour=OTHERS)
    _stands(mask, pixels, x=120, foot=390, tall=300, colour=HERS)
    if not throat:
        mask[390 - round(300 * 0.87) : 390 - round(300 * 0.83), 100:140] = 0
    return pixels, mask


def _own(apart: Apart, other_x: int | None, at_s: float) -> tuple[Body, Mask, Mask]:
    pixels, everybody = _seen(other_x)
    found = nearest(everybody)
    assert found is not None
    before = found[1].copy()
    body, own = apart.own(pixels, everybody, found[1], found[0], at_s)
    return body, own, before


def test_who_is_alone_is_left_as_she_is() -> None:
    """Without anybody about no pixel of her silhouette is taken."""
    apart = Apart()
    for number in range(5):
        _, own, before = _own(apart, None, number / 10)
        assert np.array_equal(own, before)


def test_whoever_walks_behind_her_is_taken_out() -> None:
    """His trunk beside hers is no part of her; her own trunk stays as wide as it was."""
    apart = Apart()
    for number in range(8):
        alone, _, _ = _own(apart, None, number / 10)
    _own(apart, 210, 0.8)  # he comes, and is seen apart from her
    body, own, before = _own(apart, 160, 0.9)
    _, everybody = _seen(160)
    _, hers = _seen()
    his = (everybody > 0) & (hers == 0)
    assert (before[his] > 0).mean() > 0.5  # they were one
    assert (own[his] > 0).mean() < 0.1
    assert (own[hers > 0] > 0).mean() > 0.9
    assert abs(body.width_px - alone.width_px) < 6
    assert abs(body.middle_px - alone.middle_px) < 6


def test_who_stands_beside_her_is_still_told() -> None:
    """Taking colours apart does not hide a second person: she is counted before."""
    mask, pixels = np.zeros((HIGH, WIDE), dtype=np.uint8), np.zeros((HIGH, WIDE, 3), dtype=np.uint8)
    for x, colour in ((70, HERS), (180, OTHERS)):
        _stands(mask, pixels, x=x, foot=390, tall=300, colour=colour)
    found = nearest(mask)
    assert found is not None
    body, _ = Apart().own(pixels, mask, found[1], found[0], 0.0)
    assert body.others == 1


def test_a_head_parted_by_its_throat_is_hers() -> None:
    """A throat in the wall's colour does not take a head's height off her."""
    whole, parted = nearest(_seen()[1]), nearest(_seen(throat=False)[1])
    assert whole is not None
    assert parted is not None
    assert parted[0].height_px == whole[0].height_px
