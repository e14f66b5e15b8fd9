"""Server processes as children: started on a leash, logged to files, ended in every case.

Owns processes and their logs. It knows no command of the project by itself.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cart.kernel.errors import Unavailable

STOP_S: Final = 10.0  # a server that finishes its batch and its streams needs less than six
KILLED_S: Final = 5.0
LOG_TAIL_LINES: Final = 20
PAUSE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Command:
    """A command line of the project: its module, arguments and environment."""

    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path


class Child:
    """One running server process."""

    def __init__(self, name: str, command: Command) -> None:
        """Start it; its output goes to the end of the log file."""
        self.name = name
        self._log = command.log
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log:
            # A group of its own: Ctrl-C reaches us alone, and we end it when it may end.
            self._process = subprocess.Popen(  # noqa: S603 - a module of ours
                [sys.executable, "-m", "firmware_sim.leash", command.module, *command.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(command.environment),
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return self._process.poll()

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def check(self) -> None:
        """Do nothing while it runs.

        Raises:
            Unavailable: it has ended by itself; its last lines are in the message.
        """
        code = self.exit_code
        if code is not None:
            msg = f"{self.name} has ended with {code}; its last lines:\n{self.log_tail()}"
            raise Unavailable(msg)

    def wait_until(self, holds: Callable[[], bool], what: str, wait_s: float) -> None:
        """Return as soon as ``holds()``.

        Raises:
            Unavailable: it ended, or ``wait_s`` were not enough.
        """
        deadline = time.monotonic() + wait_s
        while not holds():
            self.check()
            if time.monotonic() > deadline:
                msg = f"{self.name}: {what} did not come in {wait_s:.0f} s:\n{self.log_tail()}"
                raise Unavailable(msg)
            time.sleep(PAUSE_S)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and do not wait."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it in order; kill it if it does not."""
        self.ask_to_stop()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait(KILLED_S)
        self._close()

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


def stop_all(children: Sequence[Child]) -> None:
    """End them in this order, all of them, whatever happens to one."""
    try:
        for child in children:
            child.stop()
    finally:
        for child in children:
            if child.exit_code is None:
                child.kill()


def run_command(command: Command, timeout_s: float) -> str:
    """Run a command line to its end; return what it wrote to standard output.

    Raises:
        Unavailable: it ended with other than 0, or not in time.
    """
    argv = [sys.executable, "-m", "firmware_sim.leash", command.module, *command.arguments]
    try:
        done = subprocess.Popen(  # noqa: S603 - a module of ours
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(command.environment),
            text=True,
            process_group=0,
        )
        out, errors = _finished(done, timeout_s)
    except subprocess.TimeoutExpired as error:
        msg = f"{' '.join(argv[3:])} did not end in {timeout_s:.0f} s"
        raise Unavailable(msg) from error
    with command.log.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(argv[3:])}\n{out}{errors}")
    if done.returncode:
        msg = f"{' '.join(argv[3:])} ended with {done.returncode}: {(errors or out).strip()}"
        raise Unavailable(msg)
    return out


def _finished(process: "subprocess.Popen[str]", timeout_s: float) -> tuple[str, str]:
    """Return what it wrote. Its standard input stays open meanwhile: that is its leash."""
    stdin, process.stdin = process.stdin, None
    try:
        return process.communicate(timeout=timeout_s)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # its workers too
            process.wait(KILLED_S)
        if stdin is not None:
            stdin.close()
