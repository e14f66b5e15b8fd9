"""The marketer's pages and the command line: numbers, on and off, dry runs; all of it noted."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.audit import service as audit
from cart.db import make_engine, reading
from cart.journeys import history, loading
from cart.journeys.model import read
from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from mobile_api.app import create_app
from mobile_api.cli import app as cli_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import LAMP, MUG
from tests.cart.floor import Floor
from tests.cart.journeying import CHEAPER, DAY_S, REMINDER, Street, Walker
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import hire, signed_in

HTML = {"Accept": "text/html"}
THANKS = (
    REMINDER.replace("cart-reminder", "thanks").replace("cart_idle", "ordered")
    + 'template = "care"\n'
)


@pytest.fixture
def floor(sqlite_url: str, clock: FakeClock) -> Iterator[Floor]:
    """A shop."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, clock, pieces=50)
    engine.dispose()


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


def noted(engine: Engine) -> list[tuple[str, str, str]]:
    """Return what was noted of journeys, the oldest first."""
    with reading(engine) as db:
        rows = [row for row in audit.newest(db) if row.on_kind == "journey"]
    return [(row.action, row.on_id, row.outcome) for row in reversed(rows)]


def crowd(street: Street, number: int) -> list[Walker]:
    """Let people who allow reminders scan a mug each."""
    everybody = [
        Walker(street.engine, street.clock).known(f"p{one}@example.org") for one in range(number)
    ]
    for one in everybody:
        one.scan(MUG)
    return everybody


def test_a_marketer_sees_numbers_and_switches(app: FastAPI, floor: Floor) -> None:
    """Entered, sent, refused by reason, bought; off and on, each noted."""
    street = Street(floor.engine, floor.clock, REMINDER)
    everybody = crowd(street, 5)
    street.read_on()
    floor.clock.advance(DAY_S + 60)
    street.round()
    everybody[0].withdraw()
    street.post()
    with signed_in(TestClient(app), hire(floor, "35", role=Role.MARKETER)) as client:
        shown = client.get("/staff/journeys", headers=HTML)
        assert shown.status_code == 200
        for said in ("A cart that waits", "no consent", "0 / 5", "Switch off"):
            assert said in shown.text
        assert "example.org" not in shown.text
        [row] = csv.DictReader(client.get("/staff/journeys/lift.csv").text.splitlines())
        assert (row["journey"], row["currency"]) == ("cart-reminder", "EUR")
        # Nobody is held out: a group of none, beside which the other says nothing.
        assert {value for name, value in row.items() if name not in {"journey", "currency"}} == {""}
        report = client.get("/staff/report/lift.csv").text
        assert report == client.get("/staff/journeys/lift.csv").text
        for way in ("off", "off", "on"):
            answer = client.post(f"/staff/journeys/cart-reminder/{way}", follow_redirects=False)
            assert answer.headers["location"] == "/staff/journeys"
        assert client.post("/staff/journeys/none/on").status_code == 404
        preview = client.get("/staff/journeys/cart-reminder/preview", headers=HTML)
        assert preview.text.count("<iframe") == 3
        mail = client.get("/staff/journeys/cart-reminder/preview/he")
        assert 'dir="rtl"' in mail.text
        assert "sandbox" in mail.headers["content-security-policy"]
    assert noted(floor.engine) == [
        ("journey.off", "cart-reminder", "done"),
        ("journey.off", "cart-reminder", "done"),
        ("journey.on", "cart-reminder", "done"),
        ("journey.on", "none", "not_found"),
    ]


def test_each_kind_of_mail_is_shown_before_it_goes(app: FastAPI, floor: Floor) -> None:
    """A journey that says two things shows both in each language; thanks name no price."""
    Street(floor.engine, floor.clock).load(THANKS)
    with signed_in(TestClient(app), hire(floor, "35", role=Role.MARKETER)) as client:
        preview = client.get("/staff/journeys/thanks/preview", headers=HTML).text
        links = re.findall(r'src="(/staff/journeys/thanks/preview/[^"]+)"', preview)
        assert len(links) == 6
        assert preview.count("Thanks, and how to look after it") == 3 * 3
        mails = {link: client.get(link).text for link in links}
        unknown = client.get("/staff/journeys/thanks/preview/en?template=ode")
    assert unknown.status_code == 422
    for code, said in (
        ("en", "How to look after what you bought"),
        ("he", "איך לשמור על מה שקנית"),
        ("pl", "Jak dbać o to, co kupiono"),
    ):
        thanks = mails[f"/staff/journeys/thanks/preview/{code}?template=care"]
        assert said in thanks
        assert "€" not in thanks
        assert said not in mails[f"/staff/journeys/thanks/preview/{code}?template=reminder"]


def test_a_dry_run_says_how_many_and_nobody_by_name(app: FastAPI, floor: Floor) -> None:
    """Groups of fewer than five are not told; it is noted who asked."""
    street = Street(floor.engine, floor.clock)
    street.load(REMINDER)
    crowd(street, 6)
    Walker(street.engine, street.clock).scan(LAMP)
    floor.clock.advance(3 * DAY_S)
    with signed_in(TestClient(app), hire(floor, "35", role=Role.MARKETER)) as client:
        shown = client.get("/staff/journeys/cart-reminder/dry-run?days=7", headers=HTML).text
    assert "fewer than 5" in shown  # the stranger, without consent
    assert 'class="num">6<' in shown
    assert street.runs() == []
    assert ("journey.try", "cart-reminder", "done") in noted(floor.engine)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ("Something put aside that costs less", "by 10 % or more", "1 hour later")),
        ("he", ("משהו שהונח בצד ועולה פחות", "התראה בטלפון")),
        (
            "pl",
            (
                "Coś odłożonego, co kosztuje mniej",
                "1 godzinę później",
                "Powiadomienie na telefonie",
            ),
        ),
    ],
)
def test_triggers_and_ways_are_said_in_words(
    app: FastAPI, floor: Floor, locale: str, said: tuple[str, ...]
) -> None:
    """What starts it, after how long, by which way; a dry run of goods says that it knows none."""
    street = Street(floor.engine, floor.clock, CHEAPER + 'channel = "push"\n')
    street.round()
    with signed_in(TestClient(app), hire(floor, "35", role=Role.MARKETER)) as client:
        language = {**HTML, "accept-language": locale}
        shown = client.get("/staff/journeys", headers=language).text
        tried = client.get("/staff/journeys/cheaper/dry-run", headers=language).text
    assert [one for one in said if one not in shown] == []
    assert 'class="notice"' in tried
    assert 'class="num"' not in tried


def test_the_dry_run_of_what_happened_is_what_happened(floor: Floor) -> None:
    """Walked live for two weeks, then tried over the same history: the same messages."""
    street = Street(floor.engine, floor.clock, REMINDER)
    everybody = crowd(street, 4)
    street.days(1.5)
    everybody[0].open()
    everybody[0].pay()
    street.days(6)
    with reading(floor.engine) as db:
        said = history.dry_run(db, street.world, read(REMINDER), 14)
    live = [state for state, _ in street.messages()]
    assert said.would["sent"] == live.count("sent") == 7
    assert (said.triggered, said.entered, said.cut) == (4, 4, False)
    assert said.ended == {"bought": 1, "done": 3}


def test_the_command_line_loads_lists_switches_and_tries(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is no journey says where it is wrong."""
    for name, value in (
        ("DATABASE_URL", sqlite_url),
        ("DATA_DIR", str(tmp_path)),
        ("SECRET_KEY", SECRET),
    ):
        monkeypatch.setenv(name, value)
    file = tmp_path / "reminder.toml"
    file.write_text(REMINDER, encoding="utf-8")

    def run(*words: str) -> str:
        done = CliRunner().invoke(cli_app, ["journeys", *words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "version 1  3 steps  off" in run("load", str(file))
    assert run("on", "cart-reminder") == "cart-reminder  on\n"
    assert "cart-reminder  version 1  on  entered 0" in run("list")
    assert run("dry-run", "cart-reminder", "--days", "7") == "triggered 0  entered 0\n"
    assert run("off", "cart-reminder") == "cart-reminder  off\n"
    file.write_text(REMINDER.replace("hours = 72", "hours = 0"), encoding="utf-8")
    refused = CliRunner().invoke(cli_app, ["journeys", "load", str(file)])
    assert refused.exit_code != 0
    assert "step 2 hours" in f"{refused.output}{refused.exception}"
    engine = make_engine(sqlite_url)
    with reading(engine) as db:
        assert not loading.find(db, "cart-reminder").active
    assert [action for action, _, _ in noted(engine)] == [
        *("journey.load", "journey.on", "journey.try", "journey.off"),
    ]
    engine.dispose()
