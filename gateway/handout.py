"""What a fresh device is told: who it is, and how it reaches the broker."""

from urllib.parse import urlsplit

from cart.run_files import announced
from gateway.registry.model import Enrolled
from gateway.settings import MqttSettings
from gateway.wire.events import SOURCE_PREFIX
from gateway.wire.topics import Channel

MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}  # by scheme, as IANA has them


def connection_facts(settings: MqttSettings, device: Enrolled) -> dict[str, str | int]:
    """Return what a fresh device has to know, by the names of the device contract."""
    host, port, tls = broker_for_devices(settings)
    return {
        "DEVICE_ID": device.device_id,
        "CREDENTIAL": device.credential,
        "MQTT_HOST": host,
        "MQTT_PORT": port,
        "MQTT_TLS": int(tls),
        "EVENTS_TOPIC": device.address.topic(Channel.EVENTS),
        "SOURCE": f"{SOURCE_PREFIX}{device.device_id}",
    }


def broker_for_devices(settings: MqttSettings) -> tuple[str, int, bool]:
    """Return host, port and whether TLS is spoken, as devices reach the broker."""
    url = settings.mqtt_public_url or settings.mqtt_url
    if url:
        parts = urlsplit(url)
        port = parts.port or MQTT_PORTS.get(parts.scheme, MQTT_PORTS["mqtt"])
        return parts.hostname or "127.0.0.1", port, parts.scheme == "mqtts"
    facts = announced(settings.data_dir, "gateway")
    host = str(facts.get("mqtt_host", settings.mqtt_host))
    return host, int(facts.get("mqtt_port", settings.mqtt_port)), False
