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
# How long after two were seen at once more are expected.
CROWDED_S: Final = 1.0


class Unusual(Conflict):
    """A wish needs the way for one: raised for a whole batch, or answered for a wish in it."""

    code = "unusual"


class Turns:
    """Lanes that go to the database one at a time, the fullest first. For one event loop.

    For acts that follow each other: while one lane is served the others fill, so that a few
    busy people make large batches instead of many small ones beside each other. While it is
    crowded a lane also waits ``gather_s`` for those who are just coming back from another;
    whoever is alone waits for nobody.
    """

    def __init__(self, gather_s: float = 0.0) -> None:
        self._gather_s = gather_s
        self._busy = False
        self._asking: list[tuple[Callable[[], int], asyncio.Future[None]]] = []
        self._crowded_until = float("-inf")

    async def take(self, waiting: Callable[[], int]) -> None:
        """Wait for this lane's turn; ``waiting``: how many wishes it has by then."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._crowded_until:
            await asyncio.sleep(self._gather_s)
        if self._busy:
            mine: asyncio.Future[None] = loop.create_future()
            self._asking.append((waiting, mine))
            await mine
        self._busy = True
        if self._gather_s and (self._asking or waiting() > 1):
            self._crowded_until = loop.time() + CROWDED_S

    def give(self) -> None:
        """End the turn: the fullest lane has the next, of equals the one that asked first."""
        self._asking = [one for one in self._asking if not one[1].done()]
        if not self._asking:
            self._busy = False
            return
        fullest = max(self._asking, key=lambda one: one[0]())
        self._asking.remove(fullest)
        fullest[1].set_result(None)


class Lane(Generic[Wish, Answer]):
    """One at a time to the database, many at once. For one event loop."""

    def __init__(
        self,
        work: Callable[[Sequence[Wish]], Sequence[Answer | Exception]],
        alone: Callable[[Wish], Answer],
        turns: Turns | None = None,
    ) -> None:
        """Do batches with ``work``, and a wish of a failed batch with ``alone``; in a thread.

        ``turns``: shared with the lanes that this one takes turns with.
        """
        self._turns = turns or Turns()
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
                await self._turns.take(lambda: len(self._waiting))
                size = min(BATCH_MAX, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                try:
                    answers = await asyncio.to_thread(self._batch, [wish for wish, _ in batch])
                finally:
                    self._turns.give()
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
