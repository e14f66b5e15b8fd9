"""Requests that come together are done together: one transaction for many (group commit).

While one batch is at the database the next gathers; a lone request waits for
nobody. Owns the gathering and the way out, not what is done: that is ``work``,
which answers each wish or says why not. A wish that it answers with
:class:`Unusual` is done by itself afterwards. If it fails as a whole, all its wishes
are done one by one, so that one bad wish never takes others along.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from cart.kernel.errors import Conflict, Unavailable

Wish = TypeVar("Wish")
Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)
# A transaction of this many lines takes some 20 ms; more would make the first wait for the last.
BATCH_MAX: Final = 32
# A second's worth at full speed: whoever comes later is told to come again.
WAITING_MAX: Final = 1_000


class Unusual(Conflict):
    """A wish needs the way for one: raised for a whole batch, or answered for a wish in it."""

    code = "unusual"


class Lane(Generic[Wish, Answer]):
    """One at a time to the database, many at once. For one event loop."""

    def __init__(
        self,
        work: Callable[[Sequence[Wish]], Sequence[Answer | Exception]],
        alone: Callable[[Wish], Answer],
    ) -> None:
        """Do batches with ``work``, and a wish of a failed batch with ``alone``; in a thread."""
        self._work = work
        self._alone = alone
        self._waiting: deque[tuple[Wish, asyncio.Future[Answer]]] = deque()
        self._running: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait for their batch."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the next request would be sent away."""
        return len(self._waiting) >= WAITING_MAX

    async def do(self, wish: Wish) -> Answer:
        """Return what became of the wish; raises what it was refused with.

        Raises:
            Unavailable: too many are waiting.
        """
        if self.full:
            msg = f"{WAITING_MAX} requests are waiting already"
            raise Unavailable(msg)
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((wish, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                size = min(BATCH_MAX, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                answers = await asyncio.to_thread(self._batch, [wish for wish, _ in batch])
                for (_, done), answer in zip(batch, answers, strict=True):
                    if done.done():
                        continue  # who asked has gone
                    if isinstance(answer, Exception):
                        done.set_exception(answer)
                    else:
                        done.set_result(answer)
        finally:
            self._running = None

    def _batch(self, wishes: Sequence[Wish]) -> Sequence[Answer | Exception]:
        try:
            answers = self._work(wishes)
        except Exception as error:  # noqa: BLE001 - each wish gets its own answer below
            logger.info("a batch of %d is done one by one: %s", len(wishes), error)
            return [self._one(wish) for wish in wishes]
        return [
            self._one(wish) if isinstance(answer, Unusual) else answer
            for wish, answer in zip(wishes, answers, strict=True)
        ]

    def _one(self, wish: Wish) -> Answer | Exception:
        try:
            return self._alone(wish)
        except Exception as error:  # noqa: BLE001 - raised where the wish came from
            return error


def gathered(
    work: Callable[[Sequence[Wish]], Sequence[Answer]],
) -> Callable[[Wish], Awaitable[Answer]]:
    """Return how to ask one question of ``work``, which answers many; a failed one is asked anew.

    For reading: what was asked before ``work`` begins is answered as it is then.
    """
    return Lane[Wish, Answer](work, lambda wish: work([wish])[0]).do
