"""``gateway dead-letters replay``: each letter for itself."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import InvalidPayload
from cart.kernel.ids import RandomIds, secret_hash
from gateway.cli_dead_letters import app
from gateway.dead_letters import service
from gateway.dead_letters.service import Letter
from tests.fakes.shop import Tablet, enrolled, ingest, stock_catalogue

CLOCK, IDS = SystemClock(), RandomIds()


def test_a_letter_that_fails_again_stops_no_other(
    sqlite_url: str, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest names a claim link that another visit has; the one after it is done."""
    engine = make_engine(sqlite_url)
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    link = {"claim_hash": secret_hash("the secret")}
    begun = [tablet.event("device.taken_up", {"visit": visit} | link) for visit in ("v1", "v2")]
    ingest(engine, CLOCK, IDS, tablet.message(begun[0]))
    for event in (begun[1], tablet.scanned("v3")):
        message = tablet.message(event)
        letter = Letter(
            tablet.device.device_id, message.topic, message.payload, InvalidPayload("was")
        )
        with unit_of_work(engine) as db:
            service.bury(db, CLOCK, IDS, [letter])
    (tmp_path / "broker.key").write_text("secret")
    for name, value in (
        ("DATABASE_URL", sqlite_url),
        ("DATA_DIR", str(tmp_path)),
        ("MQTT_PORT", str(free_port)),
    ):
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["replay", "--all"])
    assert result.exit_code == 1
    assert "claim_hash is that of another visit" in result.stdout
    with reading(engine) as db:
        outcomes = [row.outcome for row in service.listed(db, limit=10, every=True)]
    assert sorted(outcomes) == ["done", "invalid_payload"]
    engine.dispose()
