"""Files for a real Mosquitto: its configuration, and the registry as its password file.

Writes files and sends SIGHUP; connects to nothing. Whoever changes a credential
calls :func:`tell_mosquitto` after the commit.
"""

import fcntl
import logging
import os
import shutil
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from string import Template

from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.ids import Ids
from gateway.broker.access import SERVER_USER
from gateway.broker.key import broker_key
from gateway.mosquitto_rules import MARK, rules
from gateway.registry.model import credential_hash
from gateway.registry.queries import addresses, credential_hashes
from gateway.settings import MqttSettings
from gateway.wire.tls import server_context
from gateway.wire.topics import DeviceAddress

logger = logging.getLogger(__name__)

RULES, SERVER_RULES, SERVER_PASSWORDS = "acl", "server-acl", "server-passwords"
FILE_MODE = 0o640  # hashes of random secrets: not secret, and nobody else's business


@dataclass(frozen=True, slots=True)
class BrokerTls:
    """Files of Mosquitto's TLS (PEM); the user who runs it has to be able to read them.

    ``cert_file`` holds the chain too. With ``client_ca_file`` devices need a certificate
    that this CA has signed, beside their credential.
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None

    def lines(self, *, clients_too: bool) -> str:
        """Return the listener's lines; ``clients_too``: it asks clients for a certificate."""
        lines = [f"certfile {self.cert_file.resolve()}", f"keyfile {self.key_file.resolve()}"]
        if clients_too and self.client_ca_file:
            lines += [f"cafile {self.client_ca_file.resolve()}", "require_certificate true"]
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """Where things are and who runs the broker, for ``mosquitto.conf``."""

    folder: Path
    port: int = 1883
    server_port: int = 1884
    bind: str = ""  # all interfaces: devices come from the shop's network
    user: str = "mosquitto"
    server_bind: str = "127.0.0.1"  # without TLS: a secret in the clear
    # For devices; for server processes too if they come from elsewhere.
    tls: BrokerTls | None = None

    @property
    def server_tls(self) -> bool:
        """Whether server processes have to speak TLS: not on the broker's own machine."""
        return self.tls is not None and not _is_loopback(self.server_bind)

    @property
    def conf(self) -> Path:
        """The configuration file."""
        return self.folder / "mosquitto.conf"

    @property
    def passwords(self) -> Path:
        """The password file."""
        return self.folder / "passwords"


def write_broker_files(engine: Engine, settings: MqttSettings, ids: Ids, out: BrokerFiles) -> None:
    """Write ``mosquitto.conf``, rules, passwords and the data folder into ``out.folder``.

    Raises:
        InvalidInput: certificate and key cannot be used together, or the client CA cannot.
    """
    rules_file = out.folder / RULES
    if rules_file.exists() and MARK not in rules_file.read_text(encoding="utf-8"):
        rules_file.unlink()  # of a version that had one rule for all devices
    if out.tls:
        server_context(out.tls.cert_file, out.tls.key_file, out.tls.client_ca_file)  # they fit
    folder = out.folder.resolve()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    ours = files("gateway")
    conf = Template((ours / "mosquitto.conf").read_text(encoding="utf-8")).substitute(
        folder=folder,
        port=out.port,
        server_port=out.server_port,
        server_bind=out.server_bind,
        bind=out.bind,
        user=out.user,
        device_tls=out.tls.lines(clients_too=True) if out.tls else "",
        server_tls=out.tls.lines(clients_too=False) if out.tls and out.server_tls else "",
    )
    _replace(folder / "mosquitto.conf", conf)
    _replace(folder / SERVER_RULES, (ours / "mosquitto-server.acl").read_text(encoding="utf-8"))
    _write_server_passwords(settings, ids, folder)
    (folder / RULES).touch(FILE_MODE)
    write_passwords(engine, settings, ids, folder / "passwords")
    if os.geteuid() == 0:  # as root the broker becomes its own user, who has to read and save
        for name in ("data", RULES, "passwords", SERVER_RULES, SERVER_PASSWORDS):
            shutil.chown(folder / name, user=out.user)


def _write_server_passwords(settings: MqttSettings, ids: Ids, folder: Path) -> None:
    """Write who may come in where server processes connect; an operator's own users stay."""
    path = folder / SERVER_PASSWORDS
    with _locked(path):
        others = [
            line
            for line in (path.read_text(encoding="utf-8") if path.exists() else "").splitlines()
            if line.partition(":")[0] != SERVER_USER
        ]
        secret = broker_key(settings.data_dir, ids)
        server = f"{SERVER_USER}:{credential_hash(secret)}"
        _replace(path, "".join(f"{line}\n" for line in (server, *others)))


def write_passwords(engine: Engine, settings: MqttSettings, ids: Ids, path: Path) -> None:
    """Write the registry's devices into a Mosquitto password file, whole or not at all.

    Lines of users that are no devices of ours stay. The server's own user has a file of
    its own; where there is none, it is added here if it is missing, with the secret of
    ``DATA_DIR/broker.key``. What each device may do goes into ``acl`` beside the file, if
    that is there (of a version before it had this rule: until the files are written anew).
    """
    with _locked(path):
        with reading(engine) as db:  # inside the lock: the last writer has the newest registry
            devices = credential_hashes(db)
            known = addresses(db)
        _write_rules(path.with_name(RULES), known)
        apart = path.with_name(SERVER_PASSWORDS).exists()
        lines: dict[str, str] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                user = line.partition(":")[0]
                if line and user not in devices and not (apart and user == SERVER_USER):
                    lines[user] = line
        if SERVER_USER not in lines and not apart:
            secret = broker_key(settings.data_dir, ids)
            lines[SERVER_USER] = f"{SERVER_USER}:{credential_hash(secret)}"
        lines |= {user: f"{user}:{kept}" for user, kept in devices.items() if kept is not None}
        _replace(path, "".join(f"{line}\n" for line in lines.values()))


def _write_rules(path: Path, known: Collection[DeviceAddress]) -> None:
    """Write what devices may do, before the passwords that let them in."""
    before = path.read_text(encoding="utf-8") if path.exists() else None
    if before is not None and (not before or MARK in before):
        _replace(path, rules(known, before))


def tell_mosquitto(engine: Engine, settings: MqttSettings, ids: Ids) -> None:
    """Bring Mosquitto up to date with the registry, where the settings name its files.

    A broker that does not run reads the file when it starts.
    """
    if settings.mosquitto_password_file is None:
        return
    write_passwords(engine, settings, ids, settings.mosquitto_password_file)
    if settings.mosquitto_pid_file is None:
        return
    try:
        pid = int(settings.mosquitto_pid_file.read_text(encoding="ascii"))
        os.kill(pid, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, ValueError) as error:
        logger.warning("mosquitto was not told to read its passwords again: %s", error)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold others off who would write the same file; the lock goes with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, text: str) -> None:
    """Put ``text`` there at once, with the owner and mode of the file that was there."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if path.exists():
        before = path.stat()
        fresh.chmod(before.st_mode & 0o777)
        with suppress(PermissionError):  # only root can give a file away
            os.chown(fresh, before.st_uid, before.st_gid)
    fresh.replace(path)
