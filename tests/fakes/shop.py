"""A small shop in a database: three articles, stock, one enrolled tablet; and its messages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from gateway.ingest.batch import Domain, Outcome, process
from gateway.ingest.read import read
from gateway.mqtt import Incoming
from gateway.ports import Bands
from gateway.registry import service as registry
from gateway.registry.model import Enrolled
from gateway.wire.topics import Channel, DeviceAddress
from inventory_api.catalogue.queries import sellables
from inventory_api.catalogue.tables import LocationRow, PriceRow, ProductRow, VariantRow

LAMP, MUG, JACKET = Gtin("4006381333931"), Gtin("96385074"), Gtin("036000291452")
UNKNOWN = Gtin("9506000134352")
LOCATION = "harbour-street"
ARTICLES = ((LAMP, "LAMP-1", "arc-lamp", 18900), (MUG, "MUG-1", "mug", 1200),
            (JACKET, "JKT-1", "jacket", 9900))  # fmt: skip


def stock_catalogue(engine: Engine) -> None:
    """Write the three articles and the location."""
    with unit_of_work(engine) as db:
        db.add(
            LocationRow(
                id=LOCATION,
                gln="9506000134369",
                name="Harbour Street",
                country="NL",
                timezone="Europe/Amsterdam",
            )
        )
        for gtin, sku, product_id, price_minor in ARTICLES:
            db.add(ProductRow(id=product_id, name=product_id.title()))
            db.flush()
            db.add(VariantRow(sku=sku, gtin=gtin, product_id=product_id))
            db.flush()
            db.add(PriceRow(sku=sku, currency="EUR", price_minor=price_minor))


def enrolled(
    engine: Engine, clock: Clock, ids: Ids, kind: str = "tablet", location_id: str = LOCATION
) -> Enrolled:
    """Enrol one device."""
    with unit_of_work(engine) as db:
        token = registry.enrol(db, clock, ids, kind=kind, location_id=location_id)
        return registry.redeem(db, clock, ids, token=token)


@dataclass
class Tablet:
    """Speaks for one device: makes its messages with rising sequence numbers."""

    device: Enrolled
    clock: Clock
    spool: str = "spool-1"
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def address(self) -> DeviceAddress:
        """Where it lives on the broker."""
        device = self.device
        return DeviceAddress(device.partition, device.location_id, device.device_id)

    def event(self, kind: str, data: dict[str, Any], **over: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the CloudEvent as a dictionary; ``over`` replaces attributes."""
        sequence = over.pop("sequence", None) or next(self.numbers)
        at = self.clock.now() + timedelta(microseconds=sequence)
        return {
            "specversion": "1.0",
            "id": f"{self.spool}-{sequence}",
            "source": f"/devices/{self.device.device_id}",
            "type": f"carryover.{kind}",
            "time": at.isoformat(),
            "datacontenttype": "application/json",
            "spool": self.spool,
            "sequence": sequence,
            "previous": sequence - 1,
            "data": data,
            **over,
        }

    def scanned(self, visit: str, gtin: str = LAMP, **over: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return a scan."""
        return self.event("item.scanned", {"visit": visit, "gtin": gtin}, **over)

    def message(self, event: dict[str, Any] | bytes, channel: Channel = Channel.EVENTS) -> Incoming:
        """Return the message as it comes from the broker."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        return Incoming(self.address.topic(channel), payload, 1, 1, retain=False, generation=1)


def ingest(
    engine: Engine, clock: Clock, ids: Ids, *messages: Incoming, bands: Bands | None = None
) -> Outcome:
    """Process the messages as one batch; ``bands`` knows who has which wristband."""
    domain = Domain(clock, ids, sellables, bands)
    with unit_of_work(engine) as db:
        return process(db, domain, [read(message) for message in messages])
