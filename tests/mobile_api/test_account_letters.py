"""Who changes who may come in, or comes in elsewhere, leaves a letter to whose account it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlmodel import col, select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.profile import service as profile
from cart.profile.letters import LETTERS_KEPT, LETTERS_MAX, waiting
from cart.profile.tables import AccountLetterRow
from mobile_api.mail.account import account_mail
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET
from tests.mobile_api.signing_in import ADA, BEN, sign_in
from tests.mobile_api.test_passkeys import ACCOUNT, SHOP, adas, fresh_passkey, offered, signed

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    """A shop with a name: a bare IP address can have no passkeys."""
    return ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url=SHOP)


def letters(app: FastAPI) -> list[tuple[str, str, str, str]]:
    """Return what is to be told: kind, address, device and language of each, in order."""
    with reading(app.state.parts.engine) as db:
        rows = db.exec(select(AccountLetterRow).order_by(col(AccountLetterRow.id))).all()
    return [(row.kind, row.email, row.device, row.locale) for row in rows]


def test_a_passkey_that_comes_or_goes_is_told(app: FastAPI, phone: TestClient) -> None:
    """With the change, in her language, to her address; what is refused is not."""
    phone.headers |= {"User-Agent": FIREFOX, "Accept-Language": "pl"}
    passkey = adas(app, phone)
    assert letters(app) == [("passkey_added", ADA, "Firefox, Linux", "pl")]
    assert offered(phone, passkey).status_code == 403, "it is kept already"
    [kept] = phone.get(ACCOUNT).json()["passkeys"]
    for _ in range(2):  # the second has nothing to remove
        assert phone.delete(f"{ACCOUNT}/passkeys/{kept['id']}").status_code == 200
    assert letters(app)[1:] == [("passkey_removed", ADA, "Firefox, Linux", "pl")]
    offered(phone, fresh_passkey())
    [kept] = phone.get(ACCOUNT).json()["passkeys"]
    phone.post(f"/account/passkeys/{kept['id']}/remove")
    assert [kind for kind, *_ in letters(app)][2:] == ["passkey_added", "passkey_removed"]


def test_a_sign_in_by_code_in_a_browser_that_she_never_used_is_told(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """Not her first, not again in the same browser, not by a passkey; another person's is."""
    passkey = adas(app, phone)
    sign_in(app, phone)
    phone.post("/account/sign-out")
    sign_in(app, phone)
    other = another_phone()
    assert signed(other, passkey).status_code == 200
    assert [kind for kind, *_ in letters(app)] == ["passkey_added"]
    third = another_phone()
    third.headers |= {"User-Agent": FIREFOX}
    sign_in(app, third)
    assert letters(app)[1:] == [("signed_in", ADA, "Firefox, Linux", "en")]
    sign_in(app, third, BEN)  # the first time of his: he has just made his account
    sign_in(app, third, ADA)  # and the browser was his meanwhile
    assert [email for _, email, *_ in letters(app)[2:]] == [ADA]
    mark = third.cookies["carryover-known"]
    assert ADA not in mark
    clock.advance(3_601)  # five codes in an hour are enough for an address
    forged = another_phone()
    forged.cookies.set("carryover-known", "0" * len(mark))
    sign_in(app, forged, ADA)
    assert len(letters(app)) == 4


def test_nobody_fills_a_mailbox_with_them(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """Ten of a kind in a day; after it they come again, and old ones are forgotten."""
    sign_in(app, phone)
    for _ in range(LETTERS_MAX + 2):
        assert offered(phone, fresh_passkey()).status_code == 201
    assert len(letters(app)) == LETTERS_MAX
    [first, *_] = phone.get(ACCOUNT).json()["passkeys"]
    phone.delete(f"{ACCOUNT}/passkeys/{first['id']}")
    assert len(letters(app)) == LETTERS_MAX + 1, "of another kind"
    clock.advance(86_401)
    sign_in(app, phone)
    assert offered(phone, fresh_passkey()).status_code == 201
    assert len(letters(app)) == LETTERS_MAX + 2
    clock.advance(LETTERS_KEPT.total_seconds() + 1)
    with unit_of_work(app.state.parts.engine) as db:
        profile.forget(db, clock)
    assert letters(app) == []


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_the_letter_leads_to_her_account_and_is_no_key(
    app: FastAPI, phone: TestClient, clock: FakeClock, locale: str
) -> None:
    """Found by the sweep, in three languages; the one link is the account's own page."""
    phone.headers |= {"User-Agent": FIREFOX, "Accept-Language": locale}
    adas(app, phone)
    with reading(app.state.parts.engine) as db:
        [letter_id] = waiting(db, clock.now(), 10)
        message = account_mail(app.state.parts, db, letter_id)
        again = account_mail(app.state.parts, db, letter_id)
    assert message is not None
    assert again is not None
    assert message["To"] == ADA
    assert message["Message-ID"] == again["Message-ID"]
    assert message["List-Unsubscribe"] is None
    for part in ("plain", "html"):
        body = message.get_body((part,))
        assert body is not None
        text = body.get_content()
        assert "Firefox, Linux" in text
        assert text.count("http://") == text.count(f"{SHOP}/account") == 1
    english = message["Subject"] == "A passkey was added to your account"
    assert english == (locale == "en")
