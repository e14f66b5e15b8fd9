"""A shopper's own "why": what came, what did not, whom we told; and of a mail by its link."""

import re
from collections.abc import Callable
from typing import Final

import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts.tables import ShopperSessionRow
from cart.db import unit_of_work
from cart.journeys import sending
from cart.journeys.audiences.tables import AudienceEntryRow, AudienceRow
from cart.journeys.guards import Reason
from cart.journeys.model import TriggerKind
from cart.journeys.segments import filling, service
from cart.journeys.segments.rule import read
from cart.journeys.tables import JourneyMessageRow
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Kind
from mobile_api.edge.links import message_link, why_link
from mobile_api.journeys.sweep import JourneySweep
from mobile_api.journeys.world import CATALOGUE, world_of
from mobile_api.look.words import words
from mobile_api.privacy import why
from tests.cart.journeying import DAY_S, IDS, REMINDER, TRIED
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import MUG, RED, add
from tests.mobile_api.telling import grant
from tests.mobile_api.test_reminder import Home

WHY: Final = "/privacy/why"
STAFFS_WORDS: Final = re.compile(r"\b(she|her|segment|journey|Lamps of the staff)\b")


def asked(home: Home) -> list[str]:
    """Let the day pass and every guard be asked; return the messages, the oldest first."""
    parts = home.parts
    JourneySweep(parts).sweep()
    parts.clock.advance(DAY_S + 60)  # type: ignore[attr-defined]  # a fake one
    JourneySweep(parts).sweep()
    with unit_of_work(parts.engine) as db:
        ids = list(sending.waiting(db, parts.clock.now(), 10))
        for one in ids:
            if sending.may_go(db, world_of(parts), one):
                row = db.get_one(JourneyMessageRow, one)
                row.state, row.sent_at = "sent", parts.clock.now()
                db.add(row)
    return ids


@pytest.fixture
def ada(app: FastAPI, phone: TestClient) -> Home:
    """Ada, signed in, who allows reminders; two journeys are on."""
    home = Home(app, phone, "smtp://nobody.invalid")
    home.load(REMINDER, TRIED.replace("holdout_percent = 0", "holdout_percent = 50"))
    return home


def test_what_came_and_why_and_nothing_of_others(
    ada: Home, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """By article and day; whom we told, by which rule; how to stop. A stranger sees none."""
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    grant(ada.app, ada.subject, Purpose.AD_AUDIENCES)
    began = words("en").day(clock.now().date())
    asked(ada)
    parts = ada.parts
    with unit_of_work(parts.engine) as db:
        rule = read('{"if":"all","rules":[{"if":"known"},{"if":"seen","days":9}]}')
        made = service.make(db, clock, IDS, name="Lamps of the staff", rule=rule, by="staff")
        service.begin(db, made.id)
        filling.fill(db, clock, CATALOGUE, made.id)
        home = db.exec(
            select(ShopperSessionRow.id).where(
                ShopperSessionRow.customer_id == ada.subject.customer_id
            )
        ).one()
        db.add(
            AudienceRow(
                id="aud",
                segment_id=made.id,
                target="file",
                style="google",
                created_at=clock.now(),
                created_by="staff",
            )
        )
        db.flush()
        db.add(AudienceEntryRow(audience_id="aud", hash="a" * 64, home=home, state="there"))
    shown = ada.phone.get(WHY).text
    for said in (
        f"You put Arc &lt;lamp&gt; in your cart on {began} and had not bought it.",
        "Sent",
        "You have proved an e-mail address",
        "<bdi>Google</bdi></b> · Your scrambled address is there.",
        'action="/privacy/reminders"',
        'action="/privacy/ad_audiences"',
    ):
        assert said in shown
    main = shown[shown.index("<main") : shown.index("</main>")]
    assert STAFFS_WORDS.findall(main) == []
    other = another_phone().get(WHY).text
    assert "Nothing was sent to you" in other
    assert "Google" not in other
    wanted = {"granted": "false", "key": "0" * 16, "seen": "1"}
    wording = shown.split('action="/privacy/reminders"')[1].split('name="wording" value="')[1]
    stopped = ada.phone.post("/privacy/reminders", data=wanted | {"wording": wording[:64]})
    assert stopped.status_code == 200
    assert 'action="/privacy/reminders"' not in ada.phone.get(WHY).text


def test_what_was_not_sent_is_said_with_its_reason(ada: Home) -> None:
    """Refused, and held out: she is told so plainly."""
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    ada.touch(Kind.TRIED, MUG)
    ids = asked(ada)
    assert len(ids) == 2
    with unit_of_work(ada.parts.engine) as db:
        for one, (state, reason) in zip(
            ids, (("refused", "out_of_stock"), ("held_out", "held_out")), strict=True
        ):
            row = db.get_one(JourneyMessageRow, one)
            row.state, row.reason, row.sent_at = state, reason, None
            db.add(row)
    shown = ada.phone.get(WHY).text
    assert "None of it was left in your size and colour." in shown
    assert "Some people, drawn by chance, get no reminder of this kind." in shown
    assert "You tried on " in shown


def test_the_link_of_a_mail_opens_its_why_alone(
    ada: Home, another_phone: Callable[[], TestClient]
) -> None:
    """On any device; a mail may be passed on, so nothing else of her stands there."""
    add(ada.phone, RED)
    ada.touch(Kind.SCANNED, RED)
    ada.touch(Kind.TRIED, MUG)
    ids = asked(ada)
    secret, phone = ada.parts.secret, another_phone()
    shown = phone.get(f"{WHY}/{why_link(secret, ids[0])}")
    assert shown.headers["x-robots-tag"] == "noindex"
    assert shown.text.count('class="past-line"') == 1
    assert phone.cookies == {}
    for other in (message_link(secret, ids[0]), why_link(b"x" * 32, ids[0]), "nothing"):
        assert phone.get(f"{WHY}/{other}").status_code == 404
    leave = shown.text.split('action="')[1].split('"')[0]
    assert leave.startswith("/withdraw/")
    assert phone.post(leave).status_code == 200
    assert 'action="/privacy/reminders"' not in ada.phone.get(WHY).text


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_each_reason_has_words_of_its_own(locale: str) -> None:
    """For every guard, every trigger and every state; in her language, to her."""
    spoken, english = words(locale), words("en")
    assert set(why.REASONS) == set(Reason)
    said = [*why.REASONS.values(), *why.STATES.values(), *why.TOLD.values(), *why.HERS.values()]
    said += [text for kind in TriggerKind for text in why.BEGAN.get(kind, why.OTHER)]
    said += [*why.OTHER, why.UNSAID]
    if locale != "en":
        same = [one for one in said if spoken.gettext(one) == english.gettext(one)]
        assert same == []
