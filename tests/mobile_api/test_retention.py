"""For how long each kind of data is kept: swept every hour, whatever kills the process."""

import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, TextClause, bindparam, text
from sqlmodel import select
from sqlmodel.sql.sqltypes import UTCDateTime
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.carts import service as carts
from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.journeys import ending as journeys
from cart.journeys import loading
from cart.journeys.segments import service as segments
from cart.journeys.segments.rule import read
from cart.journeys.segments.tables import SegmentChangeRow
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.clock import SystemClock, to_us
from cart.kernel.ids import RandomIds
from mobile_api.cli import app as cli
from mobile_api.journeys import texts
from mobile_api.rights import idle, retention
from mobile_api.settings import ApiSettings
from tests.cart.buying import at_once
from tests.cart.journeying import REMINDER
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.office_process import run_office
from tests.mobile_api.shop import BLUE, HERE, MUG, add, key, quantities, stock
from tests.mobile_api.signing_in import ADA, ask, sign_in
from tests.real.nursery import FIRST_S

DAY_S: Final = 86_400
LONG_DAYS: Final = 100  # a phone's key is over after 90
HERS: Final = ("cart_line", "cart_operation", "saved_list", "saved_list_line", "session_key")


def count(engine: Engine, table: str, where: str = "1 = 1", **values: object) -> int:
    """Return how many rows of a table fit."""
    asked = f"SELECT COUNT(*) FROM {table} WHERE {where}"  # noqa: S608 - written here
    with reading(engine) as db:
        return int(db.connection().execute(typed(asked, values), values).scalar_one())


def typed(statement: str, values: dict[str, object]) -> TextClause:
    """Return a statement that binds times as the tables keep them."""
    times = [name for name, value in values.items() if isinstance(value, datetime)]
    return text(statement).bindparams(*(bindparam(name, type_=UTCDateTime()) for name in times))


def change(engine: Engine, statement: str, **values: object) -> None:
    """Change rows behind the program's back: time passed, or somebody was there."""
    with unit_of_work(engine) as db:
        assert db.connection().execute(typed(statement, values), values).rowcount >= 1, statement


def empty(engine: Engine, clock: FakeClock, limit: int = 50) -> int:
    """Empty what is idle for 90 days; return how many sessions."""
    with unit_of_work(engine) as db:
        now = clock.now()
        return idle.empty(db, now, now - timedelta(days=90), limit)


def shopped(phone: TestClient) -> None:
    """Leave a cart, a list, and a mail that was asked for."""
    add(phone, MUG)
    made = phone.post("/api/v1/lists", json={"name": "Attic"}, headers=key()).json()
    assert made["id"]
    add(phone, BLUE)


def test_what_nobody_comes_back_to_is_emptied(
    phone: TestClient, shop_engine: Engine, clock: FakeClock
) -> None:
    """Cart, operations, lists, keys: all of it; the phone that comes after all begins anew."""
    shopped(phone)
    assert all(count(shop_engine, table) for table in HERS)
    clock.advance(LONG_DAYS * DAY_S)
    assert (empty(shop_engine, clock), empty(shop_engine, clock)) == (1, 0)
    assert [count(shop_engine, table) for table in HERS] == [0] * len(HERS)
    ended = "emptied_at IS NOT NULL AND ended_at = :now"
    assert count(shop_engine, "shopper_session", ended, now=clock.now()) == 1
    assert quantities(phone) == {}
    add(phone, MUG)
    assert quantities(phone) == {MUG: 1}


@pytest.mark.parametrize(
    "young",
    [
        "UPDATE session_key SET expires_at = :soon",
        "UPDATE cart SET latest_at_us = :now_us",
        "UPDATE saved_list SET created_at = :now",
        "UPDATE checkout SET changed_at = :now",
        "UPDATE checkout SET state = 'paying'",
        "UPDATE placed_order SET state = 'ready'",
        "UPDATE placed_order SET email = 'ada@example.org'",
        "UPDATE binding SET ended_at = NULL",
        "UPDATE binding SET last_event_at_us = :now_us",
        "UPDATE shopper_session SET created_at = :now",
    ],
)
def test_whatever_is_young_or_open_keeps_it(
    app: FastAPI, phone: TestClient, shop_engine: Engine, clock: FakeClock, young: str
) -> None:
    """One thing is enough."""
    stock(shop_engine, clock, HERE, "mug", 20)
    shopped(phone)
    phone.delete(f"/api/v1/cart/lines/{BLUE}", headers=key())
    Desk.of(app).sell(phone, email="")
    add(phone, MUG)
    change(shop_engine, "UPDATE placed_order SET state = 'handed_over'")
    _visited(shop_engine, clock)
    clock.advance(LONG_DAYS * DAY_S)
    soon = clock.now() + timedelta(hours=1)
    values = {"soon": soon, "now": clock.now(), "now_us": to_us(clock.now())}
    known = {name: value for name, value in values.items() if f":{name}" in young.split()}
    change(shop_engine, young, **known)
    had = count(shop_engine, "cart_operation")
    assert empty(shop_engine, clock) == 0
    assert had == count(shop_engine, "cart_operation") >= 1
    clock.advance(LONG_DAYS * DAY_S)
    change(shop_engine, "UPDATE binding SET ended_at = :then", then=clock.now())
    change(shop_engine, "UPDATE checkout SET state = 'paid'")
    change(shop_engine, "UPDATE placed_order SET state = 'handed_over', email = ''")
    assert empty(shop_engine, clock) == 1, "and nothing else stood in the way"


def _visited(engine: Engine, clock: FakeClock, prior_cart_id: str | None = None) -> None:
    """Let a tablet have worked for the session of the cart that has lines."""
    now_us = to_us(clock.now())
    change(
        engine,
        "INSERT INTO binding (id, device_id, visit, session_id, location_id, started_at_us,"
        " last_event_at_us, ended_at, end_reason, prior_cart_id) SELECT 'b1', 'tab-1', 'v1',"
        " s.id, 'harbour-street', :now_us, :now_us, :now, 'idle', :prior"
        " FROM shopper_session AS s JOIN cart_line AS l ON l.cart_id = s.cart_id LIMIT 1",
        now_us=now_us,
        now=clock.now(),
        prior=prior_cart_id,
    )


def test_nothing_of_anybody_else_goes_with_it(
    phone: TestClient,
    shop_engine: Engine,
    clock: FakeClock,
) -> None:
    """A tablet's cart of the visit before is another's."""
    shopped(phone)
    with unit_of_work(shop_engine) as db:
        other = carts.open_session(db, clock, RandomIds(), locale="en")
    clock.advance(LONG_DAYS * DAY_S)
    _visited(shop_engine, clock, prior_cart_id=other.cart_id)
    change(shop_engine, "UPDATE binding SET last_event_at_us = 0")
    change(
        shop_engine,
        "UPDATE shopper_session SET created_at = :now WHERE id = :id",
        now=clock.now(),
        id=other.id,
    )
    assert empty(shop_engine, clock) == 1
    with reading(shop_engine) as db:
        assert db.get_one(ShopperSessionRow, other.id).emptied_at is None
    assert count(shop_engine, "binding", "end_reason = 'erased'") == 1


def test_a_customer_stays_until_she_asks(
    app: FastAPI, phone: TestClient, shop_engine: Engine, clock: FakeClock
) -> None:
    """What her phone had before she signed in goes; her own does not, however long she is away."""
    shopped(phone)
    sign_in(app, phone, ADA)
    add(phone, MUG)
    had = quantities(phone)
    clock.advance(1_000 * DAY_S)
    assert empty(shop_engine, clock) == 1, "the anonymous one"
    sign_in(app, phone, ADA)
    assert quantities(phone) == had
    assert count(shop_engine, "saved_list") == 1


def test_two_who_sweep_at_once_empty_each_once(shop_engine: Engine, clock: FakeClock) -> None:
    """Two processes in the same hour; each row is somebody's."""
    wanted = 40
    with unit_of_work(shop_engine) as db:
        for _ in range(wanted):
            carts.open_session(db, clock, RandomIds(), locale="en")
    clock.advance(LONG_DAYS * DAY_S)
    found = at_once(*[lambda: empty(shop_engine, clock, wanted // 2)] * 4)
    found.append(empty(shop_engine, clock, wanted))
    assert sum(found) == wanted
    assert count(shop_engine, "shopper_session", "emptied_at IS NULL") == 0


def _old_shop(app: FastAPI, phone: TestClient, engine: Engine) -> None:
    """Leave something for every rule, and a session that is young."""
    shopped(phone)
    ask(phone, "old@example.org")
    then = SystemClock().now() - timedelta(days=200)
    change(engine, "UPDATE session_key SET created_at = :then, expires_at = :then", then=then)
    change(engine, "UPDATE cart SET latest_at_us = :then", then=to_us(then))
    change(engine, "UPDATE saved_list SET created_at = :then", then=then)
    change(engine, "UPDATE shopper_session SET created_at = :then", then=then)
    change(engine, "UPDATE request_key SET created_at = :then", then=then)
    change(engine, "UPDATE sign_in_code SET expires_at = :then", then=then)
    add(TestClient(app), MUG)


@pytest.mark.parametrize("mark", ["", "answers", "sessions"])
@pytest.mark.timeout(FIRST_S)
def test_the_hour_is_swept_once_whatever_kills_the_process(
    system_app: FastAPI, shop_engine: Engine, tmp_path: Path, mark: str
) -> None:
    """By the workflow of the hour; killed in it, the next start does the rest."""
    with TestClient(system_app) as phone:
        _old_shop(system_app, phone, shop_engine)
        now = system_app.state.parts.clock.now()
        assert run_office(shop_engine, tmp_path, now, mark) == (-signal.SIGKILL if mark else 0)
        if mark:
            assert run_office(shop_engine, tmp_path, now) == 0
        assert count(shop_engine, "sign_in_code") == 0
        assert count(shop_engine, "shopper_session", "emptied_at IS NOT NULL") == 1
        assert [count(shop_engine, table) for table in HERS[:3]] == [1, 1, 0], "the young one's"
        assert count(shop_engine, "request_key") == 1


def test_the_command_line_says_what_would_end_and_ends_it(
    system_app: FastAPI, shop_engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Dry, nothing changes; each rule says for how long it keeps and by which setting."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", shop_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("ANONYMOUS_KEEP_DAYS", "120")
    with TestClient(system_app) as phone:
        _old_shop(system_app, phone, shop_engine)
    dry, dry_again, wet, after = (
        CliRunner().invoke(cli, ["privacy", "retention", *options])
        for options in (["--dry-run"], ["--dry-run"], [], ["--dry-run"])
    )
    assert (dry.exit_code, wet.exit_code) == (0, 0), dry.output + wet.output
    assert dry.output == dry_again.output
    assert "sessions             1 to end" in dry.output
    assert "120 days after anything was done (ANONYMOUS_KEEP_DAYS)" in dry.output
    assert "sessions             1 ended" in wet.output
    assert "sessions             0 to end" in after.output
    assert len(dry.output.splitlines()) == len(retention.RULES)


def test_a_rule_goes_on_until_nothing_is_left(
    shop_engine: Engine, clock: FakeClock, settings: ApiSettings
) -> None:
    """Also where there is more than it takes at once."""
    wanted = retention.SESSIONS_AT_ONCE_MAX + 1
    with unit_of_work(shop_engine) as db:
        for _ in range(wanted):
            carts.open_session(db, clock, RandomIds(), locale="en")
    clock.advance(LONG_DAYS * DAY_S)
    rule = retention.BY_NAME["sessions"]
    assert retention.sweep(shop_engine, clock, settings, rule) == wanted


def test_who_came_into_a_segment_and_left_it_is_kept_a_year(
    phone: TestClient, shop_engine: Engine, clock: FakeClock, settings: ApiSettings
) -> None:
    """What is older than that goes, more than are taken at once; the younger stays."""
    add(phone, MUG)
    with unit_of_work(shop_engine) as db:
        home = db.exec(select(ShopperSessionRow.id)).one()
        rule = read('{"if":"seen","days":3}')
        segment = segments.make(db, clock, RandomIds(), name="Seen", rule=rule, by="staff")
        begun_us = to_us(clock.now())
        for position in range(1, retention.AT_ONCE_MAX + 3):
            db.add(
                SegmentChangeRow(
                    position=position,
                    segment_id=segment.id,
                    version=1,
                    home=home,
                    entered=True,
                    at_us=begun_us + (position == 1) * DAY_S * 1_000_000,
                )
            )
    clock.advance(segments.KEPT.total_seconds())
    swept = retention.BY_NAME["segment_changes"]
    assert retention.sweep(shop_engine, clock, settings, swept) == 0, "not a moment too soon"
    clock.advance(1)
    assert retention.sweep(shop_engine, clock, settings, swept) == retention.AT_ONCE_MAX + 1
    assert count(shop_engine, "segment_change", "position = 1") == 1
    assert count(shop_engine, "segment_change") == 1


def test_a_series_of_reminders_goes_with_its_messages_when_it_is_long_over(
    phone: TestClient, shop_engine: Engine, clock: FakeClock, settings: ApiSettings
) -> None:
    """Counted from its end: one that still runs stays, however long ago it began."""
    add(phone, MUG)
    began = clock.now()
    with unit_of_work(shop_engine) as db:
        home = db.exec(select(ShopperSessionRow.id)).one()
        loading.load(db, clock, REMINDER)
        ends = {"old": began, "young": began + timedelta(days=1), "running": None}
        for one, ended_at in ends.items():
            run = JourneyRunRow(
                id=one, journey="cart-reminder", version=1, session_id=home, trigger_id=one,
                state="done" if ended_at else "running", started_at=began, due_at=began,
                ended_at=ended_at,
            )  # fmt: skip
            db.add(run)
            db.flush()
            db.add(
                JourneyMessageRow(
                    id=f"message-{one}", run_id=one, journey="cart-reminder", version=1,
                    session_id=home, step="first", requested_at=began,
                )
            )  # fmt: skip
    swept = retention.BY_NAME["journeys"]
    clock.advance(journeys.KEPT.total_seconds())
    assert retention.sweep(shop_engine, clock, settings, swept) == 0
    clock.advance(1)
    assert retention.sweep(shop_engine, clock, settings, swept) == 1
    for table in ("journey_run", "journey_message"):
        key_of = "id" if table == "journey_run" else "run_id"
        assert count(shop_engine, table, f"{key_of} = 'old'") == 0
        assert count(shop_engine, table) == 2


def test_files_of_texts_go_though_no_text_is_sent_any_more(
    shop_engine: Engine, clock: FakeClock, settings: ApiSettings
) -> None:
    """Those of the days that are over, and nothing else in the folder; looking deletes none."""
    folder = settings.data_dir / texts.FOLDER
    swept = retention.BY_NAME["texts"]
    assert retention.sweep(shop_engine, clock, settings, swept) == 0, "there is no folder yet"
    folder.mkdir()
    kept = clock.now() - texts.FILES_KEPT
    days = {days: folder / f"{kept - timedelta(days=days):%Y-%m-%d}.jsonl" for days in (0, 1, 90)}
    for path in (*days.values(), folder / "README", folder / "2020-01-01.txt"):
        path.write_text("{}\n")
    found = {
        rule.name: number for rule, number in retention.looked_at(shop_engine, clock, settings)
    }
    assert found["texts"] == 2
    assert days[90].exists()
    assert retention.sweep(shop_engine, clock, settings, swept) == 2
    left = {one.name for one in folder.iterdir()}
    assert left == {days[0].name, "README", "2020-01-01.txt"}
