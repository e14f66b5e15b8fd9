"""The report: what phones and the desk did, in groups; as a page, CSV, Parquet and a command."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.db import make_engine
from cart.journeys.lift import Group, Interval
from cart.journeys.model import Trigger, TriggerKind
from cart.journeys.numbers import Numbers
from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from cart.profile.consent.model import Subject
from mobile_api.app import create_app
from mobile_api.cli import app as cli_app
from mobile_api.report import drawing
from mobile_api.report.gathering import chosen, gather
from mobile_api.report.parquet import as_parquet
from mobile_api.report.sheets import LIFT, NAMES, Report, Sheet, Type, as_csv, sheets
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, MUG, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.reporting import five
from tests.mobile_api.shop import SECRET, add
from tests.mobile_api.staffing import hire, signed_in
from tests.mobile_api.telling import change, grant, session_of, told
from tests.mobile_api.test_lists import save

PATH: Final = "/staff/report"
HTML: Final = {"Accept": "text/html"}
DAY_S: Final = 24 * 3_600


@pytest.fixture
def floor(sqlite_url: str, clock: FakeClock) -> Iterator[Floor]:
    """A shop."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, clock, pieces=50)
    engine.dispose()


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> Iterator[FastAPI]:
    """The application over it, at work."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    made = create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )
    with TestClient(made):
        yield made


def staff(app: FastAPI, floor: Floor, role: Role, place: str = HERE) -> TestClient:
    """Return a browser of somebody who is signed in."""
    return signed_in(TestClient(app), hire(floor, "35", role=role, place=place))


def crowd(app: FastAPI, clock: FakeClock) -> None:
    """Seven scan; the first six keep a list, too, five of them order 20 minutes after the scan.

    An eighth allows nothing, and orders.
    """
    phones = [TestClient(app) for _ in range(8)]
    for phone in phones:
        add(phone, MUG)
    for phone in phones[:7]:
        grant(app, Subject(session_id=session_of(app, phone)))
    for phone in phones[:6]:
        save(phone)
    clock.advance(20 * 60)
    desk = Desk.of(app)
    for phone in [*phones[:5], phones[7]]:
        desk.sell(phone)
    clock.advance(DAY_S)
    told(app)


def rows(text: str) -> list[dict[str, str]]:
    """Return the lines of a CSV."""
    return list(csv.DictReader(text.splitlines()))


def test_a_marketer_sees_how_many_came_how_far(app: FastAPI, floor: Floor) -> None:
    """From phones and the desk to the page and the files: in fives, rounded down, and nobody."""
    crowd(app, floor.clock)
    client = staff(app, floor, Role.MARKETER)
    shown = client.get(PATH, headers=HTML)
    assert shown.status_code == 200
    assert "Orders of everybody in this time: 6." in shown.text
    assert shown.text.count("<b>5</b>") == 5  # four of five steps, and one span of time
    files = {one: rows(client.get(f"{PATH}/{one}.csv").text) for one in NAMES}
    funnel = {(one["location_id"], one["device"], one["step"]): one for one in files["funnel"]}
    assert {funnel[HERE, "", one]["people"] for one in ("scanned", "kept", "ordered")} == {"5"}
    assert funnel[HERE, "phone", "scanned"]["people"] == "5"
    assert funnel[HERE, "tablet", "scanned"]["people"] == ""
    assert funnel[THERE, "", "scanned"]["people"] == ""
    assert funnel[HERE, "", "collected"]["people"] == ""
    assert funnel[HERE, "", "scanned"]["location"] == HERE
    times = {(one["location_id"], one["device"]): one for one in files["times"]}
    timed = times["", "phone"]
    assert (timed["people"], timed["within_hour"], timed["within_day"]) == ("5", "5", "")
    assert 1_200 <= int(timed["median_s"]) <= int(timed["p90_s"]) < 1_260
    assert [one["orders"] for one in files["orders"]] == ["6", "6", "0"]
    assert files["lift"] == []
    assert timed["since"].endswith("Z")


def test_a_manager_sees_her_own_shop(app: FastAPI, floor: Floor) -> None:
    """Not another's, and of journeys nothing."""
    five(floor)
    client = staff(app, floor, Role.MANAGER, THERE)
    shown = client.get(PATH, headers=HTML).text
    assert "Not enough people to show" in shown
    assert "What journeys bring" not in shown
    assert HERE not in shown
    orders = rows(client.get(f"{PATH}/orders.csv").text)
    assert [(one["location_id"], one["orders"]) for one in orders] == [("", "0"), (THERE, "0")]
    for way in (PATH, f"{PATH}/funnel.csv", f"{PATH}/funnel.parquet"):
        assert client.get(way, params={"shop": HERE}).status_code == 404
    client = staff(app, floor, Role.LEAD)
    assert client.get(PATH).status_code == 403


@pytest.mark.parametrize(("evening_minutes", "seen"), [(20, True), (-20, False)])
def test_a_day_is_over_by_the_shops_own_clock(
    app: FastAPI, floor: Floor, *, evening_minutes: int, seen: bool
) -> None:
    """Just past its midnight the report tells of the day before; in UTC that day still lasts."""
    five(floor)
    client = staff(app, floor, Role.MANAGER)
    midnight = datetime.combine(floor.clock.now().date(), time(), ZoneInfo("Europe/Amsterdam"))
    moved = midnight + timedelta(minutes=evening_minutes) - floor.clock.now()
    floor.clock.jump(moved.total_seconds())
    shown = client.get(PATH, headers=HTML).text
    assert ("Not enough people" not in shown) is seen
    scanned = [one["people"] for one in rows(client.get(f"{PATH}/funnel.csv").text)]
    assert ("5" in scanned) is seen


def test_a_period_is_chosen_and_has_bounds(app: FastAPI, floor: Floor) -> None:
    """A day of nobody is empty; a wrong one says what is wrong; an unknown word is refused."""
    five(floor)
    today = floor.clock.now().date()
    client = staff(app, floor, Role.MARKETER)

    def page(**asked: str) -> Any:  # noqa: ANN401 - a response
        return client.get(PATH, params=asked, headers=HTML)

    assert "Not enough people" in page(**{"from": f"{today}", "to": f"{today}"}).text
    assert "Not enough people" in page(device="mirror").text
    assert "Not enough people" not in page(device="", to="", shop=HERE).text
    for first in (today + timedelta(days=1), today - timedelta(days=400)):
        wrong = page(**{"from": f"{first}", "to": f"{today}"})
        assert (wrong.status_code, "at most 400 days" in wrong.text) == (400, True)
    assert page(device="toaster").status_code == 422
    assert page(colour="red").status_code == 422
    assert client.get(f"{PATH}/people.csv").status_code == 422


@pytest.mark.parametrize("name", ["=1+1", "+31 20", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_no_formula(name: str) -> None:
    """What a feed calls a shop does nothing in a spreadsheet; numbers below zero stay numbers."""
    sheet = Sheet("x", {"location": Type.TEXT, "lift": Type.SHARE}, [(name, Decimal("-0.5"))])
    [row] = csv.reader(as_csv(sheet).split("\r\n")[1:2])
    if "\r" not in name:
        assert row == [f"'{name}", "-0.5"]
    assert as_csv(sheet).split("\r\n")[1].startswith(("'", "\"'"))


def test_the_name_of_a_shop_comes_so_guarded(app: FastAPI, floor: Floor) -> None:
    """From the catalogue into the file."""
    change(app, "UPDATE location SET name = '=1+1' WHERE id = :here", here=HERE)
    client = staff(app, floor, Role.MARKETER)
    names = {one["location"] for one in rows(client.get(f"{PATH}/orders.csv").text)}
    assert "'=1+1" in names
    assert "=1+1" not in names


def test_parquet_has_types(app: FastAPI, floor: Floor) -> None:
    """Moments in UTC, whole numbers, decimals; an empty table has them, too."""
    five(floor)
    client = staff(app, floor, Role.MARKETER)
    found = {one: client.get(f"{PATH}/{one}.parquet") for one in NAMES}
    shown = client.get(PATH, headers=HTML).text
    assert "funnel.parquet?from=" in shown
    tables = {one: pq.read_table(BytesIO(answer.content)) for one, answer in found.items()}
    funnel = tables["funnel"]
    assert funnel.schema.field("since").type == pa.timestamp("us", tz="UTC")
    assert funnel.schema.field("people").type == pa.int64()
    first = funnel.to_pylist()[0]
    assert (first["location_id"], first["step"], first["people"]) == ("", "scanned", 5)
    assert first["since"].tzinfo is not None
    # Amsterdam's midnight.
    assert first["since"].astimezone(UTC).hour in (22, 23)
    assert tables["lift"].num_rows == 0
    assert tables["lift"].schema.field("purchase_low").type == pa.decimal128(38, 6)
    assert tables["lift"].schema.field("revenue_lift_minor").type == pa.decimal128(38, 2)
    assert tables["times"].schema.field("median_s").type == pa.int64()


def test_where_pyarrow_is_missing_the_page_offers_no_parquet(
    app: FastAPI, floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSV stays; who asks all the same is told that there is none."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as the import system has it then
    five(floor)
    client = staff(app, floor, Role.MARKETER)
    shown = client.get(PATH, headers=HTML).text
    assert "funnel.csv?from=" in shown
    assert ".parquet" not in shown
    assert client.get(f"{PATH}/funnel.parquet").status_code == 404


def journey(treated: int, held_out: int) -> Numbers:
    """Return a journey with groups of these sizes, of which half bought for 10.00 each."""
    groups = [
        Group(one, one // 2, one // 2 * 1_000, one // 2 * 1_000_000) for one in (treated, held_out)
    ]
    idle = Trigger(kind=TriggerKind.CART_IDLE, after_hours=24)
    return Numbers(
        "r", "R", idle, 1, active=True, entered=treated + held_out, pending=0, running=0, sent=0,
        failed=0, postponed=0, held_out_messages=0, treated=groups[0], held_out=groups[1],
    )  # fmt: skip


def test_lift_is_told_of_groups_that_are_large_enough() -> None:
    """The smaller one decides; numbers come out of Parquet as they went in."""
    found = sheets(Report([], {}, {}, {}, [journey(400, 40), journey(400, 4)]))["lift"]
    told_, hidden = (dict(zip(LIFT, row, strict=True)) for row in found.rows)
    assert (told_["treated_bought"], told_["held_out"], told_["purchase_lift"]) == (200, 40, 0)
    assert told_["purchase_low"] < 0 < told_["purchase_high"]  # type: ignore[operator] # numbers
    assert set(hidden.values()) == {"r", "EUR", None}
    [back, _] = pq.read_table(BytesIO(as_parquet(found))).to_pylist()
    assert back == told_


@given(st.floats(-10, 10), st.floats(0, 5), st.floats(0, 5))
def test_whiskers_lie_on_their_line(value: float, below: float, above: float) -> None:
    """In their order, within the drawing; zero is in the middle."""
    one = Interval(value, value - below, value + above)
    drawn = drawing.Scale.of([one]).whisker(one)
    assert drawing.PAD <= drawn.low <= drawn.at <= drawn.high <= drawing.WIDTH - drawing.PAD
    assert (drawn.at - drawing.WIDTH / 2) * value >= 0


def test_bars_have_the_length_of_their_numbers() -> None:
    """The largest is whole, the smallest can be seen, none is none."""
    assert drawing.bars([100, 50, None, 1_000, 5]) == [30, 15, 0, 300, 2]
    assert drawing.bars([None, None]) == [0, 0]


def test_the_command_writes_a_file_a_table(
    floor: Floor, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSV or Parquet, with the same numbers."""
    five(floor)
    for name, value in (
        ("DATABASE_URL", sqlite_url),
        ("DATA_DIR", str(tmp_path)),
        ("SECRET_KEY", SECRET),
    ):
        monkeypatch.setenv(name, value)
    day = f"{floor.clock.now() - timedelta(days=1):%Y-%m-%d}"
    asked = ["report", "--from", day, "--to", day, "--shop", HERE, "--into", str(tmp_path / "out")]
    for form in ("csv", "parquet"):
        done = CliRunner().invoke(cli_app, [*asked, "--format", form])
        assert done.exit_code == 0, done.output
        assert f"funnel.{form}  60 rows" in done.output
    assert {one.name for one in (tmp_path / "out").iterdir()} == {
        f"{name}.{form}" for name in NAMES for form in ("csv", "parquet")
    }
    written = rows((tmp_path / "out" / "funnel.csv").read_text(encoding="utf-8"))
    typed = pq.read_table(tmp_path / "out" / "funnel.parquet").to_pylist()
    assert [one["people"] or None for one in written] == [
        None if one["people"] is None else str(one["people"]) for one in typed
    ]
    moment = datetime.strptime(written[0]["since"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert moment == typed[0]["since"]
    wrong = CliRunner().invoke(cli_app, [*asked, "--shop", "nowhere"])
    assert (wrong.exit_code, "no location nowhere" in wrong.output) == (2, True)


def test_without_pyarrow_nothing_is_loaded_and_the_command_says_what_to_install(
    tmp_path: Path,
) -> None:
    """The code that writes such a file is loaded without it, also where it is installed."""
    script = (
        "import sys; from mobile_api.cli import app\n"
        "assert 'pyarrow' not in sys.modules\n"
        "sys.modules['pyarrow'] = None\n"  # as the import system has it where there is none
        "app(['report', '--format', 'parquet', '--into', sys.argv[1]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr.strip()) == (
        2,
        "Parquet needs pyarrow: pip install 'carryover[notebook]'",
    )
    assert not (tmp_path / "out").exists()


def test_orders_are_counted_on_both_databases(engine: Engine, clock: FakeClock) -> None:
    """Each location in its own days."""
    floor = Floor(engine, clock)
    floor.order({MUG: 1})
    day = clock.now().date()

    def counted(last: Any) -> dict[str, int]:  # noqa: ANN401
        return dict(floor.look(lambda db: gather(db, chosen(db, ()), last, last)).orders)

    assert counted(day) == {HERE: 1}
    assert counted(day - timedelta(days=2)) == {}
