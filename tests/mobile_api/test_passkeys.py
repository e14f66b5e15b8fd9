"""Passkeys: added by whoever signed in lately, good in the browser that was asked, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.testclient import TestClient
from webauthn.helpers import bytes_to_base64url

from cart.carts.keys import FRESH
from cart.profile.model import CHALLENGE_LIFETIME, CHALLENGES_PER_NETWORK, PASSKEYS_MAX
from mobile_api.settings import ApiSettings
from mobile_api.sign_in.authenticator import Place, made, place_of
from tests.fakes.authenticator import PRESENT, Passkey
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import MUG, RED, SECRET, add, quantities
from tests.mobile_api.signing_in import ADA, BEN, sign_in

SHOP = "http://localhost:8000"
ACCOUNT, SIGN_IN = "/api/v1/account", "/api/v1/sign-in"
ADDING = f"{ACCOUNT}/passkey"


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    """A shop with a name: a bare IP address can have no passkeys."""
    return ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url=SHOP)


def fresh_passkey(**other: Any) -> Passkey:  # noqa: ANN401 - of any of its fields
    """Return a passkey that has not been made yet."""
    return Passkey(**{"rp_id": "localhost", "origin": SHOP} | other)


def asked(phone: TestClient, path: str) -> dict[str, Any]:
    """Ask what to call the browser with."""
    answer = phone.post(f"{path}-options" if path == ADDING else f"{path}/options")
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["publicKey"]
    return options


def offered(phone: TestClient, passkey: Passkey) -> Any:  # noqa: ANN401 - a response
    """Make a passkey and offer it to the account that is signed in."""
    options = asked(phone, ADDING)
    return phone.post(f"{ACCOUNT}/passkeys", json=passkey.make(options))


def signed(phone: TestClient, passkey: Passkey) -> Any:  # noqa: ANN401 - a response
    """Sign in with a passkey."""
    options = asked(phone, f"{SIGN_IN}/passkey")
    return phone.post(f"{SIGN_IN}/passkey", json=passkey.sign(options))


def adas(app: FastAPI, phone: TestClient, **other: Any) -> Passkey:  # noqa: ANN401
    """Let Ada sign in with a code and add a passkey."""
    sign_in(app, phone, ADA)
    passkey = fresh_passkey(**other)
    answer = offered(phone, passkey)
    assert answer.status_code == 201, answer.text
    return passkey


def refused(answer: Any, status: int, code: str) -> None:  # noqa: ANN401 - a response
    """Check a refusal."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_passkey_signs_another_phone_in_and_its_cart_joins(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """As a code does: her own cart, the joining told, and a fresh key; the old one is nobody's."""
    add(phone, RED, 2)
    passkey = adas(app, phone)
    other = another_phone()
    add(other, MUG)
    old = other.cookies["carryover"]
    answer = signed(other, passkey)
    assert answer.json() == {"signed_in": True}
    assert answer.headers["cache-control"] == "no-store"
    assert quantities(other) == {RED: 2, MUG: 1}
    assert "1 thing from this phone" in other.get("/", headers={"Accept": "text/html"}).text
    planted = another_phone()
    planted.cookies.set("carryover", old)
    assert quantities(planted) == {}
    account = other.get(ACCOUNT).json()
    assert account["addresses"] == [ADA]
    assert [one["here"] for one in account["phones"]].count(True) == 1
    [kept] = account["passkeys"]
    assert kept["used_at"] is not None
    assert kept["backed_up"] is False


def test_what_a_browser_is_asked_names_nobody(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """The same for who has passkeys and who has none; a person has to be verified."""
    adas(app, phone)
    options = [asked(one, f"{SIGN_IN}/passkey") for one in (another_phone(), another_phone())]
    first, second = ({**one, "challenge": ""} for one in options)
    assert first == second
    assert options[0]["challenge"] != options[1]["challenge"]
    assert (first["rpId"], first["userVerification"]) == ("localhost", "required")
    assert first["allowCredentials"] == []


def test_making_one_says_who_it_is_for(app: FastAPI, phone: TestClient) -> None:
    """Resident, verified, and not where she has one already; what it knows of her is an id."""
    passkey = adas(app, phone)
    options = asked(phone, ADDING)
    assert [one["id"] for one in options["excludeCredentials"]] == [passkey.name]
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert options["user"]["name"] == ADA
    assert options["attestation"] == "none"
    assert passkey.handle.startswith(b"customer_")


LIES = {
    "another origin": {"origin": "http://localhost.evil.example:8000"},
    "another site": {"rp_id": "evil.example"},
    "nobody verified": {"flags": PRESENT},
    "nobody present": {"flags": 0},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_is_not_as_asked_is_neither_kept_nor_let_in(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], lie: dict[str, Any]
) -> None:
    """At making and at signing in; nothing has changed."""
    sign_in(app, phone, ADA)
    refused(offered(phone, fresh_passkey(**lie)), 403, "passkey_refused")
    passkey = fresh_passkey()
    assert offered(phone, passkey).status_code == 201
    for name, value in lie.items():
        setattr(passkey, name, value)
    other = another_phone()
    refused(signed(other, passkey), 403, "passkey_refused")
    assert other.get(ACCOUNT).status_code == 401
    assert len(phone.get(ACCOUNT).json()["passkeys"]) == 1


def test_an_answer_is_good_once_and_in_its_browser(
    app: FastAPI,
    phone: TestClient,
    another_phone: Callable[[], TestClient],
    clock: FakeClock,
) -> None:
    """Seen on the way and sent again, sent from elsewhere, too late: refused."""
    passkey = adas(app, phone)
    other, thief = another_phone(), another_phone()
    answer = passkey.sign(asked(other, f"{SIGN_IN}/passkey"))
    refused(thief.post(f"{SIGN_IN}/passkey", json=answer), 403, "passkey_refused")
    cookie = other.cookies["carryover-passkey"]
    assert other.post(f"{SIGN_IN}/passkey", json=answer).status_code == 200
    thief.cookies.set("carryover-passkey", cookie)
    refused(thief.post(f"{SIGN_IN}/passkey", json=answer), 403, "passkey_refused")
    late = another_phone()
    answer = passkey.sign(asked(late, f"{SIGN_IN}/passkey"))
    clock.advance(CHALLENGE_LIFETIME.total_seconds())
    refused(late.post(f"{SIGN_IN}/passkey", json=answer), 403, "passkey_refused")


def test_a_wrong_answer_uses_the_challenge_up(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Whoever guesses has to ask again, and asking is limited."""
    passkey, stranger = adas(app, phone), fresh_passkey(handle=b"customer_none")
    other = another_phone()
    options = asked(other, f"{SIGN_IN}/passkey")
    refused(other.post(f"{SIGN_IN}/passkey", json=stranger.sign(options)), 403, "passkey_refused")
    refused(other.post(f"{SIGN_IN}/passkey", json=passkey.sign(options)), 403, "passkey_refused")


def test_of_rivals_with_one_answer_exactly_one_gets_in(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Eight at once, with the same cookie: one row is deleted once."""
    passkey = adas(app, phone)
    other = another_phone()
    answer = passkey.sign(asked(other, f"{SIGN_IN}/passkey"))
    rivals = [another_phone() for _ in range(8)]
    for one in rivals:
        one.cookies.set("carryover-passkey", other.cookies["carryover-passkey"])
    with ThreadPoolExecutor(len(rivals)) as pool:
        said = pool.map(lambda one: one.post(f"{SIGN_IN}/passkey", json=answer), rivals)
        assert sorted(one.status_code for one in said) == [200, *[403] * 7]


def test_a_copy_that_counts_is_found(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """A count that was used before signs nobody in (WebAuthn level 3, 6.1.1)."""
    passkey = adas(app, phone, counts=True)
    copy = Passkey(**vars(passkey))
    assert signed(another_phone(), passkey).status_code == 200
    refused(signed(another_phone(), copy), 403, "passkey_refused")
    assert signed(another_phone(), passkey).status_code == 200


def test_another_persons_handle_is_refused(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """A key signs in whom it was made for, whatever it says."""
    passkey = adas(app, phone)
    ben = another_phone()
    sign_in(app, ben, BEN)
    other = fresh_passkey()
    assert offered(ben, other).status_code == 201
    for handle in (other.handle, b""):
        passkey.handle = handle
        refused(signed(another_phone(), passkey), 403, "passkey_refused")


def test_adding_one_needs_a_fresh_sign_in(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """A phone that was found signed in gives nobody a way in of his own."""
    sign_in(app, phone, ADA)
    assert 'data-passkey="add"' in phone.get("/account").text
    options = asked(phone, ADDING)
    clock.advance(FRESH.total_seconds())
    answer = phone.post(f"{ACCOUNT}/passkeys", json=fresh_passkey().make(options))
    refused(answer, 403, "fresh_sign_in_needed")
    refused(phone.post(f"{ADDING}-options"), 403, "fresh_sign_in_needed")
    page = phone.get("/account").text
    assert 'data-passkey="add"' not in page
    assert 'href="/sign-in?again=true"' in page
    assert phone.get("/sign-in", follow_redirects=False).status_code == 303
    assert phone.get("/sign-in?again=true", follow_redirects=False).status_code == 200
    sign_in(app, phone, ADA)
    assert offered(phone, fresh_passkey()).status_code == 201


def test_one_that_is_removed_signs_nobody_in(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """By its owner alone; twice is as good; by the page's form as well."""
    passkey = adas(app, phone)
    [kept] = phone.get(ACCOUNT).json()["passkeys"]
    ben = another_phone()
    sign_in(app, ben, BEN)
    assert ben.delete(f"{ACCOUNT}/passkeys/{kept['id']}").status_code == 200
    ben.post(f"/account/passkeys/{kept['id']}/remove")
    assert signed(another_phone(), passkey).status_code == 200
    way = f"/account/passkeys/{kept['id']}/remove"
    assert way in phone.get("/account").text
    for _ in range(2):
        assert phone.post(way, follow_redirects=False).status_code == 303
        assert phone.delete(f"{ACCOUNT}/passkeys/{kept['id']}").status_code == 200
    refused(signed(another_phone(), passkey), 403, "passkey_refused")


def test_a_challenge_is_for_what_it_was_asked_for(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """What was asked to sign in adds nothing, and the other way round."""
    passkey = adas(app, phone)
    options = asked(phone, f"{SIGN_IN}/passkey")
    made_for_signing = fresh_passkey().make(options | {"user": {"id": "AAAA"}})
    refused(phone.post(f"{ACCOUNT}/passkeys", json=made_for_signing), 403, "passkey_refused")
    options = asked(phone, ADDING)
    other = another_phone()
    other.cookies.set("carryover-passkey", phone.cookies["carryover-passkey"])
    refused(other.post(f"{SIGN_IN}/passkey", json=passkey.sign(options)), 403, "passkey_refused")


def test_as_many_as_are_kept_and_the_same_once(app: FastAPI, phone: TestClient) -> None:
    """The one after the last is refused, and so is one that is there."""
    passkey = adas(app, phone)
    refused(offered(phone, passkey), 403, "passkey_refused")
    for _ in range(PASSKEYS_MAX - 1):
        assert offered(phone, fresh_passkey()).status_code == 201
    refused(offered(phone, fresh_passkey()), 409, "too_many_passkeys")
    assert len(phone.get(ACCOUNT).json()["passkeys"]) == PASSKEYS_MAX


def test_challenges_for_one_network_are_limited(phone: TestClient) -> None:
    """As codes are: with the seconds to wait."""
    (limit,) = CHALLENGES_PER_NETWORK
    for _ in range(limit.times_max):
        assert phone.post(f"{SIGN_IN}/passkey/options").status_code == 200
    answer = phone.post(f"{SIGN_IN}/passkey/options")
    refused(answer, 429, "too_many_attempts")
    assert 0 < int(answer.headers["retry-after"]) <= limit.window_s


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://shop.example", Place("shop.example", "https://shop.example")),
        ("https://shop.example:8443/x", Place("shop.example", "https://shop.example:8443")),
        ("http://localhost:8000", Place("localhost", "http://localhost:8000")),
        ("http://127.0.0.1:8000", None),
        ("https://[::1]", None),
        ("http://shop.example", None),
    ],
)
def test_where_passkeys_can_be(url: str, place: Place | None) -> None:
    """A host by name, over https; browsers let localhost do without."""
    assert place_of(url) == place


def test_without_a_host_by_name_there_is_no_button(app: FastAPI, phone: TestClient) -> None:
    """The pages offer nothing that the browser would refuse, and the API says why."""
    parts = app.state.parts
    parts.settings = parts.settings.model_copy(update={"public_url": "http://127.0.0.1:8000"})
    assert "data-passkey" not in phone.get("/sign-in").text
    sign_in(app, phone, ADA)
    assert "data-passkey" not in phone.get("/account").text
    refused(phone.post(f"{SIGN_IN}/passkey/options"), 404, "not_found")
    refused(phone.post(f"{ADDING}-options"), 404, "not_found")


@given(client=st.binary(max_size=200), attestation=st.binary(max_size=300))
@examples(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bytes_of_no_authenticator_are_refused(client: bytes, attestation: bytes) -> None:
    """Whatever comes in their place: a refusal, no error of a library."""
    answer = made(
        Place("localhost", SHOP),
        b"challenge",
        {
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {
                "clientDataJSON": bytes_to_base64url(client),
                "attestationObject": bytes_to_base64url(attestation),
            },
        },
    )
    assert answer.code == "passkey_refused"  # type: ignore[union-attr]
