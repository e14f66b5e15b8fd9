"""A payment page that the provider would not close: reported, and tried again every hour."""

from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.errors import Refused
from cart.kernel.ids import RandomIds
from cart.orders.tables import TenderRow
from cart.ports import PaymentNews
from mobile_api.app import create_app
from mobile_api.payment.providers import Providers
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.payment.sandbox.signing import secret_of
from mobile_api.reconciling import findings
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.paying import Shopper, eventually, rows, states
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET


class Stubborn(SandboxProvider):
    """The bank, which closes no page until it is ``willing``."""

    asked = 0
    willing = False

    def cancel(self, provider_ref: str) -> PaymentNews:
        """Refuse, or close it."""
        self.asked += 1
        if not self.willing:
            msg = "not now"
            raise Refused(msg)
        return super().cancel(provider_ref)


def stubborn(app: FastAPI) -> Stubborn:
    """Let such a bank take the payments of a running application."""
    parts = app.state.parts
    secret = secret_of(parts.settings.key())
    bank = Stubborn(
        parts.payments.active.bank, parts.clock, secret=secret, base_url=parts.settings.base_url
    )
    parts.payments = Providers(bank, {"sandbox": bank})
    return bank


def test_a_page_that_stays_open_is_reported_and_closed_later(
    shop_engine: Engine, tmp_path: Path, clock: FakeClock
) -> None:
    """Within the hour it is asked once; in the next once more, until it is closed."""
    settings = ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        database_url=shop_engine.url.render_as_string(hide_password=False),
    )
    app = create_app(settings, engine=shop_engine, clock=clock, ids=RandomIds(), listen=False)

    clock.advance(58 * 60)  # two minutes before the hour: the bank's own time is longer

    def said(ahead_s: int) -> list[str]:
        later = clock.now() + timedelta(seconds=ahead_s)
        with reading(shop_engine) as db:
            return [one.words for one in findings(db, later) if one.what == "payment"]

    with serving(app) as url:
        bank = stubborn(app)
        shopper = Shopper(url, shop_engine, clock)
        with shopper.client:
            shopper.fill()
            shopper.pay()
            assert shopper.post("stop").is_success
            eventually(lambda: bank.asked == 1, "the first try")
            ref = rows(shop_engine, TenderRow)[0].provider_ref
            assert said(3_599) == []
            assert said(3_601) == [f"is over, its page at sandbox ({ref}) is open; tried hourly"]
            assert states(shop_engine, TenderRow) == {"held": 1}
            bank.willing = True
            clock.advance(150)
            eventually(lambda: states(shop_engine, TenderRow)["released"], "the page's end")
    assert bank.asked == 2
    assert said(3_601) == []
