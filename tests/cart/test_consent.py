"""The consent ledger on both databases: nothing by default, at once, in order, never changed."""

import threading
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlmodel import col, select

from cart.carts.service import NewSession, open_sessions
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.errors import (
    BrowserRefuses,
    ConsentChanged,
    ConsentMissing,
    InvalidInput,
    SignInNeeded,
    TooManyAttempts,
    UnknownWithdrawal,
)
from cart.kernel.ids import RandomIds
from cart.profile.consent import gate, model, queries, service
from cart.profile.consent.model import (
    FOR_CUSTOMERS,
    REFUSED_BY_SIGNAL,
    VERSIONS,
    How,
    Purpose,
    Shown,
    Source,
    Subject,
    Versions,
)
from cart.profile.consent.tables import ConsentRow, ConsentSubjectRow, ConsentWordingRow
from cart.profile.tables import CustomerRow
from tests.fakes.clock import FakeClock

IDS: Final = RandomIds()
ADA, BEN = Subject(customer_id="customer_ada"), Subject(customer_id="customer_ben")
WORDS: Final = Shown(1, "en", "News\nWe write to you.")
PRESSED: Final = How(Source.PAGE, WORDS)
MAIL: Final = Purpose.MARKETING_EMAIL
SECRET: Final = b"k" * 32
RIVALS: Final = 6


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> Engine:
    """A database with two customers and an anonymous session."""
    with unit_of_work(engine) as db:
        for one in (ADA, BEN):
            db.add(CustomerRow(id=one.customer_id, created_at=clock.now()))
        every = [NewSession(f"session_{n}", f"cart_{n}", "en", f"{n}" * 64) for n in (1, 2)]
        open_sessions(db, clock, every)
    return engine


PHONE, OTHER = Subject(session_id="session_1"), Subject(session_id="session_2")


def grant(
    shop: Engine, clock: FakeClock, purpose: Purpose, subject: Subject = ADA, seen: int = 0
) -> None:
    """Press "on" on a page that showed decision ``seen``."""
    with unit_of_work(shop) as db:
        how = How(Source.PAGE, replace(WORDS, version=VERSIONS[purpose].current))
        service.grant(db, clock, IDS, subject, purpose, how=how, seen=seen)


def withdraw(shop: Engine, clock: FakeClock, purpose: Purpose, subject: Subject = ADA) -> None:
    """Press "off"."""
    with unit_of_work(shop) as db:
        service.withdraw(db, clock, IDS, subject, purpose, how=PRESSED)


def allowed(shop: Engine, subject: Subject, purpose: Purpose, *, signal: bool = False) -> bool:
    """Ask the gate."""
    with reading(shop) as db:
        return gate.granted(db, subject, purpose, signal=signal)


def decisions(shop: Engine) -> list[tuple[int, bool]]:
    """Return number and verdict of every row, in order."""
    with reading(shop) as db:
        rows = db.exec(select(ConsentRow).order_by(col(ConsentRow.number))).all()
    return [(row.number, row.granted) for row in rows]


@pytest.mark.parametrize("purpose", Purpose)
def test_nothing_is_granted_by_default(shop: Engine, purpose: Purpose) -> None:
    """Nobody, a customer and an anonymous session alike; ``need`` says what is missing."""
    with reading(shop) as db:
        for subject in (None, ADA, PHONE):
            assert not gate.granted(db, subject, purpose, signal=False)
            with pytest.raises(ConsentMissing) as refused:
                gate.need(db, subject, purpose, signal=False)
            assert refused.value.data == {"purpose": purpose.value}


@pytest.mark.parametrize("purpose", Purpose)
def test_a_withdrawal_counts_at_once(shop: Engine, clock: FakeClock, purpose: Purpose) -> None:
    """In the very transaction, and for one that asked before and asks again; others stay."""
    for one in Purpose:
        grant(shop, clock, one)
    assert all(allowed(shop, ADA, one) for one in Purpose)
    with unit_of_work(shop) as db:
        assert gate.need(db, ADA, purpose, signal=False).number == 1
        service.withdraw(db, clock, IDS, ADA, purpose, how=PRESSED)
        assert not gate.granted(db, ADA, purpose, signal=False)
    assert [one for one in Purpose if not allowed(shop, ADA, one)] == [purpose]
    with unit_of_work(shop) as sender, pytest.raises(ConsentMissing):
        gate.need(sender, ADA, purpose, signal=False)
    assert not allowed(shop, BEN, purpose)


def test_a_sender_who_asked_before_sees_it_when_it_asks_again(
    postgresql_url: str, clock: FakeClock
) -> None:
    """An open transaction of the gate's kind has no memory: each question is asked anew."""
    engine = make_engine(postgresql_url)
    with unit_of_work(engine) as db:
        db.add(CustomerRow(id=ADA.customer_id, created_at=clock.now()))
    grant(engine, clock, MAIL)
    with unit_of_work(engine) as sender:
        assert gate.granted(sender, ADA, MAIL, signal=False)
        withdraw(engine, clock, MAIL)
        assert not gate.granted(sender, ADA, MAIL, signal=False)
    engine.dispose()


def test_every_decision_stays_with_the_words_it_was_made_on(shop: Engine, clock: FakeClock) -> None:
    """Two decisions, one wording; the newest holds; when, where and which words are told."""
    grant(shop, clock, MAIL)
    clock.advance(60)
    withdraw(shop, clock, MAIL)
    with reading(shop) as db:
        past = queries.history(db, ADA)
        assert len(db.exec(select(ConsentWordingRow)).all()) == 1
    assert [(one.decision.granted, one.decision.number) for one in past] == [(False, 2), (True, 1)]
    assert past[0].decision.at - past[1].decision.at == timedelta(seconds=60)
    assert {(one.text, one.locale, one.decision.source) for one in past} == {
        (WORDS.text, "en", Source.PAGE)
    }
    withdraw(shop, clock, MAIL)
    assert decisions(shop) == [(1, True), (2, False)], "who has refused is left alone"


@pytest.mark.parametrize("table", ["consent", "consent_wording"])
def test_the_database_refuses_to_change_a_decision(
    shop: Engine, clock: FakeClock, table: str
) -> None:
    """Neither a decision nor the words it was made on."""
    grant(shop, clock, MAIL)
    column = "granted = NOT granted" if table == "consent" else "text = 'other'"
    for statement in (f"UPDATE {table} SET {column}", f"DELETE FROM {table}"):  # noqa: S608 - ours
        with pytest.raises(DatabaseError, match="only appended to"), unit_of_work(shop) as db:
            db.execute(text(statement))
    assert allowed(shop, ADA, MAIL)


def test_a_grant_without_words_cannot_be_written(shop: Engine, clock: FakeClock) -> None:
    """Not by the command, and not past it."""
    with pytest.raises(InvalidInput), unit_of_work(shop) as db:
        service.grant(db, clock, IDS, ADA, MAIL, how=How(Source.PAGE), seen=0)
    withdraw(shop, clock, MAIL)
    copied = (
        "INSERT INTO consent SELECT subject_id, purpose, 2, NOT granted, source, NULL,"
        " location_id, decided_at FROM consent"
    )
    with pytest.raises(IntegrityError), unit_of_work(shop) as db:
        db.execute(text(copied))
    assert decisions(shop) == [(1, False)]


def test_an_old_page_grants_nothing(shop: Engine, clock: FakeClock) -> None:
    """She withdrew by a mail's link meanwhile: the grant of the page from before is refused."""
    grant(shop, clock, MAIL)
    withdraw(shop, clock, MAIL)
    with pytest.raises(ConsentChanged):
        grant(shop, clock, MAIL, seen=1)
    with pytest.raises(ConsentChanged):
        grant(shop, clock, MAIL, seen=0)
    assert decisions(shop) == [(1, True), (2, False)]
    grant(shop, clock, MAIL, seen=2)
    assert allowed(shop, ADA, MAIL)


def at_once(*acts: Callable[[], None]) -> list[BaseException]:
    """Do all of these at the same moment; return what they raised."""
    gate_ = threading.Barrier(len(acts))
    raised: list[BaseException] = []

    def run(act: Callable[[], None]) -> None:
        gate_.wait()
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - for the test to look at
            raised.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return raised


@pytest.mark.parametrize("subject", [ADA, BEN], ids=["ada", "ben"])
@pytest.mark.parametrize("purpose", Purpose)
def test_of_a_grant_and_a_withdrawal_at_once_the_withdrawal_holds(
    shop: Engine, clock: FakeClock, purpose: Purpose, subject: Subject
) -> None:
    """Whichever is first: the grant saw too little and is refused, or is withdrawn after it."""
    raised = at_once(
        lambda: grant(shop, clock, purpose, subject),
        lambda: withdraw(shop, clock, purpose, subject),
        lambda: grant(shop, clock, purpose, subject),
    )
    assert not allowed(shop, subject, purpose)
    assert {type(one) for one in raised} <= {ConsentChanged}
    assert decisions(shop) in ([(1, False)], [(1, True), (2, False)])


def test_many_presses_at_once_are_one_decision(shop: Engine, clock: FakeClock) -> None:
    """Of her first ever, too: her subject is made once."""
    assert at_once(*[lambda: grant(shop, clock, MAIL)] * RIVALS) == []
    assert decisions(shop) == [(1, True)]
    assert at_once(*[lambda: withdraw(shop, clock, MAIL)] * RIVALS) == []
    assert decisions(shop) == [(1, True), (2, False)]
    with reading(shop) as db:
        assert len(db.exec(select(ConsentSubjectRow)).all()) == 1


@pytest.mark.parametrize("purpose", Purpose)
def test_a_browsers_signal_refuses_what_it_is_about(
    shop: Engine, clock: FakeClock, purpose: Purpose
) -> None:
    """Analytics and advertising, for this request at once, and for good once it is noted."""
    grant(shop, clock, purpose)
    stopped = purpose in REFUSED_BY_SIGNAL
    assert allowed(shop, ADA, purpose, signal=True) is not stopped
    assert allowed(shop, ADA, purpose)
    with unit_of_work(shop) as db:
        assert service.heed_signal(db, clock, IDS, ADA.customer_id) == [purpose] * stopped
    assert allowed(shop, ADA, purpose) is not stopped
    if not stopped:
        return
    with reading(shop) as db:
        assert queries.history(db, ADA)[0].decision.source is Source.BROWSER_SIGNAL
    how = How(Source.PAGE, WORDS, signal=True)
    with pytest.raises(BrowserRefuses), unit_of_work(shop) as db:
        service.grant(db, clock, IDS, ADA, purpose, how=how, seen=2)
    assert decisions(shop) == [(1, True), (2, False)]


@pytest.mark.parametrize("purpose", Purpose)
def test_mail_is_for_those_who_proved_an_address(
    shop: Engine, clock: FakeClock, purpose: Purpose
) -> None:
    """An anonymous session may allow what happens in the shop, not what is sent."""
    if purpose not in FOR_CUSTOMERS:
        grant(shop, clock, purpose, PHONE)
        assert allowed(shop, PHONE, purpose)
        assert not allowed(shop, OTHER, purpose)
        return
    with pytest.raises(SignInNeeded):
        grant(shop, clock, purpose, PHONE)
    assert decisions(shop) == []


def test_a_wording_that_allows_more_asks_again(
    shop: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new version of the same extent keeps what was granted; one that widens it does not."""
    grant(shop, clock, MAIL)
    for versions, good in ((Versions(2, 1), True), (Versions(2, 2), False)):
        monkeypatch.setattr(model, "VERSIONS", {**VERSIONS, MAIL: versions})
        monkeypatch.setattr(service, "VERSIONS", model.VERSIONS)
        assert allowed(shop, ADA, MAIL) is good
        with pytest.raises(ConsentChanged):
            grant(shop, clock, MAIL, seen=1)
    newer = How(Source.PAGE, Shown(2, "en", "News, also of our friends"))
    with unit_of_work(shop) as db:
        service.grant(db, clock, IDS, ADA, MAIL, how=newer, seen=1)
    assert allowed(shop, ADA, MAIL)
    assert decisions(shop) == [(1, True), (2, True)]


def test_grants_are_limited_and_withdrawals_are_not(shop: Engine, clock: FakeClock) -> None:
    """Thirty in an hour; the one after is refused, and what is on can still be put off."""
    for seen in range(0, 2 * service.GRANTS_MAX, 2):
        grant(shop, clock, MAIL, seen=seen)
        withdraw(shop, clock, MAIL)
    grant_count = 2 * service.GRANTS_MAX
    with pytest.raises(TooManyAttempts):
        grant(shop, clock, MAIL, seen=grant_count)
    assert len(decisions(shop)) == grant_count
    clock.advance(3_601)
    grant(shop, clock, MAIL, seen=grant_count)
    assert allowed(shop, ADA, MAIL)


def joined(shop: Engine, clock: FakeClock, session: Subject = PHONE) -> None:
    """Let a session become part of Ada's own."""
    with unit_of_work(shop) as db:
        service.join(db, clock, IDS, session_id=session.session_id, customer_id=ADA.customer_id)


HERE: Final = Purpose.LOCATION_IN_SHOP


def test_what_a_phone_allowed_counts_where_she_decided_nothing(
    shop: Engine, clock: FakeClock
) -> None:
    """From the sign-in until it is undone, or until she decides herself; never for others."""
    grant(shop, clock, HERE, PHONE)
    assert not allowed(shop, ADA, HERE)
    joined(shop, clock)
    assert allowed(shop, ADA, HERE)
    assert not allowed(shop, BEN, HERE)
    with reading(shop) as db:
        assert [one.decision.brought for one in queries.history(db, ADA)] == [True]
    with unit_of_work(shop) as db:
        service.part(db, session_id=PHONE.session_id)
    assert not allowed(shop, ADA, HERE)
    assert allowed(shop, PHONE, HERE)
    joined(shop, clock)
    withdraw(shop, clock, HERE)
    assert not allowed(shop, ADA, HERE)
    assert decisions(shop) == [(1, True), (1, False)]


def test_a_phones_grant_never_overrides_her_own_refusal(shop: Engine, clock: FakeClock) -> None:
    """Not a later one either; and of two phones, the one that refused is heeded."""
    withdraw(shop, clock, HERE)
    clock.advance(60)
    grant(shop, clock, HERE, PHONE)
    joined(shop, clock)
    assert not allowed(shop, ADA, HERE)
    for purpose in (Purpose.ANALYTICS, Purpose.MIRROR_VIDEO):
        grant(shop, clock, purpose, PHONE)
        withdraw(shop, clock, purpose, OTHER)
        clock.advance(60)
    joined(shop, clock, OTHER)
    assert not allowed(shop, ADA, Purpose.ANALYTICS)
    assert not allowed(shop, ADA, Purpose.MIRROR_VIDEO)


def test_who_decided_nothing_has_not_refused(shop: Engine, clock: FakeClock) -> None:
    """For what somebody asks for by an act of her own: only a refusal that stands stops it."""
    camera = Purpose.MIRROR_VIDEO
    everybody = [ADA, BEN, PHONE, OTHER]

    def refusing() -> AbstractSet[Subject]:
        with reading(shop) as db:
            return gate.refused(db, everybody, camera)

    assert refusing() == set()
    grant(shop, clock, camera)
    withdraw(shop, clock, camera, PHONE)
    assert refusing() == {PHONE}
    clock.advance(60)
    joined(shop, clock)
    with reading(shop) as db:
        gate.need_unrefused(db, BEN, camera)
    withdraw(shop, clock, camera, BEN)
    with reading(shop) as db, pytest.raises(ConsentMissing):
        gate.need_unrefused(db, BEN, camera)


def test_a_phones_refusal_holds_until_she_decides_anew(shop: Engine, clock: FakeClock) -> None:
    """Her grant is older, so the refusal counts; undone, or decided anew, it does not."""
    grant(shop, clock, HERE)
    clock.advance(60)
    withdraw(shop, clock, HERE, PHONE)
    joined(shop, clock)
    assert not allowed(shop, ADA, HERE)
    with unit_of_work(shop) as db:
        service.part(db, session_id=PHONE.session_id)
    assert allowed(shop, ADA, HERE)
    joined(shop, clock)
    clock.advance(60)
    grant(shop, clock, HERE, seen=1)
    assert allowed(shop, ADA, HERE)


def test_a_link_withdraws_its_purpose_and_nothing_unknown(shop: Engine, clock: FakeClock) -> None:
    """By the subject that the ledger knows; again is the same; an invented one is refused."""
    grant(shop, clock, MAIL)
    grant(shop, clock, HERE)
    with unit_of_work(shop) as db:
        subject_id = queries.subject_id_of(db, ADA)
        assert subject_id is not None
        for _ in range(2):
            service.withdraw_by_link(db, clock, subject_id, MAIL)
    assert not allowed(shop, ADA, MAIL)
    assert allowed(shop, ADA, HERE)
    assert decisions(shop) == [(1, True), (1, True), (2, False)]
    with pytest.raises(UnknownWithdrawal), unit_of_work(shop) as db:
        service.withdraw_by_link(db, clock, "subject_none", MAIL)


def test_after_an_erasure_the_evidence_names_nobody(shop: Engine, clock: FakeClock) -> None:
    """Her id is gone, the decisions are not; who names the address again finds them."""
    grant(shop, clock, HERE, PHONE)
    joined(shop, clock)
    grant(shop, clock, MAIL)
    grant(shop, clock, MAIL, BEN)
    with unit_of_work(shop) as db:
        assert service.erase(db, clock, SECRET, ADA.customer_id, ["ada@example.org"]) == 2
        assert service.erase(db, clock, SECRET, ADA.customer_id, ["ada@example.org"]) == 0
    assert not allowed(shop, ADA, MAIL)
    assert allowed(shop, BEN, MAIL)
    assert len(decisions(shop)) == 3
    with reading(shop) as db:
        left = "".join(
            str(row)
            for table in ("consent", "consent_subject", "consent_trace")
            for row in db.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - ours
        )
        found = service.evidence(db, SECRET, "ada@example.org")
        assert [(one.purpose, one.granted) for one in found] == [
            (HERE.value, True),
            (MAIL.value, True),
        ]
        assert service.evidence(db, SECRET, "ben@example.org") == []
        assert service.evidence(db, b"o" * 32, "ada@example.org") == []
    for name in (ADA.customer_id, PHONE.session_id, "ada@"):
        assert name not in left
    assert BEN.customer_id in left
