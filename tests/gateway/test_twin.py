"""The twin, on both databases."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import InvalidInput, UnknownDevice
from cart.kernel.ids import SeededIds
from gateway.registry import service as registry
from gateway.twin import queries, service
from gateway.twin.model import Report, Twin
from gateway.wire.downlink import DesiredData
from gateway.wire.events import HealthData
from tests.fakes.clock import FakeClock


@pytest.fixture
def device_id(engine: Engine, clock: FakeClock, ids: SeededIds) -> str:
    """An enrolled tablet."""
    with unit_of_work(engine) as db:
        token = registry.enrol(db, clock, ids, kind="tablet", location_id="mill-lane")
        return registry.redeem(db, clock, ids, token=token).device_id


def report(engine: Engine, clock: FakeClock, *healths: tuple[str, HealthData]) -> None:
    """Take in health messages, one batch."""
    with unit_of_work(engine) as db:
        service.report(db, [Report(name, to_us(clock.now()), said) for name, said in healths])


def test_a_wish_is_pending_until_the_device_reports_its_version(
    engine: Engine, clock: FakeClock, device_id: str
) -> None:
    """The device is told until it has said that it did it."""
    with unit_of_work(engine) as db:
        assert service.pending(db, device_id) is None
        assert service.set_desired(db, device_id, locale="he", idle_after_s=60) == 1
    wish = DesiredData(version=1, locale="he", idle_after_s=60)
    report(engine, clock, (device_id, HealthData(firmware="1.0", locale="en")))
    with reading(engine) as db:
        assert service.pending(db, device_id) == wish
        assert queries.pending_of(db, [device_id, "tab-000000"]) == {device_id: wish}
        assert queries.twin(db, device_id).pending
    done = HealthData(firmware="1.0", locale="he", desired_version=1)
    report(engine, clock, (device_id, done))
    with reading(engine) as db:
        assert service.pending(db, device_id) is None
        assert queries.twin(db, device_id) == Twin(device_id, wish, done, clock.now())
        assert not queries.twin(db, device_id).pending


def test_wishes_merge_and_can_be_taken_back(engine: Engine, device_id: str) -> None:
    """What is not named stays; None goes; the same again is no new version."""
    with unit_of_work(engine) as db:
        service.set_desired(db, device_id, locale="he", firmware="2.0")
    with unit_of_work(engine) as db:
        assert service.set_desired(db, device_id, firmware="2.1") == 2
        assert service.set_desired(db, device_id, locale="he") == 2
    with unit_of_work(engine) as db:
        assert service.set_desired(db, device_id, locale=None) == 3
        assert service.pending(db, device_id) == DesiredData(version=3, firmware="2.1")


@pytest.mark.parametrize(
    "wrong", [{"locale": "xx"}, {"idle_after_s": 1}, {"colour": "red"}, {"version": 9}]
)
def test_a_wish_the_wire_does_not_know_is_refused(
    engine: Engine, device_id: str, wrong: dict[str, object]
) -> None:
    """The error names the field, and nothing is desired."""
    set_desired: Callable[..., int] = service.set_desired
    with pytest.raises(InvalidInput), unit_of_work(engine) as db:
        set_desired(db, device_id, **wrong)
    with reading(engine) as db:
        assert queries.twin(db, device_id) == Twin(device_id, None, None, None)


def test_nothing_can_be_desired_of_a_device_that_does_not_exist(engine: Engine) -> None:
    """Neither a wish nor a report makes a twin without a device."""
    with pytest.raises(UnknownDevice), unit_of_work(engine) as db:
        service.set_desired(db, "tab-000000", locale="pl")
    with unit_of_work(engine) as db:
        service.report(db, [Report("tab-000000", 1, HealthData(firmware="1"))])
        assert queries.twin(db, "tab-000000").reported is None


def test_of_a_batch_the_last_report_counts(
    engine: Engine, clock: FakeClock, device_id: str
) -> None:
    """Two messages of a device in one batch are one row."""
    early = HealthData(firmware="1.0", battery_percent=50, catalogue_as_of=clock.now())
    late = early.model_copy(update={"battery_percent": 49})
    report(engine, clock, (device_id, early), (device_id, late))
    with reading(engine) as db:
        assert queries.twin(db, device_id).reported == late
