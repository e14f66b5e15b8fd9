"""The audit log on both databases: with its fact or not at all, in one chain, never changed."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from cart.audit import service
from cart.audit.model import Action, Head, On, Verdict, Who, WhoKind
from cart.db import is_sqlite, reading, unit_of_work
from tests.fakes.clock import FakeClock

MO = Who(WhoKind.STAFF, "staff_mo", "lead", "harbour-street")
RIVALS, EACH = 4, 12
COPIED = (
    "INSERT INTO audit SELECT 5, at_us, who_kind, who_id, role, location_id, action,"
    " on_kind, on_id, outcome, previous, hash FROM audit WHERE seq = 4"
)


def append(engine: Engine, clock: FakeClock, count: int = 1, *, first: int = 1) -> None:
    """Note that Mo looked at orders, each in a unit of work of its own."""
    for number in range(first, first + count):
        with unit_of_work(engine) as db:
            service.note(db, clock, MO, Action.ORDER_SEE, On("order", f"order_{number}"))


def verdict(engine: Engine, kept: Head | None = None) -> Verdict:
    """Examine the log."""
    with reading(engine) as db:
        return service.verify(db, kept)


def tamper(engine: Engine, *statements: str) -> None:
    """Do as somebody does who owns the database: take the guards away first."""
    guards = (
        ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
        if is_sqlite(engine)
        else ("DROP TRIGGER audit_guard ON audit",)
    )
    with unit_of_work(engine) as db:
        for statement in (*guards, *statements):
            db.execute(text(statement))


def test_an_entry_comes_and_goes_with_its_fact(engine: Engine, clock: FakeClock) -> None:
    """Rolled back: nothing was noted. Committed: the chain is one longer."""
    append(engine, clock)

    def fail(db: Session) -> None:
        service.note(db, clock, MO, Action.ORDER_HAND_OVER, On("order", "order_1"))
        msg = "the fact did not happen"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError), unit_of_work(engine) as db:
        fail(db)
    assert verdict(engine).head.seq == 1
    with unit_of_work(engine) as db:
        service.note(db, clock, MO, Action.ORDER_HAND_OVER, On("order", "order_1"))
        service.note(db, clock, MO, Action.ORDER_RESEND, On("order", "order_1"))
        assert service.head(db).seq == 1  # the last statements of their unit of work
    found = verdict(engine)
    assert (found.head.seq, found.fault) == (3, "")
    with reading(engine) as db:
        newest = service.newest(db, limit=2)
        assert [row.action for row in newest] == ["order.resend", "order.hand_over"]
        assert service.newest(db, action="order.see")[0].who_id == "staff_mo"
        assert service.newest(db, who_id="staff_ada") == []


def test_an_empty_log_is_intact(engine: Engine) -> None:
    """Nothing was written, nothing is missing; a head that was kept says otherwise."""
    assert verdict(engine) == Verdict(Head())
    assert "1 to 4 are missing" in verdict(engine, Head(4, "ab" * 32)).fault


def test_the_database_refuses_to_change_it(engine: Engine, clock: FakeClock) -> None:
    """Neither one row nor all of them, by whichever statement; and all is there afterwards."""
    append(engine, clock, 3)
    statements = ["UPDATE audit SET who_id = 'x' WHERE seq = 2", "DELETE FROM audit"]
    if not is_sqlite(engine):
        statements.append("TRUNCATE audit")
    for statement in statements:
        with pytest.raises(DatabaseError, match="only appended"), unit_of_work(engine) as db:
            db.execute(text(statement))
    assert verdict(engine).head.seq == 3
    assert verdict(engine).fault == ""


@pytest.mark.parametrize(
    ("statements", "through", "fault"),
    [
        (["UPDATE audit SET outcome = 'refused' WHERE seq = 3"], 2, "entry 3 was altered"),
        (["DELETE FROM audit WHERE seq = 3"], 2, "entry 3 is missing: 4 follows 2"),
        (["DELETE FROM audit WHERE seq = 1"], 0, "entry 1 is missing: 2 follows 0"),
        (
            [
                "UPDATE audit SET seq = 99 WHERE seq = 2",
                "UPDATE audit SET seq = 2 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 99",
            ],
            1,
            "entry 2 was altered",
        ),
        (
            [
                "UPDATE audit SET seq = 6 WHERE seq = 5",
                COPIED,
            ],
            4,
            "entry 5 was altered",
        ),
    ],
)
def test_what_somebody_did_to_it_is_found(
    engine: Engine, clock: FakeClock, statements: list[str], through: int, fault: str
) -> None:
    """Altered, removed, swapped, inserted: the first row that does not fit is named."""
    append(engine, clock, 5)
    tamper(engine, *statements)
    found = verdict(engine)
    assert (found.head.seq, found.fault[: len(fault)]) == (through, fault)


def test_a_cut_end_is_found_by_a_head_that_was_kept(engine: Engine, clock: FakeClock) -> None:
    """What is left fits together: only who wrote down its head knows that more was there."""
    append(engine, clock, 5)
    kept = Head.parse(str(verdict(engine).head))
    append(engine, clock, 2, first=6)
    assert verdict(engine, kept).fault == ""
    tamper(engine, "DELETE FROM audit WHERE seq > 3")
    assert verdict(engine).fault == ""
    found = verdict(engine, kept)
    assert (found.head.seq, found.fault) == (3, "entries 4 to 5 are missing at the end")
    append(engine, clock, 4, first=4)  # and written anew, with other entries or at another time
    clock.advance(1)
    assert verdict(engine).fault == ""


def test_rivals_make_one_chain(engine: Engine, clock: FakeClock) -> None:
    """Processes that append at once queue up; none is lost, none fails, the chain is whole."""
    go = threading.Barrier(RIVALS)
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            go.wait(10)
            append(engine, clock, EACH, first=number * 100)
        except BaseException as fault:
            faults.append(fault)
            raise

    threads = [threading.Thread(target=work, args=(one,)) for one in range(RIVALS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert verdict(engine) == Verdict(verdict(engine).head)
    assert verdict(engine).head.seq == RIVALS * EACH
    with reading(engine) as db:
        on = {row.on_id for row in service.newest(db)}
    assert len(on) == RIVALS * EACH


def test_who_has_noted_waits_for_nobody_until_it_commits(engine: Engine, clock: FakeClock) -> None:
    """PostgreSQL: a long unit of work that has noted something holds up no other one."""
    if is_sqlite(engine):
        pytest.skip("SQLite has one writer at a time, whatever it writes")
    with unit_of_work(engine) as db:
        service.note(db, clock, MO, Action.ORDER_SEE, On("order", "order_slow"))
        db.flush()
        append(engine, clock)  # would never come back if the slow one held the chain
        assert verdict(engine).head.seq == 1
    assert verdict(engine).head.seq == 2


def test_a_strangers_text_is_not_written_down(engine: Engine, clock: FakeClock) -> None:
    """Ids that are none of ours come from addresses: somebody's name may stand in them."""
    strange: list[str] = ["ada@example.org lives here", "x" * 65, "a\0b", "אדה"]
    for one in strange:
        with unit_of_work(engine) as db:
            service.note(db, clock, MO, Action.ORDER_SEE, On("order", one), outcome="not_found")
    with reading(engine) as db:
        assert {row.on_id for row in service.newest(db)} == {"?"}


def test_seen_again_within_five_minutes_is_seen_once(engine: Engine, clock: FakeClock) -> None:
    """A page that reloads itself says nothing new; who comes back later does."""
    lately: Callable[[On], bool] = lambda on: _lately(engine, clock, on)  # noqa: E731
    append(engine, clock)
    assert lately(On("order", "order_1"))
    assert not lately(On("order", "order_2"))
    clock.advance(service.SEEN_AGAIN.total_seconds() + 1)
    assert not lately(On("order", "order_1"))


def _lately(engine: Engine, clock: FakeClock, on: On) -> bool:
    with reading(engine) as db:
        return service.lately(db, clock, MO, Action.ORDER_SEE, on)
