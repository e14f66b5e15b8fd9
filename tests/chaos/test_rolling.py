"""A rolling upgrade under load: each process ends in order and one of the next version starts.

The next version is this one and a migration more, out of a copy of ``migrations`` that stands
first on its processes' path: the first of them to start runs it, as any migration is run, while
those of before work on. What a migration may do is kept by
tests/contracts/test_rolling_migrations.py.
"""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from cart.db.migrate import newest
from cart.kernel.errors import Unavailable
from firmware_sim.children import STOP_S
from tests.chaos.notes import out_of_order
from tests.chaos.plan import Scale, plan_of
from tests.chaos.run import folder_of, run, said
from tests.chaos.stage import ROOT, Stage, wait_until
from tests.chaos.test_chain import shares, stored
from tests.chaos.verdict import Judge

SEED: Final = 13  # a chain, by the plan
SCALE: Final = Scale(
    events=8_000, hosts=2, devices_per_host=6, phones=4, shoppers=1, rate=200.0, blows=1,
    gateways=2,
)  # fmt: skip
ORDER: Final = ("gateway-2", "gateway", "api-2", "api")
# Of the stream, for each of them, for one that is refused, and for after.
SHARE: Final = SCALE.events // (len(ORDER) + 2)
BEGUN: Final = 300  # events of a share that are said before its process is asked to end
WAIT_S: Final = 90.0
LOOK_S: Final = 0.1
ALL: Final = 16  # partitions
# Generous, as in test_chain.py: what is measured is in docs/deploy.md.
SILENT_MAX_S, PHONES_MAX_S = 15.0, 30.0
NEXT: Final = "9000"
# Of the busiest tables, and against the order in which the gateways write to them.
MIGRATION: Final = f'''"""Columns with a default, an index, a table."""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{newest()}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("device_stream", "cart_line", "cart_operation", "device_event"):
        column = sa.Column("release", sa.Integer(), server_default="1", nullable=False)
        op.add_column(table, column)
    op.create_index("ix_device_event_release", "device_event", ["release", "device_id"])
    op.create_table("release", sa.Column("number", sa.Integer(), primary_key=True))
'''
pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


class Receipts(threading.Thread):
    """Watches the spools: how long did a device wait for its next receipt, meanwhile."""

    def __init__(self, on: Stage) -> None:
        super().__init__(name="receipts", daemon=True)
        self._on = on
        self._ended = threading.Event()
        self.doing = "nothing"
        self.silent_s: dict[str, float] = {}

    def run(self) -> None:
        """Look ten times a second; a device without anything that waits is not silent."""
        heard: dict[int, tuple[int, float]] = {}
        while not self._ended.wait(LOOK_S):
            doing, now_s = self.doing, time.monotonic()
            for number, one in enumerate(self._on.kept()):
                through = one.sequence - one.waiting
                if not one.waiting or heard.get(number, (-1, 0.0))[0] != through:
                    heard[number] = through, now_s
                silent_s = now_s - heard[number][1]
                self.silent_s[doing] = max(self.silent_s.get(doing, 0.0), silent_s)

    @contextmanager
    def during(self, doing: str) -> Iterator[None]:
        """Book what is seen in here under this name."""
        self.doing = doing
        yield
        self.doing = "nothing"

    def end(self) -> None:
        """Look no more."""
        assert self.is_alive()
        self._ended.set()
        self.join()


class _Upgrade:
    """Renews one process after the other, gateways first, while the stream runs."""

    def __init__(self, folder: Path) -> None:
        self._path = os.environ.get("PYTHONPATH", "")
        self._next = folder / "next"
        shutil.copytree(
            ROOT / "migrations", self._next / "migrations",
            ignore=shutil.ignore_patterns("__pycache__"),
        )  # fmt: skip
        (self._next / "migrations" / "versions" / f"{NEXT}_next.py").write_text(MIGRATION)
        self.silent_s: dict[str, float] = {}
        self.phones_s: dict[str, list[float]] = {}
        self.stored: dict[str, int] = {}
        self._allowed = 0

    def __call__(self, on: Stage) -> dict[str, int]:
        receipts = Receipts(on)
        self._go_on(on)
        assert wait_until(lambda: said(on) >= BEGUN, WAIT_S)
        assert wait_until(lambda: shares(on) == [ALL // 2] * 2, WAIT_S)
        receipts.start()
        for part in ORDER:
            told = self._allowed - SHARE + BEGUN
            assert wait_until(lambda told=told: said(on) >= told, WAIT_S)  # type: ignore[misc]
            self._renew(on, part, receipts)
            heard = [len(one.operations) for one in on.phones]
            self._go_on(on)
            assert wait_until(
                lambda heard=heard: all(  # type: ignore[misc]
                    len(one.operations) > before
                    for one, before in zip(on.phones, heard, strict=True)
                ),
                WAIT_S,
            )
            if part == ORDER[0]:
                self._both_versions_work(on)
        on.allow(SCALE.events)
        receipts.end()
        on.shop.change(self._path_of_next())  # for the books
        self.silent_s = {name: round(one, 1) for name, one in receipts.silent_s.items()}
        return {}

    def _go_on(self, on: Stage) -> None:
        """Let the devices say one more share."""
        self._allowed += SHARE
        on.allow(self._allowed)

    def _renew(self, on: Stage, part: str, receipts: Receipts) -> None:
        opened = [len(one.opened_s) for one in on.phones]
        before, began_s = stored(on), time.monotonic()
        left = [ALL] if part.startswith("gateway") else [ALL // 2] * 2
        with receipts.during(f"{part} ends"):
            on.shop.stop_part(part)
            assert time.monotonic() - began_s < STOP_S  # by itself: it was not killed
            assert wait_until(lambda: shares(on) == left, WAIT_S)
        if part == ORDER[1]:  # its supervisor is quicker than whoever installs
            refused = pytest.raises(Unavailable, match=f"schema {NEXT}, which this version does")
            with receipts.during(f"{part} is refused"), refused:
                on.shop.start_part(part)
            on.shop.stop_part(part)  # what is left of it here
            self._go_on(on)
        with receipts.during(f"{part} starts"):
            on.shop.change(self._path_of_next())
            on.shop.start_part(part)
            assert wait_until(lambda: shares(on) == [ALL // 2] * 2, WAIT_S)
        self.stored[part] = stored(on) - before
        self.phones_s[part] = [
            round(one.opened_s[count] - began_s, 1)
            for one, count in zip(on.phones, opened, strict=True)
            if len(one.opened_s) > count
        ]
        on.shop.change({"PYTHONPATH": self._path, "PYTHONSAFEPATH": ""})

    def _path_of_next(self) -> dict[str, str]:
        """Return where the next version is; without the safe path, ours would stand before it."""
        path = os.pathsep.join(filter(None, (str(self._next), self._path)))
        return {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}

    def _both_versions_work(self, on: Stage) -> None:
        """The schema is the next one's; both gateways store, the old one in columns of its own."""
        with on.database() as db:
            schema = db.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
            place = db.execute(text("SELECT max(place) FROM chaos_note")).scalar_one()
        assert schema == NEXT

        def storing() -> int:
            with on.database() as db:
                query = "SELECT count(DISTINCT process) FROM chaos_note WHERE place > :place"
                return int(db.execute(text(query), {"place": place}).scalar_one())

        assert wait_until(lambda: storing() == 2, WAIT_S)


def test_nothing_is_lost_when_processes_are_renewed_under_load() -> None:
    """Every event once and in order, phones hear on, and no device waits long for a receipt."""
    disordered: list[int] = []
    plan = plan_of(SEED, SCALE)
    assert plan.chain
    assert set(plan.servers) == set(ORDER)

    def look(on: Stage, _judge: Judge) -> None:
        with on.database() as db:
            disordered.append(out_of_order(db))

    with folder_of(SEED) as folder:
        upgrade = _Upgrade(folder)
        result = run(replace(plan, blows=()), folder, look, strike=upgrade)
    figures = {"silent": upgrade.silent_s, "stored": upgrade.stored, "phones": upgrade.phones_s}
    sys.stdout.write(json.dumps(figures) + "\n")
    assert result.wrong == []
    assert result.verdict.details == []
    assert result.clean
    assert result.verdict.events == SCALE.events
    assert disordered == [0]
    assert min(upgrade.stored.values()) > 0
    assert max(upgrade.silent_s.values()) < SILENT_MAX_S
    phones_s = [one for some in upgrade.phones_s.values() for one in some]
    assert phones_s
    assert max(phones_s) < PHONES_MAX_S
