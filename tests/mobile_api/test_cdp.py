"""A CDP is told what people did who allow it: once each, under pseudonyms, from any point again."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from sqlalchemy import Engine
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.db import reading, unit_of_work
from cart.kernel.ids import RandomIds
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Purpose, Source, Subject
from cart.profile.interests.queries import subject_of
from cart.profile.timeline import queries
from mobile_api.app import create_app
from mobile_api.cli import app as cli
from mobile_api.metrics import behind
from mobile_api.outgoing.posting import Outgoing
from mobile_api.outgoing.sending import Sender
from mobile_api.settings import ApiSettings
from mobile_api.timeline.cdp import BACK_OFF_FIRST_S, EVERY_S, MARK, CdpSweep, replay
from mobile_api.wiring import Parts
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import HERE, MUG, RED, SECRET, add, stock
from tests.mobile_api.signing_in import ADA, sign_in
from tests.mobile_api.telling import grant, session_of, told
from tests.real.webhook import Webhook, webhook

HOST = "cdp.shop.test"


@dataclass
class Cdp:
    """A shop whose timeline goes to a CDP."""

    app: FastAPI
    there: Webhook
    sweep: CdpSweep

    @property
    def parts(self) -> Parts:
        """The application's parts."""
        found: Parts = self.app.state.parts
        return found

    def calls(self) -> list[dict[str, Any]]:
        """Return all calls that have come, in their order."""
        return [one for _, body in self.there.got for one in json.loads(body)["batch"]]

    def tell(self) -> list[dict[str, Any]]:
        """Collect, tell, and return the calls that came of it."""
        told(self.app)
        before = len(self.calls())
        self.sweep.sweep()
        return self.calls()[before:]

    def allow(self, phone: TestClient) -> Subject:
        """Let whoever has this phone allow analytics, a second after all that she did."""
        self.parts.clock.advance(1)  # type: ignore[attr-defined]  # a test's clock
        with reading(self.parts.engine) as db:
            subject = subject_of(db, session_of(self.app, phone))
        assert subject is not None
        grant(self.app, subject)
        return subject


@pytest.fixture
def cdp(shop_engine: Engine, clock: FakeClock, tmp_path: Path) -> Iterator[Cdp]:
    """The shop, its CDP, and a network in which the CDP's name is this machine."""
    with webhook() as there:
        settings = ApiSettings(
            data_dir=tmp_path,
            secret_key=SECRET,
            public_url="http://testserver",
            cdp_url=f"http://{HOST}:{there.port}/v1/batch",
            cdp_write_key="our-source",
            cdp_signing_secret="s" * 32,
            outgoing_private_hosts=HOST,
        )
        app = create_app(
            settings, engine=shop_engine, clock=clock, ids=RandomIds(), listen=False, mail=False
        )
        sender = Sender(clock, Outgoing(exempt=frozenset({HOST}), resolve=lambda *_: ["127.0.0.1"]))
        yield Cdp(app, there, CdpSweep(app.state.parts, sender))


@pytest.fixture
def phone(cdp: Cdp) -> Iterator[TestClient]:
    """A phone that has never been here."""
    with TestClient(cdp.app) as client:
        yield client


def test_nothing_is_told_of_who_has_not_allowed_it(
    cdp: Cdp, phone: TestClient, clock: FakeClock
) -> None:
    """Neither before she did nor after she withdrew it, nor what was before by a replay."""
    add(phone, MUG)
    clock.advance(1)
    assert cdp.tell() == []
    subject = cdp.allow(phone)
    clock.advance(1)
    add(phone, RED)
    assert [one["properties"]["product_id"] for one in cdp.tell()] == [RED]
    with unit_of_work(cdp.parts.engine) as db:
        how = How(Source.PAGE)
        doing = (clock, cdp.parts.ids, subject, Purpose.ANALYTICS)
        consents.withdraw(db, *doing, how=how)
        replay(db, 0)
    add(phone, RED)
    assert cdp.tell() == []


def test_calls_are_segments(cdp: Cdp, phone: TestClient, clock: FakeClock) -> None:
    """A visit, a sign-in, an order of two lines in one call; no address, no id of ours for her."""
    add(phone, MUG)
    cdp.allow(phone)
    stock(cdp.parts.engine, clock, HERE, "mug", 5)
    clock.advance(1)
    add(phone, RED, 2)
    first = cdp.tell()
    assert [(one["type"], one["event"]) for one in first] == [("track", "Product Added")]
    assert first[0]["properties"] == {
        "location_id": HERE,
        "product_id": RED,
        "sku": "lamp-red",
        "quantity": 2,
        "name": "Arc <lamp>",
        "category": "Lamps",
        "brand": "Harbour & Mill",
        "variant": "red",
    }
    assert "userId" not in first[0]
    clock.advance(1)
    sign_in(cdp.app, phone)
    Desk.of(cdp.app).sell(phone)
    later = cdp.tell()
    assert [one.get("event", one["type"]) for one in later] == [
        *("Checkout Started", "Order Completed", "identify", "Signed In")
    ]
    order = later[1]["properties"]
    assert (order["total"], order["currency"], len(order["products"])) == (390.5, "EUR", 2)
    assert order["products"][1]["price"] == 189.0
    assert len({one["userId"] for one in later}) == 1
    assert len({one["messageId"] for one in later}) == len(later)
    sent = b"".join(body for _, body in cdp.there.got).decode()
    hers = [session_of(cdp.app, phone), ADA, "customer_", "session_"]
    assert not any(one in sent for one in hers)
    headers = cdp.there.got[0][0]
    assert base64.b64decode(headers["authorization"].split()[1]) == b"our-source:"
    assert headers["webhook-signature"].startswith("v1,")


def test_a_replay_tells_the_same_under_the_same_ids(
    cdp: Cdp, phone: TestClient, clock: FakeClock
) -> None:
    """From any point on, by position or by day; a CDP counts by them what it has."""
    add(phone, MUG)
    cdp.allow(phone)
    for _ in range(3):
        clock.advance(86_400)
        add(phone, RED)
    once = cdp.tell()
    assert cdp.tell() == []
    url = cdp.parts.engine.url.render_as_string(hide_password=False)
    env = {"DATABASE_URL": url, "DATA_DIR": str(cdp.parts.settings.data_dir)}
    day = clock.now().date().isoformat()
    for begin, again in (("1", once), (day, once[-1:]), ("9999", [])):
        done = CliRunner().invoke(cli, ["cdp", "replay", "--from", begin], env=env)
        assert done.exit_code == 0, done.output
        assert cdp.tell() == again
    assert CliRunner().invoke(cli, ["cdp", "replay", "--from", "soon"], env=env).exit_code
    shown = CliRunner().invoke(cli, ["cdp", "show"], env=env)
    assert "told up to" in shown.output


def test_what_is_refused_is_told_again_later(cdp: Cdp, phone: TestClient, clock: FakeClock) -> None:
    """The cursor stands still until the CDP has said yes; each wait is twice as long."""
    add(phone, MUG)
    cdp.allow(phone)
    clock.advance(1)
    add(phone, RED)
    told(cdp.app)
    cdp.there.answers = [500, 503]
    waits, unread = [], []
    for _ in range(3):
        cdp.sweep.sweep()
        waits.append(cdp.sweep.due_s - clock.monotonic())
        with reading(cdp.parts.engine) as db:
            unread.append(behind(db)[(MARK,)])
            assert (MARK,) not in behind(db, with_cdp=False)
    assert waits == [BACK_OFF_FIRST_S, 2 * BACK_OFF_FIRST_S, EVERY_S]
    assert unread == [2, 2, 0]
    ids = [one["messageId"] for one in cdp.calls()]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    with reading(cdp.parts.engine) as db:
        assert queries.mark(db, MARK).position == queries.mark(db, queries.LAST).position


@pytest.mark.parametrize(
    "wrong",
    [
        {"cdp_url": "http://cdp.example/v1/batch", "cdp_write_key": "k"},
        {"cdp_url": "https://cdp.example/v1/batch"},
        {"cdp_url": "https://a.example", "cdp_write_key": "k", "cdp_signing_secret": "short"},
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    """Not the first batch at night."""
    with pytest.raises(ValidationError, match="CDP_"):
        ApiSettings.model_validate({"data_dir": tmp_path, "secret_key": SECRET, **wrong})
