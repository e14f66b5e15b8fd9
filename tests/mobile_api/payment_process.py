"""API processes that may kill themselves at a step's boundary, as a power cut does."""

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Never

import uvicorn

from cart.kernel.clock import SystemClock
from cart.kernel.errors import Refused, Unavailable
from cart.ports import HostedPayment, PaymentWish
from mobile_api.app import create_app
from mobile_api.mail import workflow as _mails
from mobile_api.payment import workflow as _payments
from mobile_api.payment.providers import Providers
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.payment.sandbox.signing import secret_of
from mobile_api.settings import ApiSettings
from mobile_api.wiring import Parts
from tests.fakes.clock import RunningClock

assert _mails
assert _payments
DIED = "died"  # a file with the name of the boundary
HELD = "held"  # a file that is there once a batch is held back
COMPANY_WAIT_S = 60.0  # phones of one test, on a busy machine
LOOK_S = 0.01


@dataclass(frozen=True)
class Start:
    """How a process is to run.

    It dies when it passes ``mark`` for the ``nth`` time. ``ahead_s`` moves its clock on.
    ``refusing``: no page is made. ``company``: the first batch of tries to pay is held back
    (``HELD`` says so) until so many others wait, so that those are one batch.
    ``spurned_minor``: who pays this gets no page, or, where the bank is only ``away``, none
    the first time.
    """

    mark: str = ""
    nth: int = 1
    ahead_s: float = 0.0
    refusing: bool = False
    company: int = 0
    spurned_minor: int = 0
    away: bool = False


class Refusing(SandboxProvider):
    """A bank that has no account of ours."""

    def create(self, wish: PaymentWish) -> Never:
        """Refuse."""
        msg = f"no account for {wish.reference}"
        raise Refused(msg)


class Choosy(SandboxProvider):
    """A bank that makes no page for one amount, or only when it is asked again."""

    spurned_minor = 0
    away = False

    def create(self, wish: PaymentWish) -> HostedPayment:
        """Refuse one amount, or be away for it once."""
        if wish.amount_minor != self.spurned_minor:
            return super().create(wish)
        msg = f"nothing for {wish.reference}"
        if not self.away:
            raise Refused(msg)
        self.spurned_minor = 0
        raise Unavailable(msg)


@dataclass
class Marks:
    """What happens at the boundaries of a process."""

    start: Start
    parts: Parts
    folder: Path
    passed: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def pass_by(self, mark: str) -> None:
        """Be at a boundary, in whichever thread."""
        with self.lock:
            self.passed[mark] += 1
            nth = self.passed[mark]
        if self.start.company and (mark, nth) == ("reserved", 1):
            self._wait_for_company()
        if (mark, nth) == (self.start.mark, self.start.nth):
            (self.folder / DIED).write_text(mark)
            os.kill(os.getpid(), signal.SIGKILL)

    def _wait_for_company(self) -> None:
        (self.folder / HELD).touch()
        end = time.monotonic() + COMPANY_WAIT_S
        while self.parts.paying.waiting < self.start.company:
            assert time.monotonic() < end, "the others did not come"
            time.sleep(LOOK_S)


def serve(start: Start) -> None:
    """Be an API process."""
    settings = ApiSettings(anonymous_keep_days=3650)  # the rows are of the fake clock's day
    clock = RunningClock(SystemClock().now() + timedelta(seconds=start.ahead_s))
    app = create_app(settings, clock=clock, listen=False)
    parts = app.state.parts
    parts.marked = Marks(start, parts, Path(settings.data_dir)).pass_by
    bank = parts.payments.active.bank
    if start.refusing:
        refusing = Refusing(bank, parts.clock, secret=b"", base_url=settings.base_url)
        parts.payments = Providers(refusing, {"sandbox": refusing})
    if start.spurned_minor:
        secret = secret_of(settings.key())
        choosy = Choosy(bank, parts.clock, secret=secret, base_url=settings.base_url)
        choosy.spurned_minor, choosy.away = start.spurned_minor, start.away
        parts.payments = Providers(choosy, {"sandbox": choosy})
    uvicorn.run(app, host=settings.http_host, port=settings.http_port, log_level="error")
