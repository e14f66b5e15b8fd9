"""Bands are followed from sightings to zones: of whom it is wanted, for as long as it is wanted."""

import math
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.ids import SeededIds
from firmware_sim.bands.firmware import Band
from gateway.floor import queries as floors
from gateway.floor.model import read_plan
from gateway.floor.service import FORGOTTEN_AT_ONCE, HOUR_US, draw
from gateway.floor.tables import BandPresenceRow
from gateway.notices import FloorChanged
from gateway.presence.leaving import AWAY_AFTER_S, Veil, Watch
from gateway.presence.model import Shown
from gateway.presence.service import KEPT_EVERY_S, RELOADED_EVERY_S, WAITING_MAX, Presence
from gateway.presence.settling import DEPARTED_AFTER_S
from gateway.registry import service as registry
from tests.fakes.clock import FakeClock
from tests.gateway.followed import HERE, LAMPS, SOFAS, TURN_S, Shop


@pytest.fixture
def shop(engine: Engine) -> Shop:
    """The shop."""
    return Shop(engine, FakeClock(), SeededIds(7))


def test_she_comes_goes_from_zone_to_zone_and_leaves(shop: Shop) -> None:
    """Arrived, moved, departed: each is kept, told once, and nothing is left of it."""
    shop.desk.hand_out(1)
    shop.hear({1: LAMPS}, seconds=5)
    assert shop.here() == {1: "lamps"}
    arrived, _ = shop.row(1)
    assert shop.told == [FloorChanged(HERE)]
    shop.hear({1: SOFAS}, seconds=10)
    assert shop.here() == {1: "sofas"}
    assert shop.row(1)[0] == arrived < shop.row(1)[1]
    assert shop.told == [FloorChanged(HERE)] * 2
    shop.hear({}, seconds=DEPARTED_AFTER_S + 2)
    assert shop.here() == {}
    assert shop.told == [FloorChanged(HERE)] * 3


def test_who_did_not_agree_is_nowhere_and_yet_known(shop: Shop) -> None:
    """Her band has a cart and no place; when she agrees she has one, when she withdraws none."""
    shop.desk.hand_out(1, follow=False)
    shop.hear({1: LAMPS}, seconds=5)
    assert shop.here() == {}
    frame = shop.heard(shop.desk.worn_by[1], 1.0).frame
    assert shop.whose(frame) == 1
    shop.desk.bands[1] = replace(shop.desk.bands[1], follow=True)
    shop.hear({1: LAMPS}, seconds=RELOADED_EVERY_S + 3)
    assert shop.here() == {1: "lamps"}
    shop.desk.bands[1] = replace(shop.desk.bands[1], follow=False)
    shop.presence.reload()
    shop.hear({1: LAMPS}, seconds=TURN_S)
    assert shop.here() == {}
    shop.hear({1: LAMPS}, seconds=5)
    assert shop.here() == {}
    assert shop.whose(shop.heard(shop.desk.worn_by[1], 1.0).frame) == 1


def test_who_is_not_followed_costs_nothing_and_who_left_is_forgotten_in_chunks(
    shop: Shop,
) -> None:
    """Of all those whose band opens tablets only, nothing is written, however often it looks."""
    for number in range(1, FORGOTTEN_AT_ONCE + 2):
        shop.desk.hand_out(number, follow=number != 1)
    shop.presence.turn()
    written: list[str] = []
    event.listen(shop.engine, "before_cursor_execute", lambda *a: written.append(a[2]))

    def deletes() -> int:
        return sum(one.startswith("DELETE FROM band_presence") for one in written)

    shop.hear({}, seconds=3 * RELOADED_EVERY_S)
    assert deletes() == 0
    shop.desk.bands = {1: shop.desk.bands[1]}
    shop.hear({}, seconds=RELOADED_EVERY_S)
    assert deletes() == 1
    for number in range(2, FORGOTTEN_AT_ONCE + 3):
        shop.desk.hand_out(number)
    shop.hear({}, seconds=RELOADED_EVERY_S)
    shop.desk.bands = {1: shop.desk.bands[1]}
    shop.hear({}, seconds=3 * RELOADED_EVERY_S)
    assert deletes() == 3


def test_who_withdraws_while_the_database_is_away_is_forgotten_when_it_is_back(shop: Shop) -> None:
    """At the next turn, not at the next look."""
    shop.desk.hand_out(1)
    shop.hear({1: LAMPS}, seconds=5)
    with unit_of_work(shop.engine) as db:
        db.connection().exec_driver_sql("ALTER TABLE band_presence RENAME TO away")
    del shop.desk.bands[1]
    shop.presence.reload()
    with pytest.raises(DBAPIError, match="band_presence"):
        shop.presence.turn()
    with unit_of_work(shop.engine) as db:
        db.connection().exec_driver_sql("ALTER TABLE away RENAME TO band_presence")
    assert shop.here() == {1: "lamps"}
    shop.presence.turn()
    assert shop.here() == {}


def test_a_band_that_is_lost_is_nobodys_within_seconds(shop: Shop) -> None:
    """Without any notice, too; its frames resolve to nobody, and she is nowhere."""
    shop.desk.hand_out(1)
    shop.desk.hand_out(2)
    shop.hear({1: LAMPS, 2: SOFAS}, seconds=5)
    assert shop.here() == {1: "lamps", 2: "sofas"}
    del shop.desk.bands[1]
    shop.hear({1: LAMPS, 2: SOFAS}, seconds=RELOADED_EVERY_S + TURN_S)
    assert shop.here() == {2: "sofas"}
    assert shop.whose(shop.heard(shop.desk.worn_by[1], 1.0).frame) is None


def test_a_band_is_known_at_its_first_tap(shop: Shop) -> None:
    """Handed out a moment ago, and no look at the database since: the tap looks itself, once."""
    shop.presence.turn()
    frame = shop.heard(shop.desk.hand_out(1), 0.1).frame
    assert shop.whose(frame) is None
    with reading(shop.engine) as db:
        assert shop.presence.learn(db)
        assert shop.whose(frame) == 1
        assert not shop.presence.learn(db)  # a stranger's frames must not make it look each time
    shop.hear({1: LAMPS}, seconds=RELOADED_EVERY_S + 3)
    assert shop.here() == {1: "lamps"}
    del shop.desk.bands[1]
    shop.hear({1: LAMPS}, seconds=RELOADED_EVERY_S + TURN_S)
    assert shop.whose(frame) is None


def test_a_press_counts_for_taps_though_receivers_heard_it_first(shop: Shop) -> None:
    """They share what is known of a band; its battery and that it is worn are no press."""
    band = shop.desk.hand_out(1)
    shop.hear({1: LAMPS}, seconds=5)
    band.state = replace(band.state, battery_percent=79)
    shop.hear({1: LAMPS}, seconds=1)
    shown = shop.presence.shown(shop.heard(band, 0.1).frame)
    assert shown == Shown(1, pressed=False)
    band.press()
    shop.hear({1: LAMPS}, seconds=1)
    frame = shop.heard(band, 0.1).frame
    assert shop.presence.shown(frame) == Shown(1, pressed=True)
    assert shop.presence.shown(frame) == Shown(1, pressed=True)  # the same once more


def test_a_band_that_was_known_too_early_is_forgotten_as_well(shop: Shop) -> None:
    """Learned at a tap, handed back before anybody looked: nobody's."""
    shop.presence.turn()
    frame = shop.heard(shop.desk.hand_out(1), 0.1).frame
    with reading(shop.engine) as db:
        shop.presence.learn(db)
    del shop.desk.bands[1]
    shop.clock.advance(RELOADED_EVERY_S)
    shop.presence.turn()
    assert shop.whose(frame) is None


def test_the_next_wearer_is_somebody_else(shop: Shop) -> None:
    """A band that is handed out anew has a new stay, of the new loan."""
    shop.desk.hand_out(1)
    shop.hear({1: LAMPS}, seconds=5)
    first, _ = shop.row(1)
    shop.desk.bands[1] = replace(shop.desk.bands[1], loan_id="next")
    shop.hear({1: LAMPS}, seconds=RELOADED_EVERY_S + 3)
    assert shop.row(1)[0] > first
    with reading(shop.engine) as db:
        (row,) = db.exec(select(BandPresenceRow))
        assert row.loan_id == "next"


def test_who_walks_away_from_her_tablet_is_seen_off_once(shop: Shop) -> None:
    """Beside it she stays, however often she turns; three steps away she has left it."""
    device, (x, y) = shop.receivers[0]
    watch = Watch(1, device.device_id, "tab-1")
    shop.desk.hand_out(1, follow=False)
    shop.desk.watched = {watch}
    shop.hear({1: (x + 0.5, y)}, seconds=30)
    assert shop.desk.gone == []
    shop.hear({1: (x + 12.0, y)}, seconds=2)
    assert shop.desk.veils == [Veil(watch, drawn=True)]
    assert shop.desk.gone == []
    shop.hear({1: (x + 12.0, y)}, seconds=AWAY_AFTER_S)
    assert shop.desk.gone == [watch]
    shop.hear({1: (x + 12.0, y)}, seconds=20)
    assert shop.desk.gone == [watch]


def test_a_body_in_between_is_no_farewell(shop: Shop) -> None:
    """Unheard for two seconds is somebody who turned; for good is somebody who went."""
    device, (x, y) = shop.receivers[0]
    shop.desk.hand_out(1)
    shop.desk.watched = {Watch(1, device.device_id, "tab-1")}
    for _ in range(3):
        shop.hear({1: (x + 0.5, y)}, seconds=3)
        shop.hear({}, seconds=2)
    assert shop.desk.gone == []
    shop.hear({}, seconds=AWAY_AFTER_S + 1)
    assert len(shop.desk.gone) == 1


def test_what_bands_say_of_themselves_is_kept_now_and_then(shop: Shop) -> None:
    """Clock, battery and presses, so that the next process knows them."""
    band = shop.desk.hand_out(1, off_s=300.0)
    shop.hear({1: LAMPS}, seconds=5)
    shop.desk.noted.clear()
    band.press()
    shop.hear({1: LAMPS}, seconds=KEPT_EVERY_S + 2)
    (noted,) = shop.desk.noted
    assert (noted.number, noted.battery_percent, noted.presses) == (1, 80, 1)
    stands = band.clock(shop.clock.monotonic())
    assert noted.clock_low_s <= stands <= noted.clock_high_s + KEPT_EVERY_S + 2


def test_only_receivers_are_heard(shop: Shop) -> None:
    """A tablet that says what it heard, a device unknown, a device elsewhere, and noise."""
    band = shop.desk.hand_out(1)
    with unit_of_work(shop.engine) as db:
        ids = SeededIds(8)
        token = registry.enrol(db, shop.clock, ids, kind="tablet", location_id=HERE, name="t")
        tablet = registry.redeem(db, shop.clock, ids, token=token)
    frames = [shop.heard(band, 1.0)] * 3
    shop.presence.turn()
    for device in (tablet, replace(tablet, device_id="rcv-none"),
                   replace(shop.receivers[0][0], location_id="elsewhere")):  # fmt: skip
        shop.presence.put(shop.message(device, frames))
    shop.presence.put(shop.message(shop.receivers[0][0], []))
    shop.presence.turn()
    assert (shop.presence.figures.refused, shop.presence.figures.resolved) == (4, 0)
    assert shop.here() == {}


def test_strangers_and_forgers_are_nobody(shop: Shop) -> None:
    """Frames of another shop's bands, and one of ours whose state somebody made up."""
    band = shop.desk.hand_out(1)
    stranger = Band(b"another shop key", 5_000.0)
    true = shop.heard(band, 1.0)
    forged = true.model_copy(update={"frame": true.frame[:-1] + b"!"})
    shop.presence.turn()
    shop.presence.put(shop.message(shop.receivers[0][0], [shop.heard(stranger, 1.0), forged]))
    shop.presence.turn()
    assert (shop.presence.figures.sightings, shop.presence.figures.resolved) == (2, 0)
    assert shop.presence.forged == 1


def test_more_than_it_can_take_is_dropped_and_counted(shop: Shop) -> None:
    """The oldest go; nobody who publishes ever waits."""
    band = shop.desk.hand_out(1)
    message = shop.message(shop.receivers[0][0], [shop.heard(band, 1.0)])
    for _ in range(WAITING_MAX + 10):
        shop.presence.put(message)
    shop.presence.turn()
    assert shop.presence.figures.dropped == 10
    assert shop.presence.figures.messages == WAITING_MAX


def test_who_was_here_when_the_process_died_is_not_here_for_ever(shop: Shop) -> None:
    """A fresh process begins with nobody, and finds those who are there."""
    shop.desk.hand_out(1)
    shop.desk.hand_out(2)
    shop.hear({1: LAMPS, 2: LAMPS}, seconds=5)
    shop.presence = shop.process()
    shop.hear({2: LAMPS}, seconds=5)
    assert shop.here() == {2: "lamps"}


def test_who_was_here_when_the_floor_was_drawn_anew_stays_and_leaves(shop: Shop) -> None:
    """A receiver was moved: nobody comes twice, and who has gone is not here for ever."""
    shop.desk.hand_out(1)
    shop.desk.hand_out(2)
    shop.hear({1: LAMPS, 2: LAMPS}, seconds=5)
    since = shop.row(1)
    redrawn = shop.plan().replace("at = [5.0, 5.0]", "at = [5.5, 5.5]")
    with unit_of_work(shop.engine) as db:
        draw(db, HERE, read_plan(redrawn.encode()))
    shop.hear({1: LAMPS}, seconds=RELOADED_EVERY_S + 2)
    assert shop.here() == {1: "lamps", 2: "lamps"}
    shop.hear({1: LAMPS}, seconds=DEPARTED_AFTER_S)
    assert shop.here() == {1: "lamps"}
    assert shop.row(1) == since
    assert shop.entered() == {"lamps": 2}
    shop.hear({1: SOFAS}, seconds=10)
    assert shop.here() == {1: "sofas"}


def test_whose_zone_is_drawn_no_more_is_where_she_is_heard(shop: Shop) -> None:
    """The zone has another name now: she is in that one, and has not come anew."""
    shop.desk.hand_out(1)
    shop.hear({1: LAMPS}, seconds=5)
    arrived, _ = shop.row(1)
    with unit_of_work(shop.engine) as db:
        draw(db, HERE, read_plan(shop.plan().replace('"lamps"', '"lights"').encode()))
    shop.hear({1: LAMPS}, seconds=RELOADED_EVERY_S + 2)
    assert shop.here() == {1: "lights"}
    assert shop.row(1)[0] == arrived


def test_a_partition_that_is_not_ours_is_left_to_others(shop: Shop) -> None:
    """Who is at a location whose devices another process hears is for that process to say."""
    shop.desk.hand_out(1)
    shop.hear({1: LAMPS}, seconds=5)
    other = Presence(
        shop.engine, shop.clock, shop.desk, publish=lambda *_: None, holds=lambda _: False
    )
    other.turn()
    assert shop.here() == {1: "lamps"}


def test_numbers_say_nothing_of_one_or_two(shop: Shop, engine: Engine) -> None:
    """Below three people there is no number, of those who came in only full groups are told."""
    for number in (1, 2):
        shop.desk.hand_out(number)
    shop.hear({1: LAMPS, 2: LAMPS}, seconds=3)
    hour_us = to_us(shop.clock.now()) // HOUR_US * HOUR_US
    with reading(engine) as db:
        few = floors.counts(db, HERE, hour_us)["lamps"]
    assert (few.people, few.entered) == (None, 0)
    for number in (3, 4):
        shop.desk.hand_out(number)
    shop.hear(dict.fromkeys((1, 2, 3, 4), LAMPS), seconds=RELOADED_EVERY_S + 3)
    with reading(engine) as db:
        some = floors.counts(db, HERE, hour_us)["lamps"]
    assert (some.people, some.entered) == (4, 3)


def test_a_database_that_is_away_loses_no_zone(shop: Shop) -> None:
    """What could not be kept is kept at the next turn; said is only what is kept."""
    shop.desk.hand_out(1)
    shop.presence.turn()
    with unit_of_work(shop.engine) as db:
        db.connection().exec_driver_sql("ALTER TABLE band_presence RENAME TO away")
    for device, hung in shop.receivers:
        frames = [shop.heard(shop.desk.worn_by[1], math.dist(hung, LAMPS))]
        shop.presence.put(shop.message(device, frames))
    with pytest.raises(DBAPIError, match="band_presence"):
        shop.presence.turn()
    assert shop.told == []
    with unit_of_work(shop.engine) as db:
        db.connection().exec_driver_sql("ALTER TABLE away RENAME TO band_presence")
    shop.presence.turn()
    assert shop.here() == {1: "lamps"}
    assert shop.told == [FloorChanged(HERE)]
