"""Letters about topics: asked for, confirmed, chosen, left; and what each of them carries."""

import re
from collections.abc import Callable
from email import policy
from email.parser import BytesParser

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.journeys.collecting.collecting import collect
from cart.profile.consent import queries as ledger
from cart.profile.consent.model import Purpose, Source, Subject
from cart.profile.queries import customer_of
from cart.profile.subscriptions import service
from cart.profile.subscriptions.model import CONFIRM_FOR, LETTERS_KEPT, UNDO_FOR
from cart.profile.subscriptions.tables import TopicLetterRow
from cart.profile.timeline import queries as stories
from cart.profile.timeline.model import Channel, Kind
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import settle
from mobile_api.timeline.sweep import SOURCES
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox, part
from tests.mobile_api.lettering import (
    BOATS,
    LAMPS,
    ask,
    confirm_path,
    fields,
    letter,
    letters,
    make_topics,
    press,
    read,
    send,
    states,
    subscribed,
    write,
)
from tests.mobile_api.signing_in import ADA, BEN, sign_in
from tests.mobile_api.telling import session_of
from tests.mobile_api.test_privacy import gate_says

MAIL = Purpose.MARKETING_EMAIL.value
ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture(autouse=True)
def _topics(app: FastAPI, phone: TestClient) -> None:
    assert phone
    make_topics(app)


def leave_path(app: FastAPI, letter_id: str) -> str:
    """Return the path of the link in List-Unsubscribe, as it stands on the wire."""
    raw = read(app, letter_id).as_bytes()
    found = re.search(rb"\r\nList-Unsubscribe: <http://testserver(/withdraw/[^>\s]+)>\r\n", raw)
    assert found, raw[:2_000]
    return found.group(1).decode()


def choices_path(app: FastAPI, letter_id: str) -> str:
    """Return the path of the page of choices, from the letter's text."""
    found = re.search(r"http://testserver(/letters/by/\S+)", part(read(app, letter_id), "plain"))
    assert found
    return found.group(1)


def test_asking_tells_nothing_and_sends_one_mail_to_whomever(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Known, unknown, subscribed already: the same answer, the same mail, the same page."""
    sign_in(app, another_phone(), BEN)
    subscribed(app, phone, email="eve@example.org")
    before = len(letters(app))
    answers = [ask(phone, one) for one in (ADA, BEN, "eve@example.org")]
    assert {(one.status_code, one.headers["location"], one.text) for one in answers} == {
        (303, "/letters/asked", "")
    }
    sent = [read(app, one.id) for one in letters(app)[before:]]
    assert [one["To"] for one in sent] == [ADA, BEN, "eve@example.org"]
    assert len({one["Subject"] for one in sent}) == 1
    assert states(app)[LAMPS, ADA] == "pending"
    assert phone.get("/letters/asked").status_code == 200


def test_looking_confirms_nothing_and_pressing_does_once(app: FastAPI, phone: TestClient) -> None:
    """A scanner may open the link as often as it likes; the grant has the words of the page."""
    assert ask(phone, topics=(LAMPS, BOATS)).status_code == 303
    path = confirm_path(app)
    for method in ("GET", "HEAD", "GET"):
        assert phone.request(method, path).status_code in {200, 405}
    assert set(states(app).values()) == {"pending"}
    assert not gate_says(app, MAIL)
    assert phone.post(path, data={}).status_code == 422, "without the words of the page"
    html = phone.get(path).text
    for _ in range(2):
        assert phone.post(path, data=fields(html), follow_redirects=False).status_code == 303
    assert set(states(app).values()) == {"confirmed"}
    assert gate_says(app, MAIL)
    with reading(app.state.parts.engine) as db:
        [past] = ledger.history(db, Subject(customer_id=customer_of(db, ADA) or ""))
    assert past.decision.source is Source.MAIL_LINK
    for sentence in past.text.splitlines():
        assert sentence in html
    assert "You will hear from us." in phone.get(path).text


def test_what_is_not_ours_or_too_old_confirms_nothing(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """A changed link, one of another kind, and one of eight days ago."""
    ask(phone)
    path = confirm_path(app)
    form = fields(phone.get(path).text)
    letter_id = letters(app)[0].id
    changed = path[:-5] + ("A" if path[-5] != "A" else "B") + path[-4:]
    for wrong in (changed, f"/letters/confirm/{letter_id}", "/letters/by/" + path[17:]):
        assert phone.get(wrong).status_code == 404
    clock.advance(CONFIRM_FOR.total_seconds() + 1)
    assert phone.post(path, data=form).status_code == 404
    assert states(app) == {(LAMPS, ADA): "pending"}
    with unit_of_work(app.state.parts.engine) as db:
        assert service.forget(db, clock) == 1
    assert states(app) == {}
    clock.advance(LETTERS_KEPT.total_seconds())
    with unit_of_work(app.state.parts.engine) as db:
        assert service.forget(db, clock) == 1
    assert letters(app) == []


def test_nobody_fills_a_mailbox_by_asking(app: FastAPI, phone: TestClient) -> None:
    """Three an hour to an address, known or not; topics that are none and no address are said."""
    for email in (ADA, BEN):
        assert [ask(phone, email).status_code for _ in range(4)] == [303, 303, 303, 429]
    assert ask(phone, "nothing").status_code == 422
    assert ask(phone, topics=()).status_code == 422
    assert ask(phone, topics=("none",)).status_code == 404
    assert len(letters(app)) == 6


@pytest.mark.parametrize("language", ["en", "pl", "he"])
def test_a_letter_carries_every_way_out_on_the_wire(
    app: FastAPI, phone: TestClient, inbox: tuple[Inbox, str], language: str
) -> None:
    """RFC 2369, 2919 and 8058, as a mail server gets them; the text has the links too."""
    phone.headers["Accept-Language"] = language
    subscribed(app, phone)
    [letter_id] = write(app)
    path = leave_path(app, letter_id)
    server, url = inbox
    assert send(app, letter_id, url) == "sent"
    [taken] = server.taken
    assert taken["List-Unsubscribe"] == f"<http://testserver{path}>"
    assert taken["List-Unsubscribe-Post"] == ONE_CLICK
    assert taken["List-Id"].endswith(f"<{LAMPS}.letters.carryover.example>")
    assert taken["List-Post"] == "NO"
    assert taken["List-Owner"] == "<mailto:lists@carryover.example>"
    assert all(taken[f"List-{name}"] for name in ("Help", "Subscribe"))
    assert ADA not in path
    for kind in ("plain", "html"):
        assert f"http://testserver{path}" in part(taken, kind)
        assert "/letters/by/" in part(taken, kind)
    assert "&lt;them&gt;" in part(taken, "html") or language == "pl"
    assert taken["Subject"] == ("Lampy" if language == "pl" else "New lamps")


def test_unsubscribing_is_one_click(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Listmonk #2608: the mail program's POST, without cookie, does it; its GET does nothing.

    The refusal is in the ledger, every topic is left, and a letter on its way is not sent.
    """
    subscribed(app, phone, LAMPS, BOATS)
    first, second = *write(app), *write(app, BOATS)
    path = leave_path(app, first)
    program = another_phone()
    for _ in range(3):
        assert program.get(path).status_code == 200
    assert gate_says(app, MAIL)
    answer = program.post(path, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
    assert answer.status_code == 200
    assert not program.cookies
    assert not gate_says(app, MAIL)
    assert set(states(app).values()) == {"left"}
    with reading(app.state.parts.engine) as db:
        newest, _ = ledger.history(db, Subject(customer_id=customer_of(db, ADA) or ""))
    assert (newest.decision.granted, newest.decision.source) == (False, Source.MAIL_LINK)
    for one in (first, second):
        assert read(app, one) is None
        assert send(app, one, "smtp://127.0.0.1:9") == "nothing"
        assert letter(app, one).state == "dropped"


def test_by_the_link_topics_are_chosen_left_and_taken_back(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """Without signing in; looking changes nothing; undo for an hour, and no address is shown."""
    subscribed(app, phone)
    path = choices_path(app, write(app)[0])
    reader = another_phone()

    def do(verb: str, **form: str) -> str:
        answer = reader.post(f"{path}/{verb}", data=form, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"]).partition("?")[2]

    assert ADA not in reader.get(path).text
    assert do("topic", topic=BOATS, on="true") == "saved=topic"
    assert states(app) == {(LAMPS, ADA): "confirmed", (BOATS, ADA): "confirmed"}
    assert do("topic", topic=LAMPS, on="false") == "saved=topic"
    assert states(app)[LAMPS, ADA] == "left"
    assert gate_says(app, MAIL), "one topic less is no refusal of the purpose"
    assert do("leave") == "saved=left"
    assert not gate_says(app, MAIL)
    assert do("topic", topic=BOATS, on="true") == "fault=consent_missing"
    on = {"purpose": MAIL, "on": "true", "wording": "0" * 64, "seen": "2"}
    assert do("purpose", **on) == "fault=sign_in_needed"
    assert "/undo" in reader.get(path).text
    assert do("undo") == "saved=undone"
    assert gate_says(app, MAIL)
    assert set(states(app).values()) == {"confirmed"}
    do("leave")
    clock.advance(UNDO_FOR.total_seconds() + 1)
    assert "/undo" not in reader.get(path).text
    do("undo")
    assert not gate_says(app, MAIL)
    assert set(states(app).values()) == {"left"}
    assert reader.get(path[:-9] + path[-8:]).status_code == 404
    assert reader.get("/letters/by/me").status_code == 401


def test_signed_in_she_chooses_without_a_mail(app: FastAPI, phone: TestClient) -> None:
    """Purpose first, on the words of the page; then topics; off again by her privacy page."""
    sign_in(app, phone)
    assert phone.get("/letters", follow_redirects=False).headers["location"] == "/letters/by/me"
    page = phone.get("/letters/by/me").text
    form = fields(page.split('value="marketing_email"')[1].split("</form>")[0])
    form |= {"purpose": MAIL, "on": "true"}
    assert phone.post("/letters/by/me/purpose", data=form).status_code == 200
    phone.post("/letters/by/me/topic", data={"topic": LAMPS, "on": "true"})
    assert gate_says(app, MAIL)
    assert states(app) == {(LAMPS, ADA): "confirmed"}
    [letter_id] = write(app)
    phone.post("/privacy/off")
    assert states(app) == {(LAMPS, ADA): "left"}
    assert send(app, letter_id, "smtp://127.0.0.1:9") == "nothing"


def test_a_letter_stands_in_her_story(
    app: FastAPI, phone: TestClient, inbox: tuple[Inbox, str], clock: FakeClock
) -> None:
    """As a mail, once it has left; the mail that asked for her address is no customer's."""
    sign_in(app, phone)
    subscribed(app, phone)
    [letter_id] = write(app)
    parts = app.state.parts
    assert send(app, letter_id, inbox[1]) == "sent"
    settle(parts.engine, letter_id, Attempt(Outcome.SENT), clock.now(), TopicLetterRow)
    for _ in range(2):
        collect(parts.engine, clock, SOURCES)
    with reading(parts.engine) as db:
        told = stories.story(db, session_of(app, phone), 9, kinds=frozenset({Kind.MAIL_SENT}))
    assert [(one.interaction.ref, one.interaction.channel) for one in told] == [
        (letter_id, Channel.MAIL)
    ]


def test_an_issue_goes_once_to_each_who_had_the_topic_then(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """Not to who comes later, not twice, not to other topics."""
    subscribed(app, phone, LAMPS)
    subscribed(app, phone, BOATS, email=BEN)
    clock.advance(1)
    assert [letter(app, one).address for one in write(app)] == [ADA]
    clock.advance(1)
    subscribed(app, phone, LAMPS, email=BEN)
    assert len([one for one in letters(app) if one.kind == "issue"]) == 1
    assert {letter(app, one).address for one in write(app)} == {ADA, BEN}


def test_the_mail_that_asks_has_no_way_out_and_needs_none(app: FastAPI, phone: TestClient) -> None:
    """It is sent under no purpose: it leads to one page, and says that silence is no."""
    ask(phone)
    message = BytesParser(policy=policy.default).parsebytes(
        read(app, letters(app)[0].id).as_bytes()
    )
    assert message["List-Unsubscribe"] is None
    assert part(message, "plain").count("http://") == 1
    assert press(phone, confirm_path(app)).status_code == 303
