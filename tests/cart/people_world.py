"""People for rules: sessions, joinings, consents, carts, stock, interactions, put straight in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Final

from sqlalchemy import Engine, delete
from sqlmodel import Session

from cart.carts.tables import CartLineRow, CartRow, ShopperSessionRow
from cart.db import unit_of_work
from cart.journeys.segments import keeping, service
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.rule import Group, Leaf
from cart.kernel.clock import Clock
from cart.kernel.ids import SeededIds
from cart.profile.consent import queries as consent_queries
from cart.profile.consent import service as consents
from cart.profile.consent.model import VERSIONS, How, Purpose, Shown, Source, Subject
from cart.profile.tables import CustomerRow, JoiningRow
from cart.profile.timeline import service as timeline
from cart.profile.timeline.model import Channel, Interaction, Kind
from inventory_api.catalogue.tables import LocationRow, ProductRow, VariantRow
from inventory_api.kinds import Kinds
from inventory_api.stock.tables import StockRow

SOFA, SOFA_RED, LAMP, MUG, UNKNOWN = (f"0000000000000{number}" for number in range(1, 6))
GOODS: Final = (
    (SOFA, "SOFA-1", "sofa", "sofas", "Nord"),
    (SOFA_RED, "SOFA-2", "sofa", "sofas", "Nord"),
    (LAMP, "LAMP-1", "lamp", "lamps", "Nord"),
    (MUG, "MUG-1", "mug", "", ""),
)
# Amsterdam, Haarlem (some 17 km away), Berlin (some 580), and one of which nobody said where.
HARBOUR, HAARLEM, BERLIN, NOWHERE = "harbour", "haarlem", "berlin", "nowhere"
PLACES: Final = (
    (HARBOUR, 52.3676, 4.9041),
    (HAARLEM, 52.3874, 4.6462),
    (BERLIN, 52.52, 13.405),
    (NOWHERE, None, None),
)
CATALOGUE: Final = Kinds()


def stock_shops(db: Session) -> None:
    """Write four locations and four articles."""
    for number, (location_id, latitude, longitude) in enumerate(PLACES):
        db.add(
            LocationRow(
                id=location_id,
                gln=f"950600013436{number}",
                name=location_id.title(),
                country="NL",
                timezone="Europe/Amsterdam",
                latitude=latitude,
                longitude=longitude,
            )
        )
    for product_id in {one[2] for one in GOODS}:
        category, brand = next(one[3:] for one in GOODS if one[2] == product_id)
        db.add(ProductRow(id=product_id, name=product_id, category=category, brand=brand))
    db.flush()
    for gtin, sku, product_id, *_ in GOODS:
        db.add(VariantRow(sku=sku, gtin=gtin, product_id=product_id))
    db.flush()


@dataclass
class People:
    """Makes people and what they do, at the clock's time less ``ago`` days."""

    engine: Engine
    clock: Clock
    ids: SeededIds = field(default_factory=lambda: SeededIds(3))
    prefix: str = "test"
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def shops(self) -> None:
        """Write the locations and articles."""
        with unit_of_work(self.engine) as db:
            stock_shops(db)

    def stocked(self, pieces: Iterable[tuple[str, str]]) -> None:
        """Let exactly these (location id, SKU) be in stock, a piece each."""
        with unit_of_work(self.engine) as db:
            db.execute(delete(StockRow))
            for location_id, sku in set(pieces):
                db.add(StockRow(location_id=location_id, sku=sku, on_hand=2, safety_stock=1))

    def session(self, name: str, *, customer: bool = False, locale: str = "en") -> str:
        """Make somebody; return her session, which is named so, as is the customer she is."""
        with unit_of_work(self.engine) as db:
            now = self.clock.now()
            db.add(CartRow(id=f"cart-{name}", created_at=now))
            if customer:
                db.add(CustomerRow(id=f"customer-{name}", created_at=now))
            db.flush()
            db.add(
                ShopperSessionRow(
                    id=name,
                    cart_id=f"cart-{name}",
                    locale=locale,
                    created_at=now,
                    customer_id=f"customer-{name}" if customer else None,
                )
            )
        return name

    def did(
        self,
        session_id: str,
        kind: Kind,
        gtin: str = "",
        *,
        ago: float = 0,
        quantity: int = 1,
        amount_minor: int = 0,
        at: str = "",
    ) -> str:
        """Let her do something; return the interaction's id."""
        one = self.touch(
            session_id, kind, gtin, ago=ago, quantity=quantity, amount_minor=amount_minor, at=at
        )
        self.told([one])
        return one.id

    def told(self, touches: Sequence[Interaction]) -> None:
        """Keep interactions."""
        with unit_of_work(self.engine) as db:
            timeline.keep(db, self.clock, touches)

    def touch(
        self,
        session_id: str,
        kind: Kind,
        gtin: str = "",
        *,
        ago: float = 0,
        quantity: int = 1,
        amount_minor: int = 0,
        at: str = "",
    ) -> Interaction:
        """Return something that she did, to be kept with others."""
        return Interaction(
            id=f"{self.prefix}:{next(self.numbers)}",
            session_id=session_id,
            kind=kind,
            channel=Channel.TABLET,
            at=self.clock.now() - timedelta(days=ago),
            gtin=gtin,
            quantity=quantity,
            amount_minor=amount_minor,
            currency="EUR" if amount_minor else "",
            location_id=at,
        )

    def holds(self, session_id: str, gtin: str, quantity: int = 1) -> None:
        """Put something into her cart."""
        with unit_of_work(self.engine) as db:
            db.merge(
                CartLineRow(
                    cart_id=f"cart-{session_id}",
                    gtin=gtin,
                    sku=gtin,
                    quantity=quantity,
                    added_at_us=1,
                    last_at_us=1,
                    last_operation_id="x",
                    currency="EUR",
                )
            )

    def decides(
        self, name: str, purpose: Purpose, *, granted: bool, customer: bool = False
    ) -> None:
        """Let her decide on a purpose."""
        subject = Subject(customer_id=f"customer-{name}") if customer else Subject(session_id=name)
        with unit_of_work(self.engine) as db:
            if granted:
                seen = consent_queries.own_numbers(db, subject).get(purpose, 0)
                how = How(Source.PAGE, Shown(VERSIONS[purpose].current, "en", "May we?"))
                consents.grant(db, self.clock, self.ids, subject, purpose, how=how, seen=seen)
            else:
                consents.withdraw(db, self.clock, self.ids, subject, purpose, how=How(Source.PAGE))

    def joins(self, session_id: str, customer: str) -> str:
        """Let what was anonymous join a customer; return the joining's id."""
        joining_id = f"join-{session_id}"
        with unit_of_work(self.engine) as db:
            db.add(
                JoiningRow(
                    id=joining_id,
                    customer_id=f"customer-{customer}",
                    from_session_id=session_id,
                    to_session_id=customer,
                    joined_at=self.clock.now(),
                )
            )
            customer_id = f"customer-{customer}"
            consents.join(db, self.clock, self.ids, session_id=session_id, customer_id=customer_id)
        return joining_id

    def joins_again(self, session_id: str, customer: str) -> None:
        """Let what parted join the customer once more."""
        with unit_of_work(self.engine) as db:
            now = self.clock.now()
            one = db.get_one(JoiningRow, f"join-{session_id}")
            again = {**one.model_dump(), "id": f"{one.id}-again", "undone_at": None}
            db.add(JoiningRow(**{**again, "joined_at": now}))
            customer_id = f"customer-{customer}"
            consents.join(db, self.clock, self.ids, session_id=session_id, customer_id=customer_id)

    def emptied(self, db: Session, session_id: str) -> None:
        """Let a session be emptied, as retention does."""
        row = db.get_one(ShopperSessionRow, session_id)
        row.emptied_at = self.clock.now()
        db.add(row)
        db.flush()

    def parts(self, joining_id: str) -> None:
        """Undo a joining."""
        with unit_of_work(self.engine) as db:
            row = db.get_one(JoiningRow, joining_id)
            row.undone_at = self.clock.now()
            db.add(row)
            consents.part(db, session_id=row.from_session_id)

    def begun(self, name: str, rule: Leaf | Group) -> Segment:
        """Make a segment and begin it; it is not filled yet."""
        with unit_of_work(self.engine) as db:
            made = service.make(db, self.clock, self.ids, name=name, rule=rule, by="staff")
            return service.begin(db, made.id)

    def follow(self) -> keeping.Moved:
        """Read the timeline to its end."""
        read = entered = left = 0
        while True:
            with unit_of_work(self.engine) as db:
                moved = keeping.follow(db, self.clock, CATALOGUE)
            read, entered, left = (
                read + moved.read, entered + moved.entered, left + moved.left,
            )  # fmt: skip
            if not moved.read:
                return keeping.Moved(read, entered, left)
