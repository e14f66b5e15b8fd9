"""Staff sign in by the retailer's identity provider: a real one over HTTP, with real signatures."""

import html
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.kernel.clock import to_us
from cart.kernel.ids import RandomIds
from cart.picking import identities, pins, staff
from cart.picking.identities import Vouched
from cart.picking.model import Staff
from cart.picking.roles import Role
from cart.picking.staff import SignedIn
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from mobile_api.staff.provider import KEYS_AGAIN_S, LEEWAY_S
from mobile_api.staff.vouched import BACK, ON_THE_WAY_S
from tests.cart.buying import HERE, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE
from tests.real.provider import CLIENT, CLIENT_SECRET, FakeProvider, query, running_provider

HTML: Final = {"Accept": "text/html"}
START: Final = "/staff/provider?back=/staff/desk"
OK, FORBIDDEN, UNAVAILABLE, NOT_FOUND, SEE_OTHER = 200, 403, 503, 404, 303
LEAD_HERE: Final = {"carryover_role": "lead", "carryover_location": HERE, "name": "Ada"}


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def provider(clock: FakeClock) -> Iterator[FakeProvider]:
    """The retailer's provider, at which Ada is a lead here."""
    with running_provider(lambda: to_us(clock.now()) // 1_000_000) as running:
        running.claims = dict(LEAD_HERE)
        yield running


def shop(floor: Floor, folder: Path, provider: FakeProvider, **settings: object) -> FastAPI:
    """Return the application of a shop that knows the provider."""
    given = {
        "data_dir": folder,
        "secret_key": SECRET,
        "public_url": "http://testserver",
        "oidc_issuer": provider.url,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": CLIENT_SECRET,
        "second_factor_grace_days": 0,
    }
    return create_app(
        ApiSettings.model_validate({**given, **settings}),
        engine=floor.engine,
        clock=floor.clock,
        ids=RandomIds(),
        listen=False,
        mail=False,
    )


@pytest.fixture
def app(floor: Floor, tmp_path: Path, provider: FakeProvider) -> FastAPI:
    """The application."""
    return shop(floor, tmp_path, provider)


@pytest.fixture
def phone(app: FastAPI) -> Iterator[TestClient]:
    """A browser in the shop."""
    with TestClient(app, headers=HTML, follow_redirects=False) as client:
        yield client


def sent(phone: TestClient) -> str:
    """Begin to sign in; return the provider's address that she is sent to."""
    answer = phone.get(START)
    assert answer.status_code == SEE_OTHER
    return str(answer.headers["location"])


def comes(phone: TestClient, provider: FakeProvider, **bent: str) -> Any:  # noqa: ANN401
    """Sign in at the provider and come back; ``bent``: what of the answer is another."""
    return phone.get(f"{BACK}?{query(provider.authorise(sent(phone)) | bent)}")


def people(floor: Floor, place: str = HERE) -> list[Staff]:
    """Return who has an account."""
    return floor.look(lambda db: staff.everybody(db, place))


def is_out(phone: TestClient, floor: Floor, answer: Any) -> None:  # noqa: ANN401
    """Check that nobody came in and no account was made."""
    assert answer.status_code == FORBIDDEN, answer.text
    assert COOKIE not in phone.cookies
    assert people(floor) == []
    assert "Sign in" in answer.text


def test_she_comes_in_as_what_her_company_says(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """The second factor is the provider's affair; the next time it is the same account."""
    assert "/staff/provider" in phone.get("/staff").text
    way = sent(phone)
    assert "code_challenge_method=S256" in way
    assert "prompt=login" in way
    assert "max_age=0" in way
    for _ in range(2):
        came = comes(phone, provider)
        assert came.status_code == 200
        assert 'url=/staff/desk"' in came.text
        assert phone.get("/staff/desk").status_code == 200
        phone.post("/staff/sign-out")
        assert phone.get("/staff/desk").status_code == SEE_OTHER
    (ada,) = people(floor)
    assert (ada.name, ada.role) == ("Ada", Role.LEAD)
    acts = [row.action for row in reversed(floor.look(audit.newest))]
    assert acts == ["staff.add", *["staff.sign_in", "staff.sign_out"] * 2]


@pytest.mark.parametrize(
    "bend",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"sub": "x" * 256},
        {"auth_time": None},
        {"auth_time": 1},
        {"auth_time": "now"},
    ],
    ids=str,
)
def test_a_token_that_does_not_fit_opens_nothing(
    phone: TestClient, floor: Floor, provider: FakeProvider, bend: dict[str, Any]
) -> None:
    """Issuer, audience, party, nonce, times, subject; that she proved herself just now."""
    provider.bend = bend
    is_out(phone, floor, comes(phone, provider))


def test_a_token_of_another_signer_opens_nothing(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """Under the same key id, too."""
    thief = RSAKey.generate_key(2048, {"kid": provider.keys[0].kid})
    provider.signs_with = thief
    is_out(phone, floor, comes(phone, provider))


def test_no_token_is_believed_without_a_signature_or_with_a_shared_one(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """`none`, and HMAC under what everybody can read."""
    for token in ("eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.x", "x", ""):
        provider.gives = token
        is_out(phone, floor, comes(phone, provider))


def test_whoever_proved_herself_before_this_sign_in_does_not_come_in(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """The last one at this scanner, whose session the provider kept; two clocks may differ."""
    begun_s = provider.now_s()
    answer = provider.authorise(sent(phone))
    floor.clock.advance(ON_THE_WAY_S - 1)
    provider.bend = {"auth_time": begun_s - LEEWAY_S - 1}
    is_out(phone, floor, phone.get(f"{BACK}?{query(answer)}"))
    answer = provider.authorise(sent(phone))
    provider.bend = {"auth_time": provider.now_s() - LEEWAY_S}
    floor.clock.advance(ON_THE_WAY_S - 1)
    assert phone.get(f"{BACK}?{query(answer)}").status_code == OK


@pytest.mark.parametrize("first", ["new", "known"])
def test_two_first_sign_ins_at_once_are_one_account(floor: Floor, first: str) -> None:
    """On two devices; each has a session. No PIN opens the account."""
    vouched = Vouched("https://id.example", "ada", Role.LEAD, HERE, "Ada")
    together, came = threading.Barrier(4), list[object]()
    if first == "known":
        other = replace(vouched, role=Role.ASSOCIATE)
        floor.do(lambda db: identities.sign_in(db, floor.clock, RandomIds(), other))

    def enter() -> None:
        together.wait()
        try:
            came.append(
                floor.do(lambda db: identities.sign_in(db, floor.clock, RandomIds(), vouched))
            )
        except SQLAlchemyError as error:
            came.append(error)

    threads = [threading.Thread(target=enter) for _ in range(together.parties)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [type(one) for one in came] == [SignedIn] * together.parties
    (ada,) = people(floor)
    assert ada.role is Role.LEAD
    known = floor.look(lambda db: staff.known(db, location_id=HERE, number=ada.number))
    assert known.pin_hash == pins.NOBODY
    acts = [row.action for row in floor.look(audit.newest)]
    assert acts.count("staff.add") == 1


@pytest.mark.parametrize(
    "bent", [{"state": "another"}, {"iss": "https://evil.example"}, {"iss": ""}, {"error": "no"}]
)
def test_an_answer_that_is_not_to_our_question_opens_nothing(
    phone: TestClient, floor: Floor, provider: FakeProvider, bent: dict[str, str]
) -> None:
    """Of another sign-in, of another provider (mix-up), or a refusal: no code is sent on."""
    is_out(phone, floor, comes(phone, provider, **bent))
    assert "/token" not in provider.asked


def test_an_answer_in_another_browser_opens_nothing(
    app: FastAPI, phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """Nobody can sign a colleague's browser in as herself; nor after a quarter of an hour."""
    answer = query(provider.authorise(sent(phone)))
    other = TestClient(app, headers=HTML, follow_redirects=False)  # the app runs already
    is_out(other, floor, other.get(f"{BACK}?{answer}"))
    other.cookies.set("carryover-provider", "e30.x")
    is_out(other, floor, other.get(f"{BACK}?{answer}"))
    floor.clock.advance(ON_THE_WAY_S)
    is_out(phone, floor, phone.get(f"{BACK}?{answer}"))


def test_an_answer_is_good_once(phone: TestClient, floor: Floor, provider: FakeProvider) -> None:
    """A reload of the page of the way back, and the cookie of before."""
    answer = query(provider.authorise(sent(phone)))
    assert phone.get(f"{BACK}?{answer}").status_code == 200
    assert phone.get(f"{BACK}?{answer}").status_code == FORBIDDEN
    assert len(people(floor)) == 1


def test_a_new_key_of_the_provider_is_fetched(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """Once a minute at most, and the old one is believed no more."""
    assert comes(phone, provider).status_code == 200
    old = provider.signs_with
    provider.rotate()
    floor.clock.advance(KEYS_AGAIN_S)
    assert comes(phone, provider).status_code == 200
    assert provider.asked.count("/keys") == 2
    provider.signs_with = old
    for _ in range(3):
        assert comes(phone, provider).status_code == FORBIDDEN
    assert provider.asked.count("/keys") == 2


def test_while_the_provider_is_away_the_pin_is_there(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """Said in words; before the way and on the way back."""
    answer = provider.authorise(sent(phone))
    provider.down = True
    back = phone.get(f"{BACK}?{query(answer)}")
    assert back.status_code == UNAVAILABLE
    assert "does not answer right now" in back.text
    floor.clock.advance(7200)
    begun = phone.get(START)
    assert begun.status_code == UNAVAILABLE
    assert 'name="pin"' in begun.text
    provider.down = False
    assert comes(phone, provider).status_code == 200


def test_a_provider_that_speaks_for_another_is_not_used(
    phone: TestClient, provider: FakeProvider
) -> None:
    """Its configuration names the issuer that was set."""
    provider.issuer = "https://evil.example"
    assert phone.get(START).status_code == UNAVAILABLE


@pytest.mark.parametrize(
    "claims",
    [
        {"carryover_role": None},
        {"carryover_role": "operator"},
        {"carryover_role": "boss"},
        {"carryover_location": None},
        {"carryover_location": "nowhere"},
    ],
    ids=str,
)
def test_without_a_role_or_a_place_of_ours_nobody_comes_in(
    phone: TestClient, floor: Floor, provider: FakeProvider, claims: dict[str, Any]
) -> None:
    """And nobody becomes an operator by what a token says. Noted, once in five minutes."""
    provider.claims |= claims
    for _ in range(2):
        is_out(phone, floor, comes(phone, provider))
    assert [(row.action, row.outcome) for row in floor.look(audit.newest)] == [
        ("staff.sign_in", "provider_refused")
    ]


def test_accounts_are_linked_by_issuer_and_subject_alone(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """The same name or address is nobody's proof; another subject is another person."""
    provider.claims |= {"email": "ada@shop.example", "email_verified": True}
    assert comes(phone, provider).status_code == 200
    provider.bend = {"sub": "another"}
    assert comes(phone, provider).status_code == 200
    assert len(people(floor)) == 2
    linked = floor.look(
        lambda db: db.connection().execute(text("SELECT issuer, subject FROM staff_identity")).all()
    )
    assert sorted(linked) == [(provider.url, "ada"), (provider.url, "another")]


def test_what_changes_at_the_provider_changes_here_and_what_was_closed_stays_closed(
    phone: TestClient, floor: Floor, provider: FakeProvider
) -> None:
    """Another role: noted. Two locations: an account at each."""
    assert comes(phone, provider).status_code == 200
    provider.claims["carryover_role"] = ["associate", "manager"]
    assert comes(phone, provider).status_code == 200
    (ada,) = people(floor)
    assert ada.role is Role.MANAGER
    assert "staff.role" in [row.action for row in floor.look(audit.newest)]
    provider.claims["carryover_location"] = [THERE, HERE]
    assert comes(phone, provider).status_code == 200
    assert [one.name for one in people(floor, THERE)] == ["Ada"]
    floor.do(lambda db: staff.deactivate(db, floor.clock, staff_id=ada.id))
    provider.claims["carryover_location"] = HERE
    assert comes(phone, provider).status_code == FORBIDDEN
    assert people(floor) == []


def test_roles_have_the_providers_names_and_amr_may_be_demanded(
    floor: Floor, tmp_path: Path, provider: FakeProvider
) -> None:
    """As set; without the second factor at the provider nobody comes in."""
    settings = {"oidc_roles": "till=associate, store-lead=lead", "oidc_amr": "mfa"}
    app = shop(floor, tmp_path, provider, **settings)
    with TestClient(app, headers=HTML, follow_redirects=False) as phone:
        provider.claims["carryover_role"] = "store-lead"
        is_out(phone, floor, comes(phone, provider))
        provider.claims["amr"] = ["pwd", "mfa"]
        assert comes(phone, provider).status_code == 200
        provider.bend = {"carryover_role": "lead", "sub": "another"}
        assert comes(phone, provider).status_code == FORBIDDEN
    assert [one.role for one in people(floor)] == [Role.LEAD]


def test_signing_out_ends_the_providers_session_too(
    phone: TestClient, provider: FakeProvider
) -> None:
    """Led there once, with the token of her sign-in; who came by no provider is not."""
    provider.ends = True
    assert comes(phone, provider).status_code == 200
    token = phone.cookies["carryover-vouched"]
    out = phone.post("/staff/sign-out")
    way = re.search(r'url=([^"]+)"', out.text)
    assert way is not None
    address = urlsplit(html.unescape(way.group(1)))
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{provider.url}/out"
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert query["id_token_hint"] == token
    assert query["client_id"] == CLIENT
    assert query["post_logout_redirect_uri"].endswith("/staff")
    assert "carryover-vouched" not in phone.cookies
    assert phone.get("/staff/queue").headers["location"].startswith("/staff?back=")
    assert phone.post("/staff/sign-out").headers["location"] == "/staff"


def test_numbers_and_pins_can_be_turned_off(
    floor: Floor, tmp_path: Path, provider: FakeProvider
) -> None:
    """Then the form is gone, and a right PIN opens nothing at the door."""
    app = shop(floor, tmp_path, provider, oidc_only=True)
    _, pin = floor.do(
        lambda db: staff.add(db, floor.clock, floor.ids, location_id=HERE, number="9", name="Nine")
    )
    with TestClient(app, headers=HTML, follow_redirects=False) as phone:
        assert 'name="pin"' not in phone.get("/staff").text
        form = {"location_id": HERE, "number": "9", "pin": pin}
        assert phone.post("/staff", data=form).status_code == FORBIDDEN
        assert COOKIE not in phone.cookies
        assert comes(phone, provider).status_code == 200


def test_without_a_provider_there_is_no_way_to_one(floor: Floor, tmp_path: Path) -> None:
    """Nothing on the page, nothing behind the address."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    app = create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )
    with TestClient(app, headers=HTML, follow_redirects=False) as phone:
        assert "/staff/provider" not in phone.get("/staff").text
        assert phone.get(START).status_code == NOT_FOUND
        assert phone.get(BACK).status_code == NOT_FOUND


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_only": True},
        {"oidc_issuer": "https://id.shop.example"},
        {
            "oidc_issuer": "http://id.shop.example.com",
            "oidc_client_id": "x",
            "oidc_client_secret": "x",
        },
        {
            "oidc_issuer": "https://id.shop.example",
            "oidc_client_id": "x",
            "oidc_client_secret": "x",
            "oidc_roles": "boss=operator",
        },
    ],
)
def test_settings_that_would_lock_out_or_let_in_are_refused(wrong: dict[str, object]) -> None:
    """At start."""
    with pytest.raises(ValidationError):
        ApiSettings.model_validate(wrong)
