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
# For how long as many are expected again as were seen at once: several acts of each of them.
CROWDED_S: Final = 1.0
# A gathering ends after so many times its wait, also while others still come.
GATHERS_MAX: Final = 3
# A lane is not overtaken for longer than this: longer than a full batch of each other lane takes.
OVERTAKEN_MAX_S: Final = 0.25


class Unusual(Conflict):
    """A wish needs the way for one: raised for a whole batch, or answered for a wish in it."""

    code = "unusual"


class Turns:
    """Lanes that go to the database one at a time. For one event loop.

    For acts that follow each other, their lanes made in that order: while one is served the
    others fill, and the earliest act goes first, so that those behind catch up with those
    ahead and all go on together. While some of the crowd of late are still on their way
    from another lane, they are waited for, ``gather_s`` after whoever came last;
    whoever is alone waits for nobody.
    """

    def __init__(self, gather_s: float = 0.0) -> None:
        self._gather_s = gather_s
        self._lanes = 0
        self._busy = False  # a lane is served, or one is being chosen
        self._asking: dict[int, tuple[float, asyncio.Future[None]]] = {}
        self._present = 0
        self._crowds = (0, 0)  # the most at once in this second, and in the one before
        self._second = float("-inf")
        self._gathering: asyncio.TimerHandle | None = None
        self._gathers_until = 0.0

    def join(self) -> int:
        """Return the number of a new lane, whose act comes after those of the lanes before it."""
        self._lanes += 1
        return self._lanes

    def came(self) -> None:
        """Note that a wish has come to one of the lanes."""
        now = asyncio.get_running_loop().time()
        self._present += 1
        if now - self._second >= CROWDED_S:
            lately = now - self._second < 2 * CROWDED_S
            self._crowds = (0, self._crowds[0] if lately else 0)
            self._second = now
        self._crowds = (max(self._crowds[0], self._present), self._crowds[1])
        if self._gathering is not None:
            self._gather(now)

    def went(self, count: int) -> None:
        """Note that so many wishes have their answers."""
        self._present -= count

    async def take(self, lane: int) -> None:
        """Wait for this lane's turn."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._asking[lane] = (loop.time(), mine)
        if not self._busy:
            self._next()
        await mine

    def give(self) -> None:
        """End the turn."""
        self._next()

    def _next(self) -> None:
        """Let somebody have the next turn, as soon as all are here who are expected."""
        self._busy = any(not mine.done() for _, mine in self._asking.values())
        if self._busy:
            now = asyncio.get_running_loop().time()
            self._gathers_until = now + GATHERS_MAX * self._gather_s
            self._gather(now)

    def _gather(self, now: float) -> None:
        if self._gathering is not None:
            if self._gathering.when() <= now:
                return
            self._gathering.cancel()
        until = min(now + self._gather_s, self._gathers_until)
        if self._present >= max(self._crowds):
            until = now  # as soon as lanes whose wishes have just come have asked, too
        self._gathering = asyncio.get_running_loop().call_at(until, self._choose)

    def _choose(self) -> None:
        self._gathering = None
        self._asking = {
            lane: (since, mine) for lane, (since, mine) in self._asking.items() if not mine.done()
        }
        if not self._asking:
            self._busy = False
            return
        chosen = min(self._asking)
        first = min(self._asking, key=lambda lane: self._asking[lane][0])
        if asyncio.get_running_loop().time() - self._asking[first][0] > OVERTAKEN_MAX_S:
            chosen = first
        _, mine = self._asking.pop(chosen)
        mine.set_result(None)


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
        self._place = self._turns.join()
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
        self._turns.came()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._turns.take(self._place)
                size = min(BATCH_MAX, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                try:
                    answers = await asyncio.to_thread(self._batch, [wish for wish, _ in batch])
                finally:
                    self._turns.went(size)
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
