"""Certificates of devices by the shop's own CA, as files, and who connects with them."""

import ssl
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.clock import Clock
from gateway.device_ca.authority import DeviceAuthority, make
from gateway.device_ca.service import issue
from gateway.registry.queries import devices_by_id
from gateway.settings import MqttSettings
from gateway.wire.certificate import fresh_key, key_pem, request_pem
from tests.real.certificates import Pair


def shop_ca(data_dir: Path, clock: Clock) -> Path:
    """Make the CA in ``data_dir``, as the command line does; return its certificate."""
    ca_file = make(MqttSettings(data_dir=data_dir), clock.now(), "a test's devices")
    data_dir.chmod(0o755)  # Mosquitto gives up root before it reads
    return ca_file


def certified(engine: Engine, settings: MqttSettings, clock: Clock, device_id: str) -> Pair:
    """Return the certificate that a device gets, in a file with its key; of any other name, too."""
    authority = DeviceAuthority.of(settings)
    assert authority is not None
    key = fresh_key()
    life = timedelta(days=90)
    with unit_of_work(engine) as db:
        if devices_by_id(db, [device_id]):
            request = request_pem(key)
            pem = issue(db, clock, authority, device_id=device_id, request=request, lifetime=life)
        else:
            pem = authority.issue(key.public_key(), device_id, clock.now(), life).pem
    path = settings.data_dir / f"{device_id}.pem"
    path.write_text(key_pem(key) + pem)
    return Pair(path, path)


def showing(own: Pair, broker_ca: Path) -> ssl.SSLContext:
    """Return how a device with this certificate speaks TLS."""
    context = ssl.create_default_context(cafile=str(broker_ca))
    context.load_cert_chain(own.cert_file, own.key_file)
    return context
