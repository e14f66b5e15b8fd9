"""The operator's pages over HTTP: who may, what they show, and a dead letter sent again."""

import re
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts.tables import CartLineRow
from cart.db import unit_of_work
from cart.kernel.ids import RandomIds
from cart.picking import staff
from cart.picking.permissions import Permission, take_back
from cart.picking.roles import Role
from gateway.dead_letters import service as dead_letters
from gateway.findings.service import Found, note
from gateway.findings.tables import FindingKind
from gateway.registry.tables import DeviceRow
from gateway.wire.events import EventType
from inventory_api.catalogue.tables import PriceRow, ProductRow, VariantRow
from mobile_api.app import create_app
from mobile_api.look.words import words
from mobile_api.operator.charts import HEIGHT, WIDTH, chart, nice_top
from mobile_api.operator.fleet import EVENT_WORDS, SHOWN_MAX
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.fakes.shop import UNKNOWN
from tests.mobile_api.fleet import Fleet, operator
from tests.mobile_api.served import events, serving, until
from tests.mobile_api.shop import SECRET, key
from tests.mobile_api.staffing import COOKIE, hire, signed_in
from tests.real.nursery import FIRST_S, bear, command

HTML = {"Accept": "text/html"}
PATHS = ("/operator", "/operator/devices", "/operator/letters")


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def fleet(floor: Floor) -> Fleet:
    """Its devices, at work."""
    return Fleet(floor).at_work()


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


def only_letter(floor: Floor) -> str:
    """Return the id of the one dead letter that waits."""
    (row,) = floor.look(lambda db: dead_letters.listed(db, limit=10))
    return row.id


def test_only_an_operator_sees_them(app: FastAPI, floor: Floor) -> None:
    """Nobody is asked to sign in, a lead is told no, and one whose permission went as well."""
    with TestClient(app, follow_redirects=False) as nobody:
        for path in PATHS:
            answer = nobody.get(path, headers=HTML)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/staff?back={path}")
        assert nobody.get("/api/v1/operator/live?view=overview").status_code == 401
        replay = "/api/v1/operator/letters/dead_1/replay"
        assert nobody.post(replay, headers=key()).status_code == 401

        lead = signed_in(TestClient(app), hire(floor, "1", role=Role.LEAD))
        for path in (*PATHS, "/api/v1/operator/live?view=devices"):
            assert lead.get(path, headers=HTML).status_code == 403, path
        assert lead.post(replay, headers=key()).json()["code"] == "operator_needed"

        token = operator(floor)
        allowed = signed_in(TestClient(app), token)
        assert [allowed.get(path).status_code for path in PATHS] == [200, 200, 200]
        me = floor.look(lambda db: staff.current(db, floor.clock, token))
        operator(floor, "78")  # the last one cannot be taken away
        floor.do(lambda db: take_back(db, staff_id=me.id, permission=Permission.OPERATOR))
        assert allowed.get("/operator", headers=HTML).status_code == 403


def test_the_pages_show_the_fleet(app: FastAPI, fleet: Fleet) -> None:
    """State, battery, twin, gaps, what came, what waits; charts with a hole where nobody knows."""
    door = fleet.first.device.device_id
    with signed_in(TestClient(app), operator(fleet.floor)) as client:
        table = client.get("/operator/devices").text
        assert [table.count(f'state {one}"') for one in ("online", "offline", "never")] == [2, 1, 1]
        assert "Tablet at the door" in table
        assert "83 %" in table
        assert '<span class="battery low">' in table
        assert "wishes open" in table
        now = fleet.floor.clock.now().isoformat()
        assert table.count(f'<td data-label="Last seen"><time datetime="{now}" title="Mar 2') == 3
        assert table.count('<td data-label="Last seen"><span class="quiet">') == 1
        assert table.count('<td data-label="Firmware"><span class="code">0.1.0</span>') == 2
        few = client.get("/operator/devices?status=offline").text
        assert few.count('<th scope="row">') == 1
        assert client.get("/operator/devices?status=lost").status_code == 422

        one = client.get(f"/operator/devices/{door}").text
        assert [one.count(words) for words in ("Item scanned", "Taken up", "How it is")] == [
            2,
            1,
            1,
        ]
        assert re.search(r"Language</th><td>Polski</td><td>English", one)
        assert '<dt>Firmware</dt><dd><span class="code">0.1.0</span></dd>' in one
        assert f'<dt>Last seen</dt><dd><time datetime="{now}"' in one
        assert client.get("/operator/devices/tab-none", headers=HTML).status_code == 404
        lamps = fleet.tablets["Tablet by the lamps"].device.device_id
        assert "#2 \N{EN DASH} #8" in client.get(f"/operator/devices/{lamps}").text

        overview = client.get("/operator").text
        assert overview.count("<svg viewBox") == 3
        held = r'<li><span>Messages at gateway</span><b class="num" dir="ltr">36 / 10,000</b><meter'
        assert re.search(held, overview)
        # A pulse has 20 batches that took 48 ms in all or a little more; the slowest took 12.
        assert re.search(r'Commit, mean</span><b class="num">2\.6 ms</b>', overview)
        assert '<span>Time to commit</span><b class="num">12 ms</b>' in overview
        (stored,) = re.findall(r'class="line line-1" d="(M[^"]+)"', overview)[:1]
        assert stored.count("M") == 2, "a hole in the line"
        assert '<li class="tile bad"><a href="/operator/letters">' in overview


def test_numbers_that_are_missing_are_shown(app: FastAPI, fleet: Fleet) -> None:
    """1, 4 and 5 have come: two are missing, of this spool, until they come as well."""
    spare = fleet.tablets["Spare tablet"]
    path = f"/operator/devices/{spare.device.device_id}"

    def arrive(*numbers: int) -> None:
        fleet.hear(*(spare.message(spare.scanned("v3", sequence=one)) for one in numbers))

    whole = "every number it gave has come"
    with signed_in(TestClient(app), operator(fleet.floor)) as client:
        arrive(1)
        assert whole in client.get(path).text
        assert "missing" not in client.get("/operator/devices").text
        arrive(4, 5)
        page = client.get(path).text
        assert whole not in page
        assert "2 numbers are missing" in page
        assert re.search(r'<b class="num">1</b> <span class="alarm">2 missing</span>', page)
        assert client.get("/operator/devices").text.count(f'{path}#gaps">2 missing<') == 1
        arrive(2, 3)
        assert "2 numbers are missing" not in client.get(path).text
        arrive(4, 5)
        assert whole in client.get(path).text
        assert "missing" not in client.get("/operator/devices").text


def test_one_device_of_many_is_found(app: FastAPI, fleet: Fleet) -> None:
    """More than a page shows: by location, part of a name in any case, or id; the state stays."""
    floor, elsewhere = fleet.floor, "mill-lane"
    many = [
        DeviceRow(
            id=f"tab-{number:04d}",
            kind="tablet",
            location_id=elsewhere,
            partition="p00",
            credential_hash="",
            name=f"Till {number}",
            enrolled_at=floor.clock.now(),
        )
        for number in range(SHOWN_MAX + 20)
    ]
    floor.do(lambda db: db.add_all(many))
    with signed_in(TestClient(app), operator(floor)) as client:

        def found(query: str) -> list[str]:
            html = client.get(f"/operator/devices?{query}").text
            assert html.count('role="search"') == 1
            return re.findall(r"<b><bdi>([^<]+)</bdi></b>", html)

        assert len(found("")) == SHOWN_MAX
        assert found("q=till+519") == ["Till 519"]
        assert found("q=TAB-0519&status=never") == ["Till 519"]
        assert found("q=TAB-0519&status=online") == []
        assert len(found(f"location={HERE}")) == 4
        assert found(f"location={HERE}&q=lamps&status=online") == ["Tablet by the lamps"]
        page = client.get(f"/operator/devices?location={HERE}&q=LAMPS&status=online").text
        assert f'<option value="{HERE}" selected>' in page
        assert 'name="status" value="online"' in page
        assert 'type="search" name="q" value="LAMPS"' in page
        assert f'href="/operator/devices?location={HERE}&amp;q=LAMPS"' in page
        live = f"view=devices&amp;key=status%3Donline%26location%3D{HERE}%26q%3DLAMPS"
        assert live in page
        nothing = client.get("/operator/devices?q=%22%3E%3Cb%3E").text
        assert "No device fits" in nothing
        assert "&#34;&gt;&lt;b&gt;" in nothing
        assert client.get("/operator/devices?q=" + "x" * 65).status_code == 422


def test_a_page_of_some_hears_of_these_alone(app: FastAPI, fleet: Fleet) -> None:
    """What the live stream sends is narrowed as the page is."""
    asked = {"view": "devices", "key": "q=lamps"}
    token = operator(fleet.floor)
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, cookies={COOKIE: token}, timeout=30) as client,
        client.stream("GET", "/api/v1/operator/live", params=asked) as answer,
    ):
        part = until(events(answer), "part").data["html"]
        assert "Tablet by the lamps" in part
        assert "Tablet at the door" not in part
        assert 'role="search"' not in part, "what somebody types would go with each part"


def test_every_event_has_a_name_in_every_language() -> None:
    """What an operator reads is words, not the type on the wire."""
    assert set(EVENT_WORDS) == set(EventType)
    for locale in ("he", "pl"):
        gettext = words(locale).gettext
        assert [one for one in EVENT_WORDS.values() if gettext(one) == one] == []


def test_a_dead_letter_is_sent_again_and_done_once(app: FastAPI, fleet: Fleet) -> None:
    """Still unknown: said, and it stays. Known: it is in the cart, once, and waits no longer."""
    floor = fleet.floor
    letter = only_letter(floor)
    path = f"/api/v1/operator/letters/{letter}/replay"
    with signed_in(TestClient(app), operator(floor)) as client:
        page = client.get(f"/operator/letters/{letter}").text
        assert "unknown_gtin" in page
        assert f"&#34;gtin&#34;: &#34;{UNKNOWN}&#34;" in page
        refused = client.post(path, headers=key()).json()
        assert (refused["done"], refused["code"]) == (False, "unknown_gtin")
        assert refused["title"]
        assert only_letter(floor) == letter

        with unit_of_work(floor.engine) as db:
            db.add(ProductRow(id="found", name="Found"))
            db.flush()
            db.add(VariantRow(sku="found", gtin=UNKNOWN, product_id="found"))
            db.flush()
            db.add(PriceRow(sku="found", currency="EUR", price_minor=100))
        once = key()
        answers = [client.post(path, headers=once).json() for _ in range(2)]
        assert answers[0] == answers[1] == {
            "letter_id": letter, "done": True, "code": "", "title": "",
        }  # fmt: skip
        assert client.post(path, headers=key()).json()["done"] is True
        assert "Nothing waits" in client.get("/operator/letters").text
        assert client.post("/api/v1/operator/letters/none/replay", headers=key()).status_code == 404
    found = select(CartLineRow.quantity).where(CartLineRow.gtin == str(UNKNOWN))
    assert floor.look(lambda db: db.exec(found).all()) == [1]


def partitions(html: str) -> dict[str, list[str]]:
    """Return what the overview says each gateway works for, ``Free`` what nobody does."""
    _, _, section = html.partition('id="partitions"')
    rows = section.partition("</section>")[0].split('<ul class="cells">')
    heads = [re.findall(r"<span>(?:<span class=\"code\">)?([\w-]+)", one)[-1] for one in rows[:-1]]
    return {
        head: re.findall(r"<li[^>]*>([^<]+)</li>", row.partition("</ul>")[0])
        for head, row in zip(heads, rows[1:], strict=True)
    }


def test_the_overview_says_who_works_for_what(app: FastAPI, fleet: Fleet) -> None:
    """Nothing of it for one gateway alone; what nobody works for comes first."""
    with signed_in(TestClient(app), operator(fleet.floor)) as client:
        assert "partition" not in client.get("/operator").text.lower()
        fleet.shared()
        page = client.get("/operator").text
        assert partitions(page) == {
            "Free": ["p03", "p07"],
            "gateway": ["p00", "p01", "p02", "p04", "p05", "p06"],
            "gateway-2": [*(f"p{number:02d}" for number in range(8, 16)), "common work"],
        }
        assert page.count('<li class="bad"><span>Free') == 1
        tile = r'<li class="tile bad"><a href="#partitions">.*14 / 16.*2 free'
        assert re.search(tile, page)
        fleet.give("gone", "p08", "chores")  # a holder that is written down nowhere
        page = client.get("/operator").text
        assert partitions(page)["Free"] == ["p03", "p07", "p08", "common work"]
        fleet.give("m1", "p03", "p07", "p08")
        page = client.get("/operator").text
        assert partitions(page)["Free"] == ["common work"]
        assert re.search(
            r'tile bad"><a href="#partitions">.*16 / 16.*the common work is free', page
        )
        fleet.give("m2", "chores")
        page = client.get("/operator").text
        assert "Free" not in partitions(page)
        assert re.search(r'"tile"><a href="#partitions">.*16 / 16.*all of them', page)


def test_what_a_silent_gateway_holds_stands_still(app: FastAPI, fleet: Fleet) -> None:
    """It began a while ago and has not written its pulse since: its partitions are not counted."""
    fleet.shared()
    fleet.give("m2", "p03", "p07")
    with signed_in(TestClient(app), operator(fleet.floor)) as client:
        assert "16 / 16" in client.get("/operator").text
        fleet.floor.clock.advance(31)
        fleet.beat()
        page = client.get("/operator").text
        assert re.search(r'tile bad"><a href="#partitions">.*6 / 16.*a gateway is not heard', page)
        silent = r'<li class="bad"><span><span class="code">gateway-2</span>.*not heard'
        assert re.search(silent, page)
        assert page.count(">not heard</span>") == 1


def test_who_works_for_what_is_live(app: FastAPI, fleet: Fleet) -> None:
    """A partition that is taken is shown at its gateway without the page being asked for again."""
    fleet.shared()
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, cookies={COOKIE: operator(fleet.floor)}, timeout=30) as client,
        client.stream("GET", "/api/v1/operator/live", params={"view": "overview"}) as answer,
    ):
        stream = events(answer)
        assert partitions(until(stream, "part").data["html"])["Free"] == ["p03", "p07"]
        fleet.give("m1", "p03")
        now = partitions(until(stream, "part").data["html"])
        assert now["Free"] == ["p07"]
        assert "p03" in now["gateway"]


def test_a_page_hears_what_a_device_says(app: FastAPI, fleet: Fleet) -> None:
    """The part comes at once, and again with what was stored meanwhile; signed out, it is over."""
    device = fleet.first.device.device_id
    token = operator(fleet.floor)
    asked = {"view": "device", "key": device}
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, cookies={COOKIE: token}, timeout=30) as client,
        client.stream("GET", "/api/v1/operator/live", params=asked) as answer,
    ):
        stream = events(answer)
        assert until(stream, "part").data["html"].count("Item scanned") == 2
        fleet.hear(fleet.first.message(fleet.first.scanned("v1")))
        assert until(stream, "part").data["html"].count("Item scanned") == 3
        assert app.state.parts.watchers == 1
        client.post("/staff/sign-out")
        assert until(stream, "over").data == {}


@pytest.mark.timeout(FIRST_S)
def test_the_command_line_makes_operators(engine: Engine, clock: FakeClock, tmp_path: Path) -> None:
    """Granted, listed, taken back; somebody else is one, too, or it would not be."""
    floor = Floor(engine, clock)
    floor.hire("5")
    operator(floor, "6")
    url = engine.url.render_as_string(hide_password=False)

    def run(*arguments: str) -> str:
        environment = {"PATH": "/usr/bin:/bin", "DATABASE_URL": url, "DATA_DIR": str(tmp_path)}
        process = bear(command, "staff", *arguments, env=environment, said=tmp_path / "said.txt")
        assert process.ended() == 0, process.said
        return process.said

    who = ("--location", HERE, "--number", "5")
    assert run("operator", *who).endswith("operator\n")
    assert run("list", "--location", HERE).count(", operator") == 2
    assert run("operator", *who, "--off").endswith("no operator\n")
    assert run("list", "--location", HERE).count(", operator") == 1


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=40))
def test_a_chart_stays_in_its_frame(points: list[float | None]) -> None:
    """Every point is inside, and there are as many lines as runs without a hole."""
    drawn = chart(points)
    places = [tuple(map(float, one.split())) for one in re.findall(r"[\d.]+ [\d.]+", drawn.line)]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    runs = "".join("." if one is None else "x" for one in points).replace(".", " ").split()
    assert drawn.line.count("M") == len(runs)
    assert drawn.empty == (not runs)
    assert drawn.top >= max((one for one in points if one is not None), default=0)


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (0.03, 0.05), (1, 1), (1.1, 2), (23, 25), (180, 200), (501, 1000)]
)
def test_a_scale_ends_at_a_round_number(most: float, top: float) -> None:
    """One that a person reads at a glance."""
    assert nice_top(most) == pytest.approx(top)


def test_what_is_odd_is_shown_until_somebody_has_looked(app: FastAPI, fleet: Fleet) -> None:
    """In the table and on the device's page; a lead may not close it; once closed it says so."""
    floor, door = fleet.floor, fleet.first.device.device_id
    found = Found(door, FindingKind.CLONED, "boot-a and boot-b take turns", 3)
    floor.do(lambda db: note(db, floor.clock, [found]))
    path = f"/api/v1/operator/devices/{door}/findings/cloned/looked-at"
    lead = signed_in(TestClient(app), hire(floor, "1", role=Role.LEAD))
    with signed_in(TestClient(app), operator(floor)) as client:
        assert client.get("/operator/devices").text.count("look at it") == 1
        page = client.get(f"/operator/devices/{door}").text
        for words in ("Perhaps cloned", "boot-a and boot-b take turns", "Looked at"):
            assert words in page, words
        assert lead.post(path, headers=key()).json()["code"] == "operator_needed"
        assert client.get("/operator/devices").text.count("look at it") == 1
        floor.clock.advance(1)
        answer = client.post(path, headers=key())
        assert answer.json() == {"device_id": door, "kind": "cloned"}
        assert client.get("/operator/devices").text.count("look at it") == 0
        assert "lookedAt" not in client.get(f"/operator/devices/{door}").text
        assert client.post(path.replace("cloned", "flooding"), headers=key()).status_code == 404
        assert client.post(path.replace("cloned", "odd"), headers=key()).status_code == 422
