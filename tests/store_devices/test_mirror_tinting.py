"""A turn from the front in another colour: what she wears is found, painted, or said to be lost."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from random import Random

import cv2
import httpx2
import numpy as np
import pytest

from cart.kernel.gtin import Gtin, check_digit
from firmware_sim.mirror.drawing import Light, Room
from firmware_sim.mirror.figure import GARMENTS, Pose, drawn_person
from gateway.wire.events import PutDownReason, Reader
from store_devices.hardware import Pixels
from store_devices.mirror.front import Front, is_guess, moved
from store_devices.mirror.recolour import found_garment
from store_devices.mirror.silhouette import EmptyRoom, nearest
from store_devices.mirror.straight import Straightener, filling, whole_view
from store_devices.tablet.catalogue import Edition
from store_devices.tablet.goods import Product
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.mirror_films import SMALL
from tests.fakes.tablet_bench import AS_OF

GONE = 410
SIGHT = Straightener(SMALL.calibration, whole_view(SMALL.calibration), 216)
GREYS = ("black", "grey", "white")
JPEG = b"\xff\xd8\xff"


@lru_cache
def known_room(seed: int) -> tuple[Room, EmptyRoom]:
    """Return a room, and the mirror's picture of it with nobody there."""
    room, empty = Room(SMALL, Light(noise=1.5), seed), EmptyRoom()
    for _ in range(10):
        empty.learn(SIGHT.straight(room.picture([]).pixels))
    return room, empty


def front(garment: str, seed: int = 1, wanted: str = "") -> tuple[Front, Pixels]:
    """Draw somebody in this garment; return what the mirror has of it, and how ``wanted`` looks."""
    room, empty = known_room(seed)
    pictures = [
        room.picture([(drawn_person(Random(seed), colour), Pose())]).pixels
        for colour in (garment, wanted or garment)
    ]
    found = nearest(empty.silhouettes(SIGHT.straight(pictures[0])))
    assert found is not None
    body, mask = found
    glass = Straightener(SMALL.calibration, filling(SIGHT, body.box), 324)
    larger, there = moved(SIGHT, glass, mask, body)
    shown = [glass.straight(pixels) for pixels in pictures]
    return Front(shown[0], found_garment(shown[0], larger, there)), shown[1]


def test_a_garment_is_told_by_its_swatch() -> None:
    """Each of eight colours is like its own swatch, and like no other but, of greys, the next."""
    for name, colour in GARMENTS.items():
        seen, _ = front(name)
        assert seen.off(colour) is not None, name
        others = [one for one, its in GARMENTS.items() if one != name and seen.off(its) is not None]
        assert set(others) <= (set(GREYS) if name in GREYS else set()), (name, others)


def test_painted_it_looks_as_if_she_wore_it() -> None:
    """Half of what changes is within 15 levels of the same scene drawn in blue."""
    seen, wanted = front("red", wanted="blue")
    assert seen.garment is not None
    data = seen.painted(GARMENTS["red"], GARMENTS["blue"])
    assert data is not None
    after = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert after is not None
    cloth = seen.garment.mask > 0
    off = [np.abs(one.astype(int) - wanted.astype(int)).max(axis=2) for one in (after, seen.pixels)]
    assert np.median(off[0][cloth]) < 15
    assert np.median(off[1][cloth]) > 60
    share = float(cloth.mean())
    assert 0.05 < share < 0.4
    seen.wipe()
    assert not seen.pixels.any()
    assert not seen.garment.mask.any()


def test_from_a_dark_cloth_it_is_a_guess() -> None:
    """And that is said."""
    assert [name for name, colour in GARMENTS.items() if is_guess(colour)] == ["black"]


def gtin(number: int) -> Gtin:
    """Return the code of one of a company's articles."""
    payload = f"950000{number:06}"
    return Gtin(payload + str(check_digit(payload)))


def jacket(first: int, *colours: str) -> Product:
    """Return a product in these of the drawn colours; its codes count up from ``first``."""
    variants = [
        {
            "sku": f"{name}-{first}",
            "gtin": gtin(first + number),
            "colour": name,
            "colour_hex": "#{:02x}{:02x}{:02x}".format(*GARMENTS[name]),
            "size": "M",
            "prices": {"EUR": 9900},
        }
        for number, name in enumerate(colours)
    ]
    return Product.model_validate({"product_id": f"p{first}", "name": "Coat", "variants": variants})


BLACK, RED = gtin(10), gtin(11)  # of one product: she wears the black one
GREEN, ONLY = gtin(20), gtin(30)  # of another, and one that there is in no other colour


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[MirrorBench]:
    """A mirror before which somebody in a black coat turns."""
    made = MirrorBench(tmp_path, clock)
    goods = [jacket(10, "black", "red"), jacket(20, "green", "mustard"), jacket(30, "black")]
    made.catalogue.replace(goods, Edition('"2"', AS_OF))
    yield made
    made.switch_off()


def test_a_turn_is_shown_in_another_colour_and_gone(bench: MirrorBench) -> None:
    """What she wears is found among what she brought in; the picture is made for her alone."""
    serving = bench.serve()
    origin = serving.url.rstrip("/")
    with httpx2.Client(base_url=serving.url, headers={"Origin": origin}) as page:
        bench.begin()
        bench.mirror.code_read(GREEN, Reader.CAMERA)
        seen = bench.turn()
        assert seen.phase == "deciding"
        assert "I do not find what you brought in" in page.get("/screen").text
        picture = f"/turns/{seen.turn_id}/in/{RED}"
        assert page.get(picture).status_code == GONE
        bench.mirror.code_read(BLACK, Reader.CAMERA)
        bench.mirror.code_read(ONLY, Reader.CAMERA)
        html = page.get("/screen").text
        assert (f'id="tint-{BLACK}"' in html, f'id="tint-{RED}"' in html) == (True, True)
        assert picture not in html
        page.post("/do/tint", data={"gtin": RED})
        html = page.get("/screen").text
        assert picture in html
        assert "is a guess" in html
        answer = page.get(picture)
        assert (answer.status_code, answer.content[:3]) == (200, JPEG)
        assert answer.headers["cache-control"] == "no-store"
        assert page.get(f"/turns/{seen.turn_id}/in/{GREEN}").status_code == GONE
        page.post("/do/tint", data={"gtin": ""})
        assert picture not in page.get("/screen").text
        front = bench.studio.front(seen.turn_id)
        assert front is not None
        bench.mirror.finish(PutDownReason.DONE)
        assert page.get(picture).status_code == GONE
        assert not front.pixels.any()
    serving.stop()
