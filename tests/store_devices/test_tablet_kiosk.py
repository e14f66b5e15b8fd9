"""The kiosk page over real HTTP: what it draws, takes, refuses, and never tells."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cart.kernel.i18n import missing
from gateway.wire.events import ListRequested, Reader
from store_devices.link import LinkState
from store_devices.tablet.serving import Serving
from store_devices.tablet.words import TEXTS, words
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import LAMP, LAMP_TALL, MUG, PIXEL, Bench

TABLET = Path(__file__).parents[2] / "store_devices" / "tablet"


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet that nobody has taken up."""
    made = Bench(tmp_path, clock)
    yield made
    made.switch_off()


@pytest.fixture
def serving(bench: Bench) -> Iterator[Serving]:
    """Its page."""
    made = bench.serve()
    yield made
    made.stop()


@pytest.fixture
def page(serving: Serving) -> Iterator[httpx2.Client]:
    """A browser's requests, as our own page sends them."""
    origin = serving.url.rstrip("/")
    with httpx2.Client(base_url=origin, headers={"Origin": origin}) as client:
        yield client


def test_a_scan_is_drawn(bench: Bench, page: httpx2.Client) -> None:
    """Product, price, line, QR code; and the same on the fragment that the script fetches."""
    assert page.post("/do/scan", data={"code": LAMP, "reader": "hid"}).status_code == 204
    for path in ("/", "/screen"):
        drawn = page.get(path).text
        assert "Arc floor lamp" in drawn
        assert drawn.count("€189.00") == 3  # the price, the line and the sum
        assert 'class="qr"' in drawn
    assert bench.shown() == {LAMP: 1}


def test_without_its_script_the_page_works_too(page: httpx2.Client) -> None:
    """A plain form post leads back to the page."""
    answer = page.post("/do/begin", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_every_touch_has_its_route(bench: Bench, page: httpx2.Client) -> None:
    """Look, more, fewer, remove, undo, sheet, language, touch and done."""
    for path, fields in (
        ("scan", {"code": LAMP}),
        ("look", {"gtin": LAMP_TALL}),
        ("more", {"gtin": LAMP_TALL}),
        ("more", {"gtin": LAMP_TALL}),
        ("fewer", {"gtin": LAMP_TALL}),
        ("remove", {"gtin": LAMP}),
        ("undo", {}),
        ("sheet", {"sheet": "take"}),
        ("language", {"locale": "pl"}),
        ("touch", {}),
    ):
        assert page.post(f"/do/{path}", data=fields).status_code == 204, path
    assert bench.shown() == {LAMP_TALL: 1, LAMP: 1}
    assert "Zabierz ją ze sobą" in page.get("/").text
    page.post("/do/done")
    assert bench.agent.visit_id is None


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("look", {"gtin": "12"}),
        ("more", {}),
        ("sheet", {"sheet": "../etc"}),
        ("language", {"locale": "xx"}),
        ("touch", {str(number): "x" for number in range(20)}),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    bench: Bench, page: httpx2.Client, path: str, fields: dict[str, str]
) -> None:
    """422, and the visit is as it was."""
    page.post("/do/scan", data={"code": LAMP})
    before = bench.agent.snapshot().visit
    assert page.post(f"/do/{path}", data=fields).status_code == 422
    assert bench.agent.snapshot().visit == before


def test_a_long_body_is_refused(page: httpx2.Client) -> None:
    """413 above eight kilobytes, whatever is in it."""
    assert page.post("/do/scan", data={"code": "1" * 9_000}).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Host": "elsewhere.example"},
        {"Host": "elsewhere.example:80", "Origin": "http://elsewhere.example:80"},
    ],
)
def test_other_pages_cannot_touch_it(
    bench: Bench, page: httpx2.Client, headers: dict[str, str]
) -> None:
    """Neither a foreign page nor a foreign name for loopback begins a visit."""
    assert page.post("/do/begin", headers=headers).status_code == 403
    assert bench.agent.visit_id is None


def test_other_pages_cannot_look(page: httpx2.Client) -> None:
    """Not by another name, and not from within another site."""
    assert page.get("/screen", headers={"Host": "rebound.example"}).status_code == 403
    assert page.get("/screen", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_nothing_is_kept_by_a_cache_and_nothing_foreign_runs(page: httpx2.Client) -> None:
    """no-store on every page, and a policy without inline script or style."""
    for path in ("/", "/screen"):
        headers = page.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["Content-Security-Policy"]
    drawn = page.get("/").text
    assert " style=" not in drawn
    assert not re.search(r"\son\w+=", drawn)
    assert not re.search(r"(?:src|href)=.https?:", drawn)


def test_pictures_are_fetched_once_and_then_kept(bench: Bench, page: httpx2.Client) -> None:
    """The second time the cable may be cut; a name that climbs folders is none."""
    assert page.get(f"/pictures/{LAMP}.png").content == PIXEL
    bench.server.up = False
    assert page.get(f"/pictures/{LAMP}.png").content == PIXEL
    assert page.get(f"/pictures/{MUG}.png").status_code == 404
    assert page.get("/pictures/..%2Fspool.db").status_code == 404


def test_an_address_is_checked_and_then_forgotten(bench: Bench, page: httpx2.Client) -> None:
    """A slip is said beside the field, which stays; a good one is on its way."""
    page.post("/do/scan", data={"code": LAMP})
    page.post("/do/sheet", data={"sheet": "mail"})
    page.post("/do/mail", data={"email": "dana@exampl"})
    drawn = page.get("/").text
    assert "This does not look like an e-mail address" in drawn
    assert 'id="email"' in drawn
    assert "this one e-mail" in drawn
    assert not any(isinstance(event, ListRequested) for event in bench.events())
    page.post("/do/mail", data={"email": " dana@example.com "})
    drawn = page.get("/").text
    assert "as soon as this tablet is online again" in drawn
    assert "dana" not in drawn
    (asked,) = [event for event in bench.events() if isinstance(event, ListRequested)]
    assert asked.data.email == "dana@example.com"


def test_offline_is_said_in_words(bench: Bench, page: httpx2.Client) -> None:
    """Since when, from which catalogue, and that stock is unknown; shop time, not UTC."""
    bench.clock.advance(5 * 30 * 86_400)  # summer: Dublin is an hour ahead
    bench.agent.link(LinkState(online=True, since=bench.clock.now()))
    assert "Offline" not in page.get("/").text
    bench.agent.link(LinkState(online=False, since=bench.clock.now()))
    page.post("/do/scan", data={"code": LAMP})
    drawn = page.get("/").text
    assert "Offline since 10:00" in drawn
    assert "from the catalogue of 8:02" in drawn
    assert "Stock unknown" in drawn


@pytest.mark.parametrize(
    ("locale", "direction", "text"),
    [("he", "rtl", "מנורת עמידה קשתית"), ("pl", "ltr", "Lampa podłogowa łukowa")],
)
def test_it_speaks_three_languages(
    page: httpx2.Client, locale: str, direction: str, text: str
) -> None:
    """Direction, texts and goods are in the language chosen."""
    page.post("/do/scan", data={"code": LAMP})
    page.post("/do/language", data={"locale": locale})
    drawn = page.get("/").text
    assert f'lang="{locale}" dir="{direction}"' in drawn
    assert text in drawn
    assert "Take it with you" not in drawn


def used_texts() -> list[str]:
    """Return every text that a template or module asks a translation for."""
    files = [*(TABLET / "templates").glob("*.html"), *TABLET.glob("*.py")]
    source = "\n".join(file.read_text() for file in files)
    call = re.compile(r"""(?:\b_|\bn?gettext)\(\s*(?:"([^"]+)"|'([^']+)')""")
    return [one or other for one, other in call.findall(source)]


@pytest.mark.parametrize("locale", ["he", "pl"])
def test_no_text_is_left_in_english(locale: str) -> None:
    """Everything that is asked for is translated, all plural forms too."""
    used = used_texts()
    assert len(used) > 60
    assert missing(TEXTS, locale, used) == []


@pytest.mark.parametrize(
    ("locale", "forms"),
    [
        ("en", {1: "1 piece", 2: "2 pieces", 5: "5 pieces"}),
        ("he", {1: "יחידה אחת", 2: "שתי יחידות", 3: "3 יחידות", 20: "20 יחידות"}),
        ("pl", {1: "1 sztuka", 2: "2 sztuki", 5: "5 sztuk", 12: "12 sztuk", 22: "22 sztuki"}),
    ],
)
def test_plurals_are_right(locale: str, forms: dict[int, str]) -> None:
    """One, two, few and many, as each language counts."""
    spoken = words(locale, "UTC")
    found = {n: spoken.ngettext("%(num)s piece", "%(num)s pieces", n) for n in forms}
    assert found == forms


def test_the_stream_rings_with_numbers_only(bench: Bench, page: httpx2.Client) -> None:
    """A scan rings at once, and all that ever comes is a growing number."""
    with page.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        heard = [next(lines)]
        bench.agent.code_read(LAMP, Reader.CAMERA)
        while len(heard) < 4:
            heard.append(next(lines))
    rings = [line for line in heard if line]
    assert all(re.fullmatch(r"data: \d+", line) for line in rings)
    assert int(rings[1][6:]) > int(rings[0][6:])
