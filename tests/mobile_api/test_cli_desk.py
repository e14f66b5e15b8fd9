"""An operator's command lines for orders: terms, vouchers, staff, and whether it all adds up."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from cart.db import reading, unit_of_work
from cart.orders import terms, vouchers
from cart.picking import doors, staff
from mobile_api.cli import app
from tests.cart.buying import HERE, LAMP, Buyer, fill
from tests.cart.floor import PIN_ALONE
from tests.fakes.clock import FakeClock
from tests.real.ledgers import unlock

Terminal = Callable[..., Result]


@pytest.fixture
def terminal(tmp_path: object, database_url: str) -> Terminal:
    """A terminal of a machine of the shop: runs a command and looks at how it ends."""
    environment = {"DATA_DIR": str(tmp_path), "DATABASE_URL": database_url}

    def run(*words: str, ends: int = 0) -> Result:
        result = CliRunner().invoke(app, words, env=environment)
        assert result.exit_code == ends, result.output
        return result

    return run


@pytest.fixture
def buyer(engine: Engine, clock: FakeClock) -> Buyer:
    """Somebody in a shop that has five lamps."""
    fill(engine, clock)
    return Buyer(engine, clock)


def test_terms_are_set_one_by_one(terminal: Terminal, buyer: Buyer) -> None:
    """What is not named stays; what is shown is what checkouts use."""
    said = terminal("terms", "set", HERE, "--tax-bp", "2300", "--orders-per-quarter", "4").output
    assert "usual 23 %" in said
    assert re.search(r"orders per quarter +4", said)
    parcels = ("--ships", "--shipping", "4.95")
    terminal("terms", "set", HERE, *parcels, "--tax-of", "books=800", "--lead-minutes", "7")
    with reading(buyer.engine) as db:
        known = terms.get(db, HERE)
        assert (known.tax_rate_bp, known.orders_per_quarter, known.lead_minutes) == (2300, 4, 7)
        assert (known.ships, known.shipping_minor) == (True, 495)
        assert terms.tax_rate(db, HERE, "books") == 800
    shown = terminal("terms", "show", HERE).output
    assert "usual 23 %, books 8 %" in shown
    words = ("--no-ships", "--tax-of", "books=", "--orders-per-quarter", "0", "--no-takes-orders")
    said = terminal("terms", "set", HERE, *words).output
    assert "takes no orders" in said
    assert "books" not in said
    assert re.search(r"orders per quarter +no limit", said)
    assert re.search(r"parcels +none", said)


@pytest.mark.parametrize(
    "words",
    [
        ("terms", "show", "nowhere"),
        ("terms", "set", "nowhere", "--tax-bp", "0"),
        ("terms", "set", HERE, "--tax-bp", "10001"),
        ("terms", "set", HERE, "--tax-of", "books"),
        ("terms", "set", HERE, "--tax-bp", "5", "--tax-of", "books=much"),
        ("terms", "set", HERE, "--shipping", "4.955"),
        ("vouchers", "issue", "--amount", "0"),
        ("vouchers", "issue", "--amount", "ten"),
        ("vouchers", "show", "no-such-code"),
        ("staff", "add", "--location", "nowhere", "--number", "1", "--name", "Ada"),
        ("staff", "add", "--location", HERE, "--number", "one", "--name", "Ada"),
        ("staff", "new-pin", "--location", HERE, "--number", "9"),
        ("staff", "deactivate", "--location", HERE, "--number", "9"),
        ("orders", "show", "no-such-order"),
    ],
)
def test_a_refusal_is_one_sentence_and_changes_nothing(
    terminal: Terminal, buyer: Buyer, words: tuple[str, ...]
) -> None:
    """It ends with 2."""
    with reading(buyer.engine) as db:
        before = terms.get(db, HERE)
    said = terminal(*words, ends=2)
    assert len(said.stderr.strip().splitlines()) == 1
    with reading(buyer.engine) as db:
        assert terms.get(db, HERE) == before
        assert terms.tax_exceptions(db, HERE) == {}
        assert staff.everybody(db, HERE) == []
        asked = text("SELECT count(*) FROM voucher")
        assert db.connection().execute(asked).scalar() == 0


def test_a_voucher_is_shown_once(terminal: Terminal, buyer: Buyer) -> None:
    """The code opens it, however it is typed; the database does not know the code."""
    code = terminal("vouchers", "issue", "--amount", "25.00", "--expires", "2027-01-01").output
    code = code.strip()
    shown = terminal("vouchers", "show", code.lower().replace("-", "")).output
    assert "25.00 of 25.00 EUR  good until 2027-01-01 00:00" in shown
    with reading(buyer.engine) as db:
        assert vouchers.find(db, code).balance_minor == 2_500
        kept = db.connection().execute(text("SELECT * FROM voucher")).all()
        assert code not in str(kept)
    assert (
        "good for ever"
        in terminal(
            "vouchers", "show", terminal("vouchers", "issue", "--amount", "5").output.strip()
        ).output
    )


def test_staff_sign_in_with_the_pin_that_was_printed(
    terminal: Terminal, buyer: Buyer, clock: FakeClock
) -> None:
    """Until there is a new one, or they are with us no longer."""
    who = ("--location", HERE, "--number", "7")
    first = terminal("staff", "add", *who, "--name", "Ada", "--lead").output.split()[-1]
    assert re.search(r"7 +lead +Ada", terminal("staff", "list", "--location", HERE).output)
    second = terminal("staff", "new-pin", *who).output.split()[-1]

    def signs_in(pin: str) -> bool:
        with unit_of_work(buyer.engine) as db:
            known = staff.known(db, location_id=HERE, number="7")
            done = doors.sign_in(db, clock, buyer.ids, known.checked(pin), PIN_ALONE)
            return isinstance(done, staff.SignedIn)

    assert (signs_in(first), signs_in(second)) == (False, True)
    assert "signs in no longer" in terminal("staff", "deactivate", *who).output
    assert not signs_in(second)
    assert terminal("staff", "list", "--location", HERE).output == ""


def test_orders_and_their_story(terminal: Terminal, buyer: Buyer) -> None:
    """The newest first; one with its lines, money and history."""
    first, second = buyer.buy(), buyer.buy()
    listed = terminal("orders", "list", "--location", HERE).output.splitlines()
    assert [line.split()[0] for line in listed] == [second, first]
    assert terminal("orders", "list", "--state", "ready").output == ""
    assert len(terminal("orders", "list", "--limit", "1").output.splitlines()) == 1
    shown = terminal("orders", "show", first).output
    assert "lamp                     1 at 189.00 EUR" in shown
    assert "provider: 189.00 EUR, refunded 0.00" in shown
    assert "placed" in shown


def test_all_that_adds_up_is_said_in_one_line(terminal: Terminal, buyer: Buyer) -> None:
    """Also while somebody is paying."""
    buyer.buy()
    buyer.put(LAMP)
    buyer.open()
    buyer.begin()
    with unit_of_work(buyer.engine) as db:  # her time is not over: the terminal's clock is real
        db.connection().execute(text("UPDATE pay_attempt SET reserved_until = '2999-01-01'"))
    assert terminal("orders", "reconcile").output == "0 wrong\n"


def test_every_difference_is_reported(terminal: Terminal, buyer: Buyer) -> None:
    """Money against lines, allocations against pieces, attempts out of time, failed refunds."""
    order_id = buyer.buy(quantity=2)
    unlock(buyer.engine)
    with unit_of_work(buyer.engine) as db:
        db.connection().execute(text("UPDATE tender SET amount_minor = amount_minor - 1"))
        db.connection().execute(text("UPDATE reservation SET allocated = 1, released = 1"))
        db.connection().execute(text("UPDATE movement SET picked_delta = 1 WHERE delta = 0"))
        tender = db.connection().execute(text("SELECT id FROM tender")).scalar()
        for name, state, failure in (("late", "due", ""), ("dead", "failed", "card closed")):
            values = {"id": name, "tender": tender, "order": order_id, "state": state}
            db.connection().execute(
                text(
                    "INSERT INTO refund (id, tender_id, order_id, amount_minor, currency, reason,"
                    " reference, state, failure, created_at) VALUES (:id, :tender, :order, 5,"
                    " 'EUR', 'short', :id, :state, :failure, '2026-03-02 09:00:00')"
                ),
                values | {"failure": failure},
            )
    buyer.put(LAMP)
    buyer.open()
    attempt = buyer.begin().attempt_id  # on a clock that stands still, long ago
    said = terminal("orders", "reconcile", ends=1).output.splitlines()
    assert f"order {order_id}: should be 37800, is 37799" in said
    assert any(one.startswith("pieces attempt_") and "2 pieces, 1 are" in one for one in said)
    assert f"picked {HERE}: lamp: pick lines say 0 pieces, the ledger 2" in said
    assert f"attempt {attempt}: is open though its time has passed" in said
    assert "refund late: 5 EUR due (short)" in said
    assert "refund dead: 5 EUR failed (short): card closed" in said
    assert said[-1] == f"{len(said) - 1} wrong"
