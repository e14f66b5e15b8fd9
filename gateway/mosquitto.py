"""Files for a real Mosquitto: its configuration, and the registry as its password file.

Writes files and sends SIGHUP; where its dynamic-security plug-in has the rules, that is told
too. Whoever changes a credential calls :func:`tell_mosquitto` after the commit.
"""

import fcntl
import json
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
from cart.kernel.clock import SystemClock
from cart.kernel.errors import InvalidInput, Unavailable
from cart.kernel.ids import Ids
from gateway.broker.access import SERVER_USER
from gateway.broker.key import CONTROL_FILE, broker_key
from gateway.broker_control import control_address, tell_news
from gateway.device_ca.authority import DeviceAuthority
from gateway.device_ca.service import withdrawn_serials
from gateway.dynamic_rules import Json, whole_file
from gateway.links import forget_session
from gateway.mosquitto_rules import MARK, rules
from gateway.registry.queries import addresses, credential_hashes, devices_by_id
from gateway.settings import MqttSettings
from gateway.wire.certificate import certificate_in
from gateway.wire.credential import credential_hash
from gateway.wire.tls import server_context
from gateway.wire.topics import DeviceAddress

logger = logging.getLogger(__name__)

RULES, SERVER_RULES, SERVER_PASSWORDS = "acl", "server-acl", "server-passwords"
CONTROL_USER = "control"  # no device id either; may speak to the plug-in and do nothing else
DYNAMIC_RULES = "data/dynamic-security.json"  # the broker writes it anew: in a folder of its own
# Read by the plug-in where server processes connect, and stays empty. It holds one set of
# clients for the whole broker, and saves it in the file that it has read last.
NO_CLIENTS = "no-clients.json"
# Certificates of revoked devices, where the shop's own CA has signed them.
WITHDRAWN = "withdrawn.crl"
KICK_WAIT_S = 5.0  # a revoked device's session is ended at the broker within this, or never
PLUGIN = "mosquitto_dynamic_security.so"
PLUGIN_PLACES = (  # of Debian, of other systems and containers, of Homebrew
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/opt/homebrew/lib",
)
FILE_MODE = 0o640  # hashes of random secrets: not secret, and nobody else's business


@dataclass(frozen=True, slots=True)
class BrokerTls:
    """Files of Mosquitto's TLS (PEM); the user who runs it has to be able to read them.

    ``cert_file`` holds the chain too. With ``client_ca_file`` devices need a certificate
    that this CA has signed, beside their credential, or with ``client_cert_alone`` in its
    place: then its common name is the device's id.
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_cert_alone: bool = False

    def lines(self, *, clients_too: bool, withdrawn: Path | None = None) -> str:
        """Return the listener's lines; ``clients_too``: it asks clients for a certificate.

        ``withdrawn``: the list of those that are good no longer.
        """
        lines = [f"certfile {self.cert_file.resolve()}", f"keyfile {self.key_file.resolve()}"]
        if clients_too and self.client_ca_file:
            lines += [f"cafile {self.client_ca_file.resolve()}", "require_certificate true"]
            if self.client_cert_alone:
                lines.append("use_identity_as_username true")
            if withdrawn:
                lines.append(f"crlfile {withdrawn}")
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
    # The dynamic-security plug-in, if it is to have the devices' rules; None: the file `acl` has.
    plugin: Path | None = None

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
        InvalidInput: certificate and key cannot be used together, or the client CA cannot;
            certificates alone, and no CA for them or no plug-in.
    """
    rules_file = out.folder / RULES
    if rules_file.exists() and MARK not in rules_file.read_text(encoding="utf-8"):
        rules_file.unlink()  # of a version that had one rule for all devices
    if out.plugin and not out.plugin.is_absolute():
        msg = f"the plug-in {out.plugin} has to be named by its whole path"
        raise InvalidInput(msg)
    lists = _is_ours(out.tls.client_ca_file if out.tls else None, settings)
    if (
        out.tls
        and out.tls.client_cert_alone
        and not (out.tls.client_ca_file and (out.plugin or lists))
    ):
        msg = (
            "--client-cert-alone needs --client-ca and --rules dynamic, or the CA that `gateway"
            " device-ca` makes: without either a device that was revoked stays on the line"
        )
        raise InvalidInput(msg)
    if out.tls:
        server_context(out.tls.cert_file, out.tls.key_file, out.tls.client_ca_file)  # they fit
    folder = out.folder.resolve()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    own_rules = (
        rules_file.read_text(encoding="utf-8").partition(MARK)[0] if rules_file.exists() else ""
    )
    ours = files("gateway")
    conf = Template((ours / "mosquitto.conf").read_text(encoding="utf-8")).substitute(
        folder=folder,
        port=out.port,
        server_port=out.server_port,
        server_bind=out.server_bind,
        bind=out.bind,
        user=out.user,
        device_tls=out.tls.lines(clients_too=True, withdrawn=folder / WITHDRAWN if lists else None)
        if out.tls
        else "",
        server_tls=out.tls.lines(clients_too=False) if out.tls and out.server_tls else "",
        server_plugin=_plugin_lines(out.plugin, folder / NO_CLIENTS),
        device_plugin=_plugin_lines(out.plugin, folder / DYNAMIC_RULES),
        device_rules="" if out.plugin and not own_rules else f"acl_file {folder / RULES}\n",
    )
    (folder / WITHDRAWN).unlink(missing_ok=True)
    if lists:
        (folder / WITHDRAWN).touch(FILE_MODE)
        _write_withdrawn(engine, settings, folder / WITHDRAWN)
    _replace(folder / "mosquitto.conf", conf)
    _replace(folder / SERVER_RULES, (ours / "mosquitto-server.acl").read_text(encoding="utf-8"))
    _write_server_passwords(settings, ids, folder, control=out.plugin is not None)
    (folder / RULES).touch(FILE_MODE)
    if out.plugin:
        _replace(folder / RULES, own_rules)
        _replace(folder / NO_CLIENTS, "{}\n")
        _write_dynamic_rules(engine, folder / DYNAMIC_RULES)
    else:
        (folder / NO_CLIENTS).unlink(missing_ok=True)
    write_passwords(engine, settings, ids, folder / "passwords")
    if os.geteuid() == 0:  # as root the broker becomes its own user, who has to read and save
        names = ["data", RULES, "passwords", SERVER_RULES, SERVER_PASSWORDS]
        names += [WITHDRAWN] if lists else []
        for name in [*names, *((NO_CLIENTS, DYNAMIC_RULES) if out.plugin else ())]:
            shutil.chown(folder / name, user=out.user)


def find_plugin() -> Path:
    """Return where this machine has Mosquitto's dynamic-security plug-in.

    Raises:
        InvalidInput: nowhere that we know of.
    """
    for place in PLUGIN_PLACES:
        if (found := Path(place) / PLUGIN).exists():
            return found
    msg = f"{PLUGIN} is not on this machine: say with --plugin where the broker's machine has it"
    raise InvalidInput(msg)


def _plugin_lines(plugin: Path | None, rules_file: Path) -> str:
    return f"plugin {plugin}\nplugin_opt_config_file {rules_file}\n" if plugin else ""


def _write_dynamic_rules(engine: Engine, path: Path) -> None:
    """Write what the plug-in reads when the broker starts; an operator's own in it stays."""
    before: Json = {}
    if path.exists():
        with suppress(ValueError):  # cut off: what it had is in the registry, or lost
            before = json.loads(path.read_text(encoding="utf-8"))
    with reading(engine) as db:
        devices = addresses(db)
    _replace(path, json.dumps(whole_file(devices, before)))


def _write_server_passwords(
    settings: MqttSettings, ids: Ids, folder: Path, *, control: bool
) -> None:
    """Write who may come in where server processes connect; an operator's own users stay."""
    path = folder / SERVER_PASSWORDS
    with _locked(path):
        others = [
            line
            for line in (path.read_text(encoding="utf-8") if path.exists() else "").splitlines()
            if line.partition(":")[0] not in {SERVER_USER, CONTROL_USER}
        ]
        ours = {SERVER_USER: broker_key(settings.data_dir, ids)}
        if control:
            ours[CONTROL_USER] = broker_key(settings.data_dir, ids, CONTROL_FILE)
        made = [f"{user}:{credential_hash(secret)}" for user, secret in ours.items()]
        _replace(path, "".join(f"{line}\n" for line in (*made, *others)))


def write_passwords(engine: Engine, settings: MqttSettings, ids: Ids, path: Path) -> None:
    """Write the registry's devices into a Mosquitto password file, whole or not at all.

    Lines of users that are no devices of ours stay. The server's own user has a file of
    its own; where there is none, it is added here if it is missing, with the secret of
    ``DATA_DIR/broker.key``. What each device may do goes into ``acl`` beside the file, if
    that is there (of a version before it had this rule: until the files are written anew)
    and the dynamic-security plug-in has not the rules.
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
    if path.with_name(NO_CLIENTS).exists():  # the plug-in has them
        return
    before = path.read_text(encoding="utf-8") if path.exists() else None
    if before is not None and (not before or MARK in before):
        _replace(path, rules(known, before))


def tell_mosquitto(engine: Engine, settings: MqttSettings, ids: Ids) -> None:
    """Bring Mosquitto up to date with the registry, where the settings name its files.

    A broker that does not run reads the file when it starts. Where the dynamic-security
    plug-in has the rules, it gets those of new devices before their passwords; what is
    missing besides is made by the gateway.
    """
    _tell_plugin(engine, settings, ids)
    if settings.mosquitto_password_file is None:
        return
    passwords = settings.mosquitto_password_file
    withdrawn = passwords.with_name(WITHDRAWN)
    gone: list[str] = []
    if withdrawn.exists():  # devices come by certificate
        gone = _revoked_since(engine, passwords)
        _write_withdrawn(engine, settings, withdrawn)
    write_passwords(engine, settings, ids, passwords)
    if settings.mosquitto_pid_file is None:
        return
    try:
        pid = int(settings.mosquitto_pid_file.read_text(encoding="ascii"))
        os.kill(pid, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, ValueError) as error:
        logger.warning("mosquitto was not told to read its passwords again: %s", error)
        return
    # With another password a connection ends by itself; one that came by certificate does not.
    for device_id in gone if settings.mqtt_url else ():
        if not forget_session(settings, device_id, KICK_WAIT_S):
            logger.warning("mosquitto was not told to end the connection of %s", device_id)


def _is_ours(client_ca: Path | None, settings: MqttSettings) -> bool:
    """Say whether this is the shop's own CA, so that we can list what is withdrawn."""
    authority = DeviceAuthority.of(settings) if client_ca else None
    return (
        client_ca is not None
        and authority is not None
        and client_ca.exists()
        and certificate_in(client_ca.read_text(encoding="ascii")) == authority.certificate
    )


def _revoked_since(engine: Engine, passwords: Path) -> list[str]:
    """Return the devices that may come in by the file as it is, and were revoked."""
    written = passwords.read_text(encoding="utf-8") if passwords.exists() else ""
    with reading(engine) as db:
        kept = credential_hashes(db)
    names = (line.partition(":")[0] for line in written.splitlines())
    return [name for name in names if name in kept and kept[name] is None]


def _write_withdrawn(engine: Engine, settings: MqttSettings, path: Path) -> None:
    authority = DeviceAuthority.of(settings)
    if authority is None:
        logger.error("the devices' CA is not on this machine: %s stays as it is", path)
        return
    clock = SystemClock()
    with _locked(path):
        with reading(engine) as db:
            serials = withdrawn_serials(db, clock)
        _replace(path, authority.withdrawn(serials, clock.now()).decode())


def _tell_plugin(engine: Engine, settings: MqttSettings, ids: Ids) -> None:
    address, passwords = control_address(settings), settings.mosquitto_password_file
    if address is None:
        if passwords and passwords.with_name(NO_CLIENTS).exists():
            logger.warning(
                "rules at Mosquitto are left to the gateway: MOSQUITTO_CONTROL_URL is not set"
            )
        return
    if passwords is None:
        return
    written = passwords.read_text(encoding="utf-8") if passwords.exists() else ""
    before = {line.partition(":")[0] for line in written.splitlines()}
    with reading(engine) as db:
        # Nobody has their credentials yet, so they cannot be connected.
        fresh = [one for one in addresses(db) if one.device_id not in before]
        revoked = [name for name, kept in credential_hashes(db).items() if kept is None]
        gone = devices_by_id(db, before.intersection(revoked)).values()
    try:
        tell_news(address, ids, fresh, [one.address for one in gone])
    except Unavailable as error:
        logger.warning("the rules at Mosquitto will be made by the gateway: %s", error.message)


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
