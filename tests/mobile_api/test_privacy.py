"""Her page and API of consent, links of mails that withdraw, and what a sign-in brings along."""

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from fastapi import FastAPI
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.kernel.errors import ConsentMissing
from cart.profile.consent import gate, queries
from cart.profile.consent.model import FOR_CUSTOMERS, REFUSED_BY_SIGNAL, VERSIONS, Purpose, Subject
from cart.profile.consent.tables import ConsentRow, ConsentSubjectRow
from cart.profile.queries import customer_of
from mobile_api.edge.links import list_link, withdrawal_link
from mobile_api.privacy.withdrawing import withdrawal_headers
from tests.mobile_api.shop import add, key
from tests.mobile_api.signing_in import ADA, BEN, sign_in
from tests.mobile_api.test_joining import undo

GPC: Final = {"Sec-GPC": "1"}
HTML: Final = {"Accept": "text/html"}
HERE: Final = Purpose.LOCATION_IN_SHOP.value
MAIL: Final = Purpose.MARKETING_EMAIL.value


def shown(phone: TestClient, purpose: str, **headers: str) -> dict[str, Any]:
    """Return a purpose as this phone is shown it."""
    found = phone.get("/api/v1/consents", headers=headers).json()["purposes"]
    return next(one for one in found if one["purpose"] == purpose)


def decide(phone: TestClient, purpose: str, *, granted: bool, **headers: str) -> Any:  # noqa: ANN401
    """Decide on what is shown now."""
    one = shown(phone, purpose, **headers)
    body = {"granted": granted, "wording": one["wording"], "seen": one["seen"]}
    return phone.post(f"/api/v1/consents/{purpose}/decisions", json=body, headers=key() | headers)


def granted(phone: TestClient) -> set[str]:
    """Return what this phone's owner allows."""
    found = phone.get("/api/v1/consents").json()["purposes"]
    return {one["purpose"] for one in found if one["granted"]}


def rows(app: FastAPI) -> int:
    """Return how many decisions were written."""
    with reading(app.state.parts.engine) as db:
        return len(db.exec(select(ConsentRow)).all())


def gate_says(app: FastAPI, purpose: str, email: str = ADA) -> bool:
    """Ask the gate, as what sends a mail does."""
    with reading(app.state.parts.engine) as db:
        subject = Subject(customer_id=customer_of(db, email) or "")
        return gate.granted(db, subject, Purpose(purpose), signal=False)


def link_of(app: FastAPI, purpose: str = MAIL) -> str:
    """Return the path of Ada's link for a mail that is sent under ``purpose``."""
    parts = app.state.parts
    with reading(parts.engine) as db:
        subject = Subject(customer_id=customer_of(db, ADA) or "")
        headers = withdrawal_headers(db, parts.settings, subject, Purpose(purpose))
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<http://testserver(/withdraw/\S+)>", headers["List-Unsubscribe"])
    assert found
    return found.group(1)


def form(page: str, purpose: str) -> dict[str, str]:
    """Return the fields of a purpose's form on the page, its button's too."""
    part = page.split(f'action="/privacy/{purpose}"')[1].split("</form>", maxsplit=1)[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', part))


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_customer_switches_each_purpose_on_and_off(
    app: FastAPI, phone: TestClient, purpose: str
) -> None:
    """Off at first; on with its words; off again at once, also for what runs without her."""
    sign_in(app, phone)
    assert granted(phone) == set()
    answer = decide(phone, purpose, granted=True)
    assert (answer.status_code, answer.json()["granted"]) == (200, True), answer.text
    assert granted(phone) == {purpose}
    assert gate_says(app, purpose)
    answer = decide(phone, purpose, granted=False)
    assert (answer.status_code, answer.json()["granted"]) == (200, False)
    assert not gate_says(app, purpose)
    past = phone.get("/api/v1/consents/history").json()["decisions"]
    assert [(one["purpose"], one["granted"]) for one in past] == [
        (purpose, False),
        (purpose, True),
    ]
    one = shown(phone, purpose)
    told = "\n".join(one[part] for part in ("title", "meaning", "who", "end", "scope"))
    version = VERSIONS[Purpose(purpose)].current
    assert {(each["text"], each["locale"], each["version"]) for each in past} == {
        (told, "en", version)
    }


def test_the_same_request_twice_is_one_decision(app: FastAPI, phone: TestClient) -> None:
    """A repeat gets the first answer; the key with another decision is refused."""
    sign_in(app, phone)
    one, once = shown(phone, HERE), key()
    body = {"granted": True, "wording": one["wording"], "seen": 0}
    path = f"/api/v1/consents/{HERE}/decisions"
    first = phone.post(path, json=body, headers=once)
    assert phone.post(path, json=body, headers=once).json() == first.json()
    other = phone.post(path, json=body | {"granted": False}, headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert phone.post(path, json=body).json()["code"] == "idempotency_key_missing"
    assert rows(app) == 1


def test_what_was_not_shown_is_not_agreed_to(app: FastAPI, phone: TestClient) -> None:
    """Another text, or an older decision than hers: 409, nothing written. A refusal is taken."""
    sign_in(app, phone)
    one = shown(phone, HERE)
    for change in ({"wording": "0" * 64}, {"seen": 3}):
        body = {"granted": True, "wording": one["wording"], "seen": 0} | change
        answer = phone.post(f"/api/v1/consents/{HERE}/decisions", json=body, headers=key())
        assert (answer.status_code, answer.json()["code"]) == (409, "consent_changed")
    assert rows(app) == 0
    body = {"granted": False, "wording": "0" * 64, "seen": 9}
    assert phone.post(f"/api/v1/consents/{HERE}/decisions", json=body, headers=key()).is_success
    assert rows(app) == 1


def test_the_wording_is_kept_in_the_language_that_was_read(phone: TestClient) -> None:
    """The page was Polish; that the answer's language is another does not matter."""
    polish = shown(phone, HERE, **{"Accept-Language": "pl"})
    body = {"granted": True, "wording": polish["wording"], "seen": 0}
    phone.post(f"/api/v1/consents/{HERE}/decisions", json=body, headers=key())
    (past,) = phone.get("/api/v1/consents/history").json()["decisions"]
    assert (past["locale"], past["text"].split("\n")[0]) == ("pl", "Gdzie jesteś w sklepie")


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_phone_without_a_customer_decides_on_what_happens_in_the_shop(
    app: FastAPI, phone: TestClient, purpose: str
) -> None:
    """Its session begins with it; mail needs an address that was proved."""
    answer = decide(phone, purpose, granted=True)
    if purpose in FOR_CUSTOMERS:
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")
        assert rows(app) == 0
        return
    assert answer.is_success, answer.text
    assert granted(phone) == {purpose}


@pytest.mark.parametrize("purpose", sorted(REFUSED_BY_SIGNAL))
def test_the_browsers_signal_goes_before_what_is_granted(
    app: FastAPI, phone: TestClient, purpose: str
) -> None:
    """Not to be switched on under it; and what is on goes off for good with the next visit."""
    sign_in(app, phone)
    refused = decide(phone, purpose, granted=True, **GPC)
    assert (refused.status_code, refused.json()["code"]) == (403, "browser_refuses")
    assert rows(app) == 0
    decide(phone, purpose, granted=True)
    assert shown(phone, purpose)["granted"]
    assert not shown(phone, purpose, **GPC)["granted"]
    assert gate_says(app, purpose), "looking at the API writes nothing"
    clock = app.state.parts.clock
    clock.advance(3_600)
    assert "Global Privacy Control" in phone.get("/privacy", headers=HTML | GPC).text
    assert not gate_says(app, purpose)
    past = phone.get("/api/v1/consents/history").json()["decisions"]
    assert past[0]["source"] == "browser_signal"
    assert phone.get("/.well-known/gpc.json").json()["gpc"] is True


def test_signing_in_with_the_signal_withdraws(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """What she granted elsewhere is refused by the browser that she signs in with now."""
    sign_in(app, phone)
    for purpose in Purpose:
        decide(phone, purpose, granted=True)
    assert granted(phone) == set(Purpose)
    sign_in(app, another_phone(), **GPC)
    assert granted(phone) == set(Purpose) - REFUSED_BY_SIGNAL


def test_what_the_phone_decided_comes_along_and_goes_with_the_undo(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Where she had decided nothing; her refusal stays hers; a second person gets nothing."""
    home = another_phone()
    sign_in(app, home)
    decide(home, Purpose.ANALYTICS, granted=False)
    add(phone)
    decide(phone, HERE, granted=True)
    decide(phone, Purpose.ANALYTICS, granted=True)
    sign_in(app, phone)
    assert granted(home) == granted(phone) == {HERE}
    past = phone.get("/api/v1/consents/history").json()["decisions"]
    assert [one["brought"] for one in past if one["purpose"] == HERE] == [True]
    assert "before you signed in" in phone.get("/privacy").text
    assert undo(app, phone) == 303
    assert granted(home) == set()
    phone.post("/account/sign-out")
    assert granted(phone) == {HERE, Purpose.ANALYTICS}
    stranger = another_phone()
    sign_in(app, stranger, BEN)
    assert granted(stranger) == set()
    assert rows(app) == 3


def test_the_page_works_without_scripts(app: FastAPI, phone: TestClient) -> None:
    """A form each; the old page sent again does what it did, and nothing anew."""
    sign_in(app, phone)
    page = phone.get("/privacy", headers=HTML).text
    assert page.count('role="switch"') == len(Purpose)
    assert 'aria-checked="true"' not in page
    fields = form(page, MAIL)
    answer = phone.post(f"/privacy/{MAIL}", data=fields, follow_redirects=False)
    assert answer.headers["location"] == f"/privacy?saved={MAIL}#{MAIL}"
    on = phone.get("/privacy?saved=marketing_email", headers=HTML).text
    assert on.count('aria-checked="true"') == 1
    assert "On from now on." in on
    phone.post("/privacy/off")
    assert granted(phone) == set()
    phone.post(f"/privacy/{MAIL}", data=fields)
    assert granted(phone) == set(), "the first page, sent again, is the first press"
    stale = fields | {"key": key()["Idempotency-Key"]}
    answer = phone.post(f"/privacy/{MAIL}", data=stale, follow_redirects=False)
    assert answer.headers["location"] == f"/privacy?fault=consent_changed#{MAIL}"
    assert granted(phone) == set()
    assert "Please look again" in phone.get("/privacy?fault=consent_changed").text
    assert "<script>" not in phone.get("/privacy?fault=<script>&saved=<script>").text


def test_pressing_on_a_fresh_phone_gives_it_its_session(
    phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """The form alone, without a cart before; another phone sees nothing of it."""
    fields = form(phone.get("/privacy", headers=HTML).text, HERE)
    phone.post(f"/privacy/{HERE}", data=fields)
    assert granted(phone) == {HERE}
    other = another_phone()
    assert granted(other) == set()
    assert other.get("/api/v1/consents/history").json() == {"decisions": []}
    answer = other.post("/privacy/off", follow_redirects=False)
    assert answer.status_code == 401


def test_a_link_of_a_mail_withdraws_without_signing_in(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Looking changes nothing; the press, or the mail program's own (RFC 8058), withdraws."""
    sign_in(app, phone)
    decide(phone, MAIL, granted=True)
    decide(phone, Purpose.REMINDERS, granted=True)
    path, stranger = link_of(app), another_phone()
    looked = stranger.get(path, headers=HTML)
    assert (looked.status_code, looked.headers["x-robots-tag"]) == (200, "noindex")
    assert f'action="{path}"' in looked.text
    assert ADA not in looked.text
    assert gate_says(app, MAIL)
    body = {"List-Unsubscribe": "One-Click"}
    pressed = stranger.post(path, data=body, follow_redirects=False)
    assert pressed.status_code == 200
    assert not gate_says(app, MAIL)
    assert gate_says(app, Purpose.REMINDERS)
    assert stranger.post(path, files={"List-Unsubscribe": (None, "One-Click")}).is_success
    assert "It is off." in stranger.get(path, headers=HTML).text
    assert rows(app) == 3
    past = phone.get("/api/v1/consents/history").json()["decisions"]
    assert (past[0]["source"], past[0]["text"]) == ("mail_link", "")
    assert stranger.cookies == {}


def test_a_link_is_good_for_its_purpose_alone(app: FastAPI, phone: TestClient) -> None:
    """Changed in any part, signed for another thing, or of a subject that is none: not found."""
    sign_in(app, phone)
    decide(phone, MAIL, granted=True)
    path, secret = link_of(app), app.state.parts.secret
    with reading(app.state.parts.engine) as db:
        subject_id = db.exec(select(ConsentSubjectRow.id)).one()
    wrong = [
        path.replace(MAIL, "reminders"),
        path[:-2] + "xx",
        f"/withdraw/{list_link(secret, f'{subject_id}.{MAIL}')}",
        f"/withdraw/{withdrawal_link(secret, 'subject_none', Purpose(MAIL))}",
        "/withdraw/nothing",
    ]
    for one in wrong:
        assert phone.get(one).status_code == phone.post(one).status_code == 404, one
    assert phone.get(wrong[0]).json()["code"] == "unknown_withdrawal"
    assert gate_says(app, MAIL)


@pytest.mark.parametrize("purpose", sorted(FOR_CUSTOMERS))
def test_a_mail_without_consent_has_no_headers(
    app: FastAPI, phone: TestClient, purpose: str
) -> None:
    """Whoever writes the mail has to ask for its link, and is refused."""
    sign_in(app, phone)
    decide(phone, purpose, granted=True)
    parts = app.state.parts

    def headers(db: Session) -> None:
        subject = Subject(customer_id=customer_of(db, ADA) or "")
        withdrawal_headers(db, parts.settings, subject, Purpose(purpose))

    with unit_of_work(parts.engine) as db:
        headers(db)
    phone.post(link_of(app, purpose))
    with pytest.raises(ConsentMissing), unit_of_work(parts.engine) as db:
        headers(db)


def test_another_website_can_neither_grant_nor_withdraw(app: FastAPI, phone: TestClient) -> None:
    """Forms of strangers are refused before anything is looked at; a mail program has no site."""
    sign_in(app, phone)
    decide(phone, MAIL, granted=True)
    path = link_of(app)
    foreign = {"Origin": "https://evil.example"}
    for one in (path, "/privacy/off", f"/privacy/{HERE}"):
        assert phone.post(one, headers=foreign).status_code == 403
    assert gate_says(app, MAIL)
    with reading(app.state.parts.engine) as db:
        subject = Subject(customer_id=customer_of(db, ADA) or "")
        assert len(queries.history(db, subject)) == 1
