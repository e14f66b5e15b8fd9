"""Whether a process can do its work, asked part by part, with the reason where it cannot.

A part that does not answer is as bad as one that answers no: each is asked in a
thread of its own and waited for only so long. Knows no part: whoever has them
gives a check that returns the reason, empty when all is well.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from cart.db import reading

Check = Callable[[], str]
WAIT_S: Final = 2.0  # a probe of an orchestrator gives up after one to five seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons``: what is wrong, by part; empty when ready."""

    parts: tuple[str, ...]
    reasons: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reasons

    def well(self, part: str) -> bool:
        """Say whether this part is."""
        return part not in self.reasons


class _Asked:
    """One check; while it has not answered it is not asked again."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._answered.set()
        self._reason = ""

    def ask(self) -> None:
        with self._lock:
            if self._answered.is_set():
                self._answered.clear()
                threading.Thread(target=self._run, name="health", daemon=True).start()

    def answer(self, wait_s: float) -> str:
        if not self._answered.wait(wait_s):
            return "does not answer"
        return self._reason

    def _run(self) -> None:
        try:
            self._reason = self._check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the part is not well
            self._reason = f"{type(error).__name__}"
        finally:
            self._answered.set()


class Health:
    """The parts of this process that have to be well."""

    def __init__(self, checks: Mapping[str, Check], *, wait_s: float = WAIT_S) -> None:
        self._asked = {name: _Asked(check) for name, check in checks.items()}
        self._wait_s = wait_s

    def look(self) -> Verdict:
        """Ask every part at once; return within the time that is waited for one."""
        for one in self._asked.values():
            one.ask()
        until = time.monotonic() + self._wait_s
        reasons = {
            name: reason
            for name, one in self._asked.items()
            if (reason := one.answer(max(0.0, until - time.monotonic())))
        }
        return Verdict(tuple(self._asked), reasons)


def database_answers(engine: Engine) -> str:
    """Return why the database cannot be read, with our tables in it."""
    try:
        with reading(engine) as db:
            db.connection().execute(text("SELECT 1 FROM cart LIMIT 1"))
    except SQLAlchemyError as error:
        return f"cannot be read: {_first_line(error)}"
    return ""


def _first_line(error: SQLAlchemyError) -> str:
    """Return what the driver said, without the statement."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    return lines[0]
