"""Processes of the application for tests, forked from one that has imported everything.

Importing the application takes seconds, and a test of crashes starts it many times.
``multiprocessing``'s fork server imports once per test process, when it is first
asked for, and has neither threads nor files of the test's that a fork could inherit.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

IMPORTED = ["tests.real.warm", "mobile_api.cli", "uvicorn"]
FIRST_S = 240  # a whole test that bears: the first one waits for the imports as well
FOREVER_S = 90.0  # whatever a test lets a process do to its end takes a few seconds

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(IMPORTED)


class Born:
    """A running process, and what it says."""

    def __init__(self, process: ForkServerProcess, said: Path) -> None:
        self._process = process
        self._said = said

    @property
    def said(self) -> str:
        """All that it has written to its output and its errors so far."""
        return self._said.read_text(errors="replace")

    @property
    def lives(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Kill it, as a power cut does, and wait until it is gone."""
        self._process.kill()
        self.ended()

    def ended(self, wait_s: float = FOREVER_S) -> int:
        """Wait for its end; return its exit code, or the negative number of a signal.

        Raises:
            TimeoutError: it had not ended after ``wait_s``; it is killed then.
        """
        self._process.join(wait_s)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
            msg = f"it still ran after {wait_s} s: {self.said[-6_000:]}"
            raise TimeoutError(msg)
        return code


def bear(run: Callable[..., object], *arguments: object, env: dict[str, str], said: Path) -> Born:
    """Start ``run(*arguments)``, a function of a module, with exactly this environment.

    ``said`` is the file that its output and errors are written to, anew.
    """
    process = _context.Process(target=_live, args=(run, arguments, env, said), daemon=True)
    process.start()
    return Born(process, said)


def _live(
    run: Callable[..., object], arguments: tuple[object, ...], env: dict[str, str], said: Path
) -> None:
    os.environ.clear()
    os.environ.update(env)
    with said.open("wb") as written:
        os.dup2(written.fileno(), 1)
        os.dup2(written.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    run(*arguments)


def command(*words: str) -> None:
    """Be the command ``mobile_api``; it is for :func:`bear`."""
    from mobile_api.cli import app  # noqa: PLC0415 - a test process bears, and needs it not

    app(list(words))
