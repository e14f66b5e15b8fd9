"""What a shopper does with a borrowed tablet: a seeded script, decided without any I/O.

Owns the decisions and the pace. Who performs the acts, on a screen and a
camera, is :mod:`firmware_sim.visiting`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Act = Literal[
    "take_up",  # touch the screen
    "scan",  # hold a barcode before the camera; ``gtin``
    "variant",  # tap another colour or size, if there is one
    "add",  # put what is shown on the list
    "more",  # one more piece of a line
    "remove",  # take a line off
    "undo",
    "show_qr",  # enlarge the code and hold a phone to it
    "mail",  # ask for the list by e-mail; ``email``
    "done",
    "walk_away",  # leave it lying: it goes idle
]


@dataclass(frozen=True, slots=True)
class Step:
    """One act, after ``pause_s`` of looking and walking."""

    act: Act
    pause_s: float
    gtin: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How people are here. Chances are 0 to 1; ``pace`` 2 is twice as fast."""

    pace: float = 1.0
    scans_min: int = 3
    scans_max: int = 6
    looks_at_variant: float = 0.35
    adds_variant: float = 0.5  # of those who look at one
    wants_more: float = 0.15
    changes_mind: float = 0.25
    undoes: float = 0.4  # of those who changed it
    takes_it_along: float = 0.85
    asks_for_mail: float = 0.35
    walks_away: float = 0.12


FIRST_NAMES: Final = ("ada", "noa", "jan", "maya", "tom", "ewa", "sam", "lea", "oren", "zofia")
MAIL_DOMAIN: Final = "shopper.example"  # reserved by RFC 2606: no such mail can ever leave

# Seconds, as watched at a shelf: reaching for the next thing, reading, tapping.
_WALK: Final = (2.0, 5.0)
_READ: Final = (1.2, 3.0)
_TAP: Final = (0.6, 1.4)


class Shopper:
    """One person, from one seeded source: the same source writes the same script."""

    def __init__(self, rng: Random, manner: Manner | None = None) -> None:
        self._rng = rng
        self._manner = manner or Manner()

    def script(self, goods: Sequence[str]) -> list[Step]:
        """Return her visit: she takes the tablet up, and it ends with ``done`` or walking away.

        ``goods``: GTINs as printed under the bars; she scans a few, none twice.
        """
        return list(self._steps(goods))

    def _steps(self, goods: Sequence[str]) -> Iterator[Step]:
        rng, manner = self._rng, self._manner
        count = min(len(goods), rng.randint(manner.scans_min, manner.scans_max))
        wanted = rng.sample(list(goods), count)
        takes_after = rng.randint(1, max(1, count - 1))
        takes = self._chance(manner.takes_it_along)
        yield self._step("take_up", _TAP)
        for number, gtin in enumerate(wanted, start=1):
            yield self._step("scan", _WALK, gtin=gtin)
            if takes and number == takes_after:
                yield self._step("show_qr", _READ)
            yield from self._second_thoughts(number)
        if self._chance(manner.asks_for_mail):
            name = f"{rng.choice(FIRST_NAMES)}.{rng.randint(1, 999)}"
            yield self._step("mail", _READ, email=f"{name}@{MAIL_DOMAIN}")
        away = self._chance(manner.walks_away)
        yield self._step("walk_away" if away else "done", _READ)

    def _second_thoughts(self, number: int) -> Iterator[Step]:
        manner = self._manner
        if self._chance(manner.looks_at_variant):
            yield self._step("variant", _READ)
            if self._chance(manner.adds_variant):
                yield self._step("add", _TAP)
        if self._chance(manner.wants_more):
            yield self._step("more", _TAP)
        if number > 1 and self._chance(manner.changes_mind):
            yield self._step("remove", _READ)
            if self._chance(manner.undoes):
                yield self._step("undo", _TAP)

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share

    def _step(
        self, act: Act, seconds: tuple[float, float], gtin: str = "", email: str = ""
    ) -> Step:
        return Step(act, self._rng.uniform(*seconds) / self._manner.pace, gtin, email)
