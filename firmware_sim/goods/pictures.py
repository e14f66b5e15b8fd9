"""Draws the pictures, on all cores, and keeps drawn ones by content.

A picture's key is the digest of what is to be drawn and of the drawing code
itself, so a kept picture is never an old one.
"""

import hashlib
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from PIL import Image

from firmware_sim.goods.assortment import Picture, Product
from firmware_sim.goods.forms import FORMS
from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import from_hex
from firmware_sim.goods.ink.plate import WHOLE, Plate

SIDE_PX: Final = 800
SMALL_PX: Final = (400, 160)  # whole parts of 800; as NAME-400.webp and NAME-160.webp
QUALITY: Final = 82  # WebP; below it paper shows blocks
EFFORT: Final = 2  # WebP's method 0-6; more costs seconds and saves a tenth of the bytes
WORKERS_MAX: Final = 4
CODE: Final = Path(__file__).parent


def draw_all(products: tuple[Product, ...], out_dir: Path, cache_dir: Path | None = None) -> int:
    """Draw every picture of ``products`` under ``out_dir``; return how many were drawn anew.

    With ``cache_dir``, pictures drawn before are copied from there.
    """
    (out_dir / "pictures").mkdir(parents=True, exist_ok=True)
    if cache_dir is not None:
        cache_dir.mkdir(parents=True, exist_ok=True)
    jobs = [job for product in products if (job := _missing(product, out_dir, cache_dir))]
    workers = min(os.cpu_count() or 1, WORKERS_MAX, max(1, len(jobs)))
    if jobs:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for _ in pool.map(_draw_job, jobs, [out_dir] * len(jobs), [cache_dir] * len(jobs)):
                pass
    return sum(len(job) for job in jobs)


def small(path: str, side_px: int) -> str:
    """Return where the small copy of a picture is."""
    return path.replace(".webp", f"-{side_px}.webp")


def draw(picture: Picture) -> Image.Image:
    """Return the picture, 800 pixels wide and high."""
    plate = Plate(SIDE_PX, picture.window or WHOLE)
    look = Look(from_hex(picture.colour_hex), from_hex(picture.accent_hex), picture.style)
    FORMS[picture.form](plate, look)
    return plate.image


def _missing(product: Product, out_dir: Path, cache_dir: Path | None) -> tuple[Picture, ...]:
    """Return a product's pictures that must be drawn; copy the others from the cache."""
    unique = {one.path: one for variant in product.variants for one in variant.pictures}
    missing = []
    for picture in unique.values():
        kept = _kept(picture, cache_dir)
        if kept and all(file.exists() for _, file in kept):
            for path, file in kept:
                shutil.copyfile(file, out_dir / path)
        else:
            missing.append(picture)
    return tuple(missing)


def _kept(picture: Picture, cache_dir: Path | None) -> list[tuple[str, Path]]:
    if cache_dir is None:
        return []
    what = (picture.form, picture.style, picture.colour_hex, picture.accent_hex, picture.window)
    key = hashlib.sha256(f"{_code_digest()} {what}".encode()).hexdigest()[:32]
    paths = [picture.path, *(small(picture.path, side) for side in SMALL_PX)]
    sides = (SIDE_PX, *SMALL_PX)
    return [
        (path, cache_dir / f"{key}-{side}.webp") for path, side in zip(paths, sides, strict=True)
    ]


@lru_cache(maxsize=1)
def _code_digest() -> str:
    files = [Path(__file__), *sorted(CODE.glob("forms/*.py")), *sorted(CODE.glob("ink/*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _draw_job(job: tuple[Picture, ...], out_dir: Path, cache_dir: Path | None) -> None:
    """Draw a product's pictures in one process: they share their masks."""
    for picture in job:
        image = draw(picture)
        _save(image, out_dir / picture.path)
        for side in SMALL_PX:
            _save(image.reduce(SIDE_PX // side), out_dir / small(picture.path, side))
        for path, kept in _kept(picture, cache_dir):
            fresh = kept.with_suffix(f".{os.getpid()}")  # another run may look for it just now
            shutil.copyfile(out_dir / path, fresh)
            fresh.replace(kept)


def _save(image: Image.Image, path: Path) -> None:
    image.save(path, "WEBP", quality=QUALITY, method=EFFORT)
