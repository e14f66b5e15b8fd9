"""Free loopback ports, and waiting until something listens on one."""

import socket
import time

WAIT_S = 10.0  # a broker or server on a busy test machine is up well within this
PAUSE_S = 0.02


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, wait_s: float = WAIT_S) -> None:
    """Return as soon as something accepts connections on ``port``.

    Raises:
        TimeoutError: nothing did within ``wait_s``.
    """
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(PAUSE_S)  # there is no event to await: another process is starting
        else:
            return
    msg = f"nothing listens on port {port} after {wait_s} s"
    raise TimeoutError(msg)
