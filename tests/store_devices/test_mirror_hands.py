"""A raised hand held beside her head presses; turning, walking past and undressing do not."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from firmware_sim.mirror.camera import MirrorCamera
from firmware_sim.mirror.hands import Arms, Raise, raising
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import Scene, Script, drawn_script
from store_devices.hardware import Frame
from store_devices.mirror.eyes import Eyes
from store_devices.mirror.hands import DWELL_S, Hand, Hands
from store_devices.mirror.model import MirrorState
from store_devices.mirror.silhouette import Body
from store_devices.tablet.model import Locale
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import LENS, MirrorBench
from tests.fakes.mirror_films import EMPTY_S, SMALL, FilmClock

FRAMES_PER_S = 6.0


def frames(script: Script, seed: int, lens: Lens = SMALL) -> Iterator[Frame]:
    """Yield the frames of a scene, after those of the empty room."""
    clock = FilmClock()
    camera = MirrorCamera(
        script,
        lens=lens,
        seed=seed,
        empty_s=EMPTY_S,
        frames_per_s=FRAMES_PER_S,
        monotonic=clock.now,
        wait=clock.wait,
    )
    while (frame := camera.read()) is not None:
        yield frame


def pressed(script: Script, seed: int) -> list[tuple[Hand, float]]:
    """Return what was pressed, and at which second of the scene."""
    eyes, hands = Eyes(SMALL.calibration), Hands()
    found: list[tuple[Hand, float]] = []
    for frame in frames(script, seed):
        at_s = frame.at_s - EMPTY_S
        glance = eyes.idle(frame, learns=at_s < 0)
        hand = hands.see(glance.body, glance.mask, at_s)
        if hand:
            found.append((hand, at_s))
    return found


def raised(seed: int, *raises: Raise, seconds: float = 4.0) -> list[tuple[Hand, float]]:
    """Return what is pressed by somebody who raises her arms."""
    return pressed(raising(Random(f"hands {seed}"), list(raises), seconds=seconds), seed)


@pytest.mark.parametrize(("seed", "arm"), [(1, "left"), (2, "right")])
def test_a_hand_that_is_held_up_presses_once(seed: int, arm: Arms) -> None:
    """On its own side of the mirror, after the ring has filled; held on, nothing more."""
    found = raised(seed, Raise(arm, 0.8, 4.0), seconds=3.4)
    assert [hand for hand, _ in found] == [arm]
    assert 0.8 + DWELL_S <= found[0][1] <= 0.8 + DWELL_S + 1.0


def test_a_hand_that_is_up_for_a_moment_presses_nothing() -> None:
    """She scratches her head, or fixes her hair."""
    assert raised(1, Raise("left", 0.8, 2.2), seconds=2.6) == []


def test_both_hands_press_nothing() -> None:
    """As who pulls a garment over her head."""
    assert raised(2, Raise("both", 0.8, 4.0), seconds=3.2) == []


def seen(hands: Hands, side: str, at_s: float, *, x_px: int = 100, others: int = 0) -> Hand:
    """Let a silhouette be seen that is 200 high: a trunk, a head, and a hand at this side."""
    mask = np.zeros((300, 200), dtype=np.uint8)
    mask[80:280, x_px - 20 : x_px + 20] = 255
    if side in ("right", "both"):  # of a mirror: at the left of the camera's picture
        mask[80:100, x_px - 50 : x_px - 35] = 255
    if side in ("left", "both"):
        mask[80:100, x_px + 35 : x_px + 50] = 255
    body = Body((x_px - 50, 80, 100, 200), float(x_px), 40.0, others, crowded=False)
    return hands.see(body, mask, at_s)


def ready() -> Hands:
    """Return eyes for hands that saw none for a while, at second 1."""
    hands = Hands()
    for tenth in range(10):
        assert seen(hands, "", tenth / 10) == ""
    return hands


def test_it_comes_down_before_it_presses_again() -> None:
    """Held on it presses once; after half a second without it, again."""
    hands = ready()
    pressed = [at for at in range(10, 40) if seen(hands, "left", at / 10)]
    assert pressed == [22]
    assert hands.over == ""
    for at in range(40, 46):
        seen(hands, "", at / 10)
    assert [at for at in range(46, 70) if seen(hands, "left", at / 10)] == [58]


def test_what_breaks_it_off() -> None:
    """The other hand, both, somebody else, a step aside, a gap; and a hand up from the start."""
    for broken in (("right", {}), ("both", {}), ("left", {"others": 1}), ("left", {"x_px": 120})):
        hands = ready()
        pressed = [at for at in range(10, 20) if seen(hands, "left", at / 10)]
        side, more = broken
        pressed += [at for at in range(20, 30) if seen(hands, side, at / 10, **more)]
        assert pressed == [], broken
    hands = ready()
    assert [at for at in (10, 11, 12, 16, 17, 18, 22, 23, 24) if seen(hands, "left", at / 10)] == []
    assert [at for at in range(40) if seen(Hands(), "left", at / 10)] == []


@pytest.mark.parametrize("scene", ["irregular", "passers_by"])
def test_turning_and_walking_past_press_nothing(scene: Scene) -> None:
    """With her arms down, whoever is about."""
    script = drawn_script(scene, Random(f"{scene}-9"), seconds=4.0)
    assert pressed(script, 9) == []


def test_a_hand_starts_a_turn_on_the_mirror(tmp_path: Path, clock: FakeClock) -> None:
    """Seen by its camera; the glass shows the ring meanwhile; without a visit nothing happens."""
    bench = MirrorBench(tmp_path, clock, hands=True)
    bench.look_until(lambda now: now.ready)
    script = raising(Random("hands 1"), [Raise("left", 0.8, 9.0)], seconds=3.0)
    shown = [frame.pixels for frame in frames(script, 1, LENS)][round(EMPTY_S * FRAMES_PER_S) :]
    rings: list[str] = []
    for visit in (False, True):
        if visit:
            bench.mirror.take_up()
        for pixels in shown:
            bench.clock.advance(1 / FRAMES_PER_S)
            bench.studio.take(Frame(pixels, bench.clock.monotonic()), visited=visit)
            now = bench.studio.showing()
            rings.append(now.hand)
            if now.phase != "idle":
                break
        assert bench.studio.showing().phase == ("countdown" if visit else "idle")
    assert "left" in rings
    bench.switch_off()


@pytest.mark.parametrize(("locale", "first", "second"), [("en", "left", "right"),
                                                         ("he", "right", "left")])  # fmt: skip
def test_a_hand_presses_the_button_on_its_side(
    tmp_path: Path, clock: FakeClock, locale: Locale, first: Hand, second: Hand
) -> None:
    """Of two the one that begins the line; nothing under a sheet, or while she is hidden."""
    bench = MirrorBench(tmp_path, clock, hands=True)
    bench.mirror.choose_language(locale)
    refused = MirrorState("refused", clock.monotonic(), "left")

    def after(hand: Hand) -> str:
        bench.studio._state = refused  # noqa: SLF001 - no film for a refusal
        bench.mirror.hand_raised(hand)
        return bench.studio.showing().phase

    assert [after(first), after(second)] == ["countdown", "idle"]
    bench.mirror.open_sheet("take")
    assert [after(first), after(second)] == ["refused"] * 2
    bench.mirror.open_sheet("")
    visit = bench.mirror.visit_id
    assert visit is not None
    bench.mirror.change(visit, lambda now: now.model_copy(update={"veiled_at": clock.now()}))
    assert [after(first), after(second)] == ["refused"] * 2
    bench.switch_off()
