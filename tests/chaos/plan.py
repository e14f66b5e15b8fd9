"""What happens in one run, all of it out of one seed: who says what, who is killed, and when. Pure.

Owns the dice. Starts nothing, and knows no clock: moments are counted in events said,
so that a seed strikes at the same places of the stream on a slow machine and a fast one.
Between two blows the stream waits for whoever is slow to start, a little before the
next one: it runs whenever something is killed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash
from gateway.wire.events import (
    HealthData,
    PutDownData,
    QuantityData,
    RemovedData,
    ScannedData,
    TakenUpData,
)
from store_devices.sayings import Saying

Broker = Literal["mosquitto", "embedded"]
Database = Literal["postgresql", "sqlite"]

SHOPS: Final[tuple[tuple[Broker, Database], ...]] = (
    ("mosquitto", "sqlite"),
    ("mosquitto", "postgresql"),
    ("embedded", "sqlite"),
    ("embedded", "postgresql"),
)
"""The four shops that a run can be of; four seeds in a row are each of them once.

Every second one on Mosquitto and PostgreSQL is a chain: three gateways, two APIs, six shops.
"""
TWO_AT_ONCE: Final = 0.35  # of the blows: what is down together is where cleverness breaks
PAUSE_MAX_S: Final = 1.0  # before what was killed is started again
EARLIEST, LATEST = 0.05, 0.92  # of the stream: it runs before the first blow, and after the last
VISIT_MIN, VISIT_MAX = 15, 120  # events of one person with one device
VISIT_GOODS: Final = 12
REMOVED, SET, HEALTH, UNKNOWN = 0.05, 0.05, 0.03, 0.003  # shares of what is said
SECRET_BYTES: Final = 24
FROZEN: Final = 0.5  # of the blows on gateways of a chain
FROST_MIN_S, FROST_MAX_S = 5.0, 8.0  # past a lease of 3 s: another one has the work when it wakes
CLOCK: Final = "clock"
"""Of a chain's database: a part that is struck by being set."""
CLOCK_MOVES_S: Final = (3_600, -3_600)  # each once a run; far beyond every wait there is


@dataclass(frozen=True, slots=True)
class Goods:
    """What can be scanned: codes of the catalogue, and sound codes that are in none."""

    known: Sequence[Gtin]
    unknown: Sequence[Gtin]


@dataclass(frozen=True, slots=True)
class Scale:
    """How big a run is. ``rate``: events a second that all devices together say, at most.

    ``blows``: how often something is killed; more often if there are more kinds of parts.
    ``gateways`` and ``apis``: of a chain; a shop has one of each. ``patience_s``: for how long a
    shopper asks again when she is told "later", or nothing: longer than anything is away.
    """

    events: int = 20_000
    hosts: int = 3
    devices_per_host: int = 8
    phones: int = 6
    shoppers: int = 2
    rate: float = 1_500.0
    blows: int = 10
    gateways: int = 3
    apis: int = 2
    patience_s: float = 45.0

    @property
    def devices(self) -> int:
        """How many there are."""
        return self.hosts * self.devices_per_host


@dataclass(frozen=True, slots=True)
class Blow:
    """At the moment when ``at_event`` events are said, these are killed.

    They are started again ``pause_s`` later. ``frozen``: they are stopped and woken instead.
    ``moved_s``: how far the clock is set ahead, if it is struck, until then.
    """

    at_event: int
    parts: tuple[str, ...]
    pause_s: float
    frozen: bool = False
    moved_s: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    seed: int
    scale: Scale
    broker: Broker
    database: Database
    blows: tuple[Blow, ...]
    chain: bool = False

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the server processes: one gateway and one API, several in a chain."""
        if not self.chain:
            return ("gateway", "api")
        return tuple(
            name if number == 1 else f"{name}-{number}"
            for name, count in (("gateway", self.scale.gateways), ("api", self.scale.apis))
            for number in range(1, count + 1)
        )

    def count(self, device: int) -> int:
        """Return how many events this device says."""
        whole, rest = divmod(self.scale.events, self.scale.devices)
        return whole + (device < rest)

    def secret(self, device: int) -> str:
        """Return the claim secret of the device's first visit; phones take the first devices."""
        return Random(f"{self.seed} secret {device}").randbytes(SECRET_BYTES).hex()

    def allowed(self, device: int, events: int) -> int:
        """Return how many a device may have said when all together may have said ``events``."""
        return -(-self.count(device) * min(events, self.scale.events) // self.scale.events)

    def watched(self, device: int) -> bool:
        """Say whether a phone has this device's visit, which then lasts for the whole run."""
        return device < self.scale.phones


def plan_of(seed: int, scale: Scale) -> Plan:
    """Return the run of this seed: the same seed, the same run."""
    dice = Random(f"{seed} plan")
    broker, database = SHOPS[seed % len(SHOPS)]
    plan = Plan(seed, scale, broker, database, (), chain=is_chain(seed))
    parts = [*plan.servers, *(f"devices-{host}" for host in range(scale.hosts))]
    parts += ["broker"] if broker == "mosquitto" else []
    parts += ["postgresql"] if database == "postgresql" else []
    blows = [*_blows(dice, parts, scale)]
    if plan.chain:
        blows = _with_clock(dice, [*_with_frost(dice, blows)], scale)
    return replace(plan, blows=tuple(blows))


def is_chain(seed: int) -> bool:
    """Say whether this run has several gateways: every second one on Mosquitto and PostgreSQL."""
    shops = len(SHOPS)
    return SHOPS[seed % shops] == ("mosquitto", "postgresql") and seed // shops % 2 == 1


def _with_frost(dice: Random, blows: Sequence[Blow]) -> Iterator[Blow]:
    """Freeze some gateways past their lease instead of killing them."""
    for blow in blows:
        gateways = all(part.startswith("gateway") for part in blow.parts)
        if gateways and dice.random() < FROZEN:
            pause_s = round(dice.uniform(FROST_MIN_S, FROST_MAX_S), 3)
            yield replace(blow, frozen=True, pause_s=pause_s)
        else:
            yield blow


def _with_clock(dice: Random, blows: Sequence[Blow], scale: Scale) -> list[Blow]:
    """Set the database's clock as well, forward once and back once, for longer than a lease."""
    struck = {blow.at_event for blow in blows}
    left = [one for one in _span(scale) if one not in struck]
    moves = [
        Blow(at, (CLOCK,), round(dice.uniform(FROST_MIN_S, FROST_MAX_S), 3), moved_s=moved_s)
        for at, moved_s in zip(dice.sample(left, len(CLOCK_MOVES_S)), CLOCK_MOVES_S, strict=True)
    ]
    return sorted([*blows, *moves], key=lambda blow: blow.at_event)


def _span(scale: Scale) -> range:
    return range(int(scale.events * EARLIEST), int(scale.events * LATEST))


def _blows(dice: Random, parts: Sequence[str], scale: Scale) -> Iterator[Blow]:
    count = max(scale.blows, len(parts))
    struck = [*parts, *(dice.choice(parts) for _ in range(count - len(parts)))]
    dice.shuffle(struck)
    for part, at_event in zip(struck, sorted(dice.sample(_span(scale), count)), strict=True):
        also = {dice.choice(parts)} if dice.random() < TWO_AT_ONCE else set()
        both = (part, *sorted(also - {part}))
        yield Blow(at_event, both, round(dice.uniform(0, PAUSE_MAX_S), 3))


def script(plan: Plan, device: int, goods: Goods) -> list[Saying]:
    """Return all that a device says, in order; its n-th saying gets the sequence number n."""
    dice = Random(f"{plan.seed} device {device}")
    count = plan.count(device)
    said: list[Saying] = []
    visit = 0
    while len(said) < count:
        length = count if plan.watched(device) else dice.randint(VISIT_MIN, VISIT_MAX)
        name = f"chaos-{plan.seed}-{device}-{visit}"
        claim = secret_hash(plan.secret(device)) if visit == 0 else None
        said += [
            TakenUpData(visit=name, claim_hash=claim),
            *_visit(name, dice, length - 2, goods),
            PutDownData(visit=name),
        ]
        visit += 1
    return said[:count]


def _visit(visit: str, dice: Random, length: int, goods: Goods) -> Iterator[Saying]:
    chosen = dice.sample(goods.known, VISIT_GOODS)
    for _ in range(length):
        roll, gtin = dice.random(), dice.choice(chosen)
        if (roll := roll - REMOVED) < 0:
            yield RemovedData(visit=visit, gtin=gtin)
        elif (roll := roll - SET) < 0:
            yield QuantityData(visit=visit, gtin=gtin, quantity=dice.randint(0, 9))
        elif (roll := roll - HEALTH) < 0:
            yield HealthData(firmware="chaos", battery_percent=dice.randint(5, 100))
        elif (roll := roll - UNKNOWN) < 0:
            yield ScannedData(visit=visit, gtin=dice.choice(goods.unknown))
        else:
            yield ScannedData(visit=visit, gtin=gtin, quantity=dice.randint(1, 3))
