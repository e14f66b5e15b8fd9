"""Performs a shopper's script on a simulated tablet, at her pace. Owns one visit's I/O.

It touches the screen, holds up barcodes and shows the code to a phone; what to
do when is :mod:`firmware_sim.shoppers`' decision.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from cart.kernel.errors import CarryoverError, Unavailable
from firmware_sim.look import Seen
from firmware_sim.phone import Phone
from firmware_sim.shoppers import Step
from firmware_sim.tablet import SimTablet

_LOG = logging.getLogger(__name__)

GONE_WAIT_S: Final = 3.0


@dataclass(slots=True)
class Tally:
    """What happened, over all visits."""

    visits: int = 0
    scans: int = 0
    lines: int = 0  # on the lists, when people left
    mails_asked: int = 0
    claims: int = 0
    missed: int = 0  # acts that did not come about: a code that was not read, a button not there


class Visiting:
    """One shopper after the other at one tablet.

    ``claim`` is called with a fresh claim link as soon as she is there, and
    returns the phone that took it, or None when nobody does. ``keep`` is offered
    the phone when she leaves; who takes it closes it. ``stopping`` ends a visit
    after the act in hand.
    """

    def __init__(
        self,
        tablet: SimTablet,
        rng: Random,
        tally: Tally,
        *,
        claim: Callable[[str], Phone | None],
        stopping: threading.Event,
        shown: Callable[[str | None], None] = lambda _: None,
        keep: Callable[[Phone], bool] = lambda _: False,
    ) -> None:
        self._tablet = tablet
        self._rng = rng
        self._tally = tally
        self._claim = claim
        self._stopping = stopping
        self._shown = shown
        self._keep = keep
        self._phone: Phone | None = None
        self._lines = 0

    def visit(self, script: Sequence[Step]) -> None:
        """Perform a script; what does not come about is counted and passed over."""
        self._tally.visits += 1
        try:
            for step in script:
                if self._stopping.wait(step.pause_s):
                    return
                try:
                    self._lines = len(self._tablet.screen.look().lines)
                    self._do(step)
                except CarryoverError as error:
                    self._tally.missed += 1
                    _LOG.info("%s did not come about: %s", step.act, error.message)
        finally:
            self._leave()

    def _leave(self) -> None:
        self._shown(None)
        self._tally.lines += self._lines
        self._lines = 0
        phone, self._phone = self._phone, None
        if phone is not None and not self._keep(phone):
            phone.close()

    def put_down(self) -> None:
        """Leave the tablet clear, whatever the script came to."""
        if self._tablet.screen.look().phase == "visit":
            self._tablet.screen.touch("done")

    def _do(self, step: Step) -> None:
        screen = self._tablet.screen
        match step.act:
            case "take_up":
                screen.touch("begin")
                now = screen.wait_for(lambda seen: seen.phase == "visit")
                self._shown(now.link())
            case "scan":
                self._tablet.scan(step.gtin)
                self._tally.scans += 1
            case "show_qr":
                self._take_along()
            case "variant":
                self._tap_one(screen.look().others, "look")
            case "add":
                self._add()
            case "more" | "remove":
                self._tap_one(list(screen.look().lines), step.act)
            case "mail":
                self._ask_for_mail(step.email)
            case "undo" | "done":
                screen.touch(step.act)
            case "walk_away":
                self._wait_till_cleared()

    def _tap_one(self, gtins: Sequence[str], name: str) -> None:
        if gtins:
            self._tablet.screen.touch(name, gtin=self._rng.choice(gtins))

    def _add(self) -> None:
        gtin = shown_gtin(self._tablet.screen.look())
        if gtin:
            self._tablet.screen.touch("more", gtin=gtin)
            self._tally.scans += 1

    def _take_along(self) -> None:
        screen = self._tablet.screen
        if screen.look().claimed:
            return
        screen.touch("sheet", sheet="take")
        link = screen.look().link()
        self._phone = self._claim(link) if link else None
        if self._phone is not None:
            self._tally.claims += 1
        elif not self._stopping.wait(GONE_WAIT_S):
            screen.touch("sheet", sheet="")

    def _ask_for_mail(self, email: str) -> None:
        screen = self._tablet.screen
        if not screen.look().lines:
            return
        screen.touch("sheet", sheet="mail")
        self._stopping.wait(GONE_WAIT_S / 2)
        screen.touch("mail", email=email)
        self._tally.mails_asked += 1

    def _wait_till_cleared(self) -> None:
        while not self._stopping.wait(1.0):
            if self._tablet.screen.look().phase != "visit":
                return


def shown_gtin(now: Seen) -> str:
    """Return the variant that the screen shows in large, empty for none.

    Raises:
        Unavailable: nobody holds the tablet.
    """
    if now.phase != "visit":
        msg = "nobody holds the tablet"
        raise Unavailable(msg)
    return now.shown
