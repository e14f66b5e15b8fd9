"""The simulated hardware's faults: a clock that drifts, a network that drops."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from firmware_sim.drift import DriftingClock
from firmware_sim.look import qr_pixels, seen
from firmware_sim.network import HOST, Proxy
from firmware_sim.timing import Moments, TimedIds, percentile
from store_devices.tablet.kiosk import qr
from tests.fakes.clock import FakeClock

WAIT_S = 5.0


class Echo:
    """A TCP server on loopback that says back what it hears."""

    def __init__(self) -> None:
        self._listening = socket.create_server((HOST, 0))
        self.address = (HOST, self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(WAIT_S)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    @staticmethod
    def _answer(line: socket.socket) -> None:
        with line:
            try:
                while chunk := line.recv(1024):
                    line.sendall(chunk)
            except OSError:
                return


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """An open network before an echo."""
    echo = Echo()
    made = Proxy(echo.address)
    made.start()
    yield made
    made.stop()
    echo.close()


def connected(proxy: Proxy) -> socket.socket:
    """Return a line through the network."""
    return socket.create_connection((HOST, proxy.port), timeout=WAIT_S)


def test_an_open_network_passes_everything_both_ways(proxy: Proxy) -> None:
    """What goes in comes back."""
    with connected(proxy) as line:
        line.sendall(b"hello")
        assert line.recv(100) == b"hello"


def test_a_cut_drops_lines_and_refuses_new_ones_until_it_is_restored(proxy: Proxy) -> None:
    """The open line ends at once; a new one hears nothing; afterwards all is well."""
    with connected(proxy) as line:
        line.sendall(b"one")
        assert line.recv(100) == b"one"
        proxy.cut()
        assert hung_up(line)
    with connected(proxy) as line:
        assert hung_up(line)
    proxy.restore()
    with connected(proxy) as line:
        line.sendall(b"two")
        assert line.recv(100) == b"two"


def hung_up(line: socket.socket) -> bool:
    """Say whether the other side ends the line."""
    try:
        return line.recv(100) == b""
    except ConnectionError:
        return True


def test_a_stall_holds_bytes_back_and_keeps_them(proxy: Proxy) -> None:
    """Nothing passes while it stalls; all of it does afterwards."""
    with connected(proxy) as line:
        line.sendall(b"one")
        assert line.recv(100) == b"one"
        proxy.stall()
        line.sendall(b"two")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(100)
        proxy.restore()
        line.settimeout(WAIT_S)
        assert line.recv(100) == b"two"


def test_a_drifting_clock_is_off_and_gets_worse() -> None:
    """Its offset holds at once, its drift grows; durations drift, and never go backwards."""
    true = FakeClock()
    clock = DriftingClock(offset_s=-30, ppm=100, base=true)
    assert clock.now() == true.now() - timedelta(seconds=30)
    began = clock.monotonic()
    true.advance(10_000)
    assert clock.now() == true.now() - timedelta(seconds=29)
    assert clock.monotonic() - began == pytest.approx(10_001)


def test_the_qr_code_on_a_screen_is_read_as_a_phone_does() -> None:
    """The drawn code says what was put into it; a screen without one says so."""
    link = "http://127.0.0.1:8000/c/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
    assert seen(f"<div id='screen' data-phase='visit'>{qr(link)}</div>").link() == link
    assert qr_pixels("<p>nothing</p>") is None
    assert seen("<p>nothing</p>").link() is None


def test_moments_time_the_events_of_their_own_tablet_only() -> None:
    """An id that was made here is timed, another is not."""

    class Ids:
        def new(self, prefix: str) -> str:
            return f"{prefix}_1"

        def token(self) -> str:
            return "secret"

    moments = Moments()
    ids = TimedIds(Ids(), moments)
    assert ids.new("visit") == "visit_1"
    assert moments.since_ms("visit_1", 1e9) is None
    assert ids.new("evt") == "evt_1"
    passed_ms = moments.since_ms("evt_1", 1e9)
    assert passed_ms is not None
    assert passed_ms > 0


def test_percentiles_are_of_what_there_is() -> None:
    """Nearest rank; nothing has none."""
    assert percentile([], 0.95) is None
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([float(n) for n in range(100)], 0.95) == 95.0
