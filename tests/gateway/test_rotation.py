"""What the registry takes for a device's credential while it is being exchanged."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.errors import DeviceRevoked, InvalidPayload, UnknownDevice
from cart.kernel.ids import SeededIds
from gateway.broker.access import Admitted, RegistryAccess
from gateway.commands.service import ask_rotate, open_commands
from gateway.ingest.batch import Domain
from gateway.ingest.fence import Unfenced
from gateway.ingest.read import read
from gateway.ingest.stations import stations_heard
from gateway.registry import queries, service
from gateway.registry.model import ROTATION_OVERLAP, Enrolled
from gateway.settings import MqttSettings
from gateway.wire.codec import encode
from gateway.wire.credential import credential_hash
from gateway.wire.downlink import Ack, AckOutcome
from gateway.wire.topics import Channel
from gateway.wiring import Gateway
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import Tablet, enrolled

DAY = timedelta(days=1)


class Registry:
    """One device, and a broker that asks."""

    def __init__(self, engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
        self.engine, self.clock, self.ids = engine, clock, ids
        self.device: Enrolled = enrolled(engine, clock, ids)
        self.access = RegistryAccess(engine, "the server's", clock)

    def rotate(self, overlap: timedelta = DAY) -> str:
        """Give it a fresh credential by hand."""
        with unit_of_work(self.engine) as db:
            name = self.device.device_id
            return service.rotate(db, self.clock, self.ids, device_id=name, overlap=overlap)

    def good(self, *credentials: str) -> list[bool]:
        """Say which are, without using them."""
        with reading(self.engine) as db:
            name = self.device.device_id
            return [
                queries.verify_credential(db, self.clock, name, one) is not None
                for one in credentials
            ]

    def admit(self, credential: str) -> Admitted:
        """Let it in."""
        admitted = self.access.admit(self.device.device_id, credential)
        assert admitted is not None
        return admitted

    def answer(self, command_id: str, detail: str) -> None:
        """Hear the device's ack."""
        ack = Ack(command_id=command_id, outcome=AckOutcome.DONE, detail=detail)
        message = Tablet(self.device, self.clock).message(encode(ack), Channel.ACKS)
        domain = Domain(self.clock, self.ids, sellables)
        stations_heard(self.engine, domain, Unfenced(), [read(message)])

    def ask(self) -> str:
        """Ask the device for a fresh one; return the command's id."""
        with unit_of_work(self.engine) as db:
            return ask_rotate(db, self.clock, self.ids, device_id=self.device.device_id)


@pytest.fixture
def registry(engine: Engine, clock: FakeClock, ids: SeededIds) -> Registry:
    """One."""
    return Registry(engine, clock, ids)


def test_both_are_good_until_the_fresh_one_is_used(registry: Registry) -> None:
    """Then whoever holds the one before is off the line and stays off."""
    before = registry.device.credential
    fresh = registry.rotate()
    old_line = registry.admit(before)
    assert registry.good(before, fresh) == [True, True]
    assert registry.access.withdrawn([old_line]) == set()
    new_line = registry.admit(fresh)
    assert registry.good(before, fresh) == [False, True]
    assert registry.access.withdrawn([old_line, new_line]) == {old_line}


def test_the_one_before_ends_with_its_time(registry: Registry) -> None:
    """Also if nobody ever uses the fresh one; the fresh one does not end."""
    before = registry.device.credential
    fresh = registry.rotate()
    old_line = registry.admit(before)
    registry.clock.advance(DAY.total_seconds() - 1)
    assert registry.good(before) == [True]
    registry.clock.advance(1)
    assert registry.good(before, fresh) == [False, True]
    assert registry.access.withdrawn([old_line]) == {old_line}


def test_without_overlap_it_ends_at_once(registry: Registry) -> None:
    """As for a credential that somebody has copied."""
    first = registry.rotate()
    second = registry.rotate(timedelta(0))
    assert registry.good(registry.device.credential, first, second) == [False, False, True]


def test_twice_before_it_was_used(registry: Registry) -> None:
    """What the device has is good, and the newest; the one that nobody used is not."""
    first, second = registry.rotate(), registry.rotate()
    assert registry.good(registry.device.credential, first, second) == [True, False, True]


def test_a_device_answers_with_a_hash(registry: Registry) -> None:
    """It is taken once, for the command that is open; asked again while it is, it is the same."""
    before = registry.device.credential
    command_id = registry.ask()
    assert registry.ask() == command_id
    registry.answer(command_id, credential_hash("made by the device"))
    assert registry.good(before, "made by the device") == [True, True]
    registry.answer(command_id, credential_hash("made by another"))  # it waits for none now
    assert registry.good("made by another") == [False]
    registry.clock.advance(ROTATION_OVERLAP.total_seconds())
    assert registry.good(before, "made by the device") == [False, True]
    assert registry.ask() != command_id


@pytest.mark.parametrize("detail", ["", "done", "made by the device", "$7$1$YWJj$YWJj", "x" * 500])
def test_an_answer_that_is_no_hash_changes_nothing(registry: Registry, detail: str) -> None:
    """It is a dead letter; a cheap hash, which could be guessed, is none either."""
    registry.answer(registry.ask(), detail)
    assert registry.good(registry.device.credential) == [True]
    with reading(registry.engine) as db:
        letters = db.connection().exec_driver_sql("SELECT reason FROM dead_letter").all()
    assert [tuple(one) for one in letters] == [(InvalidPayload.code,)]


def test_a_revoked_device_is_not_asked(registry: Registry) -> None:
    """Nor does its late answer bring it back."""
    command_id = registry.ask()
    with unit_of_work(registry.engine) as db:
        service.revoke(db, registry.clock, device_id=registry.device.device_id)
    registry.answer(command_id, credential_hash("made by the device"))
    assert registry.good("made by the device") == [False]
    with pytest.raises(DeviceRevoked):
        registry.ask()
    with pytest.raises(UnknownDevice), unit_of_work(registry.engine) as db:
        ask_rotate(db, registry.clock, registry.ids, device_id="tab-none")


def test_a_command_that_is_too_old_is_sent_no_more(registry: Registry) -> None:
    """It expires: nothing is open, and the next one is another."""
    command_id = registry.ask()
    registry.clock.advance(timedelta(days=7).total_seconds())
    with reading(registry.engine) as db:
        assert open_commands(db, registry.clock, registry.device.device_id) == []
    assert registry.ask() != command_id


def test_a_password_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    """The sweep goes on, and the next one writes it."""
    blocked = tmp_path / "broker"
    blocked.write_text("a file where a folder should be")
    gateway = Gateway(
        MqttSettings(data_dir=tmp_path, mosquitto_password_file=blocked / "passwords")
    )
    gateway.tell_broker()
    blocked.unlink()
    gateway.tell_broker()
    assert (blocked / "passwords").exists()
