"""What the catalogue's HTTP routes need of the process that mounts them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import Engine

from cart.kernel.clock import Clock
from inventory_api.stock.live import StockFeed

STREAMS_MAX: Final = 500  # open at once in one process; each looks into the database now and then
Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Gather(Protocol):
    """Makes, of what answers many questions at once in a thread, a way to ask one."""

    def __call__(
        self, work: Callable[[Sequence[Question]], Sequence[Answer]]
    ) -> Callable[[Question], Awaitable[Answer]]:
        """Return the way to ask."""
        ...


def each_by_itself(
    work: Callable[[Sequence[Question]], Sequence[Answer]],
) -> Callable[[Question], Awaitable[Answer]]:
    """Ask one question at a time."""

    async def ask(question: Question) -> Answer:
        (answer,) = await asyncio.to_thread(work, [question])
        return answer

    return ask


@dataclass(frozen=True, slots=True)
class InventoryParts:
    """What the process has for us.

    ``live``: where stock changes are heard at once; without it they are looked for.
    ``gather``: how questions that come at once are answered together.
    ``streams_max``: streams of stock changes that may be open.
    """

    engine: Engine
    clock: Clock
    data_dir: Path
    live: StockFeed | None = None
    gather: Gather = each_by_itself
    streams_max: int = STREAMS_MAX
