"""Says on the terminal how far a long file is, and at the end what came of it."""

from typing import Final, Protocol

from cart.kernel.clock import Clock
from inventory_api.feeds.report import Outcome

TERMINAL_EVERY_S: Final = 0.2
LOG_EVERY_S: Final = 10.0  # a line in a log now and then, not a thousand


class Stream(Protocol):
    """Where it is said: standard error, usually."""

    def isatty(self) -> bool:
        """Say whether a person is looking at it."""
        ...

    def write(self, text: str, /) -> int:
        """Write."""
        ...

    def flush(self) -> None:
        """Let it be seen now."""
        ...


class ProgressLine:
    """One line that rewrites itself on a terminal; a line now and then anywhere else."""

    def __init__(self, stream: Stream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._started = self._said = clock.monotonic()
        self._width = 0

    def __call__(self, outcome: Outcome, share: float) -> None:
        """Say how far it is, unless that was said just now."""
        now = self._clock.monotonic()
        if now - self._said < (TERMINAL_EVERY_S if self._terminal else LOG_EVERY_S):
            return
        self._said = now
        speed = outcome.rows / max(now - self._started, 0.001)
        text = (
            f"{outcome.file}: {outcome.rows:,} rows, {share:.0%},"
            f" {outcome.refused:,} refused, {speed:,.0f} rows/s"
        )
        if self._terminal:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def end(self) -> None:
        """Clear the line, so that what follows starts on an empty one."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()


def summary(outcome: Outcome) -> list[str]:
    """Return what came of a file, in lines for a person."""
    change = f"{outcome.changed:,} changed something" if outcome.changed else "nothing changed"
    lines = [
        (
            f"{outcome.file} ({outcome.kind}): {outcome.rows:,} rows,"
            f" {outcome.taken:,} taken, {change}, {outcome.refused:,} refused,"
            f" in {outcome.seconds:.1f} s"
        )
    ]
    for problem in outcome.shown:
        column = f", {problem.column}" if problem.column else ""
        remark = "" if problem.refused else " (taken)"
        lines.append(f"  line {problem.line}{column}: {problem.reason}{remark}")
    if outcome.problems > len(outcome.shown):
        lines.append(f"  … and {outcome.problems - len(outcome.shown):,} more")
    if outcome.report:
        lines.append(f"  all of them: {outcome.report}")
    return lines
