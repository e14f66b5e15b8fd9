"""A turn before a mirror, and another size: from the tag to the phone at home; on real parts.

Over Mosquitto: the receipts of looks and wishes pass a broker that is not ours.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from cart.kernel.gtin import Gtin
from firmware_sim.asking import ask, fill_in
from firmware_sim.goods.assortment import products
from firmware_sim.look import Seen
from firmware_sim.mirror.mirror import SimMirror
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop, wait_until
from tests.real.shop_broker import shop_broker

COAT, LARGER = (str(Gtin.parse(one.gtin)) for one in products(7)[0].variants[:2])
NAME = products(7)[0].name.en
OTHER = Gtin.parse(products(7)[1].variants[0].gtin)
HERE = "harbour-street"
TURN_WAIT_S = 90.0  # it is recorded, judged and encoded, on a busy machine
WEBM = b"\x1a\x45\xdf\xa3"
SIGNED_OUT, GONE = 401, 410
ADDRESS = "vivienne.oakapple@example.com"
PIECE = 64  # bytes of a picture by which it would be found again
ROOM_FRAMES = 60  # by then a tag that is held up for a moment is not taken for the room's
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def shop(
    open_carryover_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningShop]:
    """A running shop on a Mosquitto."""
    with shop_broker(tmp_path_factory.mktemp("mosquitto")) as (_, settings):
        yield open_carryover_shop(settings=settings)


@pytest.fixture(scope="module")
def mirror(shop: RunningShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimMirror]:
    """A mirror of it that is online and knows the goods and its empty room."""
    folder = tmp_path_factory.mktemp("mirror")
    made = SimMirror.enrol(folder, shop.url, shop.server.token(HERE, "Room 1", "mirror"))
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


@pytest.fixture
def staff(shop: RunningShop) -> Iterator[httpx2.Client]:
    """The phone of somebody who works on the floor, signed in."""
    pin = shop.server.hire(HERE, "Mira", "12")
    with httpx2.Client(base_url=shop.url, follow_redirects=True, timeout=20) as made:
        fill_in(made, "/staff", {"location_id": HERE, "number": "12", "pin": pin})
        yield made


def answer(staff: httpx2.Client, step: str) -> None:
    """Press a button of the staff's page of fitting rooms, once it is there."""
    found: list[str] = []

    def there() -> bool:
        found[:] = re.findall(rf'data-step="([^"/]+/{step})"', staff.get("/staff/rooms").text)
        return bool(found)

    wait_until(there, 20, f"{step} on the staff's page")
    ask(staff, "POST", f"/api/v1/staff/rooms/{found[0]}", {})


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


def pieces_of(shop: RunningShop, look_id: str, *pictures: bytes) -> list[bytes]:
    """Return by what a look would be found again: of its pictures, sealed parts and sealed key."""
    sealed = [(folder_of(shop, look_id) / part).read_bytes() for part in ("video", "sheet")]
    with sqlite3.connect(shop.server.data_dir / "carryover.db") as db:
        asked = "SELECT sealed_key FROM look WHERE id = ?"
        key: str = db.execute(asked, (look_id,)).fetchone()[0]
    assert key
    found = [key.encode()]
    for data in (*pictures, *sealed):
        middle = len(data) // 2
        found += [data[100 : 100 + PIECE], data[middle : middle + PIECE], data[-PIECE:]]
    return found


def nowhere(folders: tuple[Path, ...], bytes_: bytes) -> bool:
    """Say whether no file under these folders has these bytes in it."""
    return not any(files_with(folder, bytes_) for folder in folders)


def looks_of(phone: httpx2.Client) -> list[dict[str, object]]:
    """Return the looks that this phone opens."""
    found: list[dict[str, object]] = phone.get("/api/v1/looks").json()["looks"]
    return found


def played_as(phone: httpx2.Client, video: bytes) -> str:
    """Return the look whose video this is."""
    (found,) = (
        str(one["id"])
        for one in looks_of(phone)
        if phone.get(f"/looks/{one['id']}/video").content == video
    )
    return found


def rows_of(shop: RunningShop, look_id: str) -> int:
    """Return how many rows there are of a look."""
    with sqlite3.connect(shop.server.data_dir / "carryover.db") as db:
        count: int = db.execute("SELECT count(*) FROM look WHERE id = ?", (look_id,)).fetchone()[0]
    return count


def folder_of(shop: RunningShop, look_id: str) -> Path:
    """Return where a look's objects are."""
    return shop.server.data_dir / "objects" / "looks" / look_id


def gone(shop: RunningShop, look_id: str) -> bool:
    """Say whether a look has no objects any more."""
    folder = folder_of(shop, look_id)
    return not folder.exists() or not any(folder.iterdir())


def sign_in(shop: RunningShop, phone: httpx2.Client) -> None:
    """Sign in with the code of a mail, as she must to have everything erased."""
    fill_in(phone, "/sign-in", {"email": ADDRESS})
    code = re.findall(r"\b\d{6}\b", shop.wait_for_mail(ADDRESS).text)
    fill_in(phone, "/sign-in/code", {"code": code[0]})


@dataclass(frozen=True, slots=True)
class Kept:
    """Two turns that were kept: their ids on the glass, and what they were."""

    turns: tuple[str, str]
    first_video: bytes
    second_video: bytes
    second_sheet: bytes


def two_kept(mirror: SimMirror, phone: httpx2.Client, link: str) -> Kept:
    """Turn before the mirror twice and keep both; the first waits until the phone says yes."""
    glass, parts = mirror.glass, f"{mirror.on.url}turns"
    first = turned(mirror)
    plain = httpx2.get(f"{parts}/{first}/video").content
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
    video, sheet = (httpx2.get(f"{parts}/{second}/{part}").content for part in ("video", "sheet"))
    glass.touch("show", mode="beside")
    glass.wait_for(lambda seen: "/turns/beside/0" in seen.html)
    glass.touch("step", side="4")
    assert asked(mirror, "turns/beside/4") == 200
    glass.touch("show", mode="")
    glass.touch("keep")
    wait_until(lambda: mirror.on.outbox.on_the_way().done == 2, TURN_WAIT_S, "the second upload")
    glass.touch("discard")
    return Kept((first, second), plain, video, sheet)


def test_a_turn_goes_home_and_is_gone_when_she_says_so(
    shop: RunningShop, mirror: SimMirror, phone: httpx2.Client, tmp_path: Path
) -> None:
    """Taken up by a phone; a tag; two turns kept, played at home; one deleted, one erased with her.

    A third recording is broken off.
    """
    glass, stage = mirror.glass, mirror.stage
    stage.hold_up(COAT)
    glass.wait_for(lambda seen: f'id="brought-{COAT}"' in seen.html)
    stage.lower()
    stage.come()
    seen = glass.wait_for(lambda seen: seen.has_code)
    assert NAME in seen.text
    kept = two_kept(mirror, phone, seen.link() or "")
    plain = kept.first_video
    assert plain[:4] == WEBM

    glass.touch("record")
    glass.wait_for(lambda seen: "Recording" in seen.text, 20)
    glass.touch("discard")
    assert asked(mirror, "live") == GONE
    glass.touch("done")
    glass.wait_for(lambda seen: seen.phase == "idle")
    paths = [f"turns/{one}/{part}" for one in kept.turns for part in ("video", "sheet")]
    assert [asked(mirror, path) for path in [*paths, "turns/beside/4", "live"]] == [GONE] * 6
    assert NAME not in glass.look().text

    wait_until(lambda: len(looks_of(phone)) == 2, 20, "both looks")
    assert [one["gtins"] for one in looks_of(phone)] == [[COAT]] * 2
    look_id, other_id = played_as(phone, plain), played_as(phone, kept.second_video)
    assert look_id in phone.get("/looks").text
    played = phone.get(f"/looks/{look_id}/video", headers={"Range": "bytes=0-999"})
    assert (played.status_code, played.content) == (206, plain[:1000])

    folders = (shop.server.data_dir, mirror.folder, tmp_path)
    pieces = pieces_of(shop, look_id, plain)
    phone.post(f"/looks/{look_id}/delete").raise_for_status()
    wait_until(lambda: gone(shop, look_id), 40, "the deletion")
    assert phone.get(f"/looks/{look_id}/video").status_code in {404, GONE}
    # All but the sealed key, of which the database's log has a copy until it is folded in.
    assert all(nowhere(folders, one) for one in pieces[1:])

    sign_in(shop, phone)
    pieces += pieces_of(shop, other_id, kept.second_video, kept.second_sheet)
    assert phone.post("/account/data/erase", data={"sure": "yes"}).status_code == 200
    wait_until(lambda: gone(shop, other_id), 60, "the erasure of the objects")
    wait_until(lambda: not rows_of(shop, other_id), 60, "the erasure of the rows")
    for piece in [ADDRESS.encode(), *pieces]:
        wait_until(partial(nowhere, folders, piece), 20, f"the end of {piece[:20]!r}")
    assert phone.get(f"/looks/{other_id}/video").status_code == SIGNED_OUT
    assert shop.dead_letters() == []


def test_another_size_is_brought(
    shop: RunningShop, mirror: SimMirror, staff: httpx2.Client
) -> None:
    """Carried in, asked for on the glass, answered on the staff's page, brought; one called off."""
    glass = mirror.glass
    glass.touch("begin")
    mirror.tags.bring_in(OTHER)
    glass.touch("scan", code=COAT)
    glass.wait_for(lambda seen: f'id="brought-{OTHER}"' in seen.html)
    glass.touch("look", gtin=LARGER)
    glass.wait_for(lambda seen: "Bring me this size" in seen.text)
    glass.touch("ask", gtin=LARGER)
    answer(staff, "coming")
    glass.wait_for(lambda seen: "Somebody is on the way with it." in seen.text)
    page = staff.get("/staff/rooms").text
    assert NAME in page
    assert products(7)[1].name.en in page  # what else is in the room, by its tag
    answer(staff, "brought")
    glass.wait_for(lambda seen: "It is at the door." in seen.text)
    glass.touch("ask", gtin=COAT)
    wait_until(lambda: "data-wish" in staff.get("/staff/rooms").text, 20, "the other wish")
    glass.touch("done")
    glass.wait_for(lambda seen: "is called off" in seen.text)
    wait_until(lambda: "data-wish" not in staff.get("/staff/rooms").text, 20, "the end of it")
    assert shop.dead_letters() == []
