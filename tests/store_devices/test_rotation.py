"""A credential is exchanged while the device works; whoever dies in between comes back."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds, SeededIds
from gateway.broker.key import broker_key
from gateway.commands.service import ask_rotate
from gateway.commands.tables import DeviceCommandRow
from gateway.mosquitto import BrokerFiles, write_broker_files
from gateway.registry.model import credential_matches
from gateway.registry.tables import DeviceRow
from gateway.settings import MqttSettings
from gateway.wire.credential import HASH
from gateway.wire.events import ScannedData
from gateway.wiring import Gateway
from store_devices import identity
from store_devices.enrolling import Enrolled
from store_devices.identity import NEXT_FILE as FILE
from store_devices.keyring import DeviceKeyring
from tests.fakes.shop import enrolled, stock_catalogue
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.ports import free_port, wait_for_port
from tests.real.waiting import wait_until
from tests.store_devices.rotating_process import uplink_in

CLOCK, IDS = SystemClock(), RandomIds()
WAIT_S = 60.0
SCAN = ScannedData(visit="v1", gtin=Gtin("4006381333931"))


def tablet_identity(credential: str = "the first") -> Enrolled:
    """Return what a server gives at enrolment."""
    return Enrolled(
        device_id="tab-1",
        kind="tablet",
        location_id="harbour-street",
        partition="p01",
        credential=credential,
        mqtt_url="mqtt://127.0.0.1",
        public_url="http://127.0.0.1",
        api_url="http://127.0.0.1",
    )


def keyring_in(folder: Path) -> DeviceKeyring:
    """Return the keyring as a process finds it that starts now."""
    return DeviceKeyring(folder, identity.load(folder), SeededIds(1))


def test_a_fresh_credential_is_kept_before_anybody_hears_of_it(tmp_path: Path) -> None:
    """It is tried first, and the one before stays; asked again, the device stays with it."""
    identity.keep(tmp_path, tablet_identity())
    keyring = keyring_in(tmp_path)
    assert keyring.candidates() == ("the first",)
    first, second = keyring.rotate(), keyring.rotate()
    fresh, before = keyring_in(tmp_path).candidates()
    assert before == "the first"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    for told in (first, second, keyring_in(tmp_path).rotate()):
        assert HASH.fullmatch(told)
        assert credential_matches(fresh, told)


def test_what_the_broker_took_is_the_present_one(tmp_path: Path) -> None:
    """Only the fresh one replaces the one before; power may fail between the two files."""
    identity.keep(tmp_path, tablet_identity())
    keyring = keyring_in(tmp_path)
    keyring.rotate()
    fresh = keyring.candidates()[0]
    keyring.used("the first")
    assert keyring.candidates() == (fresh, "the first")
    identity.keep(tmp_path, tablet_identity(fresh))  # and here it lost power
    assert keyring_in(tmp_path).candidates() == (fresh,)
    keyring.used(fresh)
    assert keyring_in(tmp_path).candidates() == (fresh,)
    assert not (tmp_path / FILE).exists()


def test_another_enrolment_ends_a_rotation_that_was_under_way(tmp_path: Path) -> None:
    """A secret that may stand in a copy of the folder is not taken up by the next rotation."""
    identity.keep(tmp_path, tablet_identity())
    stale = keyring_in(tmp_path).rotate()
    identity.keep(tmp_path, tablet_identity("enrolled anew"))
    keyring = keyring_in(tmp_path)
    assert keyring.candidates() == ("enrolled anew",)
    assert keyring.rotate() != stale


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    """The gateway is told so, and asks again another time."""
    identity.keep(tmp_path, tablet_identity())
    keyring = keyring_in(tmp_path)
    (tmp_path / f".{FILE}.part").mkdir()
    with pytest.raises(Unavailable, match="cannot be written"):
        keyring.rotate()
    assert keyring.candidates() == ("the first",)


@dataclass
class Shop:
    """A gateway at work, a broker that asks its registry, and a tablet's folder."""

    engine: Engine
    url: str
    port: int
    folder: Path

    def stored(self) -> int:
        """Return how many events are stored."""
        with reading(self.engine) as db:
            found = db.connection().exec_driver_sql("SELECT count(*) FROM device_event")
            return int(found.scalar_one())

    def row(self) -> DeviceRow:
        """Return what the registry has of the tablet."""
        with reading(self.engine) as db:
            return db.exec(select(DeviceRow)).one()

    def ask(self) -> None:
        """Ask for a rotation; the tablet hears of it when it comes."""
        with unit_of_work(self.engine) as db:
            ask_rotate(db, CLOCK, IDS, device_id=self.row().id)

    def present(self) -> str:
        """Return the tablet's present credential."""
        return identity.load(self.folder).credential

    def admits(self, credential: str) -> bool:
        """Say whether the broker lets somebody in with it."""
        name = self.row().id
        with MqttClient(self.port, f"look-{name}", name, credential) as client:
            return client.accepted

    @contextmanager
    def child(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the tablet in a process of its own; it is killed at the end."""
        command = [
            sys.executable, "-m", "tests.store_devices.rotating_process",
            str(self.folder), self.url, *words,
        ]  # fmt: skip
        process = subprocess.Popen(command)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def own_user() -> str:
    """Who runs the tests, and so Mosquitto."""
    return pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(params=["embedded", "mosquitto"])
def shop(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    """One with each broker."""
    engine = make_engine(sqlite_url)
    stock_catalogue(engine)
    device = enrolled(engine, CLOCK, IDS)
    settings = MqttSettings(data_dir=tmp_path / "var", database_url=sqlite_url, mqtt_port=0)
    mosquitto: Mosquitto | None = None
    port = 0
    if request.param == "mosquitto":
        folder = tmp_path / "mosquitto"
        files = BrokerFiles(folder, free_port(), free_port(), "127.0.0.1", own_user())
        write_broker_files(engine, settings, IDS, files)
        mosquitto = Mosquitto(folder, conf=files.conf, port=files.server_port)
        mosquitto.start()
        wait_for_port(files.port)
        port, secret = files.port, broker_key(settings.data_dir, IDS)
        settings = settings.model_copy(
            update={
                "mqtt_url": f"mqtt://server:{secret}@127.0.0.1:{files.server_port}",
                "mosquitto_password_file": files.passwords,
                "mosquitto_pid_file": folder / "mosquitto.pid",
            }
        )
    gateway = Gateway(settings)
    port = gateway.start() or port
    assert gateway.wait_online(WAIT_S)
    folder = tmp_path / "tablet"
    identity.keep(
        folder,
        tablet_identity(device.credential).model_copy(
            update={"device_id": device.device_id, "partition": device.partition}
        ),
    )
    yield Shop(engine, f"mqtt://127.0.0.1:{port}", port, folder)
    gateway.stop()
    if mosquitto:
        mosquitto.stop()
    engine.dispose()


def test_a_tablet_that_scans_all_the_while_gets_a_fresh_one(shop: Shop) -> None:
    """All its scans are stored; the fresh one is good, the one before no longer.

    Nobody but the tablet has ever had it: the registry's row and the command hold no secret.
    """
    before = shop.present()
    shop.ask()
    uplink = uplink_in(shop.folder, shop.url)
    uplink.start()
    spool = uplink._spool  # noqa: SLF001 - the test scans with it
    scans = 0

    def scanning_until_renewed() -> bool:
        nonlocal scans
        spool.add(SCAN)
        scans += 1
        uplink.wake()
        return shop.present() != before

    wait_until(scanning_until_renewed, WAIT_S)
    wait_until(lambda: shop.stored() == scans, WAIT_S)
    uplink.stop()
    fresh = shop.present()
    assert credential_matches(fresh, shop.row().credential_hash)
    assert shop.admits(fresh)
    assert not shop.admits(before)
    with reading(shop.engine) as db:
        command = db.exec(select(DeviceCommandRow)).one()
    assert fresh not in f"{command.payload}{command.detail}"
    assert command.outcome == "done"


def test_killed_once_the_server_has_it_and_before_it_is_used(shop: Shop) -> None:
    """It comes back with the fresh one, which it had kept; or with neither lost."""
    before = shop.row().credential_hash
    shop.ask()
    with shop.child():
        wait_until(lambda: shop.row().credential_hash != before, WAIT_S)
    comes_back(shop)
    assert credential_matches(shop.present(), shop.row().credential_hash)


def test_killed_once_it_is_kept_and_before_the_server_has_it(shop: Shop) -> None:
    """It comes back with the one before, is asked again, and answers with what it had made."""
    before = shop.row().credential_hash
    shop.ask()
    with shop.child("held"):
        wait_until((shop.folder / FILE).exists, WAIT_S)
    assert shop.row().credential_hash == before
    made = (shop.folder / FILE).read_text()
    comes_back(shop)
    assert shop.present() == made
    assert credential_matches(made, shop.row().credential_hash)


def comes_back(shop: Shop) -> None:
    """Start the tablet anew: its scan is stored, and the fresh credential is its present one."""
    uplink = uplink_in(shop.folder, shop.url)
    uplink._spool.add(SCAN)  # noqa: SLF001 - the test scans with it
    uplink.start()
    wait_until(lambda: shop.stored() == 1, WAIT_S)
    wait_until(lambda: not (shop.folder / FILE).exists(), WAIT_S)
    uplink.stop()
