"""An API process that runs mails and rings until none waits, and may be killed at a boundary."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.carts.tables import ListRequestRow
from cart.journeys.tables import JourneyMessageRow
from cart.orders.tables import OrderLetterRow
from cart.profile.push.tables import PushRingRow
from tests.mobile_api.mortal_process import run_mortal


def run_process(environment: dict[str, str], now: datetime, mark: str = "-") -> int:
    """Run such a process from ``now`` on; return how it ended."""
    said = Path(environment["DATA_DIR"]) / "mail-process.txt"
    return run_mortal(_waiting, environment, mark, said, now)


def _waiting(engine: Engine) -> bool:
    with Session(engine) as db:
        lists = select(ListRequestRow).where(ListRequestRow.state == "requested")
        letters = select(OrderLetterRow).where(OrderLetterRow.state == "requested")
        rings = select(PushRingRow).where(PushRingRow.state == "requested")
        messages = select(JourneyMessageRow).where(JourneyMessageRow.state == "requested")
        return any(db.exec(one).first() for one in (lists, letters, rings, messages))
