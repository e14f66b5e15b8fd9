"""A Mosquitto for a shop, on the files that the gateway writes for one."""

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from firmware_sim.shop import Shop
from tests.real.broker import Mosquitto
from tests.real.ports import free_port


@contextmanager
def shop_broker(
    folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Mosquitto, dict[str, str]]]:
    """Run a Mosquitto on the files of ``gateway broker-files``; yield it and the shop's settings.

    The shop's data is in ``folder / "data"``, beside the broker's; ``settings``
    say where its database is.
    """
    port, server_port = free_port(), free_port()
    user = pwd.getpwuid(os.getuid()).pw_name
    said = Shop(folder / "data", settings=settings).command(
        "gateway.cli", "broker-files", "--out", str(folder), "--port", str(port),
        "--server-port", str(server_port), "--bind", "127.0.0.1", "--user", user,
    )  # fmt: skip
    key = (folder / "data" / "broker.key").read_text().strip()
    assert f"@127.0.0.1:{server_port}" in said
    broker = Mosquitto(folder, conf=folder / "mosquitto.conf", port=port)
    broker.start()
    try:
        yield (
            broker,
            {
                "MQTT_URL": f"mqtt://server:{key}@127.0.0.1:{server_port}",
                "MQTT_PUBLIC_URL": f"mqtt://127.0.0.1:{port}",
                "MOSQUITTO_PASSWORD_FILE": str(folder / "passwords"),
                "MOSQUITTO_PID_FILE": str(folder / "mosquitto.pid"),
            },
        )
    finally:
        broker.stop()
