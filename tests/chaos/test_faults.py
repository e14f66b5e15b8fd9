"""What is full, read-only, away or slow for a while: nothing is lost, and nobody has to help.

Each fault falls on the real processes in the middle of a stream, lasts until the devices
have gone on speaking into it, and is lifted. Then the whole run is judged as one of
``make chaos``: every event once, every cart what was said. docs/operations.md says what
people see meanwhile.
"""

import json
import resource
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.chaos.plan import SHOPS, Plan, Scale, plan_of
from tests.chaos.run import Strike, folder_of, run, said
from tests.chaos.stage import Stage, wait_until

SCALE: Final = Scale(
    events=6_000, hosts=2, devices_per_host=4, phones=2, shoppers=1, rate=1_500.0, blows=1
)
BEFORE, DURING = 1_500, 4_500  # events said when the fault begins, and when it ends
IN_FLIGHT: Final = 1_000  # of them, what was still on its way when the fault began
WAIT_S: Final = 90.0
LONG_S: Final = 12.0  # past every wait of the processes: 10 s for a lock, 5 s between two tries
GROWTH_MAX_MIB: Final = 150  # of a process while it waits; a full queue of 10,000 takes 20
TIGHT_BYTES: Final = 300_000  # less than the log that a spool keeps before it is folded in
pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]


def plan(broker: str, database: str) -> Plan:
    """Return a small run on this kind of shop, without blows."""
    seed = 100 + [*SHOPS].index((broker, database))  # type: ignore[arg-type]
    return replace(plan_of(seed, SCALE), blows=())


def faulty(fault: Callable[[Stage], None], of: Plan) -> None:
    """Play the plan with this fault in its middle; everything has to come out clean."""

    def strike(on: Stage) -> dict[str, int]:
        on.allow(BEFORE)
        assert wait_until(lambda: said(on) >= BEFORE, WAIT_S)
        grown = Growth(on)
        fault(on)
        assert grown.most_mib() < GROWTH_MAX_MIB
        on.allow(on.plan.scale.events)
        return {}

    play(strike, of)


def play(strike: Strike, of: Plan) -> None:
    """Play the plan; everything has to come out clean."""
    with folder_of(of.seed) as folder:
        result = run(of, folder, strike=strike)
    assert result.wrong == []
    assert result.verdict.details == []
    assert result.clean
    assert result.verdict.events == SCALE.events


class Growth:
    """How much memory gateway, API and a process of devices have taken since."""

    def __init__(self, on: Stage) -> None:
        pids = {
            "gateway": on.shop.pid("gateway"),
            "api": on.shop.pid("api"),
            "devices-0": on.host_pid("devices-0"),
        }
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._before = self._sizes()

    def most_mib(self) -> float:
        """Return the growth of the one that grew most, in MiB."""
        now = self._sizes()
        return max(now[name] - before for name, before in self._before.items())

    def _sizes(self) -> dict[str, float]:
        return {name: one.memory_info().rss / 2**20 for name, one in self._processes.items()}


def speak_into_it(on: Stage) -> None:
    """Let the devices go on while it lasts; all of it stays with them."""
    stored = waiting(on)
    on.allow(DURING)
    assert wait_until(lambda: said(on) >= DURING, WAIT_S)
    time.sleep(LONG_S)
    assert waiting(on) >= stored + DURING - BEFORE - IN_FLIGHT


def waiting(on: Stage) -> int:
    """Return how many events have no receipt."""
    return sum(one.waiting for one in on.kept())


def ready(on: Stage) -> dict[str, Any]:
    """Return what the gateway says of itself to an operator's probe."""
    facts = json.loads((on.shop.data_dir / "run" / "gateway.json").read_text())
    address = f"http://127.0.0.1:{facts['monitor_port']}/health/ready"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        found = json.load(error)
    return found


@contextmanager
def full_disk(pid: int, limit_bytes: int = 0) -> Iterator[None]:
    """Let no file of this process grow past the limit: the system refuses its writes."""
    free = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit_bytes, free[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, free)


@pytest.mark.parametrize("broker", ["embedded", "mosquitto"])
def test_the_gateways_disk_is_full(broker: str) -> None:
    """Nothing is acknowledged, its health says so; with room again it goes on by itself."""

    def fault(on: Stage) -> None:
        with full_disk(on.shop.pid("gateway")):
            speak_into_it(on)
            found = ready(on)
            assert found["ready"] is False
            assert found["ingest"] != "ok"
        assert wait_until(lambda: ready(on)["ready"] is True, WAIT_S)

    faulty(fault, plan(broker, "sqlite"))


def test_the_database_is_read_only() -> None:
    """As after a failover to a standby: it is waited for, and no event is taken for a bad one."""

    def fault(on: Stage) -> None:
        postgres = on.postgres
        assert postgres is not None
        postgres.kill()
        postgres.start_as_standby()
        speak_into_it(on)
        found = ready(on)  # what waits is at hand, or its partition was let go for want of a beat
        assert found["ready"] is False
        assert (found["database"], found["ingest"] == found["broker"] == "ok") == ("ok", False)
        postgres.promote()
        assert wait_until(lambda: ready(on)["ready"] is True, WAIT_S)

    faulty(fault, plan("mosquitto", "postgresql"))


def test_the_database_is_gone() -> None:
    """Killed and left dead for longer than anything waits between two tries."""

    def fault(on: Stage) -> None:
        on.kill("postgresql")
        speak_into_it(on)
        found = ready(on)
        assert found["ready"] is False
        on.start_again(("postgresql",))
        assert wait_until(lambda: ready(on)["ready"] is True, WAIT_S)

    faulty(fault, plan("embedded", "postgresql"))


def test_the_database_hangs() -> None:
    """It answers nobody, and no connection ends: all wait, and go on in the same connections."""

    def fault(on: Stage) -> None:
        postgres = on.postgres
        assert postgres is not None
        postgres.hang()
        try:
            speak_into_it(on)
            found = ready(on)
            assert (found["ready"], found["database"]) == (False, "does not answer")
        finally:
            postgres.go_on()
        assert wait_until(lambda: ready(on)["ready"] is True, WAIT_S)

    faulty(fault, plan("mosquitto", "postgresql"))


def test_the_databases_disk_is_full() -> None:
    """It cannot write its log and ends itself; with room, and started again, all is there."""

    def fault(on: Stage) -> None:
        postgres = on.postgres
        assert postgres is not None
        postgres.fill_disk()
        speak_into_it(on)
        assert ready(on)["ready"] is False
        on.kill("postgresql")
        on.start_again(("postgresql",))
        assert wait_until(lambda: ready(on)["ready"] is True, WAIT_S)

    faulty(fault, plan("embedded", "postgresql"))


def test_the_database_is_locked() -> None:
    """The slowest of consumers: somebody holds SQLite's write lock; the broker is held back."""

    def fault(on: Stage) -> None:
        path = on.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            speak_into_it(on)
            other.execute("ROLLBACK")

    faulty(fault, plan("mosquitto", "sqlite"))


def test_the_broker_is_gone() -> None:
    """The spools keep everything; when it is back, all come back within their pauses."""

    def fault(on: Stage) -> None:
        on.kill("broker")
        speak_into_it(on)
        assert ready(on)["broker"] != "ok"
        on.start_again(("broker",))

    faulty(fault, plan("mosquitto", "postgresql"))


def test_the_devices_disk_is_full() -> None:
    """A scan that cannot be kept is refused while somebody looks; it is never taken and lost."""

    def fault(on: Stage) -> None:
        before = said(on)
        with full_disk(on.host_pid("devices-0")), full_disk(on.host_pid("devices-1")):
            on.allow(DURING)
            time.sleep(LONG_S)
            # A write-ahead log that was longer before has room for a few more.
            assert said(on) < DURING
        assert said(on) >= before
        assert wait_until(lambda: said(on) >= DURING, WAIT_S)

    faulty(fault, plan("embedded", "sqlite"))


def test_a_device_that_fills_its_own_disk_makes_room_by_itself() -> None:
    """With less room than its log would like to have, it refuses now and then, and goes on."""

    def strike(on: Stage) -> dict[str, int]:
        with (
            full_disk(on.host_pid("devices-0"), TIGHT_BYTES),
            full_disk(on.host_pid("devices-1"), TIGHT_BYTES),
        ):
            on.allow(on.plan.scale.events)
            assert wait_until(lambda: said(on) >= SCALE.events and not waiting(on), 2 * WAIT_S)
        return {}

    play(strike, plan("embedded", "sqlite"))


def test_a_full_disk_is_real(tmp_path: Path) -> None:
    """What the tests above rest on: the system itself refuses to let a file grow."""
    child = psutil.Process()
    with full_disk(child.pid, 10), pytest.raises(OSError, match="File too large"):
        (tmp_path / "file").write_bytes(b"x" * 11)
    (tmp_path / "file").write_bytes(b"x" * 11)
    assert (tmp_path / "file").stat().st_size == 11
