"""What comes back: delivery statuses, complaints, mails that unsubscribe, and junk."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cart.kernel.errors import InvalidPayload
from cart.profile.consent.model import Purpose
from cart.profile.subscriptions.model import SOFT_SETTLES, Bounce, SentLetter, soft_in_a_row
from mobile_api.letters.returning import HEADER, PATH
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import settle
from mobile_api.mail.returned import RETURNED_BYTES_MAX, read
from mobile_api.payment.sandbox.signing import sign
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.lettering import (
    ask,
    confirm_path,
    letter,
    make_topics,
    press,
    send,
    states,
    subscribed,
    suppressed,
    write,
)
from tests.mobile_api.lettering import read as composed
from tests.mobile_api.shop import SECRET
from tests.mobile_api.signing_in import ADA, sign_in
from tests.mobile_api.test_privacy import gate_says

MARK = "0123456789abcdef" * 2
KEY = "k" * 32
DSN = """\
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ada@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} said the server

--b
Content-Type: {enclosed}

From: lists@carryover.example
Message-ID: <letter-{mark}@carryover.example>
Subject: New lamps

--b--
"""
ARF = """\
From: feedback@provider.example
To: postmaster@shop.example
Subject: FW: New lamps
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider/1.0
Version: 1

--b
Content-Type: message/rfc822

From: lists@carryover.example
Message-ID: <letter-{mark}@carryover.example>
Subject: New lamps

They are here.

--b--
"""


def dsn(
    mark: str = MARK,
    status: str = "5.1.1",
    action: str = "failed",
    to: str = "bounces@shop.example",
    enclosed: str = "message/rfc822",
) -> bytes:
    """Return a delivery status as mail servers write it."""
    text = DSN.format(mark=mark, status=status, action=action, to=to, enclosed=enclosed)
    return text.replace("\n", "\r\n").encode()


def arf(mark: str = MARK, kind: str = "abuse") -> bytes:
    """Return a complaint as providers write it."""
    return ARF.format(mark=mark, kind=kind).replace("\n", "\r\n").encode()


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    """A shop with mailboxes, and a key for whoever posts what came back."""
    return ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        public_url="http://testserver",
        mail_bounce_secret=KEY,
        mail_bounces_to="bounces@shop.example",
        mail_unsubscribe_to="leave@shop.example",
    )


@pytest.fixture
def post(app: FastAPI, phone: TestClient, clock: FakeClock) -> Callable[..., tuple[int, object]]:
    """Post a message as the provider does; return status, and what was taken or why not."""
    make_topics(app)

    def posted(raw: bytes, key: str = KEY, late_s: float = 0) -> tuple[int, object]:
        header = sign(key.encode(), raw, clock.now())
        clock.advance(late_s)
        answer = phone.post(PATH, content=raw, headers={HEADER: header})
        said = answer.json()
        return answer.status_code, said["taken"] if answer.is_success else said["code"]

    return posted


@pytest.mark.parametrize(
    ("raw", "bounce", "status"),
    [
        (dsn(), Bounce.HARD, "5.1.1"),
        (dsn(status="5.2.2"), Bounce.SOFT, "5.2.2"),
        (dsn(status="4.4.7"), Bounce.SOFT, "4.4.7"),
        (dsn(status="5.7.1"), Bounce.SOFT, "5.7.1"),
        (dsn(action="delayed"), None, ""),
        (dsn(enclosed="text/rfc822-headers"), Bounce.HARD, "5.1.1"),
        (dsn(mark="0", to=f"<bounces+{MARK}@shop.example>"), Bounce.HARD, "5.1.1"),
        (arf(), Bounce.COMPLAINT, "abuse"),
        (arf(kind="not-spam"), None, ""),
    ],
)
def test_what_servers_and_providers_say_is_read(
    raw: bytes, bounce: Bounce | None, status: str
) -> None:
    """By the return path, or by what is enclosed; only a mailbox that is gone is hard."""
    said = read(raw)
    assert (said.mark, said.bounce, said.status) == (MARK, bounce, status)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x" * (RETURNED_BYTES_MAX + 1),
        b"Subject: I am on holiday\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday",
        dsn(mark="0"),
        arf(mark="0"),
        dsn().replace(b"multipart/report", b"text/plain"),
    ],
)
def test_junk_is_refused(raw: bytes) -> None:
    """Nothing, too much, an out-of-office answer, and reports of nobody's letter."""
    with pytest.raises(InvalidPayload):
        read(raw)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.tuples(
            st.sampled_from([dsn(), arf(), dsn(to=f"a+{MARK}@b.example")]),
            st.lists(st.tuples(st.integers(0, 900), st.binary(max_size=6)), max_size=8),
        ).map(lambda one: _spoilt(*one)),
    )
)
def test_whatever_comes_it_is_read_or_refused(raw: bytes) -> None:
    """Bytes at random, and reports that were spoilt: an answer or the one error, nothing else."""
    try:
        said = read(raw)
    except InvalidPayload:
        return
    assert said.leave or len(said.mark) == len(MARK)


def _spoilt(raw: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    for at, put in changes:
        raw = raw[:at] + put + raw[at + len(put) :]
    return raw


def test_a_deep_message_does_not_exhaust_anything() -> None:
    """A thousand messages within each other."""
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 900 + b"x"
    with pytest.raises(InvalidPayload):
        read(raw)


def test_a_hard_bounce_ends_it_whoever_says_it_twice(
    app: FastAPI, phone: TestClient, post: Callable[..., tuple[int, object]]
) -> None:
    """The letter is marked, the address suppressed, once; the next letter is not sent."""
    subscribed(app, phone)
    first, second = *write(app), *write(app)
    raw = dsn(letter(app, first).mark)
    assert [post(raw) for _ in range(2)] == [(200, True)] * 2
    assert (letter(app, first).bounce, suppressed(app)) == ("hard", ["hard_bounce"])
    assert send(app, second, "smtp://127.0.0.1:9") == "nothing"
    assert gate_says(app, Purpose.MARKETING_EMAIL), "a full stop of the mailbox, not of hers"
    assert post(dsn()) == (200, False)


def test_a_complaint_is_a_refusal_in_the_ledger(
    app: FastAPI, phone: TestClient, post: Callable[..., tuple[int, object]]
) -> None:
    """Suppressed, every topic left, consent withdrawn; who asks by mail anew gets none."""
    subscribed(app, phone)
    [letter_id] = write(app)
    assert post(arf(letter(app, letter_id).mark)) == (200, True)
    assert not gate_says(app, Purpose.MARKETING_EMAIL)
    assert (set(states(app).values()), suppressed(app)) == ({"left"}, ["complaint"])
    ask(phone)
    asked = confirm_path(app)
    newest = asked.rpartition("/")[2].partition(".")[0]
    assert send(app, newest, "smtp://127.0.0.1:9") == "nothing"
    sign_in(app, phone)
    page = phone.get("/letters/by/me").text
    assert "aria-checked='true'" not in page


def test_soft_ones_end_it_after_five_in_a_row(
    app: FastAPI,
    phone: TestClient,
    post: Callable[..., tuple[int, object]],
    clock: FakeClock,
) -> None:
    """Each letter counts once; four are no reason."""
    subscribed(app, phone)
    for number in range(1, 6):
        [letter_id] = write(app)
        settle(
            app.state.parts.engine,
            letter_id,
            Attempt(Outcome.SENT),
            clock.now(),
            type(letter(app, letter_id)),
        )
        for _ in range(2):
            assert post(dsn(letter(app, letter_id).mark, status="4.2.2")) == (200, True)
        assert suppressed(app) == (["soft_bounces"] if number == 5 else [])
        clock.advance(86_400)


def test_one_that_arrived_breaks_the_row(clock: FakeClock) -> None:
    """Once it can come back no more; until then it says nothing."""
    now = clock.now()
    old = now - SOFT_SETTLES - SOFT_SETTLES
    came, stayed, fresh = (
        SentLetter(at, bounced=one) for at, one in ((old, True), (old, False), (now, False))
    )
    assert soft_in_a_row([came] * 4 + [stayed, came], now) == 4
    assert soft_in_a_row([fresh, came, fresh, came], now) == 2
    assert soft_in_a_row([stayed, came], now) == 0


def test_who_may_post_is_who_has_the_key_now(
    phone: TestClient, post: Callable[..., tuple[int, object]]
) -> None:
    """Not without a signature, not with another key or body, not six minutes late; junk is 422."""
    assert post(dsn(), key="x" * 32) == (403, "signature_refused")
    assert post(dsn(), late_s=301) == (403, "signature_refused")
    assert phone.post(PATH, content=dsn()).status_code == 403
    assert post(b"junk") == (422, "invalid_payload")
    assert post(b"x" * (RETURNED_BYTES_MAX + 1)) == (413, "payload_too_large")


def test_a_letter_tells_where_it_returns_and_a_mail_unsubscribes(
    app: FastAPI, phone: TestClient, post: Callable[..., tuple[int, object]]
) -> None:
    """The mailto in List-Unsubscribe, as a mail program uses it."""
    subscribed(app, phone)
    [letter_id] = write(app)
    said = composed(app, letter_id)["List-Unsubscribe"]
    https, mailto = (one.strip("<> ") for one in said.split(","))
    assert mailto.startswith("mailto:leave@shop.example?subject=leave%20")
    link = mailto.partition("leave%20")[2]
    assert https.endswith(f"/withdraw/{link}")
    wrong = f"Subject: leave {link[:-9]}{link[-8:]}\r\n\r\n".encode()
    assert post(wrong) == (404, "unknown_withdrawal")
    assert gate_says(app, Purpose.MARKETING_EMAIL)
    assert post(f"Subject: leave {link}\r\nTo: leave@shop.example\r\n\r\n".encode()) == (200, True)
    assert not gate_says(app, Purpose.MARKETING_EMAIL)
    assert states(app) == {("lamps", ADA): "left"}
    ask(phone)
    assert press(phone, confirm_path(app)).status_code == 303
