"""Wishes on the mirror's glass: asked once, answered, given up, called off; offline, and after."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from cart.kernel.gtin import Gtin
from cart.kernel.i18n import LOCALES
from firmware_sim.finger import Finger
from gateway.wire.downlink import AckOutcome, Rejected, RejectedData, SizeAnswered
from gateway.wire.events import PutDownReason, Reader, SizeCancelledData, SizeData, TriedData
from gateway.wire.size_answer import (
    ANSWER_WITHIN,
    BRING_WITHIN,
    OPEN_MAX,
    Differs,
    SizeAnswer,
    SizeAnswerData,
)
from store_devices.link import Answer, LinkState
from store_devices.mirror.agent import WAITING_IDLE_S
from store_devices.tablet import model
from store_devices.tablet.words import words
from store_devices.wishes import GRACE, SHOWN_FOR, SizeWish
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.tablet_bench import LAMP, LAMP_TALL, MUG

REFUSED = AckOutcome.REFUSED


class Room(MirrorBench):
    """A mirror whose shopper has brought in a lamp and asks for things."""

    @property
    def wishes(self) -> tuple[SizeWish, ...]:
        """What she asked for."""
        visit = self.mirror.snapshot().visit
        return visit.wishes if visit else ()

    def ask(self, gtin: Gtin = LAMP_TALL) -> str:
        """Let her ask; return the wish's name."""
        self.mirror.ask_for(gtin)
        return self.wishes[-1].request

    def states(self) -> list[str]:
        """Return how it stands with each wish."""
        return [wish.state for wish in self.wishes]

    def answer(
        self,
        request: str,
        answer: SizeAnswer,
        *,
        visit: str = "",
        gtin: Gtin | None = None,
        differs: Differs | None = None,
        good_for_s: float = 300,
    ) -> Answer | None:
        """Let the server say what staff pressed."""
        now = self.clock.now()
        data = SizeAnswerData(
            visit=visit or self.mirror.visit_id or "none",
            request=request,
            answer=answer,
            gtin=gtin,
            differs=differs,
            until=now + timedelta(seconds=good_for_s),
        )
        return self.commands.command(SizeAnswered(id=f"c-{answer}", time=now, data=data))

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, and touch the glass, so that she counts as being there."""
        self.clock.advance(span.total_seconds())
        self.mirror.touch()
        self.mirror.tick()


@pytest.fixture
def room(tmp_path: Path, clock: FakeClock) -> Iterator[Room]:
    """A visit with a lamp; the broker is reached."""
    made = Room(tmp_path, clock)
    made.commands.link(LinkState(online=True, since=clock.now()))
    made.mirror.code_read(LAMP, Reader.CAMERA)
    yield made
    made.switch_off()


@pytest.fixture
def page(room: Room) -> Iterator[httpx2.Client]:
    """What its screen asks."""
    serving = room.serve()
    origin = serving.url.rstrip("/")
    with httpx2.Client(base_url=serving.url, headers={"Origin": origin}) as client:
        yield client
    serving.stop()


def test_staff_hear_once_of_what_is_brought_in(room: Room) -> None:
    """Shown again, or put back and shown again, it is the same thing; the next visit's is new."""
    room.mirror.code_read(LAMP, Reader.CAMERA)
    room.mirror.put_back(LAMP)
    room.mirror.code_read(LAMP, Reader.HID)
    visit = room.mirror.visit_id
    assert visit is not None
    tried = [one.data for one in room.events() if isinstance(one.data, TriedData)]
    assert tried == [TriedData(visit=visit, gtin=LAMP, reader=Reader.CAMERA)]
    room.mirror.finish(PutDownReason.DONE)
    room.mirror.code_read(LAMP, Reader.CAMERA)
    assert room.types().count("tried") == 2


def test_asked_twice_it_is_one_wish(room: Room) -> None:
    """Another touch changes nothing while it is open; the event says what she has in there."""
    request = room.ask()
    assert room.ask() == request
    said = [one.data for one in room.events() if isinstance(one.data, SizeData)]
    visit = room.mirror.visit_id
    assert said == [SizeData(visit=visit or "", request=request, gtin=LAMP_TALL, had=LAMP)]
    assert room.states() == ["asked"]
    room.ask(MUG)
    assert [wish.had for wish in room.wishes] == [LAMP, None]


def test_answers_come_in_their_order_and_an_old_one_changes_nothing(room: Room) -> None:
    """Coming, again coming, brought; after that no coming, and of another wish nothing at all."""
    request = room.ask()
    assert room.answer(request, SizeAnswer.COMING) == Answer()
    assert room.answer(request, SizeAnswer.COMING) == Answer()
    assert room.states() == ["coming"]
    assert room.answer(request, SizeAnswer.BROUGHT) == Answer()
    assert room.answer(request, SizeAnswer.COMING) == Answer(REFUSED, model.NO_WISH)
    assert room.answer("another", SizeAnswer.COMING) == Answer(REFUSED, model.NO_WISH)
    assert room.answer(request, SizeAnswer.BROUGHT, visit="past") == Answer(REFUSED, model.OVER)
    late = room.answer(request, SizeAnswer.BROUGHT, good_for_s=-1)
    assert late == Answer(REFUSED, model.TOO_LATE)
    assert room.states() == ["brought"]
    room.mirror.drop_wish(request)
    assert room.wishes == ()
    assert "cancelled" not in room.types()


def test_an_alternative_is_asked_for_or_not(room: Room) -> None:
    """Accepted it is a new wish in the old one's place; no thanks says nothing to anybody."""
    first = room.ask(MUG)
    room.answer(first, SizeAnswer.ALTERNATIVE, gtin=LAMP_TALL, differs=Differs.SIZE)
    assert (room.wishes[0].offered, room.wishes[0].differs) == (LAMP_TALL, Differs.SIZE)
    second = room.ask(LAMP_TALL)
    assert [wish.request for wish in room.wishes] == [second]
    room.answer(second, SizeAnswer.ALTERNATIVE, gtin=MUG, differs=Differs.BOTH)
    room.mirror.drop_wish(second)
    assert room.wishes == ()
    assert room.types().count("requested") == 2
    assert "cancelled" not in room.types()


def test_called_off_it_is_said_and_gone(room: Room) -> None:
    """The event names the wish; whatever is answered afterwards is refused."""
    request = room.ask()
    room.answer(request, SizeAnswer.COMING)
    room.mirror.drop_wish(request)
    assert room.wishes == ()
    visit = room.mirror.visit_id or ""
    assert room.events()[-1].data == SizeCancelledData(visit=visit, request=request)
    assert room.answer(request, SizeAnswer.BROUGHT) == Answer(REFUSED, model.NO_WISH)
    room.mirror.drop_wish(request)
    assert room.types().count("cancelled") == 1


def test_nobody_answers_and_the_glass_says_so_by_itself(room: Room) -> None:
    """Only when the server had time to; its answer still counts, unless she has asked again."""
    request = room.ask()
    room.pass_time(ANSWER_WITHIN + GRACE)
    assert room.states() == ["asked"]
    room.pass_time(timedelta(seconds=1))
    assert room.states() == ["late"]
    assert room.answer(request, SizeAnswer.COMING) == Answer()
    room.pass_time(BRING_WITHIN + GRACE + timedelta(seconds=1))
    assert room.states() == ["late"]
    again = room.ask()
    assert [wish.request for wish in room.wishes] == [again]
    assert room.answer(request, SizeAnswer.LAPSED) == Answer(REFUSED, model.NO_WISH)
    room.answer(again, SizeAnswer.LAPSED)
    room.pass_time(SHOWN_FOR)
    assert room.states() == ["lapsed"]
    room.pass_time(timedelta(seconds=1))
    assert room.wishes == ()


def test_no_more_than_somebody_can_carry(room: Room) -> None:
    """The glass asks for no more than the shop takes; the shop's refusal is shown on its wish."""
    visit = room.mirror.snapshot().visit
    assert visit is not None
    request = room.ask()
    wish = room.wishes[0]
    five = tuple(wish.model_copy(update={"request": f"w{n}"}) for n in range(OPEN_MAX))
    room.mirror.change(visit.id, lambda now: now.model_copy(update={"wishes": five}))
    room.mirror.ask_for(MUG)
    assert len(room.wishes) == OPEN_MAX
    room.mirror.change(visit.id, lambda now: now.model_copy(update={"wishes": (wish,)}))
    data = RejectedData(
        event_id=wish.event_id, sequence=1, visit=visit.id, code="too_many_size_requests", detail=""
    )
    assert room.commands.command(Rejected(id="c1", time=room.clock.now(), data=data)) == Answer()
    assert [(one.request, one.state) for one in room.wishes] == [(request, "too_many")]


def test_a_visit_goes_on_while_she_waits_and_no_longer(room: Room) -> None:
    """Five minutes without a touch; an answer is to be read; after it she counts as away."""
    room.ask()
    room.clock.advance(WAITING_IDLE_S - 30)
    room.mirror.tick()
    assert room.mirror.snapshot().countdown_s is None
    room.answer(room.wishes[0].request, SizeAnswer.NOT_HERE)
    room.clock.advance(60)
    room.mirror.tick()
    assert room.mirror.visit_id is not None
    room.clock.advance(30)
    room.mirror.tick()
    assert room.mirror.visit_id is None


def test_a_reboot_and_the_end(room: Room, page: httpx2.Client) -> None:
    """A wish outlives a reboot, as staff may be on their way; the end of the visit calls it off."""
    request = room.ask()
    assert "called off" not in page.get("/screen").text
    room.reboot(20)
    assert [wish.request for wish in room.wishes] == [request]
    assert room.answer(request, SizeAnswer.COMING) == Answer()
    room.mirror.finish(PutDownReason.DONE)
    assert room.mirror.called_off
    assert room.answer(request, SizeAnswer.BROUGHT, visit="past") == Answer(REFUSED, model.OVER)
    assert room.types()[-1] == "put_down"
    assert room.spool.recall("visit") is None


def test_offline_it_is_kept_and_said_so(room: Room, page: httpx2.Client) -> None:
    """The wish waits in the spool; the glass says that, and when it has gone out."""
    room.commands.link(LinkState(online=False, since=room.clock.now()))
    room.mirror.look_at(LAMP_TALL)
    assert "I keep what you ask for" in page.get("/screen").text
    page.post("/do/ask", data={"gtin": LAMP_TALL})
    page.post("/do/ask", data={"gtin": LAMP_TALL})
    assert "I pass it on as soon as I can" in page.get("/screen").text
    assert room.types() == ["taken_up", "tried", "requested"]
    room.commands.link(LinkState(online=True, since=room.clock.now()))
    room.spool.receipt(room.spool.id, room.spool.sequence)
    assert "The staff know that you would like it." in page.get("/screen").text


def test_what_can_be_asked_for_follows_stock_and_what_she_has(
    room: Room, page: httpx2.Client
) -> None:
    """The one she has: nothing; another size: a button, unless none of it is here."""
    assert "You have this one in here." in page.get("/screen").text
    room.server.available = {(f"SKU-{LAMP_TALL[-5:]}", "harbour-street"): 0}
    page.post("/do/look", data={"gtin": LAMP_TALL})
    assert "Bring me this size" in page.get("/screen").text  # how many there are is not known yet
    room.stock.start()
    finger = Finger(str(page.base_url))
    finger.wait_for(lambda seen: "none of this one here" in seen.text)
    assert 'id="bring-it"' not in page.get("/screen").text
    finger.close()
    room.stock.stop()
    page.post("/do/look", data={"gtin": MUG})
    assert "Bring me this one" in page.get("/screen").text
    assert page.post("/do/ask", data={"gtin": "no code"}).status_code == 422


SAID = {
    SizeAnswer.COMING: "Somebody is on the way with it.",
    SizeAnswer.BROUGHT: "It is at the door.",
    SizeAnswer.ALTERNATIVE: "This size is not here. Would you like another size?",
    SizeAnswer.NOT_HERE: "Sorry, we have none of it here.",
    SizeAnswer.LAPSED: "Sorry, nobody could come in time. Ask again, or call to us.",
}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_answer_has_kind_words(room: Room, page: httpx2.Client, locale: str) -> None:
    """And a way on, in every language."""
    room.mirror.choose_language(locale)  # type: ignore[arg-type]  # each of them
    for answer, text in SAID.items():
        request = room.ask()
        room.answer(request, answer, gtin=LAMP, differs=Differs.SIZE)
        html = page.get("/screen").text
        said = words(locale, "UTC").gettext(text)
        assert said in html
        assert f'id="drop-{request}"' in html
        assert locale == "en" or said != text
        room.mirror.drop_wish(request)
