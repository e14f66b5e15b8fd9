"""How well codes are read (cv2 alone, zxing-cpp alone, ours), and turns before the mirror.

One JSON object on stdout. ``bench_vision.py [--data FOLDER] [--generated N] [--turns N]``

FOLDER holds sub-folders named after a symbology (``ean13-1``, ``upca-2``,
``qrcode-1``, ``falsepositives-1``, ...) with pictures and, beside ``NAME.png``,
the expected text in ``NAME.txt``. A flat folder goes by its own name.

- ``decoded``: pictures whose expected code is among those returned.
- ``wrong``: codes returned that are not the expected one; under
  ``falsepositives`` every code.
- ``median_ms``: per picture, decoding of the file left out.
- ``turns``, ``colours``: N drawn films of each scene and N garments of each pair; ``turns.py``.
- ``full_size``: one turn at a real camera's size, and how often real time it is; ``full_size.py``.
- ``held_out``: N films of each scene with people, lamps and a lens that nothing was chosen on.
- ``lenses``: N cameras, calibrated with a drawn board; ``lenses.py``.
- ``hands``: 4 N raised hands, and N films of each scene in which nobody asks; ``hands.py``.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

import cv2
import numpy as np
import zxingcpp
from PIL import Image, UnidentifiedImageError

sys.path.insert(0, str(Path(__file__).parents[2]))

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import Gtin, check_digit
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.strangers import LENS as HELD_OUT_LENS
from firmware_sim.scenes import Difficulty, empty_scene, look, scene
from store_devices.hardware import Pixels
from store_devices.vision.model import EAN_UPC
from store_devices.vision.reading import read_photo
from tests.benchmarks.full_size import measured_full_size
from tests.benchmarks.hands import measured_hands
from tests.benchmarks.lenses import measured_lenses
from tests.benchmarks.turns import held_out_film, measured_colours, measured_turns

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"})
NAMES = {
    "ean13": "EAN-13",
    "ean8": "EAN-8",
    "upca": "UPC-A",
    "upce": "UPC-E",
    "code128": "CODE-128",
    "qrcode": "QR",
    "falsepositives": "falsepositives",
}
RETAIL = frozenset({"EAN-13", "EAN-8", "UPC-A", "UPC-E"})
NOTHING = "falsepositives"
DIFFICULTIES: tuple[Difficulty, ...] = ("plain", "rotated", "blurred", "dark", "small", "glare")
FORMATS = zxingcpp.barcode_formats_from_str("EAN13,EAN8,UPCA,UPCE,Code128,QRCode")
SEED = 20261122
MIRROR_LENS = Lens(width_px=216, height_px=384)
"""Drawing is what takes the time: 30 ms a frame at this size."""


@dataclass(frozen=True, slots=True)
class Case:
    """One picture: the groups it counts in, and the text expected (``None``: no code in it)."""

    name: str
    groups: tuple[str, ...]
    pixels: Pixels
    expected: str | None


@dataclass(slots=True)
class Tally:
    """What one reader did on one group."""

    images: int = 0
    decoded: int = 0
    wrong: int = 0
    took_ms: list[float] = field(default_factory=list)

    def shown(self) -> dict[str, float | int | None]:
        """Return the figures; the rate is ``None`` where nothing could be decoded."""
        return {
            "images": self.images,
            "decoded": self.decoded,
            "rate": round(self.decoded / self.images, 4) if self.images else None,
            "wrong": self.wrong,
            "median_ms": round(median(self.took_ms), 2) if self.took_ms else None,
        }


def plain_text(text: str) -> str:
    """Return a text as it is compared: line ends alike, no group separators, no last newline."""
    return text.replace("\r\n", "\n").replace("\x1d", "").rstrip("\n")


def retail(text: str, symbology: str) -> str:
    """Return 14 digits where ``text`` is an EAN or UPC of any length, else the text."""
    digits = text.strip().split(" ", maxsplit=1)[0]  # an add-on for books follows after a space
    try:
        if symbology == "UPC-E" and len(digits) <= 8:
            return Gtin.from_upc_e(digits)
        return Gtin(digits)
    except InvalidGtin:
        return digits.rjust(14, "0") if digits.isdigit() else text


def by_cv2(pixels: Pixels) -> set[str]:
    """Return what OpenCV's two detectors read; pictures they raise on count as unread."""
    texts: set[str] = set()
    try:
        _, found, kinds, _ = cv2.barcode.BarcodeDetector().detectAndDecodeWithType(pixels)
        texts |= {
            retail(text, kind.replace("_", "-"))
            for text, kind in zip(found, kinds, strict=True)
            if text
        }
    except cv2.error:
        pass
    try:
        _, found, _, _ = cv2.QRCodeDetector().detectAndDecodeMulti(pixels)
        texts |= {plain_text(text) for text in found if text}
    except (cv2.error, UnicodeDecodeError):
        pass
    return texts


def by_zxing(pixels: Pixels) -> set[str]:
    """Return what zxing-cpp reads with its own settings."""
    return {
        retail(code.text, str(code.format))
        if "EAN" in str(code.format) or "UPC" in str(code.format)
        else plain_text(code.text)
        for code in zxingcpp.read_barcodes(
            pixels, formats=FORMATS, text_mode=zxingcpp.TextMode.Plain
        )
    }


def by_us(pixels: Pixels) -> set[str]:
    """Return what the thorough reader of photographs believes."""
    return {
        str(code.gtin) if code.symbology in EAN_UPC else plain_text(code.text)
        for code in read_photo(pixels, monotonic=time.monotonic)
    }


READERS: dict[str, Callable[[Pixels], set[str]]] = {
    "cv2": by_cv2,
    "zxing-cpp": by_zxing,
    "ours": by_us,
}


def loaded(path: Path) -> Pixels | None:
    """Return the picture's pixels, or ``None`` when neither OpenCV nor Pillow can read it."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        pixels = None
    if pixels is not None:
        return np.asarray(pixels, dtype=np.uint8)
    try:
        with Image.open(path) as picture:
            rgb = np.asarray(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError):
        return None
    return np.ascontiguousarray(rgb[..., ::-1])


def expected_text(picture: Path) -> str | None:
    """Return what stands in ``NAME.txt`` beside ``NAME.png`` (also ``NAME.png.txt``)."""
    for beside in (picture.with_name(f"{picture.stem}.txt"), Path(f"{picture}.txt")):
        if beside.is_file():
            raw = beside.read_bytes()
            try:
                return raw.decode("utf-8-sig")
            except UnicodeDecodeError:
                return raw.decode("latin-1")
    return None


def symbology_of(folder: Path) -> str:
    """Return the symbology a folder is named after: ``ean13-2`` and ``EAN-13`` are EAN-13."""
    name = folder.name.lower()
    stem = name.rsplit("-", maxsplit=1)[0] if name.rsplit("-", maxsplit=1)[-1].isdigit() else name
    for candidate in (stem, name):
        if (key := candidate.replace("-", "").replace("_", "")) in NAMES:
            return NAMES[key]
    return {"qr": "QR", "falsepositive": NOTHING}.get(stem, stem)


def photographs(folder: Path, skipped: dict[str, list[str]]) -> Iterator[Case]:
    """Yield every picture under ``folder`` that can be judged; the others go to ``skipped``."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURES or not path.is_file():
            continue
        name, symbology = str(path.relative_to(folder)), symbology_of(path.resolve().parent)
        text = None if symbology == NOTHING else expected_text(path)
        if text is None and symbology != NOTHING:
            skipped["without text"].append(name)
        elif (pixels := loaded(path)) is None:
            skipped["unreadable"].append(name)
        else:
            yield Case(name, _groups(symbology), pixels, text)


def generated(count: int) -> Iterator[Case]:
    """Yield ``count`` drawn scenes per difficulty and as many empty shelves as one of them."""
    for difficulty in DIFFICULTIES:
        for index in range(count):
            rng = Random(f"{SEED}-{difficulty}-{index}")
            symbology = rng.choice(("EAN-13", "EAN-13", "UPC-A", "EAN-8", "QR"))
            gtin = drawn_gtin(symbology, rng)
            code = gtin.link("https://shop.example") if symbology == "QR" else gtin
            pixels = scene(code, look(difficulty, rng), rng)
            yield Case(
                f"{difficulty}-{index}", (difficulty, *_groups(symbology)), pixels, str(code)
            )
    for index in range(count):
        rng = Random(f"{SEED}-empty-{index}")
        shelf = empty_scene(look("plain", rng), rng)
        yield Case(f"empty-{index}", _groups(NOTHING), shelf, None)


def drawn_gtin(symbology: str, rng: Random) -> Gtin:
    """Draw a GTIN that prints as ``symbology``."""
    length = {"EAN-8": 7, "UPC-A": 11}.get(symbology, 12)
    payload = str(rng.randint(10 ** (length - 1), 10**length - 1))
    return Gtin(payload + str(check_digit(payload)))


def _groups(symbology: str) -> tuple[str, ...]:
    if symbology in RETAIL:
        return (symbology, "EAN/UPC", "total")
    return (symbology,) if symbology == NOTHING else (symbology, "total")


def measured(cases: Iterator[Case]) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """Run every reader over every case; return the figures by reader and group."""
    tallies: dict[str, dict[str, Tally]] = {name: defaultdict(Tally) for name in READERS}
    blank = np.full((64, 64, 3), 255, dtype=np.uint8)
    for read in READERS.values():
        read(blank)  # libraries load their tables on first use
    for case in cases:
        symbology = next(group for group in case.groups if group not in DIFFICULTIES)
        for name, read in READERS.items():
            began = time.perf_counter()
            codes = read(case.pixels)
            took_ms = (time.perf_counter() - began) * 1000
            right = _right(codes, case.expected, symbology)
            if codes - right or (name == "ours" and case.expected and not right):
                sys.stderr.write(f"{case.name}: {name} {sorted(codes) or 'nothing'}\n")
            for group in case.groups:
                tally = tallies[name][group]
                tally.images += 1
                tally.decoded += bool(right)
                tally.wrong += len(codes - right)
                tally.took_ms.append(took_ms)
    return {
        name: {group: tally.shown() for group, tally in groups.items()}
        for name, groups in tallies.items()
    }


def _right(codes: set[str], expected: str | None, symbology: str) -> set[str]:
    if expected is None:
        return set()
    wanted = {plain_text(expected)}
    if symbology in RETAIL or symbology not in NAMES.values():
        wanted.add(retail(plain_text(expected), symbology))
    return codes & wanted


def main() -> int:
    """Parse the command line, measure, print one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of photographs")
    parser.add_argument("--generated", type=int, default=10, help="drawn scenes per difficulty")
    parser.add_argument("--turns", type=int, default=2, help="films of each of 15 mirror scenes")
    options = parser.parse_args()
    report: dict[str, object] = {}
    if options.data is not None:
        if not options.data.is_dir():
            parser.error(f"{options.data} is no folder")
        skipped: dict[str, list[str]] = {"unreadable": [], "without text": []}
        report["photographs"] = measured(photographs(options.data, skipped))
        report["skipped"] = skipped
    if options.generated > 0:
        report["generated"] = measured(generated(options.generated))
    if options.turns > 0:
        report["turns"] = measured_turns(options.turns, MIRROR_LENS)
        report["held_out"] = measured_turns(options.turns, HELD_OUT_LENS, held_out_film)
        report["full_size"] = measured_full_size()
        report["lenses"] = measured_lenses(options.turns)
        report["colours"] = measured_colours(options.turns, MIRROR_LENS)
        report["hands"] = measured_hands(options.turns, MIRROR_LENS)
    json.dump(report, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
