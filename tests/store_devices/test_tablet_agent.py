"""A visit at the tablet: what is said, what is shown, how it ends and how it survives."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cart.kernel.ids import secret_hash
from gateway.wire.codec import decode_event
from gateway.wire.downlink import (
    ApplyDesired,
    CartData,
    Claimed,
    ClaimedData,
    Clear,
    ClearData,
    DesiredData,
    Rejected,
    RejectedData,
    ShowCart,
    ShownLine,
)
from gateway.wire.events import (
    DeviceHealth,
    DevicePutDown,
    DeviceTakenUp,
    ListRequested,
    PutDownReason,
    Reader,
)
from store_devices.link import LinkState
from store_devices.spool import Limits
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import LAMP, LAMP_TALL, MUG, STRANGE, Bench


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet that nobody has taken up."""
    made = Bench(tmp_path, clock)
    yield made
    made.switch_off()


def visit_of(bench: Bench) -> str:
    """Return the present visit's id."""
    assert bench.agent.visit_id is not None
    return bench.agent.visit_id


def show(bench: Bench, lines: dict[str, int], through: int, at: datetime, visit: str = "") -> None:
    """Let the server say what the cart is."""
    shown = tuple(
        ShownLine(gtin=gtin, quantity=count, name="As sold", price_minor=18000, currency="EUR")
        for gtin, count in lines.items()
    )
    data = CartData(
        visit=visit or visit_of(bench),
        version=through,
        spool=bench.spool.id,
        stored_through=through,
        latest_at=at,
        lines=shown,
    )
    bench.commands.command(ShowCart(id="c1", time=at, data=data))


def test_a_scan_takes_the_tablet_up_and_names_the_visit(bench: Bench) -> None:
    """Taken up first, then scanned, in one visit; the link's secret travels as its hash only."""
    bench.agent.code_read("9500000079194", Reader.HID)
    taken, scanned = bench.events()
    assert isinstance(taken, DeviceTakenUp)
    screen = bench.drawer.screen(bench.agent.snapshot())
    secret = screen.link.removeprefix("https://shop.example/c/")
    assert taken.data.claim_hash == secret_hash(secret)
    assert bench.shown() == {LAMP: 1}
    assert screen.product is not None
    assert (screen.product.gtin, screen.total) == (LAMP, "€189.00")
    assert bench.line.announced[-1] == taken.data.visit
    assert bench.line.watched == "arc-floor-lamp"
    assert b"secret" not in bench.spool.pending()[0].payload
    assert secret.encode() not in b"".join(kept.payload for kept in bench.spool.pending())
    assert scanned.sequence == 2


def test_more_fewer_remove_and_undo(bench: Bench) -> None:
    """Every touch is an event; undo puts back what was, step by step."""
    agent = bench.agent
    agent.code_read(LAMP, Reader.HID)
    agent.code_read(MUG, Reader.CAMERA)
    agent.more(MUG)
    agent.fewer(LAMP)
    assert bench.shown() == {MUG: 2}
    agent.undo()
    assert bench.shown() == {MUG: 2, LAMP: 1}
    agent.remove(MUG)
    agent.undo()
    agent.undo()
    agent.undo()
    agent.undo()
    agent.undo()
    assert bench.shown() == {}
    assert bench.types() == [
        "taken_up",
        *("scanned", "scanned", "scanned", "removed"),  # lamp, mug, mug, no lamp
        *("set", "removed", "set", "set", "removed", "removed"),  # and back again
    ]


def test_another_variant_is_looked_at_without_going_on_the_list(bench: Bench) -> None:
    """A tap on a size shows it; only its button puts it on the list."""
    bench.agent.code_read(LAMP, Reader.HID)
    bench.agent.look_at(LAMP_TALL)
    screen = bench.drawer.screen(bench.agent.snapshot())
    assert screen.product is not None
    assert (screen.product.price, screen.product.quantity) == ("€231.00", 0)
    assert bench.shown() == {LAMP: 1}


def test_an_unknown_code_is_kept_and_said_politely(bench: Bench) -> None:
    """The server decides: the event goes out, and the line says that the shop is asked."""
    bench.agent.code_read(STRANGE, Reader.HID)
    assert bench.types() == ["taken_up", "scanned"]
    screen = bench.drawer.screen(bench.agent.snapshot())
    assert screen.visit is not None
    assert screen.visit.notice is not None
    assert screen.visit.notice.kind == "unknown"
    assert [(line.name, line.known) for line in screen.lines] == [("5901234123457", False)]


def test_what_is_no_code_changes_nothing(bench: Bench) -> None:
    """A wrong check digit is no event."""
    bench.agent.take_up()
    bench.agent.code_read("4006381333932", Reader.CAMERA)
    assert bench.types() == ["taken_up"]
    assert bench.shown() == {}


def test_the_list_is_the_servers_cart_and_what_was_said_since(bench: Bench) -> None:
    """Events that the server has are in its cart; later ones are added on top."""
    for _ in range(3):
        bench.agent.code_read(LAMP, Reader.HID)  # sequences 2, 3, 4
    at = bench.clock.now() + timedelta(seconds=9)
    show(bench, {LAMP: 2, MUG: 5}, through=3, at=at)
    assert bench.shown() == {LAMP: 3, MUG: 5}
    assert bench.drawer.screen(bench.agent.snapshot()).total == "€1,440.00"  # the server's price
    show(bench, {LAMP: 9}, through=2, at=at - timedelta(seconds=1))
    assert bench.shown() == {LAMP: 3, MUG: 5}, "an older cart changes nothing"
    bench.agent.more(LAMP)
    assert bench.events()[-1].time > at, "what is said after a cart is later than it"


def test_removed_on_the_phone_is_removed_here(bench: Bench) -> None:
    """A cart without the line takes it off the screen."""
    bench.agent.code_read(LAMP, Reader.HID)
    show(bench, {}, through=2, at=bench.clock.now())
    assert bench.shown() == {}


def test_a_claim_uses_the_link_up(bench: Bench) -> None:
    """Afterwards no QR code is on the screen, and the secret is forgotten."""
    bench.agent.take_up()
    command = Claimed(id="c1", time=bench.clock.now(), data=ClaimedData(visit=visit_of(bench)))
    bench.commands.command(command)
    screen = bench.drawer.screen(bench.agent.snapshot())
    assert screen.visit is not None
    assert (screen.visit.claimed, screen.visit.secret, screen.link) == (True, None, "")


def test_a_refused_event_leaves_the_list(bench: Bench) -> None:
    """The line goes, and a sentence says why."""
    bench.agent.code_read(STRANGE, Reader.HID)
    event = bench.events()[-1]
    data = RejectedData(
        event_id=event.id,
        sequence=event.sequence,
        visit=visit_of(bench),
        code="unknown_gtin",
        detail="no variant",
    )
    bench.commands.command(Rejected(id="c1", time=bench.clock.now(), data=data))
    screen = bench.drawer.screen(bench.agent.snapshot())
    assert screen.lines == []
    assert screen.visit is not None
    assert screen.visit.notice is not None
    assert screen.visit.notice.kind == "unknown_to_shop"


def test_commands_for_another_visit_are_ignored(bench: Bench) -> None:
    """A late cart, claim, refusal or clearing of the last person does nothing to this one."""
    bench.agent.code_read(LAMP, Reader.HID)
    last = visit_of(bench)
    bench.agent.finish(PutDownReason.DONE)
    bench.agent.code_read(MUG, Reader.HID)
    before = bench.agent.snapshot().visit
    at = bench.clock.now()
    show(bench, {LAMP: 7}, through=2, at=at, visit=last)
    bench.commands.command(Claimed(id="c2", time=at, data=ClaimedData(visit=last)))
    bench.commands.command(Clear(id="c3", time=at, data=ClearData(visit=last, reason="late")))
    assert bench.agent.snapshot().visit == before


def test_the_server_can_clear_the_screen(bench: Bench) -> None:
    """The visit ends as cleared."""
    bench.agent.code_read(LAMP, Reader.HID)
    data = ClearData(visit=visit_of(bench), reason="operator")
    bench.commands.command(Clear(id="c1", time=bench.clock.now(), data=data))
    assert bench.agent.visit_id is None
    ended = bench.events()[-1]
    assert isinstance(ended, DevicePutDown)
    assert ended.data.reason is PutDownReason.CLEARED


def test_idle_counts_down_and_then_clears(bench: Bench, clock: FakeClock) -> None:
    """Seventy seconds of nothing bring the question, twenty more the end; a touch stops it."""
    bench.agent.code_read(LAMP, Reader.HID)
    clock.advance(69)
    bench.agent.tick()
    assert bench.agent.snapshot().countdown_s is None
    clock.advance(11.5)
    bench.agent.tick()
    assert bench.agent.snapshot().countdown_s == 10
    bench.agent.touch()
    assert bench.agent.snapshot().countdown_s is None
    clock.advance(91)
    bench.agent.tick()
    assert bench.agent.visit_id is None
    assert bench.agent.snapshot().farewell
    ended = bench.events()[-1]
    assert isinstance(ended, DevicePutDown)
    assert ended.data.reason is PutDownReason.IDLE
    clock.advance(6)
    bench.agent.tick()
    assert not bench.agent.snapshot().farewell


def test_a_reboot_in_the_middle_goes_on(bench: Bench) -> None:
    """Visit, list, undo and link are as they were, and the screen asks whether she is there."""
    bench.agent.code_read(LAMP, Reader.HID)
    bench.agent.more(LAMP)
    bench.agent.choose_language("he")
    before = bench.agent.snapshot().visit
    bench.reboot(away_s=30)
    after = bench.agent.snapshot().visit
    assert before is not None
    assert after is not None
    assert after.model_copy(update={"seen_at": before.seen_at}) == before
    bench.agent.tick()
    assert bench.agent.snapshot().countdown_s == 20
    bench.agent.undo()
    assert bench.shown() == {LAMP: 1}


@pytest.mark.parametrize("away_s", [91, 40_000, -3600])
def test_a_reboot_after_too_long_ends_the_visit(bench: Bench, away_s: float) -> None:
    """Also when the clock went backwards: then nobody knows how long it was."""
    bench.agent.code_read(LAMP, Reader.HID)
    bench.reboot(away_s=away_s)
    assert bench.agent.visit_id is None
    assert bench.types()[-1] == "put_down"
    bench.reboot(away_s=1)
    assert bench.types().count("put_down") == 1


def test_a_full_spool_is_said_and_the_screen_still_clears(tmp_path: Path, clock: FakeClock) -> None:
    """The scan that was not taken is not on the list; the end of the visit needs no room."""
    bench = Bench(tmp_path, clock, Limits(events_max=1, reserve=2))
    bench.agent.code_read(LAMP, Reader.HID)
    bench.agent.code_read(MUG, Reader.HID)
    assert bench.agent.snapshot().trouble == "full"
    assert bench.shown() == {LAMP: 1}
    bench.agent.finish(PutDownReason.DONE)
    assert bench.agent.visit_id is None
    assert bench.spool.recall("visit") is None
    bench.switch_off()


def test_the_list_by_mail_is_one_event_and_no_memory(bench: Bench) -> None:
    """Address and language are in the event; the visit keeps neither."""
    bench.agent.code_read(LAMP, Reader.HID)
    bench.agent.choose_language("pl")
    bench.agent.request_list("dana@example.com")
    asked = bench.events()[-1]
    assert isinstance(asked, ListRequested)
    assert (asked.data.email, asked.data.locale) == ("dana@example.com", "pl")
    assert "dana" not in repr(bench.agent.snapshot())
    assert "dana" not in (bench.spool.recall("visit") or "")


def test_the_twin_is_applied_kept_and_reported(bench: Bench, clock: FakeClock) -> None:
    """Language and idle time change, survive a reboot, and health says which version holds."""

    def apply(version: int, locale: str, idle_after_s: int) -> str:
        data = DesiredData.model_validate(
            {"version": version, "locale": locale, "idle_after_s": idle_after_s, "firmware": "2.0"}
        )
        return bench.commands.command(ApplyDesired(id="c", time=clock.now(), data=data)).detail

    assert "does not update itself" in apply(2, "he", 30)
    assert apply(1, "pl", 600) == "a newer version holds"
    bench.reboot(away_s=1)
    bench.agent.take_up()
    assert (bench.agent.snapshot().locale, bench.agent.idle_after_s) == ("he", 30)
    (kept,) = bench.telemetry.pending()
    health = decode_event(kept.payload)
    assert isinstance(health, DeviceHealth)
    assert (health.data.desired_version, health.data.locale, health.data.firmware) == (
        2,
        "he",
        "1.0",
    )


def test_the_language_is_the_visits_own(bench: Bench) -> None:
    """The next person gets the tablet's language again."""
    bench.agent.choose_language("he")
    assert bench.agent.snapshot().locale == "he"
    bench.agent.finish(PutDownReason.DONE)
    assert bench.agent.snapshot().locale == "en"


def test_offline_it_shows_everything_but_stock(bench: Bench) -> None:
    """Name, price and pictures are there, stock is unknown."""
    bench.commands.link(LinkState(online=False, since=bench.clock.now()))
    bench.agent.code_read(LAMP, Reader.HID)
    product = bench.drawer.screen(bench.agent.snapshot()).product
    assert product is not None
    assert (product.name, product.price) == ("Arc floor lamp", "€189.00")
    assert {shop.stock.available for shop in product.shops} == {None}
    assert [shop.name for shop in product.shops] == ["Harbour Street", "Mill Lane", "Old Station"]
