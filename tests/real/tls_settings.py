"""Settings of a gateway whose own broker speaks TLS, on free ports."""

from pathlib import Path

from gateway.settings import MqttSettings
from tests.real.certificates import Pair
from tests.real.ports import free_port


def tls_settings(
    url: str, folder: Path, pair: Pair, client_ca: Path | None, *, cert_alone: bool = False
) -> MqttSettings:
    """``cert_alone``: a certificate of ``client_ca`` is a device's way in, without a credential."""
    return MqttSettings(
        data_dir=folder / "var",
        database_url=url,
        mqtt_port=0,
        mqtt_public_url="mqtts://localhost:8883",
        mqtt_tls_cert_file=pair.cert_file,
        mqtt_tls_key_file=pair.key_file,
        mqtt_tls_client_ca_file=client_ca,
        mqtt_tls_client_cert_alone=cert_alone,
        mqtt_tls_host="127.0.0.1",
        mqtt_tls_port=free_port(),
    )
