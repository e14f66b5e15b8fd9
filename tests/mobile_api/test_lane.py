"""Lanes that take turns: never beside each other, the earliest act first, the lone at once."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from cart.kernel.errors import Unavailable
from mobile_api.edge.lane import OVERTAKEN_MAX_S, WAITING_MAX, Lane, Turns

LONG_S = 10.0  # of gathering: nobody here waits for as long, since all who are expected come


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


def test_one_lane_at_a_time_and_the_earliest_act_first() -> None:
    """While one is served the others fill; then those behind go first, however few they are."""

    async def run(work: Work) -> list[str]:
        turns = Turns()
        opening, paying, settling = (_lane(work, turns) for _ in range(3))
        work.held.clear()
        asked = [asyncio.ensure_future(settling.do("a"))]
        await _settled()
        asked += [asyncio.ensure_future(settling.do(name)) for name in ("b", "c")]
        asked += [asyncio.ensure_future(paying.do(name)) for name in ("d", "e", "f")]
        await _settled()
        asked.append(asyncio.ensure_future(opening.do("g")))
        await _settled()
        work.held.set()
        return list(await asyncio.gather(*asked))

    work = Work()
    assert asyncio.run(run(work)) == ["A", "B", "C", "D", "E", "F", "G"]
    assert work.batches == [["a"], ["g"], ["d", "e", "f"], ["b", "c"]]
    assert work.together == 1


def test_those_behind_catch_up_with_those_ahead() -> None:
    """Two groups that march one act apart are one group after the next act, and stay it."""

    async def run(work: Work) -> None:
        turns = Turns(LONG_S)
        lanes = [_lane(work, turns) for _ in range(3)]

        async def shopper(name: str, lanes_from: int) -> None:
            for lane in lanes[lanes_from:]:
                await lane.do(name)

        await asyncio.gather(
            *(shopper(name, 1) for name in ("a", "b")), *(shopper(name, 0) for name in ("c", "d"))
        )

    work = Work()
    asyncio.run(run(work))
    assert [sorted(batch) for batch in work.batches[-2:]] == [["a", "b", "c", "d"]] * 2


def test_nobody_is_overtaken_for_ever() -> None:
    """A lane that has waited for too long has the next turn, however many come before it."""

    async def run(work: Work) -> None:
        turns = Turns()
        opening, settling = _lane(work, turns), _lane(work, turns)
        work.held.clear()
        asked = [asyncio.ensure_future(opening.do("a"))]
        await _settled()
        asked.append(asyncio.ensure_future(settling.do("b")))
        await asyncio.sleep(2 * OVERTAKEN_MAX_S)
        asked.append(asyncio.ensure_future(opening.do("c")))
        await _settled()
        work.held.set()
        await asyncio.gather(*asked)

    work = Work()
    asyncio.run(run(work))
    assert work.batches == [["a"], ["b"], ["c"]]


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
        await turns.take(turns.join())
        gone = asyncio.ensure_future(turns.take(turns.join()))
        await _settled()
        gone.cancel()
        await _settled()
        waiting = asyncio.ensure_future(_lane(work, turns).do("a"))
        await _settled()
        turns.give()
        return await waiting

    assert asyncio.run(run(Work())) == "A"


def test_one_too_many_is_sent_away() -> None:
    """As many wait as may: the next is refused at once, the others are all done."""

    async def run(work: Work) -> int:
        lane = _lane(work, Turns())
        work.held.clear()
        first = asyncio.ensure_future(lane.do("first"))
        await _settled()
        asked = [asyncio.ensure_future(lane.do(str(number))) for number in range(WAITING_MAX)]
        await _settled()
        assert lane.full
        with pytest.raises(Unavailable):
            await lane.do("one too many")
        work.held.set()
        return len(await asyncio.gather(first, *asked))

    work = Work()
    assert asyncio.run(run(work)) == WAITING_MAX + 1
    assert sum(map(len, work.batches)) == WAITING_MAX + 1
