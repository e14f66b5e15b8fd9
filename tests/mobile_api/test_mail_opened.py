"""A mail is told as opened once somebody moved on its page; a scanner that looks tells nothing."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlmodel import select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.journeys.collecting.collecting import collect
from cart.journeys.tables import JourneyMessageRow
from cart.profile.timeline import queries as stories
from cart.profile.timeline.model import Channel, Interaction, Kind, Placed
from mobile_api.edge.links import message_link
from mobile_api.timeline.cdp_calls import Who, calls
from mobile_api.timeline.sweep import SOURCES
from tests.cart.journeying import DAY_S
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox, part
from tests.mobile_api.shop import RED, SECRET, add
from tests.mobile_api.test_reminder import ONCE, Home, days

TOLD = frozenset({Kind.MAIL_OPENED, Kind.CAME_BACK})


@pytest.fixture
def ada(
    app: FastAPI,
    phone: TestClient,
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    tmp_path: Path,
) -> Home:
    """Ada, who was sent one reminder of her lamp."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    Image.new("RGB", (80, 80), "#884422").save(tmp_path / "pictures" / f"{'ab' * 20}.webp")
    found = Home(app, phone, inbox[1])
    found.load(ONCE)
    add(phone, RED)
    found.touch(Kind.SCANNED, RED)
    days(found, clock, 1.25)
    assert len(inbox[0].taken) == 1
    return found


def page_of(inbox: tuple[Inbox, str]) -> str:
    """Return the path that the mail's link leads to."""
    found = re.search(r"http://testserver(/back/\S+)", part(inbox[0].taken[0], "plain"))
    assert found is not None
    return found[1]


def told(ada: Home) -> list[Interaction]:
    """Return what her story tells of mails that were opened and led back, the newest first."""
    collect(ada.parts.engine, ada.parts.clock, SOURCES)
    with reading(ada.parts.engine) as db:
        found = stories.story(db, ada.session.id, 9, kinds=TOLD)
    return [one.interaction for one in found]


def test_the_first_move_is_told_once(
    ada: Home,
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    another_phone: Callable[[], TestClient],
) -> None:
    """Looking tells nothing; what the page says does, with the time of the first; to a CDP too."""
    page, anywhere = page_of(inbox), another_phone()
    assert f'data-opened="{page}/opened"' in anywhere.get(page).text
    assert told(ada) == []
    first_at = clock.now()
    for _ in range(2):
        assert anywhere.post(f"{page}/opened").status_code == 204
        assert anywhere.cookies == {}
        clock.advance(DAY_S)
    [opened] = told(ada)
    assert (opened.kind, opened.channel, opened.at) == (
        *(Kind.MAIL_OPENED, Channel.MAIL),
        first_at,
    )
    assert opened.session_id == ada.session.id
    [call] = calls([Placed(1, opened)], Who(ada.session.id), {}, SECRET.encode())
    assert call["event"] == "Email Opened"


def test_its_button_says_it_too(
    ada: Home, inbox: tuple[Inbox, str], another_phone: Callable[[], TestClient]
) -> None:
    """Whoever has no script and presses has opened it, and came back."""
    assert another_phone().post(page_of(inbox)).status_code == 200
    assert {one.kind for one in told(ada)} == TOLD
    another_phone().post(f"{page_of(inbox)}/opened")
    assert len(told(ada)) == 2


def test_a_text_is_no_mail(
    ada: Home, inbox: tuple[Inbox, str], another_phone: Callable[[], TestClient]
) -> None:
    """A message that went another way has the same page, and is not told as a mail."""
    with unit_of_work(ada.parts.engine) as db:
        row = db.exec(select(JourneyMessageRow)).one()
        row.channel = "sms"
        db.add(row)
    assert another_phone().post(f"{page_of(inbox)}/opened").status_code == 204
    assert told(ada) == []


def test_a_link_that_is_not_ours_says_nothing(
    ada: Home, inbox: tuple[Inbox, str], another_phone: Callable[[], TestClient]
) -> None:
    """Forged, or of a message that was erased: it leads nowhere, as its page does."""
    page = page_of(inbox)
    forged = page[:-4] + ("AAAA" if not page.endswith("AAAA") else "BBBB")
    gone = f"/back/{message_link(SECRET.encode(), 'message-that-was-erased')}"
    for one in (forged, gone):
        assert another_phone().post(f"{one}/opened").status_code == 404
    with unit_of_work(ada.parts.engine) as db:
        row = db.exec(select(JourneyMessageRow)).one()
        row.lines = []  # it shows nothing any more
        db.add(row)
    assert another_phone().post(f"{page}/opened").status_code == 404
    assert told(ada) == []
