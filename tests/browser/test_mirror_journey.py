"""From the fitting room to a parcel and to nothing: a mirror's glass, two phones, all parts real.

The glass at 1080x1920, her phone and the staff's at 390x844, in Chromium; over Mosquitto, so that
the receipts of looks and wishes pass a broker that is not ours.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from cart.kernel.gtin import Gtin
from firmware_sim.asking import fill_in
from firmware_sim.goods.assortment import products
from firmware_sim.mirror.mirror import SimMirror
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop, wait_until
from tests.journeys.windows import PHONE, window
from tests.real.shop_broker import shop_broker

GLASS: Final[ViewportSize] = {"width": 1080, "height": 1920}
LAMP = products(7)[0]
TAGGED, LARGER = LAMP.variants[:2]
COAT, WANTED = (str(Gtin.parse(one.gtin)) for one in (TAGGED, LARGER))
NAME = LAMP.name.en
OTHER = Gtin.parse(products(7)[1].variants[0].gtin)
HERE = "harbour-street"
TURN_WAIT_S = 90.0  # it is recorded, judged and encoded, on a busy machine
TURN_WAIT_MS = 1000 * TURN_WAIT_S
WEBM = b"\x1a\x45\xdf\xa3"
SIGNED_OUT, GONE = 401, 410
PARTS = ("video", "sheet")
PIECE = 64  # bytes of a picture by which it would be found again
ROOM_FRAMES = 60  # by then a tag that is held up for a moment is not taken for the room's
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

# What is wider or higher than the glass, and buttons that are not wholly on it.
OFF = """() => {
  const root = document.documentElement;
  const off = [...document.querySelectorAll("button")].filter((one) => one.checkVisibility())
    .map((one) => [one.id, one.getBoundingClientRect()])
    .filter(([, at]) => at.x < 0 || at.y < 0 || at.right > innerWidth || at.bottom > innerHeight)
    .map(([id]) => id);
  return [root.scrollWidth - innerWidth, root.scrollHeight - innerHeight, ...off];
}"""


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


def fits(glass: Page) -> None:
    """Check that nothing is wider or higher than the glass, and every button is on it."""
    assert glass.evaluate(OFF) == [0, 0]


def files_with(folder: Path, bytes_: bytes) -> list[str]:
    """Return the files under ``folder`` in which these bytes are."""
    return [str(one) for one in folder.rglob("*") if one.is_file() and bytes_ in one.read_bytes()]


def nowhere(folders: tuple[Path, ...], bytes_: bytes) -> bool:
    """Say whether no file under these folders has these bytes in it."""
    return not any(files_with(folder, bytes_) for folder in folders)


def pieces_of(*pictures: bytes) -> list[bytes]:
    """Return some bytes of each by which it would be found again."""
    return [
        data[at : at + PIECE]
        for data in pictures
        for at in (100, len(data) // 2, len(data) - PIECE)
    ]


@dataclass(frozen=True, slots=True)
class Kept:
    """The server's side of looks: rows and objects."""

    data_dir: Path

    def sealed(self, look_id: str) -> list[bytes]:
        """Return what there is of a look: its two sealed parts, and its sealed key."""
        parts = [(self.folder(look_id) / part).read_bytes() for part in ("video", "sheet")]
        return [*parts, self._one("SELECT sealed_key FROM look WHERE id = ?", look_id).encode()]

    def gone(self, look_id: str) -> bool:
        """Say whether it has neither row nor object."""
        folder = self.folder(look_id)
        rows = self._one("SELECT count(*) FROM look WHERE id = ?", look_id)
        return rows == "0" and (not folder.exists() or not any(folder.iterdir()))

    def folder(self, look_id: str) -> Path:
        """Return where its objects are."""
        return self.data_dir / "objects" / "looks" / look_id

    def _one(self, asked: str, look_id: str) -> str:
        with sqlite3.connect(self.data_dir / "carryover.db") as db:
            return str(db.execute(asked, (look_id,)).fetchone()[0])


def turn_of(glass: Page) -> str:
    """Record a turn; return its address on the glass once she is to decide. It fits throughout."""
    glass.locator("#record").click()
    expect(glass.get_by_text("Face the glass, arms down")).to_be_visible()
    fits(glass)
    expect(glass.locator(".recording-frame")).to_be_visible()
    fits(glass)
    expect(glass.locator("#keep")).to_be_visible(timeout=TURN_WAIT_MS)
    playing = "one => one.currentTime > 0"
    video = glass.locator("video")
    wait_until(lambda: bool(video.evaluate(playing)), 20, "the turn plays")
    fits(glass)
    path = video.get_attribute("src") or ""
    return path.removesuffix("/video")


def pictures(mirror: SimMirror, turn: str) -> tuple[bytes, bytes]:
    """Return video and sheet of a turn, as the glass has them."""
    base = mirror.on.url.rstrip("/")
    video, sheet = (httpx2.get(f"{base}{turn}/{part}").content for part in ("video", "sheet"))
    assert video[:4] == WEBM
    return video, sheet


def signed_in(browser: Browser, shop: RunningShop) -> Page:
    """Return the phone of somebody on the floor, who looks at what fitting rooms ask for."""
    staff = window(browser, shop.url, PHONE)
    pin = shop.server.hire(HERE, "Mira", "12")
    said: dict[str, str | float | bool] = {"location_id": HERE, "number": "12", "pin": pin}
    assert staff.request.post("/staff", form=said).ok
    staff.goto("/staff/rooms")
    expect(staff.locator("#staff-live")).to_have_attribute("data-state", "on")
    return staff


def bring_in(mirror: SimMirror, glass: Page) -> None:
    """Show a tag to the camera, and carry another thing past the reader: both are listed."""
    expect(glass.locator("#begin")).to_be_visible()
    fits(glass)
    mirror.stage.hold_up(COAT)
    expect(glass.locator(f"#brought-{COAT}")).to_be_visible()
    mirror.stage.lower()
    mirror.tags.bring_in(OTHER)
    expect(glass.locator(f"#brought-{OTHER}")).to_be_visible()
    mirror.stage.come()
    expect(glass.locator("#record")).to_be_enabled()
    fits(glass)


def another_size(glass: Page, staff: Page) -> None:
    """Ask for the larger one; staff answer and bring it, and the glass says so."""
    glass.locator(f"#size-{WANTED}").click()
    expect(glass.locator("#bring-it")).to_have_text("Bring me this size")
    glass.locator("#bring-it").click()
    card = staff.locator(".wish")
    expect(card).to_contain_text(NAME)
    expect(card).to_contain_text(products(7)[1].name.en)  # what else is in the room, by its tag
    for verb, said in (
        ("Coming", "Somebody is on the way with it."),
        ("Brought", "It is at the door."),
    ):
        card.get_by_role("button", name=verb).click()
        expect(glass.locator(".wishes")).to_contain_text(said)
        fits(glass)


def say_yes(phone: Page, link: str) -> None:
    """Take the visit to her phone, and let it keep looks."""
    phone.goto(link)
    phone.wait_for_url("**/looks")
    phone.get_by_role("button", name="Yes, keep my looks on this phone").click()


def compare(glass: Page) -> None:
    """See both turns from the front and from behind, in step."""
    glass.locator("#show-beside").click()
    pair = glass.locator(".pair img")
    expect(pair).to_have_attribute("src", "/turns/beside/0")
    fits(glass)
    glass.locator("#side-4").click()
    expect(pair).to_have_attribute("src", "/turns/beside/4")
    wait_until(lambda: bool(pair.evaluate("one => one.naturalWidth > 0")), 20, "the picture")
    glass.locator("#close").click()


def kept(mirror: SimMirror, glass: Page, number: int) -> None:
    """See that the turn is kept and on the phone, and close what says so."""
    expect(glass.locator("#keep")).to_have_count(0)
    expect(glass.locator("#left h1")).to_have_text("Kept")
    fits(glass)
    wait_until(lambda: mirror.on.outbox.on_the_way().done == number, TURN_WAIT_S, "the upload")
    wait_until(lambda: len(mirror.on.spool) == 0, 20, "the event")
    glass.locator("#close").click()


def leave(mirror: SimMirror, glass: Page, staff: Page) -> None:
    """Go away with a wish that nobody has answered: it is called off, and all is cleared."""
    mirror.glass.touch("ask", gtin=COAT)
    expect(staff.locator(".wish")).to_have_count(1)
    glass.locator("#done").click()
    expect(glass.locator("#begin")).to_be_visible()
    expect(glass.get_by_text("is called off")).to_be_visible()
    fits(glass)
    assert NAME not in glass.content()
    expect(staff.locator(".wish")).to_have_count(0)


def answered(mirror: SimMirror, *paths: str) -> list[int]:
    """Return with what the glass's server answers."""
    return [httpx2.get(mirror.on.url.rstrip("/") + path).status_code for path in paths]


def sign_in(shop: RunningShop, phone: Page, address: str) -> None:
    """Sign in with the code of a mail."""
    phone.goto("/sign-in")
    phone.locator("input[name=email]").fill(address)
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/sign-in/code")
    code = re.findall(r"\b\d{6}\b", shop.wait_for_mail(address).text)[0]
    phone.locator("input[name=code]").fill(code)
    phone.keyboard.press("Enter")
    phone.wait_for_url(re.compile(r"/$"))


def watched(phone: Page, *videos: bytes) -> list[str]:
    """Play the look with the first of these videos; return which look has which of them."""
    phone.goto("/looks")
    expect(phone.locator("a.look-card")).to_have_count(len(videos))
    ids = [one["id"] for one in phone.request.get("/api/v1/looks").json()["looks"]]
    of = {phone.request.get(f"/looks/{one}/video").body(): one for one in ids}
    found = [of[video] for video in videos]
    phone.locator(f'a[href="/looks/{found[0]}"]').click()
    film = phone.locator("video")
    film.evaluate("one => one.play()")
    wait_until(lambda: bool(film.evaluate("one => one.currentTime > 0")), 20, "it plays")
    return found


def buy(phone: Page) -> None:
    """Take the larger one to the cart by its chip on the look's page, check out and pay."""
    chip = phone.locator(f'.tried [data-gtin="{WANTED}"]')
    expect(chip).to_have_class("chip")
    chip.click()
    phone.goto("/")
    expect(phone.locator(f'.line[data-gtin="{WANTED}"]')).to_be_visible()
    phone.get_by_role("button", name="Check out").click()
    phone.get_by_role("button", name="Pay €").click()
    phone.wait_for_url("**/sandbox/pay/**")
    phone.get_by_role("button", name="Pay with 3-D Secure").click()
    phone.get_by_role("button", name="Approve").click()
    phone.wait_for_url("**/orders/**")
    expect(phone.locator(".ticket-code")).to_be_visible()


def test_turned_kept_bought_and_deleted(
    browser: Browser, shop: RunningShop, mirror: SimMirror, tmp_path: Path
) -> None:
    """Tags, another size, three turns: one waits for her phone's yes, one is let go, by button.

    At home she signs in, watches, pays for another size than she turned in, and deletes one.
    """
    folders = (shop.server.data_dir, mirror.folder, tmp_path)
    staff = signed_in(browser, shop)
    glass, phone = window(browser, mirror.on.url, GLASS), window(browser, shop.url, PHONE)
    glass.goto("/")
    bring_in(mirror, glass)
    link = mirror.glass.look().link() or ""
    another_size(glass, staff)

    first = turn_of(glass)
    first_video, _ = pictures(mirror, first)
    glass.locator("#keep").click()
    expect(glass.locator(".yes")).to_be_visible()  # no phone has said yes: the turn waits
    fits(glass)
    say_yes(phone, link)
    kept(mirror, glass, 1)
    second = turn_of(glass)
    second_video, _ = pictures(mirror, second)
    compare(glass)
    glass.locator("#keep").click()
    kept(mirror, glass, 2)
    third = turn_of(glass)
    let_go = pictures(mirror, third)
    glass.locator("#discard").click()
    expect(glass.locator("#record")).to_be_visible()
    fits(glass)
    assert answered(mirror, f"{third}/video", f"{third}/sheet") == [GONE] * 2
    leave(mirror, glass, staff)
    answers = answered(mirror, *(f"{turn}/{part}" for turn in (first, second) for part in PARTS))
    assert answers == [GONE] * 4
    assert answered(mirror, "/turns/beside/4", "/live") == [GONE] * 2
    assert all(nowhere(folders, one) for one in pieces_of(*let_go))

    sign_in(shop, phone, "vivienne.oakapple@example.com")
    look_id, stays = watched(phone, first_video, second_video)
    buy(phone)

    pieces = pieces_of(*Kept(shop.server.data_dir).sealed(look_id)[:2], first_video)
    phone.goto(f"/looks/{look_id}")
    phone.get_by_role("button", name="Delete this look").click()
    wait_until(lambda: Kept(shop.server.data_dir).gone(look_id), 60, "the deletion")
    assert all(nowhere(folders, one) for one in pieces)
    phone.goto("/looks")
    expect(phone.locator("a.look-card")).to_have_count(1)
    assert phone.request.get(f"/looks/{look_id}/video").status in {404, GONE}
    assert phone.request.get(f"/looks/{stays}/video").body() == second_video
    assert shop.dead_letters() == []
    for page in (staff, glass, phone):
        page.context.close()


def test_a_look_is_erased_with_her(shop: RunningShop, mirror: SimMirror, tmp_path: Path) -> None:
    """She has everything erased: neither her address nor the look, its key or its row is left."""
    address, folders = "dana.quill@example.com", (shop.server.data_dir, mirror.folder, tmp_path)
    server, glass = Kept(shop.server.data_dir), mirror.glass
    with httpx2.Client(base_url=shop.url, follow_redirects=True, timeout=20) as phone:
        mirror.stage.come()
        glass.touch("begin")
        link = glass.wait_for(lambda seen: seen.has_code).link() or ""
        page = phone.post(f"/c/{urlsplit(link).path.rpartition('/')[2]}")
        assert page.url.path == "/looks"
        assert phone.post("/looks/begin").status_code == 200
        glass.touch("record")
        glass.wait_for(lambda seen: 'id="keep"' in seen.html, TURN_WAIT_S)
        glass.touch("keep")
        wait_until(lambda: mirror.on.outbox.on_the_way().done == 1, TURN_WAIT_S, "the upload")
        glass.touch("done")
        (look,) = phone.get("/api/v1/looks").json()["looks"]
        plain = [phone.get(f"/looks/{look['id']}/{part}").content for part in ("video", "sheet")]
        assert plain[0][:4] == WEBM
        fill_in(phone, "/sign-in", {"email": address})
        code = re.findall(r"\b\d{6}\b", shop.wait_for_mail(address).text)
        fill_in(phone, "/sign-in/code", {"code": code[0]})

        *sealed, key = server.sealed(look["id"])
        assert key
        assert phone.post("/account/data/erase", data={"sure": "yes"}).status_code == 200
        wait_until(lambda: server.gone(look["id"]), 60, "the erasure")
        for piece in [address.encode(), key, *pieces_of(*plain, *sealed)]:
            wait_until(partial(nowhere, folders, piece), 20, f"the end of {piece[:20]!r}")
        assert phone.get(f"/looks/{look['id']}/video").status_code == SIGNED_OUT
    assert shop.dead_letters() == []
