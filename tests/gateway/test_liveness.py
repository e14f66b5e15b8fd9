"""Alive is said by what would have to be started anew: the gateway's ingest, the API's loop.

Both listeners answer from threads of their own, so they would go on saying that all is well.
"""

import ctypes
import os
import signal
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cart.run_files import announced
from gateway.settings import MqttSettings
from gateway.wiring import Gateway
from tests.real.nursery import FIRST_S, bear
from tests.real.waiting import wait_until

WAIT_S = 30.0
STUCK, FREE = signal.SIGUSR1, signal.SIGUSR2


def live(data_dir: Path, process: str) -> tuple[int, dict[str, Any]]:
    """Return status and words of a process's liveness."""
    port = announced(data_dir, process)["monitor_port"]
    answer = httpx2.get(f"http://127.0.0.1:{port}/health/live", timeout=10)
    return answer.status_code, answer.json()


def end(thread: threading.Thread) -> None:
    """Let a thread end where it stands, as an error that nobody catches would."""
    ident = ctypes.c_ulong(thread.ident or 0)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit)) == 1
    thread.join(WAIT_S)


# That the thread ends by an error is what is tried.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_gateway_without_its_ingest_is_to_be_started_anew(tmp_path: Path) -> None:
    """It takes nothing in any more, while broker and database answer as ever."""
    settings = MqttSettings(data_dir=tmp_path, mqtt_port=0, monitor_port=0)
    gateway = Gateway(settings)
    before = set(threading.enumerate())
    gateway.start()
    try:
        assert gateway.wait_online(WAIT_S)
        assert live(tmp_path, "gateway") == (200, {"live": True, "ingest": "ok"})
        (ingest,) = (one for one in set(threading.enumerate()) - before if one.name == "ingest")
        end(ingest)
        assert live(tmp_path, "gateway") == (
            503,
            {"live": False, "ingest": "its thread has ended"},
        )
        port = announced(tmp_path, "gateway")["monitor_port"]
        ready = httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=10)
        said = {"database": "ok", "broker": "ok", "ingest": "nobody takes what devices say"}
        assert ready.status_code == 503
        assert said.items() <= ready.json().items()
    finally:
        gateway.stop()


def serve_that_can_be_stuck() -> None:
    """Run the API; its main thread, with the event loop, waits from one signal to the other."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {FREE})
    signal.signal(STUCK, lambda *_: signal.sigwait({FREE}))
    from mobile_api.serving import listening_on, serve  # noqa: PLC0415 - once the mask is set
    from mobile_api.settings import ApiSettings  # noqa: PLC0415

    serve(ApiSettings(), listening_on("127.0.0.1", 0))


@pytest.mark.timeout(FIRST_S)
def test_an_api_whose_loop_is_stuck_is_to_be_started_anew(tmp_path: Path) -> None:
    """Its process lives and its other threads work; nobody would be answered, until it is free."""
    environment = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "MONITOR_PORT": "0"}
    process = bear(serve_that_can_be_stuck, env=environment, said=tmp_path / "said.txt")
    try:
        wait_until(lambda: bool(announced(tmp_path, "api")), FIRST_S)
        pid = int(announced(tmp_path, "api")["pid"])
        wait_until(lambda: live(tmp_path, "api") == (200, {"live": True, "loop": "ok"}), WAIT_S)
        os.kill(pid, STUCK)
        wait_until(lambda: live(tmp_path, "api")[0] == 503, WAIT_S)
        said = live(tmp_path, "api")[1]
        assert said["live"] is False
        assert said["loop"].endswith("does not answer")
        assert process.lives
        os.kill(pid, FREE)
        wait_until(lambda: live(tmp_path, "api")[0] == 200, WAIT_S)
    finally:
        process.kill()
