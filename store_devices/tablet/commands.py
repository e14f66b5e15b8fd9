"""What the gateway says to a tablet, carried out. Owns no state.

Commands about another visit than the present one are ignored: it is over here,
and the next person must not see anything of it. One that greets is refused then,
so that the server does not believe that she is here.
"""

from typing import Final

from gateway.wire.downlink import (
    AckOutcome,
    ApplyDesired,
    BeginVisit,
    Claimed,
    Clear,
    Command,
    DesiredData,
    Greet,
    GreetData,
    Rejected,
    ShowCart,
    ShowStop,
    SizeAnswered,
    StockNotice,
    SwitchCamera,
    TapAnswered,
    TapData,
    Veil,
)
from gateway.wire.size_answer import SizeAnswerData
from store_devices import wishes
from store_devices.link import Answer, LinkState
from store_devices.spool import Spool
from store_devices.tablet import model
from store_devices.tablet.agent import Agent
from store_devices.tablet.availability import Availability
from store_devices.tablet.model import Visit

_DONE: Final = Answer()
_OVER: Final = Answer(detail=model.OVER)


class Commands:
    """Hears for the uplink (``link.Hearer``) and tells agent and stock."""

    def __init__(self, agent: Agent, spool: Spool, stock: Availability) -> None:
        self._agent = agent
        self._spool = spool
        self._stock = stock

    def command(self, command: Command) -> Answer:
        """Do what the gateway asks; the answer says when it was about a past visit."""
        match command:
            case ApplyDesired():
                return self._become(command.data)
            case BeginVisit():
                return _unless(self._agent.welcome(command.data, command.time))
            case Greet():
                return _unless(self._greet(command.data))
            case TapAnswered():
                return _unless(self._answer_tap(command.data))
            case SizeAnswered():
                return _unless(self._answer_size(command.data))
            case _:
                return _DONE if self._change(command) else _OVER

    def _change(self, command: Command) -> bool:
        """Change the visit that it is about; say whether it still goes on."""
        match command:
            case ShowCart():
                done = self._show_cart(command)
            case Clear():
                done = self._agent.clear(command.data.visit)
            case Claimed():
                done = self._agent.change(command.data.visit, model.claimed)
            case ShowStop(data=going):
                done = self._agent.change(
                    going.visit, lambda visit: model.going_to(visit, going.stop)
                )
            case Veil():
                done = self._veil(command)
            case SwitchCamera(data=camera):
                done = self._agent.change(
                    camera.visit, lambda visit: model.camera_switched(visit, camera, command.time)
                )
            case Rejected(data=data):
                done = self._agent.change(data.visit, lambda visit: model.rejected(visit, data))
            case _:
                done = False  # a credential, a wristband: others answer these
        return done

    def _greet(self, data: GreetData) -> str:
        if self._spool.server_now() > data.until:
            return model.TOO_LATE
        if not self._agent.change(data.visit, lambda visit: model.greeted(visit, data)):
            return model.OVER
        self._agent.say(None)
        self._agent.touch()
        return ""

    def _veil(self, command: Veil) -> bool:
        now = self._spool.server_now()
        return self._agent.change(
            command.data.visit,
            lambda visit: model.veiled(visit, command.data, command.time, now),
        )

    def _answer_tap(self, data: TapData) -> str:
        if self._spool.server_now() > data.until:
            return model.TOO_LATE
        self._agent.say(data.outcome)
        return ""

    def _answer_size(self, data: SizeAnswerData) -> str:
        now = self._spool.server_now()
        if now > data.until:
            return model.TOO_LATE
        why = model.OVER

        def answer(visit: Visit) -> Visit:
            nonlocal why
            told = wishes.answered(visit.wishes, data, now)
            why = model.NO_WISH if told is None else ""
            return visit if told is None else visit.model_copy(update={"wishes": told})

        self._agent.change(data.visit, answer)
        return why

    def _become(self, desired: DesiredData) -> Answer:
        if not self._agent.become(desired):
            return Answer(detail="a newer version holds")
        firmware = self._agent.place.firmware
        if desired.firmware in (None, firmware):
            return _DONE
        return Answer(detail=f"runs {firmware}; this tablet does not update itself")

    def stock(self, notice: StockNotice) -> None:
        """Take a stock notice of the watched product."""
        self._stock.hear(notice)

    def link(self, state: LinkState) -> None:
        """The broker came or went."""
        self._stock.line(online=state.online)
        self._agent.link(state)

    def _show_cart(self, command: ShowCart) -> bool:
        data = command.data
        if data.latest_at is not None:
            self._spool.observe(data.latest_at)
        return self._agent.change(
            data.visit, lambda visit: model.shown_cart(visit, data, command.time, self._spool.id)
        )


def _unless(why: str) -> Answer:
    """Answer done, or refused for this reason: then the server lets go of the visit."""
    return Answer(AckOutcome.REFUSED, why) if why else _DONE
