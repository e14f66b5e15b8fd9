"""A turn before a mirror, from the tag to the phone at home, and deleted: on real parts."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from cart.kernel.gtin import Gtin
from firmware_sim.goods.assortment import products
from firmware_sim.look import Seen
from firmware_sim.mirror.mirror import SimMirror
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop, wait_until

COAT = str(Gtin.parse(products(7)[0].variants[0].gtin))
NAME = products(7)[0].name.en
HERE = "harbour-street"
TURN_WAIT_S = 90.0  # it is recorded, judged and encoded, on a busy machine
WEBM = b"\x1a\x45\xdf\xa3"
GONE = 410
ROOM_FRAMES = 60  # by then a tag that is held up for a moment is not taken for the room's
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def shop(open_carryover_shop: OpenShop) -> RunningShop:
    """A running shop."""
    return open_carryover_shop()


@pytest.fixture
def mirror(shop: RunningShop, tmp_path: Path) -> Iterator[SimMirror]:
    """A mirror of it that is online and knows the goods and its empty room."""
    made = SimMirror.enrol(tmp_path / "mirror", shop.url, shop.server.token(HERE, "", "mirror"))
    made.start()
    wait_until(lambda: made.on.agent.snapshot().link.online, 30, "the broker")
    wait_until(lambda: made.on.has_catalogue, 30, "the catalogue")
    wait_until(lambda: made.stage.shown > ROOM_FRAMES, 30, "the empty room")
    yield made
    made.stop()


@pytest.fixture
def phone(shop: RunningShop) -> Iterator[httpx2.Client]:
    """A phone's browser."""
    with httpx2.Client(base_url=shop.url, follow_redirects=True, timeout=20) as made:
        yield made


def turned(mirror: SimMirror) -> str:
    """Record a turn; return its id on the glass."""
    mirror.glass.touch("record")
    now = mirror.glass.wait_for(lambda seen: 'id="keep"' in seen.html, TURN_WAIT_S)
    return turn_of(now)


def turn_of(seen: Seen) -> str:
    """Return which turn the glass shows."""
    found = re.search(r"/turns/(turn_[^/]+)/video", seen.html)
    assert found is not None
    return found.group(1)


def asked(mirror: SimMirror, path: str) -> int:
    """Return with what the glass's server answers."""
    return httpx2.get(mirror.on.url + path).status_code


def files_with(folder: Path, bytes_: bytes) -> list[str]:
    """Return the files under ``folder`` in which these bytes are."""
    return [str(one) for one in folder.rglob("*") if one.is_file() and bytes_ in one.read_bytes()]


def test_a_turn_goes_home_and_is_gone_when_she_says_so(
    shop: RunningShop, mirror: SimMirror, phone: httpx2.Client, tmp_path: Path
) -> None:
    """Taken up by a phone; a tag, a turn kept, one discarded; played at home; deleted for good."""
    glass, stage = mirror.glass, mirror.stage
    stage.hold_up(COAT)
    glass.wait_for(lambda seen: f'id="brought-{COAT}"' in seen.html)
    stage.lower()
    stage.come()
    seen = glass.wait_for(lambda seen: seen.has_code)
    assert NAME in seen.text
    link = seen.link()
    assert link is not None

    first = turned(mirror)
    plain = httpx2.get(f"{mirror.on.url}turns/{first}/video").content
    assert plain[:4] == WEBM
    glass.touch("keep")  # no phone has said yes: the code, and the turn waits
    glass.wait_for(lambda seen: 'class="yes"' in seen.html)
    page = phone.post(f"/c/{urlsplit(link).path.rpartition('/')[2]}")
    assert page.url.path == "/looks"
    assert phone.post("/looks/begin").status_code == 200
    glass.wait_for(lambda seen: 'id="keep"' not in seen.html)
    wait_until(lambda: mirror.on.outbox.on_the_way().done == 1, TURN_WAIT_S, "the upload")
    wait_until(lambda: len(mirror.on.spool) == 0, 20, "the event")

    glass.touch("discard")  # closes what says that it is kept
    second = turned(mirror)
    glass.touch("discard")
    assert asked(mirror, f"turns/{second}/video") == GONE
    assert asked(mirror, f"turns/{first}/video") == 200
    glass.touch("done")
    glass.wait_for(lambda seen: seen.phase == "idle")
    paths = [f"turns/{one}/{part}" for one in (first, second) for part in ("video", "sheet")]
    assert [asked(mirror, path) for path in [*paths, "live"]] == [GONE] * 5
    assert NAME not in glass.look().text

    looks = phone.get("/api/v1/looks").json()["looks"]
    assert [one["gtins"] for one in looks] == [[COAT]]
    look_id = looks[0]["id"]
    assert look_id in phone.get("/looks").text
    played = phone.get(f"/looks/{look_id}/video", headers={"Range": "bytes=0-999"})
    assert (played.status_code, played.content) == (206, plain[:1000])

    objects = shop.server.data_dir / "objects" / "looks" / look_id
    assert sorted(one.name for one in objects.iterdir()) == ["sheet", "video"]
    sealed = (objects / "video").read_bytes()[100:200]
    phone.post(f"/looks/{look_id}/delete").raise_for_status()
    wait_until(lambda: not objects.exists() or not any(objects.iterdir()), 40, "the deletion")
    assert phone.get(f"/looks/{look_id}/video").status_code in {404, GONE}
    middle = len(plain) // 2
    for piece in (plain[:64], plain[middle : middle + 64], sealed):
        for folder in (shop.server.data_dir, mirror.folder, tmp_path):
            assert files_with(folder, piece) == []
    assert shop.dead_letters() == []
