"""A shop's server side as child processes: gateways, APIs, and the command lines beside them.

Owns the processes and their data folder. Everything is asked as an operator
would ask it: by command line, file or HTTP; nothing of the server is imported.
"""

import json
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2

from cart.kernel.errors import Unavailable
from firmware_sim.children import PAUSE_S, Child, Command, run_command, stop_all

START_S: Final = 120.0  # five at once on a machine whose cores are all taken; two seconds as a rule
COMMAND_S: Final = 120.0
HOST: Final = "127.0.0.1"
PIN: Final = re.compile(r"\b\d{6}\b")
# What the surroundings may have set for another installation must not lead a shop astray.
FOREIGN: Final = (
    "DATABASE_URL",
    "MQTT_URL",
    "MQTT_PORT",
    "MQTT_PUBLIC_URL",
    "MQTT_CA_FILE",
    "MQTT_TLS_CERT_FILE",
    "MQTT_TLS_KEY_FILE",
    "MQTT_TLS_CLIENT_CA_FILE",
    "MQTT_VERSION",
    "GATEWAY_CLIENT_ID",
    "GATEWAY_NAME",
    "GATEWAY_SHARED",
    "MOSQUITTO_PASSWORD_FILE",
    "MOSQUITTO_PID_FILE",
    "PUBLIC_URL",
    "HTTP_HOST",
    "HTTP_PORT",
    "SMTP_URL",
    "SECRET_KEY",
    "API_NAME",
    "MONITOR_PORT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)
Part = str
"""``gateway`` or ``api``; a further one of several is ``gateway-2``, ``api-2``, by its name."""
PARTS: Final[tuple[Part, ...]] = ("gateway", "api")


class Shop:
    """One data folder and the server processes on it: ``parts``, two as a rule.

    ``settings``: environment of its processes on top of what this process has.
    A port of 0 takes a free one, and keeps it over restarts.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        mqtt_port: int = 0,
        http_port: int = 0,
        settings: Mapping[str, str] | None = None,
        parts: Sequence[Part] = PARTS,
    ) -> None:
        self._parts = parts
        self.data_dir = data_dir.resolve()
        self.log_dir = self.data_dir / "log"
        self._mqtt_port = mqtt_port
        self._http_ports: dict[Part, int] = {"api": http_port}
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self._environment = {**kept, "DATA_DIR": str(self.data_dir), **(settings or {})}
        self._children: dict[Part, Child] = {}
        self.url = ""
        self.log_dir.mkdir(parents=True, exist_ok=True)

    # -- command lines

    def command(self, module: str, *arguments: str, timeout_s: float = COMMAND_S) -> str:
        """Run a command line (``inventory_api.cli``, ``gateway.cli``) and return what it said.

        Raises:
            Unavailable: it failed; the message has its own words.
        """
        command = Command(module, arguments, self._environment, self.log_dir / "commands.log")
        return run_command(command, timeout_s)

    def take_feeds(self, folder: Path) -> str:
        """Import a folder of feeds; return the report."""
        return self.command("inventory_api.cli", "import", str(folder))

    def token(self, location: str, name: str = "", kind: str = "tablet") -> str:
        """Return a one-time token for one device."""
        arguments = ("devices", "enrol", "--kind", kind, "--location", location, "--name", name)
        return self.command("gateway.cli", *arguments).strip()

    def tokens(self, location: str, name: str, kind: str, count: int) -> list[str]:
        """Return one-time tokens for as many devices, from one command."""
        arguments = ("devices", "enrol", "--kind", kind, "--location", location, "--name", name)
        return self.command("gateway.cli", *arguments, "--count", str(count)).split()

    def hire(self, location: str, name: str, number: str, *more: str) -> str:
        """Take somebody on at a location; return her PIN.

        Raises:
            Unavailable: refused, or no PIN was said.
        """
        arguments = ("staff", "add", "--location", location, "--name", name, "--number", number)
        said = self.command("mobile_api.cli", *arguments, *more)
        found = PIN.search(said)
        if found is None:
            msg = f"no PIN in what was said: {said}"
            raise Unavailable(msg)
        return found.group()

    def streams(self) -> list[dict[str, Any]]:
        """Return what the gateway has of every spool."""
        found: list[dict[str, Any]] = json.loads(
            self.command("gateway.cli", "devices", "streams", "--json")
        )
        return found

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters, the newest first."""
        said = self.command("gateway.cli", "dead-letters", "list", "--json", "--limit", "10000")
        return [json.loads(line) for line in said.splitlines()]

    def move(self, location: str, sku: str, delta: int) -> str:
        """Book pieces in or out, as a till does.

        Raises:
            Unavailable: refused; nothing has changed.
        """
        reason = "sold" if delta < 0 else "received"
        return self.command(
            "inventory_api.cli", "move", location, sku, str(delta), "--reason", reason
        )

    # -- processes

    def change(self, settings: Mapping[str, str]) -> None:
        """Let what is started or commanded from now on have these settings on top."""
        self._environment |= settings

    def start(self) -> None:
        """Start gateways and APIs; return when all are ready.

        Raises:
            Unavailable: one is not, and ended or too slow; all are ended.
        """
        try:
            for part in self._parts:
                self._launch(part)
            for part in self._parts:
                self._wait_announced(part)
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def start_part(self, part: Part) -> None:
        """Start one process and wait until it is ready."""
        self._launch(part)
        self._wait_announced(part)
        self.wait_ready()

    def _launch(self, part: Part) -> None:
        log = self.log_dir / f"{part}.log"
        if _is_gateway(part):
            own = {"MQTT_PORT": str(self._mqtt_port), "GATEWAY_NAME": part}
            command = Command("gateway.cli", ("run",), {**self._environment, **own}, log)
        else:
            arguments = ("run", "--port", str(self._http_ports.get(part, 0)))
            own = {"API_NAME": part}
            command = Command("mobile_api.cli", arguments, {**self._environment, **own}, log)
        self._children[part] = Child(part, command)

    def _wait_announced(self, part: Part) -> None:
        child = self._children[part]
        child.wait_until(lambda: self._announced(part).get("pid") == child.pid, "its run", START_S)
        facts = self._announced(part)
        if _is_gateway(part):
            self._mqtt_port = int(facts.get("mqtt_port", self._mqtt_port))
            return
        self._http_ports[part] = int(facts["http_port"])
        if part == "api":
            self.url = str(facts["url"])

    def wait_ready(self) -> None:
        """Return when each API says that it, its database and its broker answer."""
        for part, child in self._children.items():
            if not _is_gateway(part):
                child.wait_until(partial(self._ready, part), "its being ready", START_S)

    def _ready(self, part: Part) -> bool:
        url = f"http://{HOST}:{self._http_ports[part]}/health/ready"
        try:
            return httpx2.get(url, timeout=2.0).is_success
        except httpx2.HTTPError:
            return False

    def _announced(self, part: Part) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads(
                (self.data_dir / "run" / f"{part}.json").read_text(encoding="utf-8")
            )
        except FileNotFoundError:
            return {}
        return facts

    @property
    def mqtt_port(self) -> int:
        """Port of the embedded broker."""
        return self._mqtt_port

    def http_port(self, part: Part) -> int:
        """Return the port of an API, once it has been started."""
        return self._http_ports[part]

    def pid(self, part: Part) -> int:
        """Return a process id."""
        return self._children[part].pid

    def check(self) -> None:
        """Do nothing while all processes run.

        Raises:
            Unavailable: one has ended; its last lines are in the message.
        """
        for child in self._children.values():
            child.check()

    def kill(self, part: Part) -> None:
        """End one as a power cut would (SIGKILL)."""
        self._children.pop(part).kill()

    def stop_part(self, part: Part) -> None:
        """End one in order."""
        self._children.pop(part).stop()

    def restart(self, part: Part) -> None:
        """Start one anew, on the same port; one that still runs is ended in order first."""
        if part in self._children:
            self.stop_part(part)
        self.start_part(part)

    def stop(self) -> None:
        """End everything: the APIs first, so that streams close while the broker is there."""
        order = sorted(self._children, key=_is_gateway)
        stop_all([self._children[part] for part in order])
        self._children.clear()

    # -- waiting

    def wait_for_product(self, code: str) -> None:
        """Return when the API shows this product.

        Raises:
            Unavailable: it did not.
        """
        address = f"{self.url}api/v1/catalogue/items/{code}"
        deadline = time.monotonic() + START_S
        while not httpx2.get(address, timeout=5.0).is_success:
            if time.monotonic() > deadline:
                msg = f"the API does not show {code}"
                raise Unavailable(msg)
            time.sleep(PAUSE_S)


def _is_gateway(part: Part) -> bool:
    return part.partition("-")[0] == "gateway"


def usual_or_free(port: int) -> int:
    """Return ``port``, or 0 (any free one) when something listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return 0
    return port
