"""Everything that runs in a run, each a process of its own that can be killed and started.

Owns the processes and their files. Decides nothing: it strikes where it is told to.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from cart.db import make_engine
from firmware_sim.children import Child, Command
from firmware_sim.goods import generate
from firmware_sim.goods.codes import gln
from firmware_sim.phone import Phone
from firmware_sim.shop import Shop
from tests.chaos.devices import GATE, Kept, look, spool_path
from tests.chaos.notes import take_notes
from tests.chaos.plan import Plan
from tests.real.balancer import Balancer
from tests.real.broker import Mosquitto
from tests.real.clock import MovableClock, NoMovableClock, movable_clock
from tests.real.postgres import DURABLE, PostgresServer, running_postgres
from tests.real.shop_broker import shop_broker

LOCATION: Final = "harbour-street"
# Of a chain: each in a partition of its own (test_plan.py), so that every gateway has some.
LOCATIONS: Final = (LOCATION, "station", "chain-4", "chain-5", "chain-6", "chain-7")
ROOT: Final = Path(__file__).parents[2]
DATABASE: Final = "chaos"
# Behind everything that others need comes what needs it.
ORDER: Final = ("postgresql", "broker", "gateway", "api")


class Stage:
    """The running parts: ``gateway``, ``api``, ``broker``, ``postgresql``, ``devices-0`` and on.

    In a chain also ``gateway-2`` and on, ``api-2`` and on, and PostgreSQL's ``clock``.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        shop: Shop,
        *,
        broker: Mosquitto | None,
        postgres: PostgresServer | None,
        balancer: Balancer | None = None,
        clock: MovableClock | None = None,
    ) -> None:
        self.plan = plan
        self._clock = clock
        self._balancer = balancer
        self.shop = shop
        self._folder = folder
        self._broker = broker
        self.postgres = postgres
        self._hosts: dict[str, Child] = {}
        self.device_ids: list[str] = []
        self.phones: list[Phone] = []
        self.database_url = f"sqlite:///{shop.data_dir / 'carryover.db'}"

    def open(self) -> None:
        """Enrol the devices, start the shop; nobody speaks yet."""
        self.allow(0)
        self.shop.start()
        if self._balancer is not None:
            apis = [one for one in self.plan.servers if one.startswith("api")]
            self._balancer.serve([self.shop.http_port(one) for one in apis])
            with self.database() as db:
                take_notes(db)
                db.commit()
        facts = self._enrolled(LOCATIONS if self.plan.chain else (LOCATION,))
        self.device_ids = [str(one["device_id"]) for one in facts]
        for host in range(self.plan.scale.hosts):
            self._host_folder(host).mkdir(parents=True)
            numbers = range(host, self.plan.scale.devices, self.plan.scale.hosts)
            told = {
                "seed": self.plan.seed,
                "scale": asdict(self.plan.scale),
                "devices": [{**facts[number], "number": number} for number in numbers],
            }
            (self._host_folder(host) / "host.json").write_text(json.dumps(told))

    def _enrolled(self, locations: Sequence[str]) -> list[dict[str, Any]]:
        """Enrol all devices; neighbours by number stand in different locations."""
        rows = []
        for place, one in enumerate(locations):
            count = len(range(place, self.plan.scale.devices, len(locations)))
            said = self.shop.command(
                "gateway.cli", "devices", "enrol", "--kind", "tablet", "--location", one,
                "--count", str(count), "--redeem", "--json",
            )  # fmt: skip
            rows.append([json.loads(line) for line in said.splitlines()])
        return [one for row in zip_longest(*rows) for one in row if one is not None]

    @property
    def url(self) -> str:
        """Where phones reach the shop: its API, or what stands before several."""
        return self.shop.url if self._balancer is None else self._balancer.url

    def speak(self) -> None:
        """Switch all devices on."""
        for host in range(self.plan.scale.hosts):
            self._start_host(f"devices-{host}")

    def allow(self, events: int) -> None:
        """Let all devices together have said this many events, and then wait."""
        fresh = self._folder / f"{GATE}.new"
        fresh.write_text(str(events))
        fresh.replace(self._folder / GATE)

    def close(self) -> None:
        """End devices and shop; broker and database end with whoever opened them."""
        try:
            for host in self._hosts.values():
                host.kill()
        finally:
            self.shop.stop()

    def _host_folder(self, host: int) -> Path:
        return self._folder / f"devices-{host}"

    def _start_host(self, name: str) -> None:
        folder = self._folder / name
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = Command("tests.chaos.devices", (str(folder),), environment, folder / "host.log")
        self._hosts[name] = Child(name, command)

    # -- blows

    def kill(self, part: str) -> None:
        """End a part with SIGKILL."""
        if part == "postgresql" and self.postgres is not None:
            self.postgres.kill()
        elif part == "broker" and self._broker is not None:
            self._broker.kill()
        elif part in self._hosts:
            self._hosts.pop(part).kill()
        else:
            self.shop.kill(part)

    def freeze(self, part: str) -> None:
        """Stop a server process where it stands (SIGSTOP)."""
        os.kill(self.shop.pid(part), signal.SIGSTOP)

    def wake(self, part: str) -> None:
        """Let it go on."""
        os.kill(self.shop.pid(part), signal.SIGCONT)

    @property
    def has_clock(self) -> bool:
        """Whether the database's time of day can be set here: of a chain, with libfaketime."""
        return self._clock is not None

    def set_clock(self, ahead_s: int) -> None:
        """Set the time of day of a chain's database so far ahead of the right one."""
        assert self._clock is not None
        self._clock.move(ahead_s)

    def start_again(self, parts: tuple[str, ...]) -> None:
        """Start what was killed; others may be catching up meanwhile."""
        for part in sorted(parts, key=_place):
            if part == "postgresql" and self.postgres is not None:
                self.postgres.start()
            elif part == "broker" and self._broker is not None:
                self._broker.start()
            elif part.startswith("devices-"):
                self._start_host(part)
            else:
                self.shop.start_part(part)

    def host_pid(self, name: str) -> int:
        """Return the process id of some of the devices."""
        return self._hosts[name].pid

    def check(self) -> None:
        """Do nothing while everything runs.

        Raises:
            Unavailable: a part has ended by itself; its last lines are in the message.
        """
        self.shop.check()
        for host in self._hosts.values():
            host.check()

    # -- looking

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """Yield a connection to the shop's database; what is changed on it is rolled back."""
        engine = make_engine(self.database_url)
        try:
            with engine.connect() as db:
                yield db
        finally:
            engine.dispose()

    def kept(self) -> list[Kept]:
        """Return how far each device is, as its spool says."""
        return [look(self.spool_path(number)) for number in range(len(self.device_ids))]

    def spool_path(self, device: int) -> Path:
        """Return the file of a device's spool."""
        folder = self._host_folder(device % self.plan.scale.hosts)
        return spool_path(folder, self.device_ids[device])


def _place(part: str) -> int:
    kind = part if part in ORDER else part.partition("-")[0]
    return (*ORDER, kind).index(kind)


@contextmanager
def stage(plan: Plan, folder: Path) -> Iterator[Stage]:
    """Yield the shop of this plan, open and with its devices enrolled but silent."""
    with ExitStack() as stack:
        settings: dict[str, str] = {}
        postgres: PostgresServer | None = None
        broker: Mosquitto | None = None
        clock: MovableClock | None = None
        if plan.database == "postgresql":
            if plan.chain:
                with suppress(NoMovableClock):
                    clock = stack.enter_context(movable_clock())
            environment = clock.environment if clock else None
            postgres = stack.enter_context(running_postgres(DURABLE, environment))
            postgres.create(DATABASE)
            settings["DATABASE_URL"] = postgres.url(DATABASE)
        if plan.broker == "mosquitto":
            broker, told = stack.enter_context(shop_broker(folder / "shop", settings))
            settings |= told
        balancer: Balancer | None = None
        if plan.chain:
            balancer = Balancer()
            stack.callback(balancer.close)
            settings |= {"GATEWAY_SHARED": "true", "PUBLIC_URL": balancer.url.rstrip("/")}
        shop = Shop(folder / "shop" / "data", settings=settings, parts=plan.servers)
        generate(folder / "feeds", with_pictures=False)
        if plan.chain:
            _more_locations(folder / "feeds" / "locations.jsonl")
        shop.take_feeds(folder / "feeds")
        made = Stage(
            plan, folder, shop, broker=broker, postgres=postgres, balancer=balancer, clock=clock
        )
        if plan.database == "postgresql":
            made.database_url = settings["DATABASE_URL"]
        stack.callback(made.close)
        made.open()
        yield made


def _more_locations(path: Path) -> None:
    """Add the shops of a chain to those of the demo, each like the first."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for number, location in enumerate(LOCATIONS[1:], start=len(rows) + 1):
        rows.append({**rows[0], "location_id": location, "gln": gln(number)})
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rows), encoding="utf-8")


def wait_until(holds: Callable[[], bool], wait_s: float, pause_s: float = 0.1) -> bool:
    """Say whether ``holds()`` came true within ``wait_s``."""
    deadline = time.monotonic() + wait_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True
