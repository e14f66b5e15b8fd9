"""A machine that tries to make a shared tablet leak one person's cart to another.

Each person scans only her own article, so whatever shows a foreign article has
leaked. Events may be held back, delivered late and twice; people walk away
without putting the tablet down; links are opened early, late, and by others.
"""

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel

from cart.carts import queries as carts
from cart.carts.service import Shopping, add_line, open_session
from cart.db import make_engine, reading, unit_of_work
from cart.db.migrate import load_tables
from cart.kernel.errors import ClaimExpired, ClaimUsed, UnknownClaim
from cart.kernel.gtin import Gtin, check_digit
from cart.kernel.ids import RandomIds, secret_hash
from gateway.binding import queries as bindings
from gateway.binding import service as binding
from gateway.mqtt import Incoming
from inventory_api.catalogue.queries import sellables
from inventory_api.catalogue.tables import PriceRow, ProductRow, VariantRow
from tests.fakes.clock import FakeClock
from tests.fakes.shop import Tablet, enrolled, ingest, stock_catalogue

PEOPLE = 4
PERSON = st.integers(0, PEOPLE - 1)
IDS = RandomIds()


def _article(person: int) -> Gtin:
    payload = f"95060001{person:04d}"
    return Gtin(f"{payload}{check_digit(payload)}")


class Shop:
    """One database for all examples; every example enrols a tablet of its own."""

    engine: Engine

    @classmethod
    def open(cls, folder: Path) -> None:
        """Make the schema and an article per person."""
        load_tables()
        cls.engine = make_engine(f"sqlite:///{folder}/leak.db")
        SQLModel.metadata.create_all(cls.engine)
        stock_catalogue(cls.engine)
        with unit_of_work(cls.engine) as db:
            db.add(ProductRow(id="article", name="Article"))
            db.flush()
            for person in range(PEOPLE):
                db.add(VariantRow(sku=f"A-{person}", gtin=_article(person), product_id="article"))
                db.flush()
                db.add(PriceRow(sku=f"A-{person}", currency="EUR", price_minor=100))


class SharedTablet(RuleBasedStateMachine):
    """People, their phones, and one tablet."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
        self.tablet = Tablet(enrolled(Shop.engine, self.clock, IDS), self.clock)
        self.phones: dict[int, str] = {}
        self.at_home: defaultdict[int, int] = defaultdict(int)
        self.visits: list[tuple[int, str, str]] = []  # person, visit, secret
        self.claimed: set[str] = set()
        self.scans: defaultdict[str, int] = defaultdict(int)
        self.held: list[Incoming] = []
        self.delivered: list[Incoming] = []

    @initialize()
    def someone_takes_it(self) -> None:
        """The shop opens."""
        self.take(0)

    @rule(person=PERSON)
    def take(self, person: int) -> None:
        """A person takes the tablet; whoever had it has walked away."""
        self._pass(2)
        visit, secret = IDS.new("visit"), IDS.token()
        self.visits.append((person, visit, secret))
        self._say("device.taken_up", {"visit": visit, "claim_hash": secret_hash(secret)})

    @precondition(lambda self: self.visits)
    @rule(pieces=st.integers(1, 3))
    def scan(self, pieces: int) -> None:
        """She scans her article."""
        person, visit, _ = self.visits[-1]
        for _ in range(pieces):
            self._say("item.scanned", {"visit": visit, "gtin": _article(person)})
        self.scans[visit] += pieces

    @precondition(lambda self: self.visits)
    @rule()
    def put_down(self) -> None:
        """She puts it down."""
        self._say("device.put_down", {"visit": self.visits[-1][1], "reason": "done"})

    @rule(count=st.integers(1, 6), again=st.booleans())
    def deliver(self, count: int, again: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        """The network brings some events, perhaps with one that was there before."""
        batch, self.held = self.held[:count], self.held[count:]
        twice = self.delivered[-2:] if again else []
        ingest(Shop.engine, self.clock, IDS, *twice, *batch)
        self.delivered += batch

    @precondition(lambda self: self.visits)
    @rule(data=st.data())
    def open_own_link(self, data: st.DataObject) -> None:
        """A person opens the link of a visit of hers, perhaps an old one."""
        person, visit, secret = data.draw(st.sampled_from(self.visits))
        try:
            self._claim(person, secret)
        except (UnknownClaim, ClaimExpired):
            return
        self.claimed.add(visit)

    @precondition(lambda self: self.claimed)
    @rule(thief=PERSON, data=st.data())
    def open_anothers_link(self, thief: int, data: st.DataObject) -> None:
        """A link that was taken along opens for no one else."""
        taken = [one for one in self.visits if one[1] in self.claimed and one[0] != thief]
        if not taken:
            return
        _, _, secret = data.draw(st.sampled_from(taken))
        with pytest.raises(ClaimUsed):
            self._claim(thief, secret)

    @rule(person=PERSON)
    def shop_from_home(self, person: int) -> None:
        """She adds her article on the phone, before or between her visits."""
        with unit_of_work(Shop.engine) as db:
            if person not in self.phones:
                self.phones[person] = open_session(db, self.clock, IDS).id
            cart_id = self._cart_of(db, person)
            shopping = Shopping(cart_id, self.clock, sellables)
            add_line(db, shopping, operation_id=IDS.new("op"), gtin=_article(person))
        self.at_home[person] += 1

    @rule(seconds=st.integers(10, 2400))
    def idle(self, seconds: int) -> None:
        """Time passes; the sweep ends what was forgotten."""
        self._pass(seconds)
        with unit_of_work(Shop.engine) as db:
            binding.end_idle(db, self.clock, IDS, idle_s=600)

    @precondition(lambda self: self.visits)
    @rule(data=st.data())
    def release_from_phone(self, data: st.DataObject) -> None:
        """A phone lets the tablet go."""
        _, visit, _ = data.draw(st.sampled_from(self.visits))
        with unit_of_work(Shop.engine) as db:
            binding.release(
                db,
                self.clock,
                IDS,
                device_id=self.tablet.device.device_id,
                visit=visit,
                reason="phone",
            )

    @invariant()
    def nobody_sees_anothers_article(self) -> None:
        """Every phone and every visit shows its own person's article only."""
        with reading(Shop.engine) as db:
            for person in self.phones:
                shown = {line.gtin for line in carts.view(db, self._cart_of(db, person)).lines}
                assert shown <= {_article(person)}
            device_id = self.tablet.device.device_id
            keys = [(device_id, visit) for _, visit, _ in self.visits]
            known = bindings.visits(db, keys)
            for person, visit, _ in self.visits:
                bound = known.get((device_id, visit))
                if bound is not None:
                    shown = {line.gtin for line in carts.view(db, bound.cart_id).lines}
                    assert shown <= {_article(person)}
            assert sum(bound.live for bound in known.values()) <= 1

    def teardown(self) -> None:
        """When everything has arrived, each phone has all that was scanned and taken along."""
        ingest(Shop.engine, self.clock, IDS, *self.held)
        with reading(Shop.engine) as db:
            for person in self.phones:
                expected = self.at_home[person] + sum(
                    self.scans[visit]
                    for who, visit, _ in self.visits
                    if who == person and visit in self.claimed
                )
                view = carts.view(db, self._cart_of(db, person))
                assert view.pieces == expected

    def _say(self, kind: str, data: dict[str, object]) -> None:
        self._pass(1)
        self.held.append(self.tablet.message(self.tablet.event(kind, data)))

    def _pass(self, seconds: int) -> None:
        self.clock.advance(seconds)

    def _claim(self, person: int, secret: str) -> None:
        with unit_of_work(Shop.engine) as db:
            claim = binding.claim(
                db, self.clock, IDS, secret=secret, session_id=self.phones.get(person)
            )
        self.phones[person] = claim.session_id

    def _cart_of(self, db: Session, person: int) -> str:
        session = bindings.session_of(db, self.phones[person])
        assert session is not None
        return session.cart_id


def test_a_shared_tablet_cannot_leak() -> None:
    """No sequence of take, scan, claim, release, idle and late delivery lets a cart through."""
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        Shop.open(Path(folder))
        run_state_machine_as_test(
            SharedTablet, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
        )
        Shop.engine.dispose()
