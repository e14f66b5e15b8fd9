"""Signing in by a code: good once, for ten minutes, in one browser; nobody learns who is known."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlmodel import SQLModel, col, select
from starlette.testclient import TestClient

from cart.carts.tables import SessionKeyRow
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.email import normal_address
from cart.kernel.ids import RandomIds
from cart.profile.model import TRIES_MAX, network_of
from cart.profile.service import forget
from cart.profile.tables import CustomerEmailRow, CustomerRow, RateLimitRow, SignInCodeRow
from mobile_api.app import create_app
from mobile_api.mail.code import code_mail
from mobile_api.mail.sink import Mailbox
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import part
from tests.mobile_api.paying import eventually
from tests.mobile_api.shop import RED, SECRET, add, quantities
from tests.mobile_api.signing_in import ADA, BEN, ask, code, newest, sign_in, use


def rows(app: FastAPI, table: type[SQLModel]) -> int:
    """Return how many rows there are."""
    with reading(app.state.parts.engine) as db:
        return len(db.exec(select(table)).all())


def wrong(right: str) -> str:
    """Return another code."""
    return f"{(int(right) + 1) % 1_000_000:06}"


def test_an_address_and_a_code_sign_a_phone_in(app: FastAPI, phone: TestClient) -> None:
    """Both forms work without a script, are made for filling in by the phone, and say who it is."""
    page = phone.get("/sign-in").text
    assert 'autocomplete="email"' in page
    assert ask(phone).headers["location"] == "/sign-in/code"
    page = phone.get("/sign-in/code").text
    assert ADA in page
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert "<script>" not in page
    digits = code(app)
    assert use(phone, f" {digits[:3]} {digits[3:]} ").status_code == 303  # pasted as people group
    assert ADA in phone.get("/account").text
    assert phone.get("/sign-in", follow_redirects=False).headers["location"] == "/account"


def test_without_signing_in_there_is_no_account(app: FastAPI, phone: TestClient) -> None:
    """Neither for nobody nor for an anonymous phone; what changes something is refused."""
    assert phone.get("/account", follow_redirects=False).headers["location"] == "/sign-in"
    add(phone)
    assert phone.get("/account", follow_redirects=False).headers["location"] == "/sign-in"
    for path in ("/account/sign-out", "/account/sign-out-everywhere", "/account/phones/x/end"):
        answer = phone.post(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")
    assert rows(app, CustomerRow) == 0


def test_a_wrong_code_signs_nobody_in(app: FastAPI, phone: TestClient) -> None:
    """It says so, and the right one still does; then it is used."""
    ask(phone)
    digits = code(app)
    for typed in (wrong(digits), "", "12345", "٠١٢٣٤٥", "abcdef"):
        refused = use(phone, typed)
        if typed != "abcdef":
            assert refused.status_code == 403
            assert "code is wrong" in refused.text
    assert rows(app, CustomerRow) == 0
    ask(phone)
    assert use(phone, code(app)).status_code == 303


def test_a_code_is_tried_five_times(app: FastAPI, phone: TestClient) -> None:
    """After that also the right one is refused: she asks for another."""
    ask(phone)
    digits = code(app)
    for _ in range(TRIES_MAX):
        assert use(phone, wrong(digits)).status_code == 403
    assert use(phone, digits).status_code == 403
    assert rows(app, CustomerRow) == 0
    assert newest(app).tries == TRIES_MAX


def test_of_many_guesses_at_once_five_are_looked_at(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """The guarded UPDATE counts before anybody looks: rivals gain nothing."""
    ask(phone)
    digits = code(app)
    rivals = [another_phone() for _ in range(8)]
    for one in rivals:
        one.cookies.update(phone.cookies)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: use(one, wrong(digits)).status_code, rivals))
    assert set(answers) <= {403, 503}
    assert newest(app).tries == TRIES_MAX
    assert use(phone, digits).status_code == 403


def test_a_code_is_good_for_ten_minutes(app: FastAPI, phone: TestClient, clock: FakeClock) -> None:
    """One second later it is not."""
    ask(phone)
    digits = code(app)
    clock.advance(600)
    assert use(phone, digits).status_code == 403
    assert phone.get("/sign-in/code", follow_redirects=False).headers["location"] == "/sign-in"
    assert rows(app, CustomerRow) == 0


def test_a_code_is_good_in_the_browser_that_asked_for_it(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Who was told the code, or asked for one of her own, gets nowhere with it."""
    ask(phone)
    digits = code(app)
    thief = another_phone()
    assert use(thief, digits).status_code == 403
    ask(thief, BEN)
    assert use(thief, digits).status_code == 403
    assert rows(app, CustomerRow) == 0
    assert use(phone, digits).status_code == 303


def test_a_code_is_good_once(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """A lost answer is given again to the same browser, as the same sign-in; later it is over."""
    ask(phone)
    browser, digits = phone.cookies["carryover-sign-in"], code(app)
    repeat, late = another_phone(), another_phone()
    for one in (repeat, late):
        one.cookies.set("carryover-sign-in", browser)
    assert use(phone, digits).status_code == 303
    assert "carryover-sign-in" not in phone.cookies
    assert use(repeat, digits).status_code == 303
    assert repeat.cookies["carryover"] == phone.cookies["carryover"]
    assert rows(app, SessionKeyRow) == 1
    phone.post("/account/sign-out")
    assert use(late, digits).status_code == 403
    assert rows(app, SessionKeyRow) == 0


def test_the_code_is_nowhere_at_rest(app: FastAPI, phone: TestClient) -> None:
    """No column of any table holds it, the cookie's secret or the phone's key."""
    ask(phone)
    browser, digits = phone.cookies["carryover-sign-in"], code(app)
    use(phone, digits)
    held = ""
    with reading(app.state.parts.engine) as db:
        for table in ("sign_in_code", "rate_limit", "session_key", "customer_email", "joining"):
            held += str(db.connection().execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608
    assert ADA in held
    for secret in (digits, browser, phone.cookies["carryover"]):
        assert secret not in held


def test_signing_in_does_not_tell_who_is_known(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Same status, headers, page, rows and mail; what a known address costs is the same, too."""
    sign_in(app, phone, ADA)
    seen = {}
    for email in (ADA, BEN):
        stranger = another_phone()
        before = rows(app, SignInCodeRow), rows(app, RateLimitRow)
        answer = ask(stranger, email)
        headers = {k: v for k, v in answer.headers.items() if k != "set-cookie"}
        with reading(app.state.parts.engine) as db:
            message = code_mail(app.state.parts, db, newest(app).id)
        assert message is not None
        words = part(BytesParser(policy=policy.default).parsebytes(message.as_bytes()), "plain")
        page = stranger.get("/sign-in/code").text.replace(email, "…")
        refused = use(stranger, wrong(code(app)))
        seen[email] = (
            answer.status_code,
            headers,
            answer.text,
            rows(app, SignInCodeRow) - before[0],
            message["Subject"],
            words.replace(code(app), "…"),
            page,
            refused.status_code,
            refused.text.replace(email, "…"),
        )
    assert seen[ADA] == seen[BEN]


def test_one_address_is_one_person(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Capitals and spaces around make no second one; the mail goes to the form that names her."""
    sign_in(app, phone, ADA)
    other = another_phone()
    sign_in(app, other, "  Ada@Example.ORG ")
    assert newest(app).email == ADA
    with reading(app.state.parts.engine) as db:
        assert db.exec(select(CustomerEmailRow.address)).all() == [ADA]


def test_letters_that_only_look_alike_are_other_people() -> None:
    """Composed and decomposed are the same letter; a Cyrillic one, or a dotless i, is not."""
    assert normal_address("Zoe\u0308@example.org") == normal_address("ZOË@example.org")
    assert normal_address("аda@example.org") != normal_address("ada@example.org")  # noqa: RUF001
    assert normal_address("mıke@example.org") != normal_address("mike@example.org")  # noqa: RUF001


def test_no_address_is_said_in_words(app: FastAPI, phone: TestClient) -> None:
    """Nothing is sent, what she typed stays."""
    refused = ask(phone, "nobody@")
    assert refused.status_code == 422
    assert "does not look like an e-mail address" in refused.text
    assert "nobody@" in refused.text
    assert rows(app, SignInCodeRow) == 0


def test_codes_for_one_address_are_limited(
    app: FastAPI,
    phone: TestClient,
    another_phone: Callable[[], TestClient],
    clock: FakeClock,
) -> None:
    """Five in an hour, whichever phone asks; then a time is named, and kept."""
    for _ in range(5):
        assert ask(another_phone()).status_code == 303
    refused = ask(phone)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert "Please try again in 60 minutes" in refused.text
    assert rows(app, SignInCodeRow) == 5
    assert ask(phone, BEN).status_code == 303
    clock.advance(3_599)
    assert ask(phone).headers["retry-after"] == "1"
    clock.advance(1)
    assert ask(phone).status_code == 303


def test_a_day_has_twenty_codes_for_one_address(
    another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """A hundred guesses of a million a day: it would take somebody fourteen years for half."""
    taken = 0
    for _ in range(6):
        taken += sum(ask(another_phone()).status_code == 303 for _ in range(6))
        clock.advance(3_600)
    assert taken == 20


def test_codes_and_tries_from_one_network_are_limited(app: FastAPI, phone: TestClient) -> None:
    """Whatever the addresses; another network goes on. IPv6: whoever has a line has all of it."""
    assert phone
    flood = TestClient(app, client=("2001:db8:1:2::1", 5))
    answers = [ask(flood, f"x{i}@example.org").status_code for i in range(121)]
    assert answers == [303] * 120 + [429]
    neighbour = TestClient(app, client=("2001:db8:1:2:ffff::9", 5))
    assert ask(neighbour, BEN).status_code == 429
    elsewhere = TestClient(app, client=("2001:db8:1:3::1", 5))
    assert ask(elsewhere, BEN).status_code == 303
    guessing = [use(flood, "000000") for _ in range(241)]
    assert [one.status_code for one in guessing] == [403] * 240 + [429]
    assert int(guessing[-1].headers["retry-after"]) == 3_600


def test_limits_are_shared_by_several_apis_and_name_nobody(
    phone: TestClient, shop_engine: Engine, settings: ApiSettings, clock: FakeClock
) -> None:
    """They are counted in the database, under keyed hashes."""
    other = create_app(
        settings, engine=shop_engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )
    with TestClient(other) as elsewhere:
        answers = [ask(one).status_code for one in (phone, elsewhere) * 3]
    assert answers == [303] * 5 + [429]
    with reading(shop_engine) as db:
        held = str(db.connection().execute(text("SELECT * FROM rate_limit")).all())
    assert ADA not in held
    assert "testclient" not in held


def test_of_rivals_no_more_get_a_code_than_may(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Ten phones at once for one address: five codes."""
    assert phone
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda one: ask(one).status_code, [another_phone() for _ in range(10)])
        )
    assert answers.count(303) == rows(app, SignInCodeRow) == 5


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_network_of_a_client(host: str, network: str) -> None:
    """An IPv4 address, or what one IPv6 line is given."""
    assert network_of(host) == network


def test_old_codes_and_windows_are_forgotten(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """A day after its time a code is gone, with the address that asked for it."""
    ask(phone)
    clock.advance(86_400 + 540)
    with unit_of_work(app.state.parts.engine) as db:
        forget(db, clock)
    assert rows(app, SignInCodeRow) == 1
    clock.advance(120)
    with unit_of_work(app.state.parts.engine) as db:
        forget(db, clock)
    assert (rows(app, SignInCodeRow), rows(app, RateLimitRow)) == (0, 0)


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_the_mail_has_the_code_and_nothing_of_the_request(
    app: FastAPI, phone: TestClient, clock: FakeClock, locale: str
) -> None:
    """Its link is of PUBLIC_URL, whatever Host the request named, and holds no code."""
    ask(phone, ADA, **{"Accept-Language": locale, "Host": "evil.example"})
    with reading(app.state.parts.engine) as db:
        message = code_mail(app.state.parts, db, newest(app).id)
    assert message is not None
    raw = message.as_bytes()
    assert b"evil.example" not in raw
    read = BytesParser(policy=policy.default).parsebytes(raw)
    digits = code(app)
    assert read["To"] == ADA
    assert digits not in read["Subject"]
    for kind in ("plain", "html"):
        body = part(read, kind)
        assert digits in body
        assert "http://testserver/sign-in/code" in body
        assert not re.search(rf"https?://\S*{digits}", body)
    assert f'dir="{"rtl" if locale == "he" else "ltr"}"' in part(read, "html")
    clock.advance(600)
    with reading(app.state.parts.engine) as db:
        assert code_mail(app.state.parts, db, newest(app).id) is None


def test_the_cookies_are_for_https_and_no_script(shop_engine: Engine, tmp_path: Path) -> None:
    """HttpOnly, SameSite, Secure, and bound to the host by their names."""
    settings = ApiSettings(
        data_dir=tmp_path, secret_key=SECRET, smtp_url="smtp://mail", public_url="https://shop.test"
    )
    app = create_app(settings, engine=shop_engine, listen=False, mail=False)
    with TestClient(app, base_url="https://shop.test") as phone:
        asked = ask(phone).headers["set-cookie"]
        given = use(phone, code(app)).headers.get_list("set-cookie")
    cookies = {one.partition("=")[0]: one for one in (asked, *given)}
    assert {"__Host-carryover-sign-in", "__Host-carryover", "__Host-carryover-known"} <= {*cookies}
    for name, cookie in cookies.items():
        assert name.startswith("__Host-")
        for mark in ("HttpOnly", "SameSite=lax", "Secure", "Path=/"):
            assert mark in cookie


def test_another_website_cannot_sign_a_phone_in(app: FastAPI, phone: TestClient) -> None:
    """Nor ask for a code with it."""
    for path in ("/sign-in", "/sign-in/code", "/account/sign-out-everywhere"):
        answer = phone.post(path, data={"email": ADA}, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    assert rows(app, SignInCodeRow) == 0


@pytest.mark.timeout(180)
def test_the_code_comes_by_mail_once(shop_engine: Engine, settings: ApiSettings) -> None:
    """Through the durable way of mails, at once: the doorbell rings for it."""
    app = create_app(
        settings, engine=shop_engine, clock=SystemClock(), ids=RandomIds(), listen=False
    )
    with TestClient(app) as phone:
        add(phone, RED)
        ask(phone)
        box = Mailbox(settings.data_dir / "mail")
        eventually(lambda: newest(app).state == "sent", "the mail")
        [letter] = box.letters()
        digits = re.findall(r"\b\d{6}\b", box.read(letter.name).text)[0]
        assert use(phone, digits).status_code == 303
        assert quantities(phone) == {RED: 1}


def test_the_list_of_phones_knows_when_codes_were_sent(app: FastAPI, phone: TestClient) -> None:
    """A mail that failed is said on the page that waits for the code."""
    ask(phone)
    with unit_of_work(app.state.parts.engine) as db:
        row = db.exec(select(SignInCodeRow).order_by(col(SignInCodeRow.id))).one()
        row.state = "failed"
        db.add(row)
    assert "could not be delivered" in phone.get("/sign-in/code").text


def test_attempts_that_a_limit_stops_are_in_the_log(
    phone: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """What was stopped, with the same mark for the same address, and nobody's name."""
    for _ in range(5):
        ask(phone)
    assert "a limit stops more" not in caplog.text
    assert [ask(phone).status_code for _ in range(2)] == [429, 429]
    lines = [one.getMessage() for one in caplog.records if "a limit stops more" in one.message]
    assert len(lines) == 2
    assert len(set(lines)) == 1
    assert lines[0].startswith("a limit stops more: ask:address:hour")
    assert ADA not in caplog.text
