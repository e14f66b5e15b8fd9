"""One load run from enrolment to report. Owns the order of things and the figures."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from firmware_sim.goods.assortment import products
from firmware_sim.load.crowd import Arrivals, Crowd, Gathering
from firmware_sim.load.fleet import Credential, Fleet
from firmware_sim.load.messages import Plan, messages
from firmware_sim.shop import Shop
from firmware_sim.timing import percentile
from gateway.wire.topics import parse

DRAIN_S: Final = 20.0  # past the last message; a receipt that takes longer is missing
PHONES_MAX: Final = 2_000  # one process holds their streams
GOODS_SEED: Final = 7
WARM_UP_ROUNDS: Final = 2  # each device has begun its visit before phones claim it


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked for. ``url`` empty: where enrolment says that devices connect.

    ``telemetry_every``: one message of so many of a device says how it is, 0 none.
    ``side_by_side``: the devices whose visits are on phones scan one right after the other.
    ``html``: phones ask for the cart page's parts too, as the page does.
    """

    devices: int
    rate: float
    seconds: float
    location: str
    url: str = ""
    phones: int = 0
    side_by_side: bool = False
    html: bool = False
    telemetry_every: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What came back. ``lost``: published, and not in the database. Times in milliseconds."""

    devices: int
    rate_asked: float
    rate_achieved: float
    seconds: float
    published: int
    broker_acks: int
    confirmed: int
    receipts_cover_all: bool
    stored: int
    lost: int
    dead_letters: int
    disconnects: int
    behind_schedule_ms: float
    receipt_p50_ms: float | None
    receipt_p95_ms: float | None
    receipt_p99_ms: float | None
    phones: int = 0
    phones_broken: int = 0
    phone_events: int = 0
    phone_p50_ms: float | None = None
    phone_p95_ms: float | None = None
    phone_p99_ms: float | None = None
    telemetry_p50_ms: float | None = None
    telemetry_p95_ms: float | None = None
    telemetry_p99_ms: float | None = None

    def as_json(self) -> str:
        """Return one line."""
        return json.dumps(asdict(self))

    def table(self) -> str:
        """Return it as people read it."""
        rows = [(name.replace("_", " "), value) for name, value in asdict(self).items()]
        return "\n".join(f"  {name:<22} {_shown(value):>12}" for name, value in rows)


def drive(shop: Shop, load: Load, ids: Ids, *, during: Callable[[], None] = lambda: None) -> Report:
    """Enrol, connect, publish, drain, count. ``during`` is called when half is published.

    Raises:
        Unavailable: devices cannot be enrolled or connected.
    """
    found = _enrol(shop, load)
    credentials = [_credential(facts) for facts in found]
    first = found[0]
    url = load.url or f"mqtt://{first['mqtt_host']}:{first['mqtt_port']}"
    spool = ids.new("load")
    secrets = [ids.token() for _ in range(min(load.phones, load.devices, PHONES_MAX))]
    warm_up = load.devices * WARM_UP_ROUNDS
    plan = Plan(
        device_ids=[one.address.device_id for one in credentials],
        spool=spool,
        rate=load.rate,
        count=warm_up + int(load.rate * load.seconds),
        gtins=[Gtin.parse(v.gtin) for p in products(GOODS_SEED) for v in p.variants],
        began=datetime.now(UTC),
        secrets=secrets,
        side_by_side=load.side_by_side,
        telemetry_every=load.telemetry_every,
    )
    prepared = messages(plan)
    dead_before = len(shop.dead_letters())
    made_s: dict[str, float] = {}
    crowd: Crowd | None = None
    arrivals = Arrivals()

    def note(event_id: str) -> None:
        made_s[event_id] = time.monotonic()

    spools = (spool, plan.telemetry_spool)
    fleet = Fleet(url, credentials, spools)
    try:
        fleet.connect()
        # Not measured: visits begin, caches fill, phones come.
        fleet.publish(prepared[:warm_up], load.rate, note)
        fleet.drain(DRAIN_S)
        fleet.heard.receipt_ms.clear()
        fleet.heard.telemetry_ms.clear()
        fleet.heard.late_ms = 0.0
        made_s.clear()
        if secrets:
            crowd = Crowd(Gathering(shop.url, secrets, html=load.html))
        half = warm_up + (len(prepared) - warm_up) // 2
        seconds = fleet.publish(prepared[warm_up:half], load.rate, note)
        during()
        seconds += fleet.publish(prepared[half:], load.rate, note)
        unconfirmed = fleet.drain(DRAIN_S)
        if crowd is not None:
            arrivals = crowd.arrivals(
                sum(
                    plan.secret_of(one.device) is not None and not one.telemetry
                    for one in prepared[warm_up:]
                )
            )
    finally:
        if crowd is not None:
            crowd.close()
        fleet.close()
    heard = fleet.heard
    timed = [(at_s - made_s[one]) * 1000 for one, at_s in arrivals.at_s.items() if one in made_s]
    stored = sum(one["events"] for one in shop.streams() if one["spool"] in spools)
    return Report(
        devices=load.devices,
        rate_asked=load.rate,
        rate_achieved=round((len(prepared) - warm_up) / seconds, 1),
        seconds=round(seconds, 2),
        published=heard.published,
        broker_acks=heard.acknowledged,
        confirmed=heard.confirmed,
        receipts_cover_all=unconfirmed == 0,
        stored=stored,
        lost=max(0, heard.published - stored),
        dead_letters=len(shop.dead_letters()) - dead_before,
        disconnects=heard.disconnects,
        behind_schedule_ms=round(heard.late_ms, 1),
        receipt_p50_ms=_part(heard.receipt_ms, 0.50),
        receipt_p95_ms=_part(heard.receipt_ms, 0.95),
        receipt_p99_ms=_part(heard.receipt_ms, 0.99),
        phones=len(secrets),
        phones_broken=arrivals.broken,
        phone_events=len(timed),
        phone_p50_ms=_part(timed, 0.50),
        phone_p95_ms=_part(timed, 0.95),
        phone_p99_ms=_part(timed, 0.99),
        telemetry_p50_ms=_part(heard.telemetry_ms, 0.50),
        telemetry_p95_ms=_part(heard.telemetry_ms, 0.95),
        telemetry_p99_ms=_part(heard.telemetry_ms, 0.99),
    )


def _enrol(shop: Shop, load: Load) -> list[Mapping[str, str | int]]:
    said = shop.command(
        "gateway.cli",
        *("devices", "enrol", "--kind", "tablet", "--location", load.location),
        *("--name", "load", "--count", str(load.devices), "--redeem", "--json"),
    )
    return [json.loads(line) for line in said.splitlines()]


def _credential(facts: Mapping[str, str | int]) -> Credential:
    address, _ = parse(str(facts["events_topic"]))
    return Credential(address, str(facts["credential"]))


def _part(values: list[float], share: float) -> float | None:
    found = percentile(values, share)
    return None if found is None else round(found, 2)


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)
