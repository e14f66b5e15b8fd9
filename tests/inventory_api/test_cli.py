"""The command line: feeds, an operator's hand, and the recount."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from cart.db import make_engine, reading, unit_of_work
from cart.kernel.ids import SeededIds
from inventory_api.cli import app
from inventory_api.feeds.progress import ProgressLine
from inventory_api.feeds.report import Outcome
from inventory_api.reconciling import reconcile
from inventory_api.stock import queries, recount, service
from inventory_api.stock.model import Reason
from tests.fakes.clock import FakeClock
from tests.inventory_api.feed_desk import COUNT, LOCATION, PNG, SECOND, VARIANT
from tests.inventory_api.promising import reserve
from tests.inventory_api.shelf import SHOP
from tests.real.ledgers import unlock


class Terminal:
    """A person at a terminal of a shop's machine."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self._runner = CliRunner()
        self._environment = {"DATA_DIR": str(folder / "data"), "DATABASE_URL": database_url}

    def run(self, *words: str, ends: int = 0) -> Result:
        """Run a command and look at how it ends."""
        result = self._runner.invoke(app, words, env=self._environment)
        assert result.exit_code == ends, result.output
        return result


@pytest.fixture
def terminal(tmp_path: Path, empty_database_url: str) -> Terminal:
    """A terminal beside a folder of feeds, and a database without any table."""
    feeds = tmp_path / "feeds"
    (feeds / "pictures").mkdir(parents=True)
    (feeds / "pictures" / "red.png").write_bytes(PNG)
    for name, rows in (
        ("locations", [LOCATION]),
        ("catalogue", [VARIANT, SECOND]),
        ("counts", [COUNT]),
    ):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (feeds / f"{name}.jsonl").write_text(lines)
    return Terminal(tmp_path, empty_database_url)


@pytest.fixture
def open_engine(terminal: Terminal, empty_database_url: str) -> Iterator[Engine]:
    """The terminal's database, after its feeds were taken."""
    terminal.run("import", str(terminal.folder / "feeds"))
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


def test_a_folder_of_feeds(terminal: Terminal) -> None:
    """The schema is made, everything is taken; the second time nothing changes and it says so."""
    feeds = str(terminal.folder / "feeds")
    first = terminal.run("import", feeds).output.splitlines()
    assert [line.partition(" ")[0] for line in first] == [
        "locations.jsonl",
        "catalogue.jsonl",
        "counts.jsonl",
    ]
    second = terminal.run("import", feeds).output.splitlines()
    assert all("nothing changed" in line for line in second)


def test_refused_and_unusable(terminal: Terminal) -> None:
    """1 when rows were refused, 2 when a file could not be used; the rest is taken anyway."""
    feeds = terminal.folder / "feeds"
    (feeds / "counts.jsonl").write_text(json.dumps({**COUNT, "sku": "no-such"}) + "\n")
    output = terminal.run("import", str(feeds), ends=1).output
    assert "line 1, sku: the catalogue has no SKU no-such" in output
    (feeds / "reviews.csv").write_text("")
    result = terminal.run("import", str(feeds), ends=2)
    assert "reviews.csv is empty" in result.stderr
    assert "catalogue.jsonl" in result.stdout
    assert "no such file" in terminal.run("import", "nowhere", ends=2).stderr


def test_an_operator_s_hand(terminal: Terminal, open_engine: Engine) -> None:
    """Move, count and look; a refusal is one sentence, and nothing changed."""
    place, sku = "harbour-street", "lamp-red"
    sold = terminal.run("move", place, sku, "-2", "--reason", "sold", "--reference", "r1")
    assert sold.output == f"{place} {sku}: on hand 3, available 2\n"
    refused = terminal.run("move", place, sku, "-9", "--reason", "sold", ends=2)
    assert refused.stderr == f"{place} has 3 pieces of {sku} on hand, not 9\n"
    assert "on hand 8" in terminal.run("count", place, sku, "8", "--safety-stock", "2").output
    shown = terminal.run("stock", "4006381333931").output
    assert "on hand      8  available      6" in shown
    assert "no location has ever had it" in terminal.run("stock", "lamp-blue").output
    assert "no variant has this SKU" in terminal.run("stock", "nothing", ends=2).stderr
    with reading(open_engine) as db:
        assert recount.differences(db, 10) == []


def test_a_recount(terminal: Terminal, open_engine: Engine) -> None:
    """It finds what somebody changed behind the ledger's back, and books it if asked to."""
    assert terminal.run("reconcile").output == "0 rows with a difference, 0 of them right now\n"
    with unit_of_work(open_engine) as db:
        db.connection().execute(text("UPDATE stock SET on_hand = 7, reserved = 9"))
    said = terminal.run("reconcile", ends=1).output.splitlines()
    what = (
        "the ledger says 5, on hand are 7; the ledger says 0 reserved, the stock 9;"
        " reservations say 0 reserved, the stock 9; 9 are promised, on hand are 7"
    )
    assert said[0] == f"harbour-street lamp-red: {what}"
    assert "booked +2" in terminal.run("reconcile", "--fix").output  # nobody holds the 9
    terminal.run("reconcile")
    with reading(open_engine) as db:
        (row,) = queries.of_sku(db, "lamp-red")
        ledger = db.connection().execute(text("SELECT delta, reason FROM movement ORDER BY id"))
        assert [tuple(entry) for entry in ledger] == [(5, "counted"), (2, "corrected")]
    assert (row.on_hand, row.reserved) == (7, 0)


def test_a_recount_breaks_no_promise(terminal: Terminal, open_engine: Engine) -> None:
    """More is promised than is there: it says so, and leaves it to people."""
    unlock(open_engine)
    with unit_of_work(open_engine) as db:
        clock = FakeClock()
        reserve(db, clock, "ana", {"lamp-red": 4})
        service.move(db, clock, location_id=SHOP, sku="lamp-red", delta=-3, reason=Reason.SOLD)
        db.connection().execute(text("UPDATE movement SET reserved_delta = 0"))
    said = terminal.run("reconcile", "--fix", ends=1).output.splitlines()
    what = "the ledger says 0 reserved, the stock 4; 4 are promised, on hand are 2; booked +0"
    assert said == [f"{SHOP} lamp-red: {what}", "1 rows with a difference, 0 of them right now"]
    assert "4 are promised, on hand are 2" in terminal.run("reconcile", ends=1).output
    with reading(open_engine) as db:
        (row,) = queries.of_sku(db, "lamp-red")
    assert (row.on_hand, row.reserved) == (2, 4)


def test_a_recount_turns_pages(open_engine: Engine) -> None:
    """Every difference is named once, by location and SKU."""
    with unit_of_work(open_engine) as db:
        for number in range(1_001):
            values = {"sku": f"many-{number:05}", "gtin": f"{number:014}"}
            db.connection().execute(
                text(
                    "INSERT INTO variant (sku, gtin, product_id, colour, colour_i18n, colour_hex,"
                    " size, material, active)"
                    " VALUES (:sku, :gtin, 'lamp', '', '{}', '', '', '', true)"
                ),
                values,
            )
            db.connection().execute(
                text(
                    "INSERT INTO stock (location_id, sku, on_hand, reserved, allocated,"
                    " safety_stock, version, changed_at_us)"
                    " VALUES ('harbour-street', :sku, 1, 0, 0, 0, 1, 1)"
                ),
                values,
            )
    found = list(reconcile(open_engine, FakeClock(), SeededIds(1), fix=False))
    assert [one.difference.sku for one in found] == [f"many-{n:05}" for n in range(1_001)]


class Screen:
    """A stream that remembers, and is a terminal or not."""

    def __init__(self, *, terminal: bool) -> None:
        self.text = ""
        self._terminal = terminal

    def isatty(self) -> bool:
        """Say what it is."""
        return self._terminal

    def write(self, text: str) -> int:
        """Remember."""
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Do nothing."""


def test_progress_says_how_far_it_is() -> None:
    """One line that rewrites itself on a terminal; in a log, not a line per chunk."""
    outcome = Outcome("catalogue.csv", "catalogue", "run", rows=2_000)
    clock = FakeClock()
    screen, log = Screen(terminal=True), Screen(terminal=False)
    lines = [ProgressLine(screen, clock), ProgressLine(log, clock)]
    clock.advance(1)
    for line in lines:
        line(outcome, 0.25)
        line(outcome, 0.26)
    assert screen.text == "\rcatalogue.csv: 2,000 rows, 25%, 0 refused, 2,000 rows/s"
    assert log.text == ""
    clock.advance(10)
    for line in lines:
        line(outcome, 0.5)
        line.end()
    assert screen.text.endswith(" \r")
    assert log.text == "catalogue.csv: 2,000 rows, 50%, 0 refused, 182 rows/s\n"
