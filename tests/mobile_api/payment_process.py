"""API processes that may kill themselves at a step's boundary, as a power cut does.

``python -m tests.mobile_api.payment_process`` imports everything once, and then
forks a process for every line that it reads: a :class:`Start` as JSON. It answers
with the process's id. So a test that starts a process thrice does not wait thrice
for imports.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Never

import uvicorn
from pydantic import BaseModel

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


class Start(BaseModel):
    """How a process is to run. ``ahead_s`` moves its clock on; ``refusing``: no page is made."""

    environment: dict[str, str]
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
    os.environ |= start.environment
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


def main() -> None:
    """Fork a process per line, until there are no more lines."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a child ended
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(Start.model_validate_json(line))
            os._exit(0)
        print(pid, flush=True)  # noqa: T201 - it is the answer


if __name__ == "__main__":
    main()
