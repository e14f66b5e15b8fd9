"""Finds the broker: the one in MQTT_URL, or the embedded one of the gateway in DATA_DIR."""

from pathlib import Path
from typing import Protocol

from cart.kernel.errors import Unavailable
from cart.run_files import announced
from gateway.mqtt import Address, address_of

SERVER_USER = "server"
KEY_FILE = "broker.key"


class WhereSettings(Protocol):
    """The settings that say where the broker is."""

    @property
    def data_dir(self) -> Path: ...  # noqa: D102
    @property
    def mqtt_url(self) -> str: ...  # noqa: D102
    @property
    def mqtt_version(self) -> str: ...  # noqa: D102
    @property
    def mqtt_ca_file(self) -> Path | None: ...  # noqa: D102
    @property
    def mqtt_host(self) -> str: ...  # noqa: D102
    @property
    def mqtt_port(self) -> int: ...  # noqa: D102


def broker_address(settings: WhereSettings) -> Address:
    """Return where server processes connect, and as whom.

    Raises:
        Unavailable: the embedded broker has never been started here.
    """
    if settings.mqtt_url:
        return address_of(settings.mqtt_url, settings.mqtt_version or "5", settings.mqtt_ca_file)
    facts = announced(settings.data_dir, "gateway")
    try:
        secret = (settings.data_dir / KEY_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        msg = f"no gateway has been started on {settings.data_dir}; start `gateway run` first"
        raise Unavailable(msg) from error
    return Address(
        host=str(facts.get("mqtt_host", settings.mqtt_host)),
        port=int(facts.get("mqtt_port", settings.mqtt_port)),
        username=SERVER_USER,
        password=secret,
        tls=False,
        version=settings.mqtt_version or "3.1.1",
    )
