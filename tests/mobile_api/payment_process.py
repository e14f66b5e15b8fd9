"""API processes that may kill themselves at a step's boundary, as a power cut does."""

import os
import signal
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Never

import uvicorn

from cart.kernel.clock import SystemClock
from cart.kernel.errors import Refused
from cart.ports import PaymentWish
from mobile_api.app import create_app
from mobile_api.mail import workflow as _mails
from mobile_api.payment import workflow as _payments
from mobile_api.payment.providers import Providers
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.settings import ApiSettings

assert _mails
assert _payments
DIED = "died"  # a file with the name of the boundary


@dataclass(frozen=True)
class Start:
    """How a process is to run. ``ahead_s`` moves its clock on; ``refusing``: no page is made."""

    mark: str = ""
    ahead_s: float = 0.0
    refusing: bool = False


class ClockAhead(SystemClock):
    """The machine's clock, and some more."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead = timedelta(seconds=ahead_s)

    def now(self) -> datetime:
        """Return the present moment, moved on."""
        return super().now() + self._ahead


class Refusing(SandboxProvider):
    """A bank that has no account of ours."""

    def create(self, wish: PaymentWish) -> Never:
        """Refuse."""
        msg = f"no account for {wish.reference}"
        raise Refused(msg)


def serve(start: Start) -> None:
    """Be an API process."""
    settings = ApiSettings(anonymous_keep_days=3650)  # the rows are of the fake clock's day
    app = create_app(settings, clock=ClockAhead(start.ahead_s), listen=False)
    parts = app.state.parts

    def die_at(mark: str) -> None:
        if mark == start.mark:
            Path(settings.data_dir / DIED).write_text(mark)
            os.kill(os.getpid(), signal.SIGKILL)

    parts.marked = die_at
    if start.refusing:
        bank = parts.payments.active.bank
        refusing = Refusing(bank, parts.clock, secret=b"", base_url=settings.base_url)
        parts.payments = Providers(refusing, {"sandbox": refusing})
    uvicorn.run(app, host=settings.http_host, port=settings.http_port, log_level="error")
