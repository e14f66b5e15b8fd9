"""A shop with devices that have something to show: what tests of operators' pages begin with."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlmodel import SQLModel, col, update

from cart.kernel.clock import to_us
from cart.picking.permissions import Permission, grant
from cart.picking.roles import Role
from gateway.ingest.batch import Domain, process
from gateway.ingest.read import read
from gateway.leases.model import CHORES
from gateway.leases.tables import GatewayMemberRow, LeaseRow
from gateway.monitor.tables import GatewayPulseRow
from gateway.mqtt import Incoming
from gateway.registry import service as registry
from gateway.registry.model import Seen
from gateway.registry.service import seen
from gateway.twin.service import set_desired
from gateway.wire.topics import PARTITION_NAMES
from inventory_api.catalogue.queries import sellables
from tests.cart.buying import HERE, LAMP
from tests.cart.floor import Floor
from tests.fakes.shop import UNKNOWN, Tablet

BEATS, BEAT_S = 180, 5


@dataclass
class Fleet:
    """Four devices: one at work, one low on power, one away, one never heard of."""

    floor: Floor
    tablets: dict[str, Tablet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("Tablet at the door", "Tablet by the lamps", "Scanner", "Spare tablet"):
            kind = "scanner" if name == "Scanner" else "tablet"
            self.tablets[name] = self._enrol(name, kind)

    def _enrol(self, name: str, kind: str) -> Tablet:
        floor = self.floor

        def act(db: Any) -> Any:  # noqa: ANN401 - a session
            token = registry.enrol(
                db, floor.clock, floor.ids, kind=kind, location_id=HERE, name=name
            )
            return registry.redeem(db, floor.clock, floor.ids, token=token)

        return Tablet(floor.do(act), floor.clock)

    @property
    def first(self) -> Tablet:
        """The one at work."""
        return self.tablets["Tablet at the door"]

    def hear(self, *messages: Incoming) -> None:
        """Take messages in as one batch."""
        domain = Domain(self.floor.clock, self.floor.ids, sellables)
        self.floor.do(lambda db: process(db, domain, [read(message) for message in messages]))

    def at_work(self) -> "Fleet":
        """Let them scan, report, fail and lose something; a gateway beats meanwhile."""
        door, lamps = self.first, self.tablets["Tablet by the lamps"]
        health = {"firmware": "0.1.0", "battery_percent": 83, "charging": True, "locale": "en"}
        self.hear(
            door.message(door.event("device.taken_up", {"visit": "v1"})),
            door.message(door.scanned("v1", LAMP)),
            door.message(door.event("device.health", health)),
            lamps.message(
                lamps.event("device.health", health | {"battery_percent": 12, "charging": False})
            ),
            lamps.message(lamps.event("device.taken_up", {"visit": "v2"}, sequence=9, previous=1)),
            self.unknown_scan(),
        )
        now_us = to_us(self.floor.clock.now())
        signs = [Seen(door.device.device_id, now_us, online=True),
                 Seen(lamps.device.device_id, now_us, online=True),
                 Seen(self.tablets["Scanner"].device.device_id, now_us, online=False)]  # fmt: skip
        self.floor.do(lambda db: seen(db, signs))
        self.floor.do(lambda db: set_desired(db, door.device.device_id, locale="pl"))
        self.beat()
        return self

    def shared(self) -> "Fleet":
        """Let the gateway that beats and a second one, which has just begun, share the partitions.

        p03 and p07 are free; the second one has the chores.
        """
        now = self.floor.clock.now()
        rows: list[SQLModel] = [
            GatewayMemberRow(id="m1", name="gateway", beat=9, started_at=now - timedelta(hours=1)),
            GatewayMemberRow(id="m2", name="gateway-2", beat=1, started_at=now),
        ]
        for number, name in enumerate(PARTITION_NAMES):
            holder = "m1" if number < len(PARTITION_NAMES) // 2 else "m2"
            free = name in {"p03", "p07"}
            rows.append(LeaseRow(name=name, holder="" if free else holder, fence=3))
        rows.append(LeaseRow(name=CHORES, holder="m2", fence=1))
        self.floor.do(lambda db: db.add_all(rows))
        return self

    def give(self, holder: str, *names: str) -> None:
        """Let a member take these leases, or nobody hold them."""
        wanted = update(LeaseRow).where(col(LeaseRow.name).in_(names))
        self.floor.do(lambda db: db.exec(wanted.values(holder=holder)))

    def unknown_scan(self) -> Incoming:
        """Return a scan of what is in no catalogue."""
        door = self.first
        return door.message(door.scanned("v1", UNKNOWN))

    def beat(self) -> None:
        """Write a quarter of an hour of one gateway's pulse, with a hole in it."""
        now = self.floor.clock.now()
        rows = [
            GatewayPulseRow(
                gateway="gateway",
                at_us=to_us(now - timedelta(seconds=BEAT_S * back)),
                span_ms=BEAT_S * 1000,
                taken=60 + back % 7 * 20,
                stored=55 + back % 7 * 20,
                duplicate=4,
                dead=1,
                batches=20,
                commit_us_sum=20 * (2_000 + back % 5 * 400),
                commit_us_max=9_000 + back % 11 * 1_500,
                held=(back + 3) % 9 * 12,
                held_max=10_000,
                connected=True,
            )
            for back in range(BEATS)
            if not 60 <= back < 75
        ]
        self.floor.do(lambda db: db.add_all(rows))


def operator(floor: Floor, number: str = "77") -> str:
    """Take an operator on and sign her in; return the token of her device."""
    entered = floor.enter(number, Role.ASSOCIATE)
    floor.do(
        lambda db: grant(db, floor.clock, staff_id=entered.staff.id, permission=Permission.OPERATOR)
    )
    return entered.token
