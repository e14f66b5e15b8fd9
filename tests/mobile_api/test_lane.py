"""Lanes that take turns: never beside each other, the fullest first, the lone at once."""

import asyncio
import threading
from collections.abc import Sequence

from mobile_api.edge.lane import Lane, Turns

LONG_S = 0.2  # of gathering; nothing here takes this long but gathering itself


class Work:
    """Notes the batches, and whether two lanes were ever at work together."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.held = threading.Event()
        self.held.set()
        self.together = 0
        self._inside = 0
        self._lock = threading.Lock()

    def __call__(self, wishes: Sequence[str]) -> list[str]:
        """Do a batch once it is let."""
        with self._lock:
            self._inside += 1
            self.together = max(self.together, self._inside)
        self.held.wait(10)
        self.batches.append(list(wishes))
        with self._lock:
            self._inside -= 1
        return [wish.upper() for wish in wishes]


def _lane(work: Work, turns: Turns) -> Lane[str, str]:
    return Lane(work, lambda wish: wish, turns)


async def _settled(rounds: int = 20) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)


def test_one_lane_at_a_time_and_the_fullest_first() -> None:
    """While one is served the others fill; then the one with most wishes goes."""

    async def run(work: Work) -> list[str]:
        turns = Turns()
        first, few, many = (_lane(work, turns) for _ in range(3))
        work.held.clear()
        asked = [asyncio.ensure_future(first.do("a"))]
        await _settled()
        asked.append(asyncio.ensure_future(few.do("b")))
        await _settled()
        asked += [asyncio.ensure_future(many.do(name)) for name in ("c", "d", "e")]
        await _settled()
        work.held.set()
        return list(await asyncio.gather(*asked))

    work = Work()
    assert asyncio.run(run(work)) == ["A", "B", "C", "D", "E"]
    assert work.batches == [["a"], ["c", "d", "e"], ["b"]]
    assert work.together == 1


def test_a_crowd_is_waited_for_and_the_lone_are_not() -> None:
    """After two were seen together a lane gathers; a wish alone goes at once, as does the next."""

    async def run(work: Work) -> None:
        lane = _lane(work, Turns(LONG_S))
        for name in ("a", "b"):
            await lane.do(name)
        await asyncio.gather(lane.do("c"), lane.do("d"))
        one = asyncio.ensure_future(lane.do("e"))
        await _settled()
        await asyncio.gather(one, lane.do("f"))

    work = Work()
    asyncio.run(run(work))
    assert work.batches == [["a"], ["b"], ["c", "d"], ["e", "f"]]


def test_who_leaves_the_line_does_not_hold_it_up() -> None:
    """A lane that was ended while it waited for its turn is passed over."""

    async def run(work: Work) -> str:
        turns = Turns()
        await turns.take(lambda: 1)
        gone = asyncio.ensure_future(turns.take(lambda: 9))
        await _settled()
        gone.cancel()
        await _settled()
        waiting = asyncio.ensure_future(_lane(work, turns).do("a"))
        await _settled()
        turns.give()
        return await waiting

    assert asyncio.run(run(Work())) == "A"
