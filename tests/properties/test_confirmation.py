"""The confirmation of live codes, over every sequence of frames that Hypothesis draws."""

from hypothesis import given
from hypothesis import strategies as st

from cart.kernel.gtin import Gtin
from store_devices.vision.confirmation import (
    AGREE_FRAMES,
    AGREE_FRAMES_UNVERIFIED,
    AGREE_WITHIN_S,
    AWAY_S,
    HOLD_OFF_S,
    TRACKED_MAX,
    Confirmation,
)
from store_devices.vision.model import Code, Reader, Symbology


def _code(text: str, *, verified: bool = True) -> Code:
    gtin = Gtin(text)
    return Code(text, Symbology.EAN_13, gtin, ((0.0, 0.0),) * 4, Reader.ZXING, verified)


TEA = _code("4006381333931")
MUG = _code("9780140013993")
BENT = _code("5000213101025", verified=False)

frames = st.lists(
    st.tuples(
        st.floats(0.0, 4.0),  # seconds since the frame before
        st.lists(st.sampled_from((TEA, MUG, BENT)), max_size=4),
    ),
    max_size=80,
)


@given(frames)
def test_never_twice_within_the_hold_off(shown: list[tuple[float, list[Code]]]) -> None:
    """Between two scans of a code lie the hold-off and a while in which no frame shows it."""
    machine, now_s = Confirmation(), 0.0
    scanned: dict[str, float] = {}
    away_since_scan: dict[str, bool] = {}
    seen: dict[str, float] = {}
    for gap_s, codes in shown:
        now_s += gap_s
        for text in {code.text for code in codes}:
            if now_s - seen.get(text, now_s) >= AWAY_S:
                away_since_scan[text] = True
            seen[text] = now_s
        for code in machine.observe(codes, now_s):
            if code.text in scanned:
                assert now_s - scanned[code.text] >= HOLD_OFF_S
                assert away_since_scan[code.text]
            scanned[code.text] = now_s
            away_since_scan[code.text] = False


@given(frames)
def test_one_frame_alone_scans_nothing(shown: list[tuple[float, list[Code]]]) -> None:
    """A scan has as many agreeing frames behind it, close together, as its code needs."""
    machine, now_s = Confirmation(), 0.0
    runs: dict[str, tuple[int, float]] = {}
    for gap_s, codes in shown:
        now_s += gap_s
        for text in {code.text for code in codes}:
            frames_so_far, last_s = runs.get(text, (0, now_s))
            close = now_s - last_s <= AGREE_WITHIN_S
            runs[text] = (frames_so_far + 1 if close else 1, now_s)
        for code in machine.observe(codes, now_s):
            needed = AGREE_FRAMES if code.verified else AGREE_FRAMES_UNVERIFIED
            assert runs[code.text][0] >= needed


@given(st.integers(2, 400), st.floats(0.02, AGREE_WITHIN_S - 0.01))
def test_left_in_view_it_counts_once(count: int, gap_s: float) -> None:
    """A product put down before the camera is one line, however long it lies there."""
    machine = Confirmation()
    scans = [machine.observe([TEA], index * gap_s) for index in range(count)]
    assert sum(map(len, scans)) == 1
    assert scans[AGREE_FRAMES - 1] == [TEA]


@given(st.integers(1, 6), st.floats(HOLD_OFF_S, 60.0))
def test_shown_again_it_counts_again(times: int, away_s: float) -> None:
    """Each presentation of the same product after a pause is one more piece."""
    machine, now_s, scans = Confirmation(), 0.0, 0
    for _ in range(times):
        for _ in range(AGREE_FRAMES + 1):
            scans += len(machine.observe([TEA], now_s))
            now_s += 0.1
        now_s += away_s
    assert scans == times


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 300)), max_size=300))
def test_memory_is_bounded(shown: list[tuple[float, int]]) -> None:
    """Whatever is waved before the camera, no more than the limit is remembered."""
    machine, now_s = Confirmation(), 0.0
    for gap_s, number in shown:
        now_s += gap_s
        texts = [f"note {number + offset}" for offset in range(8)]
        codes = [Code(text, Symbology.QR, None, ((0.0, 0.0),) * 4, Reader.ZXING) for text in texts]
        machine.observe(codes, now_s)
        assert len(machine) <= TRACKED_MAX


def test_the_same_product_in_bars_and_in_a_qr_is_one_scan() -> None:
    """A package with both codes in view gives one line."""
    machine = Confirmation()
    link = "https://shop.example/01/04006381333931"
    both = [TEA, Code(link, Symbology.QR, TEA.gtin, ((0.0, 0.0),) * 4, Reader.ZXING)]
    assert [len(machine.observe(both, index / 10)) for index in range(5)] == [0, 1, 0, 0, 0]


@given(st.floats(0.02, AWAY_S - 0.01), st.integers(1, 200))
def test_left_lying_it_is_not_the_next_persons(gap_s: float, count: int) -> None:
    """A product that the last person left before the camera begins nobody's list."""
    machine = Confirmation()
    machine.observe([TEA], 0.0)
    assert machine.observe([TEA], 0.1) == [TEA]
    machine.next_person()
    times = [0.1 + gap_s * (index + 1) for index in range(count)]
    assert [machine.observe([TEA], now_s) for now_s in times] == [[]] * count


def test_the_next_person_scans_the_same_product() -> None:
    """Taken away and held up again, without waiting for the last person's hold-off."""
    machine = Confirmation()
    machine.observe([TEA], 0.0)
    assert machine.observe([TEA], 0.1) == [TEA]
    machine.next_person()
    again_s = 0.1 + AWAY_S
    machine.observe([TEA], again_s)
    assert machine.observe([TEA], again_s + 0.1) == [TEA]
