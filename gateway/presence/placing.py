"""Where on the floor a band is, guessed from how strongly each receiver hears it.

Every place on the floor, and every way that its wearer may face there, says how strongly each
receiver would hear her: distance takes what it takes, and so does her body when it is in
between. The guess is the mean of all places, each counted by how well it explains what is
heard. The way she faces has to be asked along: a turn changes levels by as much as five
metres do, and whoever looks at places alone takes the one for the other.

Loaded by ``settling`` when it has to guess: numpy takes 10 MiB, and most shops have no bands.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.presence.levels import PATH_EXPONENT, REFERENCE_DBM
from gateway.presence.plan import Plan, Point

NEAREST_M: Final = 0.5  # nearer than this a level says no more
# What a body takes at most at 2.4 GHz, between wrist and a receiver on the wall: 5 to 10 dB.
BODY_DB: Final = 6.0
# What shelves and reflections make of a level besides: as wrong as a place may be explained.
SPREAD_DB: Final = 3.0
# By how much a whole band may be louder or lower: its battery, a sleeve over it.
OFF_DB: Final = 6.0
CELL_M: Final = 0.75
FACINGS: Final = 8
# Places that are asked: around the receiver that hears her best. A shop of any size costs the same.
AROUND_M: Final = 10.0
# A receiver farther from that one than this is not asked: what it hears is a reflection.
HEARD_WITHIN_M: Final = 25.0

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class _Around:
    """What is worked out for the places around one receiver; a column for each place and facing."""

    rows: Mapping[str, int]  # receivers that may hear somebody here
    heard: Floats  # what each row would hear
    squared: Floats
    across: Floats
    down: Floats


class Placer:
    """Guesses places on one floor; what each explains is worked out once. For one thread."""

    def __init__(self, plan: Plan) -> None:
        self._receivers = plan.receivers
        places = _cells(plan)
        facings = np.arange(FACINGS, dtype=np.float32) * (2 * math.pi / FACINGS)
        self._across = np.repeat(places[:, 0], FACINGS)
        self._down = np.repeat(places[:, 1], FACINGS)
        self._faces = np.tile(facings, len(places))
        self._known: dict[str, _Around] = {}

    def place(self, levels: Mapping[str, float]) -> Point:
        """Return the guess from levels in dBm by receiver, all of them on the plan.

        Raises:
            ValueError: nobody hears her.
        """
        best = max(levels, key=lambda name: levels[name])
        around = self._known.get(best) or self._work_out(best)
        said = np.zeros(len(around.rows), np.float32)
        speaks = np.zeros(len(around.rows), np.float32)
        for name, dbm in levels.items():
            if (row := around.rows.get(name)) is not None:
                said[row], speaks[row] = dbm, 1.0
        # Each level is off by SPREAD_DB on its own and by OFF_DB together with all others: the
        # normal density of that, by Sherman and Morrison's formula for its inverse.
        alone, together = SPREAD_DB**2, OFF_DB**2
        shared = together / (alone + float(speaks.sum()) * together)
        off = said.sum() - speaks @ around.heard
        squares = said @ said - 2 * (said @ around.heard) + speaks @ around.squared
        misfit = (squares - shared * off * off) / (2 * alone)
        weight = np.exp(misfit.min() - misfit)
        weight /= weight.sum()
        return float(weight @ around.across), float(weight @ around.down)

    def _work_out(self, best: str) -> _Around:
        x, y = self._receivers[best]
        asked = np.hypot(self._across - x, self._down - y) <= AROUND_M
        across, down, faces = self._across[asked], self._down[asked], self._faces[asked]
        near = [
            (name, at)
            for name, at in self._receivers.items()
            if math.dist(at, (x, y)) <= HEARD_WITHIN_M
        ]
        heard = np.stack([_heard_at(at, across, down, faces) for _, at in near])
        rows = {name: row for row, (name, _) in enumerate(near)}
        found = self._known[best] = _Around(rows, heard, heard * heard, across, down)
        return found


def _heard_at(receiver: Point, across: Floats, down: Floats, faces: Floats) -> Floats:
    away = np.maximum(np.hypot(receiver[0] - across, receiver[1] - down), NEAREST_M)
    towards = np.arctan2(receiver[1] - down, receiver[0] - across)
    body = BODY_DB * (1 - np.cos(towards - faces)) / 2
    heard = REFERENCE_DBM - 10 * PATH_EXPONENT * np.log10(away) - body
    return np.asarray(heard, dtype=np.float32)


def _cells(plan: Plan) -> Floats:
    """Return the middles of all cells of the floor, each once."""
    found = {
        (round((across + 0.5) * CELL_M, 3), round((down + 0.5) * CELL_M, 3))
        for areas in plan.zones.values()
        for area in areas
        for across in range(int(area.left // CELL_M), math.ceil(area.right / CELL_M))
        for down in range(int(area.top // CELL_M), math.ceil(area.bottom / CELL_M))
    }
    return np.array(sorted(found), dtype=np.float32)
