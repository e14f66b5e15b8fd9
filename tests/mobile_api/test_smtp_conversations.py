"""Mail servers that defer, refuse, hang and hang up: each letter once at most, none forgotten."""

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.profile.subscriptions import sending
from mobile_api.mail.model import LONG_LINES, Outcome
from mobile_api.mail.queries import settle
from mobile_api.mail.smtp import Postage, deliver
from mobile_api.mail.topic_letters import hand_over
from mobile_api.mail.workflow import try_once
from tests.fakes.clock import FakeClock
from tests.mobile_api.hostile_smtp import HostileServer, hostile
from tests.mobile_api.lettering import (
    ask,
    letter,
    letters,
    make_topics,
    read,
    send,
    subscribed,
    suppressed,
    write,
)

QUICK = Postage(timeout_s=0.4, talk_s=1.0)


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    """The server."""
    with hostile() as running:
        yield running


@pytest.fixture(autouse=True)
def _afresh(server: HostileServer) -> None:
    server.plans.clear()
    server.whole.clear()
    server.kept.clear()


def mail() -> EmailMessage:
    """Return a small mail, with a line that is a dot."""
    message = EmailMessage(policy=LONG_LINES)
    message["From"], message["To"] = "shop@shop.example", "ada@example.org"
    message.set_content("Hello\n.\n..two\nbye\n")
    return message


@pytest.mark.parametrize(
    ("plan", "outcome", "said"),
    [
        ({"HELLO": "421 too busy"}, Outcome.LATER, "421"),
        ({"HELLO": "554 not today"}, Outcome.LATER, "554"),
        ({"HELLO": "drop"}, Outcome.LATER, "no connection"),
        ({"HELLO": "silent"}, Outcome.LATER, "no connection"),
        ({"HELLO": "drip"}, Outcome.LATER, "no connection"),
        ({"MAIL": "451 later"}, Outcome.LATER, "451"),
        ({"MAIL": "553 not from you"}, Outcome.FAILED, "553"),
        ({"RCPT": "450 4.2.1 grey"}, Outcome.LATER, "450"),
        ({"RCPT": "550 5.1.1 nobody"}, Outcome.FAILED, "550"),
        ({"RCPT": "drop"}, Outcome.LATER, "no connection"),
        ({"DATA": "421 going"}, Outcome.LATER, "421"),
        ({"DATA": "554 no"}, Outcome.FAILED, "554"),
        ({"DATA": "999 what"}, Outcome.FAILED, "999"),
        ({"DATA": "drop"}, Outcome.LATER, "no connection"),
        ({"END": "451 disk full"}, Outcome.LATER, "451"),
        ({"END": "554 5.7.1 spam"}, Outcome.FAILED, "554"),
        ({"END": "drop"}, Outcome.UNKNOWN, "no answer"),
        ({"END": "silent"}, Outcome.UNKNOWN, "no answer"),
        ({"END": "drip"}, Outcome.UNKNOWN, "no answer"),
        ({}, Outcome.SENT, ""),
    ],
)
def test_each_way_a_conversation_can_go(
    server: HostileServer, plan: dict[str, str], outcome: Outcome, said: str
) -> None:
    """Unknown is only what may have been taken; whatever else was not taken can be tried again."""
    server.plans.append(plan)
    attempt = deliver(server.url, mail(), QUICK)
    assert attempt.outcome is outcome, attempt
    assert attempt.reason.startswith(said)
    if outcome not in {Outcome.SENT, Outcome.UNKNOWN}:
        assert server.kept == []
    assert bool(attempt.status) == plan.get("RCPT", "").startswith(("4", "5"))


def test_a_server_that_hangs_up_inside_the_mail_has_not_taken_it(server: HostileServer) -> None:
    """Too long for what lies between the two: the break is seen before the end was sent."""
    server.plans.append({"BODY": "drop"})
    long = mail()
    long.set_content("line after line\n" * 2_000_000)
    attempt = deliver(server.url, long, Postage(timeout_s=5, talk_s=10))
    assert (attempt.outcome, server.kept) == (Outcome.LATER, [])


def test_what_arrives_is_what_was_written(server: HostileServer) -> None:
    """A line that is a dot ends nothing, and comes out as it went in."""
    assert deliver(server.url, mail(), QUICK).outcome is Outcome.SENT
    [content] = server.whole
    assert content.endswith(b"Hello\r\n..\r\n...two\r\nbye\r\n.\r\n")


def test_a_letter_that_may_have_been_taken_is_not_sent_again_nor_forgotten(
    app: FastAPI, phone: TestClient, server: HostileServer
) -> None:
    """Dropped after the end: unknown, told, and final; deferred before it: sent later, once."""
    assert phone
    make_topics(app)
    subscribed(app, phone)
    [doubtful] = write(app)
    server.plans.append({"END": "drop"})
    assert send(app, doubtful, server.url) == "nothing"
    row = letter(app, doubtful)
    assert (row.state, row.failure.startswith("no answer")) == ("unknown", True)
    assert send(app, doubtful, server.url) == "nothing"
    assert len(server.kept) == 1
    [deferred] = write(app)
    server.plans += [{"RCPT": "450 grey"}, {"END": "451 full"}, {"DATA": "drop"}]
    assert [send(app, deferred, server.url) for _ in range(4)] == ["later"] * 3 + ["sent"]
    assert len(server.kept) == 2


def test_killed_between_the_server_and_our_record_it_is_unknown(
    app: FastAPI, phone: TestClient, server: HostileServer
) -> None:
    """The process dies after 250, or before it has said a word: the next one sends nothing."""
    make_topics(app)
    subscribed(app, phone)
    parts = app.state.parts
    parts.smtp_url = server.url
    for mark, had in (("delivered", 1), ("taken", 1)):
        [letter_id] = write(app)

        def die(at: str, mark: str = mark) -> None:
            if at == mark:
                raise KeyboardInterrupt

        parts.marked = die
        with pytest.raises(KeyboardInterrupt):
            hand_over(parts, letter_id, read(app, letter_id))
        parts.marked = lambda _: None
        assert letter(app, letter_id).state == "requested"
        assert try_once(parts, "letter", letter_id).outcome is Outcome.NOTHING
        assert letter(app, letter_id).state == "unknown"
        assert len(server.kept) == had


def test_the_mail_that_asks_goes_again_under_its_message_id(
    app: FastAPI, phone: TestClient, server: HostileServer
) -> None:
    """She waits for it: two copies are better than none, and mail programs show one."""
    make_topics(app)
    ask(phone)
    [asking] = letters(app)
    server.plans.append({"END": "drop"})
    assert [send(app, asking.id, server.url) for _ in range(2)] == ["later", "sent"]
    ids = {line for one in server.kept for line in one.splitlines() if b"Message-ID" in line}
    assert len(server.kept) == 2
    assert ids == {f"Message-ID: <letter-{asking.mark}@carryover.example>".encode()}


def test_nobody_there_suppresses_and_a_policy_does_not(
    app: FastAPI, phone: TestClient, server: HostileServer, clock: FakeClock
) -> None:
    """5.1.1 at the recipient is a hard bounce; a blocked sender says nothing of her mailbox."""
    make_topics(app)
    subscribed(app, phone)
    first, second, third = *write(app), *write(app), *write(app)
    server.plans += [{"RCPT": "550 5.7.1 blocked"}, {"RCPT": "550 5.1.1 nobody"}]
    for one in (first, second):
        assert send(app, one, server.url) == "failed"
    assert suppressed(app) == ["hard_bounce"]
    begun = server.begun
    assert send(app, third, server.url) == "nothing"
    assert (letter(app, third).state, letter(app, third).failure) == (
        "dropped",
        "suppressed: hard_bounce",
    )
    assert server.begun == begun, "the server is not even asked"
    attempt = deliver(server.url, mail(), QUICK)
    settle(app.state.parts.engine, third, attempt, clock.now())
    assert letter(app, third).sent_at is None, "what is settled stays"


def test_a_domain_gets_so_many_in_a_minute_and_others_do_not_wait(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """The rest stays due; after the minute the next ones go."""
    make_topics(app)
    for email in ("a@busy.example", "b@busy.example", "c@busy.example", "d@calm.example"):
        subscribed(app, phone, email=email)
    ids = write(app)
    parts = app.state.parts

    def let() -> list[str]:
        with unit_of_work(parts.engine) as db:
            found = sending.paced(db, clock, parts.secret, ids, 2)
        return sorted(letter(app, one).address for one in found)

    first = let()
    assert len(first) == 3
    assert "d@calm.example" in first
    assert let() == ["d@calm.example"]
    clock.advance(61)
    assert len(let()) == 3
