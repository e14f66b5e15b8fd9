"""The registry, on both databases."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func
from sqlmodel import select

from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import DeviceRevoked, EnrolmentRefused, InvalidInput, UnknownDevice
from cart.kernel.ids import RandomIds, SeededIds
from gateway.registry import queries, service
from gateway.registry.model import (
    DeviceRecord,
    Enrolled,
    Seen,
    credential_matches,
    device_id_from,
)
from gateway.registry.tables import DeviceRow, DeviceSeenRow, EnrolmentRow
from gateway.wire.credential import credential_hash
from gateway.wire.events import EVENTS_OF_KIND
from gateway.wire.topics import NAME, DeviceAddress, partition_of
from tests.fakes.clock import FakeClock


def enrolled(engine: Engine, clock: FakeClock, ids: SeededIds, kind: str = "tablet") -> Enrolled:
    """A device that has redeemed its token."""
    with unit_of_work(engine) as db:
        token = service.enrol(db, clock, ids, kind=kind, location_id="mill-lane", name="Desk 1")
        return service.redeem(db, clock, ids, token=token)


def counts(engine: Engine) -> tuple[int, int]:
    """Rows of devices and of used enrolments."""
    with reading(engine) as db:
        devices = db.exec(select(func.count()).select_from(DeviceRow)).one()
        used = db.exec(
            select(func.count()).select_from(EnrolmentRow).where(EnrolmentRow.used_at != None)  # noqa: E711 - SQL
        ).one()
        return devices, used


def test_a_token_becomes_a_device_with_a_credential(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """The device gets an id fit for topics, the partition of its location, a secret of its own."""
    device = enrolled(engine, clock, ids)
    assert NAME.fullmatch(device.device_id)
    assert device.device_id.startswith("tab-")
    assert device.partition == partition_of("mill-lane")
    with reading(engine) as db:
        verified = queries.verify_credential(db, clock, device.device_id, device.credential)
        row = db.get(DeviceRow, device.device_id)
        assert row is not None
        assert device.credential not in row.credential_hash
        assert row.name == "Desk 1"
    address = DeviceAddress(device.partition, "mill-lane", device.device_id)
    assert verified is not None
    assert verified.record == DeviceRecord(device.device_id, "tablet", address, revoked=False)


def test_a_token_is_good_once(engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
    """A second redemption is refused and no second device appears."""
    with unit_of_work(engine) as db:
        token = service.enrol(db, clock, ids, kind="scanner", location_id="mill-lane")
    with unit_of_work(engine) as db:
        first = service.redeem(db, clock, ids, token=token)
    with pytest.raises(EnrolmentRefused), unit_of_work(engine) as db:
        service.redeem(db, clock, ids, token=token)
    assert counts(engine) == (1, 1)
    with reading(engine) as db:
        row = db.exec(select(EnrolmentRow)).one()
        assert row.device_id == first.device_id
        assert token not in row.token_hash


def test_an_old_or_invented_token_is_refused(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """Neither makes a device; the old one stays unused."""
    with unit_of_work(engine) as db:
        token = service.enrol(
            db, clock, ids, kind="tablet", location_id="mill-lane", lifetime=timedelta(hours=1)
        )
    clock.advance(3600)
    for wrong in (token, "invented", ""):
        with pytest.raises(EnrolmentRefused), unit_of_work(engine) as db:
            service.redeem(db, clock, ids, token=wrong)
    assert counts(engine) == (0, 0)


def test_of_rivals_with_one_token_exactly_one_wins(engine: Engine, clock: FakeClock) -> None:
    """Eight at the same moment: one device, seven refusals."""
    with unit_of_work(engine) as db:
        token = service.enrol(db, clock, RandomIds(), kind="tablet", location_id="mill-lane")
    start, outcomes = threading.Barrier(8), []

    def rival() -> None:
        start.wait()
        try:
            with unit_of_work(engine) as db:
                outcomes.append(service.redeem(db, clock, RandomIds(), token=token).device_id)
        except EnrolmentRefused:
            outcomes.append("")

    rivals = [threading.Thread(target=rival) for _ in range(8)]
    for one in rivals:
        one.start()
    for one in rivals:
        one.join()
    assert sorted(map(bool, outcomes)) == [False] * 7 + [True]
    assert counts(engine) == (1, 1)


def test_an_id_that_is_taken_is_drawn_again(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """Two devices never share an id, even when the randomness says so."""

    class Stuck(SeededIds):
        """Ids whose first two draws repeat."""

        def __init__(self) -> None:
            super().__init__(3)
            self.draws = ["credential", "one", "credential", "one", "two"]

        def token(self) -> str:
            return self.draws.pop(0)

    tokens = []
    with unit_of_work(engine) as db:
        for _ in range(2):
            tokens.append(service.enrol(db, clock, ids, kind="tablet", location_id="mill-lane"))  # noqa: PERF401
        stuck = Stuck()
        made = [service.redeem(db, clock, stuck, token=token).device_id for token in tokens]
    assert made == [device_id_from("tablet", "one"), device_id_from("tablet", "two")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "fridge"},
        {"location_id": "Mill Lane"},
        {"location_id": "a/b"},
        {"location_id": "+"},
        {"name": "x" * 81},
        {"name": "two\nlines"},
        {"lifetime": timedelta(0)},
        {"lifetime": timedelta(days=31)},
    ],
)
def test_what_cannot_be_enrolled_is_refused(
    engine: Engine, clock: FakeClock, ids: SeededIds, wrong: dict[str, str]
) -> None:
    """The error names the field, and no token is kept."""
    asked: dict[str, str] = {"kind": "tablet", "location_id": "mill-lane", **wrong}
    enrol: Callable[..., str] = service.enrol
    with pytest.raises(InvalidInput) as refusal, unit_of_work(engine) as db:
        enrol(db, clock, ids, **asked)
    assert refusal.value.data["field"] in wrong
    with reading(engine) as db:
        assert db.exec(select(EnrolmentRow)).all() == []


def test_every_kind_of_the_contract_can_be_enrolled(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """A kind that may send events is a kind of the registry."""
    kinds = {enrolled(engine, clock, ids, kind).kind for kind in EVENTS_OF_KIND}
    assert kinds == set(EVENTS_OF_KIND)


def test_a_revoked_device_is_known_and_refused(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """Its credential no longer holds; its record says so; a second revocation changes nothing."""
    device = enrolled(engine, clock, ids)
    with unit_of_work(engine) as db:
        service.revoke(db, clock, device_id=device.device_id)
    clock.advance(60)
    with unit_of_work(engine) as db:
        service.revoke(db, clock, device_id=device.device_id)
    with reading(engine) as db:
        assert queries.verify_credential(db, clock, device.device_id, device.credential) is None
        assert queries.devices_by_id(db, [device.device_id])[device.device_id].revoked
        assert queries.credential_hashes(db) == {device.device_id: None}
        row = queries.device(db, device.device_id)
    assert row.revoked_at == clock.now() - timedelta(seconds=60)


def test_a_rotated_credential_replaces_the_old_one(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """Only the newest credential is good."""
    device = enrolled(engine, clock, ids)
    with unit_of_work(engine) as db:
        fresh = service.rotate(db, clock, ids, device_id=device.device_id)
    with reading(engine) as db:
        assert queries.verify_credential(db, clock, device.device_id, device.credential) is None
        assert queries.verify_credential(db, clock, device.device_id, fresh) is not None


def test_a_revoked_device_gets_no_new_credential(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """It has to be enrolled anew; its hash stays as it was."""
    device = enrolled(engine, clock, ids)
    with unit_of_work(engine) as db:
        service.revoke(db, clock, device_id=device.device_id)
    with reading(engine) as db:
        before = db.exec(select(DeviceRow.credential_hash)).one()
    with pytest.raises(DeviceRevoked), unit_of_work(engine) as db:
        service.rotate(db, clock, ids, device_id=device.device_id)
    with reading(engine) as db:
        assert db.exec(select(DeviceRow.credential_hash)).one() == before


def test_a_device_that_does_not_exist(engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
    """Nothing can be done with it, and it is in no answer."""
    with pytest.raises(UnknownDevice), unit_of_work(engine) as db:
        service.revoke(db, clock, device_id="tab-000000")
    with pytest.raises(UnknownDevice), unit_of_work(engine) as db:
        service.rotate(db, clock, ids, device_id="tab-000000")
    with reading(engine) as db:
        assert queries.verify_credential(db, clock, "tab-000000", "") is None
        assert queries.devices_by_id(db, ["tab-000000"]) == {}
        with pytest.raises(UnknownDevice):
            queries.device(db, "tab-000000")


def test_signs_of_life_are_kept_by_the_batch(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """The latest counts, ``since`` moves only when the state turns, strangers are passed over."""
    one, two = enrolled(engine, clock, ids), enrolled(engine, clock, ids)
    base_us = to_us(clock.now())

    def heard(*rows: Seen) -> dict[str, tuple[int, bool, int]]:
        with unit_of_work(engine) as db:
            service.seen(db, rows)
        with reading(engine) as db:
            return {
                row.device_id: (row.last_seen_at_us - base_us, row.online, row.since_us - base_us)
                for row in db.exec(select(DeviceSeenRow))
            }

    first = heard(
        Seen(one.device_id, base_us + 1, online=True),
        Seen(one.device_id, base_us + 2),
        Seen(two.device_id, base_us + 3),
        Seen("tab-000000", base_us, online=True),
    )
    assert first == {one.device_id: (1, True, 1), two.device_id: (3, False, 3)}
    later = heard(
        Seen(one.device_id, base_us + 5_000_000, online=True),
        Seen(two.device_id, base_us + 6_000_000),
        Seen(two.device_id, base_us + 7_000_000),
    )
    assert later == {one.device_id: (5_000_000, True, 1), two.device_id: (7_000_000, False, 3)}
    gone = heard(Seen(one.device_id, base_us + 8_000_000, online=False))
    assert gone[one.device_id] == (8_000_000, False, 8_000_000)


def test_the_list_says_when_a_device_was_last_seen(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """A device that never spoke is listed too."""
    spoke, silent = enrolled(engine, clock, ids), enrolled(engine, clock, ids, "scanner")
    with unit_of_work(engine) as db:
        service.seen(db, [Seen(spoke.device_id, to_us(clock.now()), online=True)])
    with reading(engine) as db:
        rows = {row.id: row for row in queries.listed(db)}
        assert queries.listed(db, location_id="elsewhere") == []
    assert rows[spoke.device_id].last_seen_at == clock.now()
    assert rows[spoke.device_id].online
    assert rows[silent.device_id].last_seen_at is None
    assert not rows[silent.device_id].online


@pytest.mark.parametrize(
    "kept", ["", "$7$101$AAAA", "$6$101$AAAA$AAAA", "$7$x$AAAA$AAAA", "$7$0$AAAA$AAAA", "$7$1$a$b"]
)
def test_a_hash_of_another_form_matches_nothing(kept: str) -> None:
    """What we cannot read lets nobody in."""
    assert not credential_matches("", kept)


def test_a_credential_matches_its_own_hash_alone() -> None:
    """Salted: the same secret twice gives two hashes; an endless one is not even tried."""
    kept = credential_hash("a secret")
    assert kept != credential_hash("a secret")
    assert credential_matches("a secret", kept)
    assert not credential_matches("a secret ", kept)
    assert not credential_matches("x" * 1_000_000, kept)
