"""A receiver at a real shop: enrolled by its command, heard by the gateway, seen in the twin."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from firmware_sim.pytest_plugin import OpenShop
from store_devices import identity
from store_devices.ble.radio import BleakRadio
from store_devices.ble.receiver import Receiver
from store_devices.ble.settings import ReceiverSettings
from store_devices.cli import app
from tests.fakes.radio_bench import AT_ARMS_LENGTH_DBM, ON_IT_DBM, bench, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]


def test_a_tap_is_stored_at_the_gateway(open_carryover_shop: OpenShop, tmp_path: Path) -> None:
    """Its receipt empties the spool, nothing is refused, and the twin says that it hears."""
    shop = open_carryover_shop()
    folder = tmp_path / "receiver"
    token = shop.server.token(shop.location, "Till 1", "receiver")
    enrolled = CliRunner().invoke(
        app,
        ["receiver", "enrol", "--api", shop.url, "--token", token],
        env={"DEVICE_DIR": str(folder)},
    )
    assert enrolled.exit_code == 0, enrolled.output
    known = identity.load(folder, "receiver")
    assert known.kind == "receiver"

    async def scene() -> None:
        async with bench() as at:
            band = await at.put(AT_ARMS_LENGTH_DBM)
            receiver = Receiver(
                ReceiverSettings(device_dir=folder),
                known,
                BleakRadio(backend=at.adapter.scanner),
                clock=SystemClock(),
                ids=RandomIds(),
            )
            running = asyncio.create_task(receiver.run())
            await until(lambda: receiver.online and receiver.listening.state == "hearing")
            at.move(band, ON_IT_DBM)
            await until(lambda: receiver.spool.sequence == 1)
            await until(lambda: not len(receiver.spool) and not len(receiver.telemetry))
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(scene())
    shown = json.loads(
        shop.server.command("gateway.cli", "devices", "show", known.device_id, "--json")
    )
    assert shown["reported"]["radio"] == "hearing"
    assert shop.server.dead_letters() == []


def test_a_receiver_without_identity_says_how_to_get_one(tmp_path: Path) -> None:
    """The command ends with 1 and the sentence that helps."""
    result = CliRunner().invoke(
        app, ["receiver", "run"], env={"DEVICE_DIR": str(tmp_path / "none")}
    )
    assert result.exit_code == 1
    assert "store_devices receiver enrol" in result.output
