"""Wristbands on pages: the welcome desk hands out and takes back, a shopper loses and withdraws."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.carts.service import open_session
from cart.carts.tables import SessionKeyRow, ShopperSessionRow
from cart.db import reading
from cart.kernel.ids import RandomIds, secret_hash
from cart.personal.erasing import erase
from cart.personal.finding import ids_of
from cart.picking.roles import Role
from cart.profile.consent import queries as ledger
from cart.profile.consent.model import Purpose, Source, Subject, holds
from cart.profile.tables import CustomerRow
from gateway.bands import desk_codes, queries, service
from gateway.bands.model import EndReason, Heard, State
from gateway.bands.sealing import Sealing
from gateway.bands.tables import BandLoanRow
from gateway.fanout import BandChanged, Notice
from gateway.ports import Holder
from mobile_api.app import create_app
from mobile_api.bells import Bells
from mobile_api.rights import erasing, idle
from mobile_api.rights.registry import REGISTRY
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import signed_in

HTML: Final = {"Accept": "text/html"}
DESK: Final = "/staff/bands"
SEALING: Final = Sealing(SECRET.encode())
CONFLICT: Final = 409


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


@pytest.fixture
def told(app: FastAPI) -> list[Notice]:
    """What is told after commits, beside what listens already."""
    heard: list[Notice] = []

    class Noting(Bells):
        """The bells of the application, which also keep what they hear."""

        def hear(self, notice: Notice) -> None:
            heard.append(notice)
            super().hear(notice)

    app.state.parts.bells = Noting()
    return heard


@pytest.fixture
def desk(app: FastAPI, floor: Floor) -> Iterator[TestClient]:
    """The browser of somebody at the welcome desk."""
    token = floor.enter("1", Role.ASSOCIATE).token
    with signed_in(TestClient(app, headers=HTML), token) as client:
        yield client


@contextmanager
def phone_of(app: FastAPI) -> Iterator[TestClient]:
    """A phone that nobody has used yet."""
    yield TestClient(app, headers=HTML)


def band(floor: Floor, place: str = HERE) -> int:
    """A fresh band in a drawer."""
    return floor.do(
        lambda db: service.make(
            db,
            floor.clock,
            floor.ids,
            SEALING,
            location_id=place,
            secret=bytes(16),
            clock_s=1000.0,
        )
    )


def looked(desk: TestClient, number: int, **more: str) -> dict[str, str]:
    """Ask for a band, and return the hidden fields of what the page then wants to be sent."""
    answer = desk.post(f"{DESK}/look", data={"number": number, "verb": "out", **more})
    assert answer.status_code == 200, answer.text
    part = answer.text.partition(f'action="{DESK}/out"')[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', part))


def holder(floor: Floor, number: int) -> Holder | None:
    """Who has a band."""
    return floor.look(lambda db: queries.holder_of(db, number))


def held(floor: Floor, number: int) -> Holder:
    """Who has a band; somebody does."""
    found = holder(floor, number)
    assert found is not None
    return found


def code_on(phone: TestClient) -> str:
    """Have a phone show a code, and read it."""
    key = re.search(r'name="key" value="([^"]+)"', phone.get("/wristband").text)
    assert key is not None
    shown = phone.post("/wristband/code", data={"key": key.group(1)}).text
    found = re.search(r'dir="ltr">(\d{3} \d{3})<', shown)
    assert found, shown
    return found.group(1)


def end_of(floor: Floor, number: int) -> tuple[State, str]:
    """Where a band is, and how its only loan ended."""
    [listed] = floor.look(lambda db: queries.listed(db, numbers=[number]))
    [loan] = floor.look(
        lambda db: db.exec(select(BandLoanRow).where(BandLoanRow.number == number)).all()
    )
    return listed.state, loan.end_reason


def lend(floor: Floor, number: int, session_id: str) -> None:
    """Give a band to a session, by no page."""
    floor.do(
        lambda db: service.hand_out(
            db,
            floor.clock,
            floor.ids,
            number=number,
            session_id=session_id,
            greeting="Ada",
            locale="pl",
            follow=True,
            staff_id=None,
        )
    )


def test_somebody_without_a_phone_gets_a_band_and_a_cart(
    desk: TestClient, floor: Floor, told: list[Notice]
) -> None:
    """A session of its own, no key to it; followed by what she said; noted in log and ledger."""
    number = band(floor)
    form = looked(desk, number, locale="he")
    assert (
        desk.post(f"{DESK}/out", data={**form, "greeting": " Rut ", "follow": "true"}).status_code
        == 200
    )
    mine = held(floor, number)
    assert (mine.customer_id, mine.greeting, mine.locale, mine.follow) == (None, "Rut", "he", True)
    with reading(floor.engine) as db:
        assert db.get_one(ShopperSessionRow, mine.session_id).locale == "he"
        assert db.exec(select(func.count()).select_from(SessionKeyRow)).one() == 0
        subject = Subject(session_id=mine.session_id)
        decided = ledger.history(db, subject)
        [(said, *_)] = [(one.text, one.locale) for one in decided]
    assert [(one.decision.source, one.location_id) for one in decided] == [
        (Source.STAFF_DESK, HERE)
    ]
    assert "הצמיד" in said, "in her language, for this band alone"
    assert told == [BandChanged(number)]
    [row] = [one for one in floor.look(audit.newest) if one.action == "band.hand_out"]
    assert (row.on_kind, row.on_id, row.outcome) == ("band", str(number), "done")
    shown = desk.get(DESK).text
    assert "Rut" in shown


def test_what_is_to_be_charged_and_what_is_doubted_is_said(desk: TestClient, floor: Floor) -> None:
    """A low band in the drawer stands apart; a doubted one says why, and is taken back."""
    full, low, doubted = band(floor), band(floor), band(floor)
    desk.post(f"{DESK}/out", data=looked(desk, doubted))
    floor.do(lambda db: service.doubt(db, doubted))
    for number, left in ((full, 15), (low, 14)):
        heard = Heard(number, floor.clock.now(), 1e5, 1e5 + 1, left, 0)
        floor.do(lambda db, heard=heard: service.note_heard(db, [heard]))  # type: ignore[misc]
    page = desk.get(DESK).text
    assert f"<span>{full}</span>" in page
    charge = page[page.index('id="charge"') :]
    assert f"{low} (14 %)" in charge[: charge.index("</p>")]
    assert f"<span>{low}</span>" not in page
    assert "Two wristbands answer to this number" in page
    assert desk.post(f"{DESK}/back", data={"number": doubted}).status_code == 200
    assert end_of(floor, doubted) == (State.DRAWER, "handed_back")


def test_who_does_not_tick_is_not_followed(desk: TestClient, floor: Floor) -> None:
    """Nothing is written into the ledger either: she was asked and gave nothing."""
    number = band(floor)
    desk.post(f"{DESK}/out", data=looked(desk, number))
    mine = held(floor, number)
    assert not mine.follow
    assert not floor.look(lambda db: ledger.history(db, Subject(session_id=mine.session_id)))


def test_a_band_goes_with_the_phone_whose_code_is_typed(
    app: FastAPI, desk: TestClient, floor: Floor
) -> None:
    """Typed with its blank; good once; the page shows number and no battery yet."""
    number, other = band(floor), band(floor)
    with phone_of(app) as phone:
        code_on(phone)
        phone.cookies.set("language", "pl")
        code = code_on(phone)
        form = looked(desk, number, code=code)
        assert form["locale"] == "pl", "what she reads at this moment"
        assert desk.post(f"{DESK}/out", data={**form, "follow": "true"}).status_code == 200
        mine = held(floor, number)
        token = phone.cookies["carryover"]
        with reading(floor.engine) as db:
            key = db.get_one(SessionKeyRow, secret_hash(token))
        assert (mine.session_id, mine.follow) == (key.session_id, True)
        page = phone.get("/wristband").text
        assert f'dir="ltr">{number}<' in page
        assert "battery" not in page
        assert "/wristband/still" in page
    again = desk.post(f"{DESK}/look", data={"number": other, "verb": "out", "code": code})
    assert (again.status_code, "wrong or too old" in again.text) == (CONFLICT, True)


def test_a_code_is_good_for_five_minutes(app: FastAPI, desk: TestClient, floor: Floor) -> None:
    """After that the phone shows none, and the desk is told; so with one that nobody has."""
    number = band(floor)
    with phone_of(app) as phone:
        code = code_on(phone)
        assert code in phone.get("/wristband").text
        floor.clock.advance(301)
        assert code not in phone.get("/wristband").text
    for wrong in (code, "000 000", "x"):
        form = {"number": number, "verb": "out", "code": wrong}
        assert desk.post(f"{DESK}/look", data=form).status_code == CONFLICT
        sent = {"number": number, "locale": "en", "code": wrong, "wording": "0" * 64}
        assert desk.post(f"{DESK}/out", data=sent).status_code == CONFLICT
    assert holder(floor, number) is None
    assert len(floor.look(lambda db: queries.listed(db, states=[State.DRAWER]))) == 1


def test_a_fresh_code_ends_the_one_before(app: FastAPI, floor: Floor) -> None:
    """And the same page pressed twice shows one code."""
    with phone_of(app) as phone:
        first = code_on(phone)
        floor.clock.advance(1)
        second = code_on(phone)
    clock, secret = floor.clock, SECRET.encode()
    assert floor.do(lambda db: desk_codes.session_of(db, clock, secret, second))
    with pytest.raises(Exception, match="wrong, used or too old"):
        floor.do(lambda db: desk_codes.session_of(db, clock, secret, first))


def test_words_that_nobody_showed_give_no_consent(desk: TestClient, floor: Floor) -> None:
    """The wording of another purpose, or of last year: refused, and the band stays here."""
    number = band(floor)
    form = {**looked(desk, number), "wording": "0" * 64, "follow": "true"}
    answer = desk.post(f"{DESK}/out", data=form)
    assert (answer.status_code, "look again" in answer.text) == (CONFLICT, True)
    assert holder(floor, number) is None
    sessions = select(func.count()).select_from(ShopperSessionRow)
    assert floor.look(lambda db: db.exec(sessions).one()) == 0


def test_a_band_comes_back(desk: TestClient, floor: Floor, told: list[Notice]) -> None:
    """First what it would be, then done: nobody has it, and a second press says so."""
    number = band(floor)
    desk.post(f"{DESK}/out", data={**looked(desk, number), "greeting": "Rut"})
    asked = desk.post(f"{DESK}/look", data={"number": number, "verb": "back"})
    assert "Rut" in asked.text
    assert holder(floor, number) is not None, "nothing was done yet"
    assert desk.post(f"{DESK}/back", data={"number": number}).status_code == 200
    assert end_of(floor, number) == (State.DRAWER, EndReason.HANDED_BACK)
    assert desk.post(f"{DESK}/back", data={"number": number}).status_code == CONFLICT
    assert told == [BandChanged(number)] * 2
    outcomes = [one.outcome for one in floor.look(audit.newest) if one.action == "band.hand_back"]
    assert sorted(outcomes) == ["band_not_here", "done"]


def test_a_band_of_another_shop_is_taken_back_here_and_not_handed_out(
    desk: TestClient, floor: Floor
) -> None:
    """It then lies in this drawer. One that nobody made is said to be none."""
    number = band(floor, THERE)
    form = {"number": number, "verb": "out"}
    assert desk.post(f"{DESK}/look", data=form).status_code == CONFLICT
    sent = {"number": number, "locale": "en", "wording": "0" * 64}
    assert desk.post(f"{DESK}/out", data=sent).status_code == CONFLICT
    assert holder(floor, number) is None
    floor.do(lambda db: service.lose(db, floor.clock, number))
    assert desk.post(f"{DESK}/back", data={"number": number}).status_code == 200
    assert f"<span>{number}</span>" in desk.get(DESK).text
    unknown = desk.post(f"{DESK}/look", data={"number": 99, "verb": "back"})
    assert (unknown.status_code, "no wristband with this number" in unknown.text) == (
        CONFLICT,
        True,
    )


def test_a_shopper_with_a_band_gets_no_second(app: FastAPI, desk: TestClient, floor: Floor) -> None:
    """The code was not used up by the refusal; nothing else changed."""
    first, second = band(floor), band(floor)
    with phone_of(app) as phone:
        desk.post(f"{DESK}/out", data=looked(desk, first, code=code_on(phone)))
        session_id = held(floor, first).session_id
        clock, secret = floor.clock, SECRET.encode()
        code = floor.do(lambda db: desk_codes.show(db, clock, secret, session_id)).digits
    answer = desk.post(f"{DESK}/out", data=looked(desk, second, code=code))
    assert (answer.status_code, "has a wristband already" in answer.text) == (CONFLICT, True)
    assert holder(floor, second) is None
    assert floor.look(lambda db: desk_codes.session_of(db, clock, secret, code)) == session_id


def test_a_lost_band_is_nobodys_from_the_press_on(
    app: FastAPI, desk: TestClient, floor: Floor, told: list[Notice]
) -> None:
    """Told after the commit, once; a second press changes nothing. The cart stays."""
    number = band(floor)
    with phone_of(app) as phone:
        desk.post(f"{DESK}/out", data=looked(desk, number, code=code_on(phone)))
        told.clear()
        assert "opens nothing any more" in phone.post("/wristband/lost").text
        assert told == [BandChanged(number)]
        assert end_of(floor, number) == (State.LOST, EndReason.LOST)
        assert phone.post("/wristband/lost").status_code == 200
        assert told == [BandChanged(number)]
        assert phone.get("/").status_code == 200
    assert f"<span>{number}</span>" in desk.get(DESK).text


def test_stop_following_counts_at_once_and_the_band_stays(
    app: FastAPI, desk: TestClient, floor: Floor, told: list[Notice]
) -> None:
    """By her wristband's page or by her privacy page; switched on there again it counts again."""
    number = band(floor)
    with phone_of(app) as phone:
        form = looked(desk, number, code=code_on(phone))
        desk.post(f"{DESK}/out", data={**form, "follow": "true"})
        told.clear()
        assert "Nobody notes any more" in phone.post("/wristband/still").text
        assert not held(floor, number).follow
        assert told == [BandChanged(number)]
        subject = Subject(session_id=held(floor, number).session_id)
        purpose = Purpose.LOCATION_IN_SHOP
        standing = floor.look(lambda db: ledger.all_standing(db, subject, [purpose])[purpose])
        assert not holds(standing)
        switch = re.search(
            rf'action="/privacy/{purpose.value}".*?name="key" value="([^"]+)".*?'
            r'name="wording" value="([^"]+)".*?name="seen" value="(\d+)"',
            phone.get("/privacy").text,
            re.DOTALL,
        )
        assert switch is not None
        key, wording, seen = switch.groups()
        phone.post(
            f"/privacy/{purpose.value}",
            data={"key": key, "granted": "true", "wording": wording, "seen": seen},
        )
        assert held(floor, number).follow
        phone.post("/privacy/off")
        assert not held(floor, number).follow
        assert [one for one in told if isinstance(one, BandChanged)] == [BandChanged(number)] * 3


def test_who_is_not_on_the_floor_hands_out_nothing(app: FastAPI, floor: Floor) -> None:
    """A marketer sees no bands; nobody who is not signed in does."""
    number = band(floor)
    token = floor.enter("9", Role.MARKETER).token
    sent = {"number": number, "locale": "en", "wording": "0" * 64}
    with signed_in(TestClient(app), token) as marketer:
        assert marketer.get(DESK).status_code == 403
        assert marketer.post(f"{DESK}/out", data=sent).status_code == 403
    with TestClient(app) as stranger:
        assert stranger.post(f"{DESK}/out", data=sent).status_code == 401
    assert holder(floor, number) is None


def test_an_erasure_ends_her_loan_and_empties_it(floor: Floor) -> None:
    """Asking ends it, which is told; erasing leaves no name. The band waits for the desk."""
    number, clock = band(floor), floor.clock
    ada = floor.do(lambda db: open_session(db, clock, floor.ids)).id

    def become(db: Session) -> None:
        db.add(CustomerRow(id="customer_ada", created_at=clock.now()))
        db.flush()
        db.get_one(ShopperSessionRow, ada).customer_id = "customer_ada"

    floor.do(become)
    lend(floor, number, ada)
    _, told = floor.do(
        lambda db: erasing.ask(
            db, clock, floor.ids, SECRET.encode(), customer_id="customer_ada", asked_by="shopper"
        )
    )
    assert BandChanged(number) in told
    assert end_of(floor, number) == (State.OUT, EndReason.ERASED)
    floor.do(lambda db: erase(db, REGISTRY, ids_of(db, REGISTRY, "customer_ada")))
    [loan] = floor.look(lambda db: db.exec(select(BandLoanRow)).all())
    assert (loan.greeting, loan.follow, loan.locale) == ("", False, "en")


def test_a_band_that_never_came_back_keeps_nothing(floor: Floor) -> None:
    """After the time for anonymous sessions the loan ends, emptied; one handed out since stays."""
    number, fresh = band(floor), band(floor)
    clock = floor.clock
    gone, young = (floor.do(lambda db: open_session(db, clock, floor.ids)).id for _ in range(2))
    lend(floor, number, gone)
    clock.advance(100 * 86_400)
    lend(floor, fresh, young)
    now = clock.now()
    assert floor.do(lambda db: idle.empty(db, now, now - timedelta(days=90), 50)) == 1
    assert end_of(floor, number) == (State.OUT, EndReason.ERASED)
    [loan] = floor.look(
        lambda db: db.exec(select(BandLoanRow).where(BandLoanRow.number == number)).all()
    )
    assert loan.greeting == ""
    assert held(floor, fresh).greeting == "Ada"


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_an_empty_drawer_says_so(desk: TestClient, locale: str) -> None:
    """In her language; and a phone without a band says what it is for."""
    desk.cookies.set("language", locale)
    page = desk.get(DESK).text
    assert "gateway bands make" in page
    assert ("This shop has no wristbands yet" in page) is (locale == "en")
    assert ("My wristband" in desk.get("/wristband").text) is (locale == "en")
