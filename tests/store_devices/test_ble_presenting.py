"""Held to a reader once is told once; what only passes by is not told at all."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from firmware_sim.bands.air import Air, Point, Receiver, standing, walking
from firmware_sim.bands.firmware import Band
from gateway.wire.events import PRESENTED_MAX, Presented, PresentedData
from store_devices.ble import learning
from store_devices.ble.learning import KEPT_MAX, LEARNT_FROM, NEAR_DBM, Learned
from store_devices.ble.presenting import (
    AWAY_S,
    EVENTS_MAX_PER_MINUTE,
    FOLLOWED_MAX,
    HYSTERESIS_DB,
    NEWS_EVERY_S,
    PRESENTED_AFTER_S,
    Presenting,
)

GAP_S = 0.2
ON_IT_DBM, AT_ARMS_LENGTH_DBM = -36.0, -53.0
Told = list[PresentedData]


class Reader:
    """A reader and the time at it."""

    def __init__(self, learned: Learned | None = None) -> None:
        self.presenting = Presenting(learned or Learned())
        self.now_s = 100.0
        self.told: Told = []

    def hear(self, *frames_dbm: tuple[bytes, float], for_s: float = GAP_S) -> None:
        """Hear these, five times a second."""
        until_s = self.now_s + for_s
        while self.now_s < until_s - 1e-6:
            for frame, dbm in frames_dbm:
                told = self.presenting.hear(frame, dbm, self.now_s)
                self.told += [told] if told else []
            self.now_s += GAP_S

    @property
    def said(self) -> list[tuple[Presented, list[bytes]]]:
        """What was told: how, and of which frames."""
        return [(one.by, [heard.frame for heard in one.heard]) for one in self.told]


def frames(count: int) -> list[bytes]:
    """Return a frame each of different bands."""
    return [Band(bytes([number]) * 16).advert(0).payload[-17:] for number in range(count)]


A, B = frames(2)


def pressed(times: int) -> bytes:
    """Return the frame of band A after its button was pressed."""
    band = Band(bytes([0]) * 16)
    band.advert(0)
    for _ in range(times):
        band.press()
        band.advert(0)
    return band.advert(0).payload[-17:]


def test_held_to_it_counts_once() -> None:
    """However long it is held, and although a packet is weak now and then."""
    reader = Reader()
    reader.hear((A, AT_ARMS_LENGTH_DBM), for_s=5)
    reader.hear((A, ON_IT_DBM), for_s=PRESENTED_AFTER_S)
    assert reader.said == []
    reader.hear((A, ON_IT_DBM), for_s=2 * GAP_S)
    assert reader.said == [(Presented.NEAR, [A])]
    for _ in range(20):
        reader.hear((A, ON_IT_DBM), for_s=2)
        reader.hear((A, ON_IT_DBM - 25))
    assert len(reader.said) == 1
    assert reader.told[0].heard[0].dbm == pytest.approx(ON_IT_DBM, abs=6)


def test_it_counts_again_after_it_was_away() -> None:
    """Fallen back by so many dB, or unheard for so long; not for less."""
    reader = Reader()
    reader.hear((A, ON_IT_DBM), for_s=1)
    reader.hear((A, NEAR_DBM - HYSTERESIS_DB + 1), for_s=5)
    reader.hear((A, ON_IT_DBM), for_s=2)
    assert len(reader.said) == 1
    reader.hear((A, NEAR_DBM - HYSTERESIS_DB - 1), for_s=2)
    reader.hear((A, ON_IT_DBM), for_s=2)
    assert len(reader.said) == 2
    reader.now_s += AWAY_S - GAP_S
    reader.hear((A, ON_IT_DBM), for_s=2)
    assert len(reader.said) == 2
    reader.now_s += AWAY_S
    reader.hear((A, ON_IT_DBM), for_s=2)
    assert len(reader.said) == 3


def test_several_at_once_are_told_together_the_strongest_first() -> None:
    """One event lists both; a third that comes later is told with those that are still there."""
    reader = Reader()
    third = frames(3)[2]
    reader.hear((A, ON_IT_DBM - 3), (B, ON_IT_DBM), for_s=3)
    assert reader.said == [(Presented.NEAR, [B, A])]
    reader.hear((A, ON_IT_DBM - 3), (B, ON_IT_DBM - 4), (third, ON_IT_DBM), for_s=3)
    assert [sorted(told) for _, told in reader.said[1:]] == [sorted([A, B, third])]
    assert reader.said[1][1][0] == third


def test_a_crowd_is_cut_to_what_may_be_told() -> None:
    """More than may be in an event: the strongest, and once for all of them."""
    reader = Reader()
    crowd = [(frame, ON_IT_DBM + number / 4) for number, frame in enumerate(frames(12))]
    reader.hear(*crowd, for_s=PRESENTED_AFTER_S + 2 * GAP_S)
    assert len(reader.told[0].heard) == PRESENTED_MAX
    assert reader.told[0].heard[0].frame == crowd[-1][0]


def test_a_press_is_told_within_arms_length_only() -> None:
    """Once for each change, and none is lost that comes too soon after another."""
    reader = Reader()
    reader.hear((A, -65.0), for_s=2)
    reader.hear((pressed(1), -65.0), for_s=2)
    reader.hear((pressed(1), AT_ARMS_LENGTH_DBM), for_s=4)
    assert reader.said == []
    reader.hear((pressed(2), AT_ARMS_LENGTH_DBM), for_s=2)
    assert reader.said == [(Presented.NEWS, [pressed(2)])]
    reader.hear((pressed(3), AT_ARMS_LENGTH_DBM))
    reader.hear((pressed(4), AT_ARMS_LENGTH_DBM), for_s=NEWS_EVERY_S * 3)
    assert [told for _, told in reader.said[1:]] == [[pressed(3)], [pressed(4)]]


def test_one_strong_packet_is_no_approach() -> None:
    """Two reflections that meet by chance present nobody."""
    reader = Reader()
    for _ in range(500):
        reader.hear((A, AT_ARMS_LENGTH_DBM), for_s=1)
        reader.hear((A, -38.0))
    assert reader.said == []


def test_who_makes_frames_up_fills_neither_spool_nor_memory() -> None:
    """So many events a minute and so many bands at a time; a real one is heard among them all."""
    reader = Reader()
    rng = Random(7)
    for _ in range(300):
        made_up = b"\x01" + rng.randbytes(16)
        reader.hear((made_up, ON_IT_DBM), for_s=1)
    assert len(reader.told) <= 5 * EVENTS_MAX_PER_MINUTE
    for number in range(3 * FOLLOWED_MAX):
        reader.presenting.hear(b"\x01" + rng.randbytes(16), -60.0, reader.now_s + number / 1_000)
    assert len(reader.presenting) == FOLLOWED_MAX
    reader.now_s += 120
    told = len(reader.told)
    for _ in range(4):
        for _ in range(FOLLOWED_MAX // 5):
            reader.presenting.hear(b"\x01" + rng.randbytes(16), -60.0, reader.now_s)
        reader.hear((A, ON_IT_DBM))
    assert [one.heard[0].frame for one in reader.told[told:]] == [A]


def test_days_of_changing_identifiers_leave_nothing_behind() -> None:
    """Three days, fifty bands in the shop: who has changed is forgotten in seconds."""
    learned = Learned()
    presenting = Presenting(learned)
    rng = Random(3)
    most = 0
    for period in range(3 * 86_400 // 512):
        present = [b"\x01" + rng.randbytes(16) for _ in range(50)]
        for tenth in range(10):
            for frame in present:
                presenting.hear(frame, rng.uniform(-75, -35), period * 512 + tenth * 51.2)
            most = max(most, len(presenting))
    assert most <= 50
    assert len(learned._near) <= KEPT_MAX  # noqa: SLF001 - the bound is what is tested
    assert len(learned._passing) <= KEPT_MAX  # noqa: SLF001 - as above


def test_in_the_simulated_air_who_comes_close_is_told_and_who_stands_by_is_not() -> None:
    """60 people hold theirs to the reader while 60 others stand at arm's length for a minute."""
    reader = Receiver("r", "desk", (0.0, 0.0))
    near, beside = 0, 0
    for seed in range(60):
        presenting = Presenting(Learned())
        frame, other = frames(2)
        at = [
            (packet.at_s, frame, packet.dbm)
            for packet in Air([reader], seed).heard(
                _then(walking((3.0, 0.0), (0.1, 0.0), seed), standing((0.05, 0.0), 4, seed))
            )
        ] + [
            (packet.at_s, other, packet.dbm)
            for packet in Air([reader], seed + 1_000).heard(standing((0.0, 0.7), 60, seed))
        ]
        told = [presenting.hear(one, dbm, at_s) for at_s, one, dbm in sorted(at)]
        heard = {one.frame for some in told if some for one in some.heard}
        near += frame in heard
        beside += other in heard
    assert beside == 0
    assert near >= 48  # shelves and bodies take 5 dB of some; they hold it closer, or it is learnt


def _then(*walks: Iterator[tuple[float, Point]]) -> Iterator[tuple[float, Point]]:
    """Yield one walk after the other."""
    ended_s = 0.0
    for walk in walks:
        begun_s = ended_s
        for at_s, at in walk:
            ended_s = begun_s + at_s
            yield ended_s, at


def test_a_reader_learns_what_near_is_and_keeps_it(tmp_path: Path) -> None:
    """To the middle between both sorts, slowly, and over a restart."""
    learned = Learned.load(tmp_path)
    for _ in range(LEARNT_FROM):
        learned.approached(-36.0, presented=True)
        learned.approached(-50.0, presented=False)
    assert abs(learned.near_dbm - NEAR_DBM) <= 0.2
    for _ in range(100):
        learned.approached(-36.0, presented=True)
    assert learned.near_dbm == pytest.approx(-43.0)
    learned.keep(tmp_path)
    assert not learned.changed
    assert Learned.load(tmp_path).near_dbm == learned.near_dbm
    (tmp_path / learning.FILE).write_text('{"near_dbm": 5}')
    assert Learned.load(tmp_path).near_dbm == NEAR_DBM
