"""The day after: one reminder of what she left, her data taken along, and all of hers erased.

Processes run by the machine's clock, so it is her run that is let be due a day earlier.
"""

import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlmodel import col, select, update

from cart.db import make_engine, reading, unit_of_work
from cart.db.guarded import write
from cart.journeys.tables import JourneyRunRow
from cart.kernel.errors import Refused
from firmware_sim.phone import Phone
from firmware_sim.testing import Letter, RunningShop
from tests.journeys.test_cart_to_hands import HERE
from tests.real.waiting import wait_until

WAIT_S: Final = 60.0  # the API collects every ten seconds
NAME: Final = "left-behind"
JOURNEY: Final = f"""
name = "{NAME}"
version = 1
title = "A cart that waits"
holdout_percent = 0
[trigger]
kind = "cart_idle"
after_hours = 24
[[steps]]
id = "told"
kind = "message"
"""
SUBJECT: Final = "Your things still wait for you"


@dataclass
class NextDay:
    """What came of it. ``links``: paths of the reminder; ``data``: what she took along.

    ``letters``: all that she had got until then. ``erased``: what was left of hers after it:
    letters, and how each link answered.
    """

    letters: list[Letter] = field(default_factory=list)
    reminders: list[Letter] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    numbers: str = ""
    data: str = ""
    letters_left: int = -1
    answers: list[int] = field(default_factory=list)


def plan(shop: RunningShop, folder: Path) -> None:
    """Switch a reminder on, before anybody comes."""
    file = folder / "journey.toml"
    file.write_text(JOURNEY, encoding="utf-8")
    shop.server.command("mobile_api.cli", "journeys", "load", str(file))
    shop.server.command("mobile_api.cli", "journeys", "on", NAME)


def at_noon(locations: Path) -> None:
    """Let it be about noon in every shop of a feed, whenever a test runs: no quiet hours."""
    ahead = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-ahead:+d}"  # POSIX: the sign is the other way round
    rows = [json.loads(line) for line in locations.read_text(encoding="utf-8").splitlines()]
    told = "".join(f"{json.dumps({**row, 'timezone': zone})}\n" for row in rows)
    locations.write_text(told, encoding="utf-8")


def be_reminded(shop: RunningShop, phone: Phone, gtin: str, address: str) -> NextDay:
    """Leave something in her cart after she has bought other things; let the day be over.

    The clock of the processes is the machine's: what is moved is when her run is due, a day
    earlier, once it has heard of what she left.
    """
    made, left_at = NextDay(), datetime.now(UTC)
    body = {"gtin": gtin, "quantity": 1, "location_id": HERE}
    phone.ask("POST", "/api/v1/cart/lines", body)
    engine = make_engine(f"sqlite:///{shop.server.data_dir / 'carryover.db'}")
    waits = select(JourneyRunRow).where(
        JourneyRunRow.state == "pending", JourneyRunRow.started_at >= left_at
    )

    def heard() -> bool:
        with reading(engine) as db:
            return db.exec(waits).first() is not None

    wait_until(heard, WAIT_S)
    with unit_of_work(engine) as db:
        run = db.exec(waits).one()
        earlier = run.due_at - timedelta(days=1)
        write(
            db,
            update(JourneyRunRow).where(col(JourneyRunRow.id) == run.id).values(due_at=earlier),
        )
    engine.dispose()

    def reminders() -> list[Letter]:
        return [one for one in shop.mailbox() if one.subject == SUBJECT]

    def said() -> str:
        return shop.server.command("mobile_api.cli", "journeys", "list")

    wait_until(lambda: bool(reminders()), WAIT_S)
    made.reminders, made.numbers = reminders(), said()
    made.links = re.findall(r"https?://[^/\s]+(/\S+)", made.reminders[0].text)
    back = next(one for one in made.links if one.startswith("/back/"))
    assert phone.page(back)
    assert phone.fill_in(back, {}) == "/"
    assert phone.page(next(one for one in made.links if one.startswith("/privacy/why/")))
    made.letters = [one for one in shop.mailbox() if one.to == address]
    return made


def take_along_and_go(made: NextDay, shop: RunningShop, phone: Phone, address: str) -> None:
    """Export her data, then have all of it erased: the letters in the sink too."""
    answer = phone._http.post("/api/v1/account/export").raise_for_status()  # noqa: SLF001 - a ZIP
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        made.data = packed.read("data.json").decode()
    with pytest.raises(Refused):
        phone.ask("POST", "/api/v1/account/erasure", {"sure": address})
    phone.ask("POST", "/api/v1/account/erasure", {"sure": True})

    def left() -> int:
        try:
            return sum(one.to == address and one.subject == SUBJECT for one in shop.mailbox())
        except FileNotFoundError:  # erased between being listed and being read
            return -1

    def answers() -> list[int]:
        return [
            phone._http.get(one).status_code  # noqa: SLF001 - a refusal is what is asked for
            for one in made.links
            if one.startswith(("/back/", "/privacy/why/"))
        ]

    wait_until(lambda: left() == 0 and set(answers()) == {404}, WAIT_S)
    made.letters_left, made.answers = left(), answers()
