"""A mirror is told whether its camera may look at whom it shows; no other device hears of it."""

from collections.abc import Iterator
from typing import Final

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.carts.tables import ShopperSessionRow
from cart.db import unit_of_work
from cart.kernel.ids import secret_hash
from cart.profile.consent import service as consents
from cart.profile.consent.model import VERSIONS, How, Purpose, Shown, Source, Subject
from cart.profile.tables import CustomerRow
from gateway.ingest.batch import Domain
from gateway.showing import Showing, Wish
from gateway.showing import Shown as Told
from gateway.wire.downlink import CameraData, ShowCart, SwitchCamera
from gateway.wire.topics import DeviceAddress
from inventory_api.catalogue.queries import sellables
from tests.fakes.shop import Tablet, enrolled, ingest, stock_catalogue
from tests.gateway.test_ingest_batch import CLOCK, IDS, bound

CAMERA: Final = Purpose.MIRROR_VIDEO
WORDS: Final = Shown(VERSIONS[CAMERA].current, "en", "The mirror films you.")


class Shop:
    """A mirror and a tablet with a visit each, and what both are told."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        stock_catalogue(engine)
        self.mirror = Tablet(enrolled(engine, CLOCK, IDS, "mirror"), CLOCK)
        self.tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
        for one, visit in ((self.mirror, "v1"), (self.tablet, "v2")):
            taken = one.event("device.taken_up", {"visit": visit, "claim_hash": secret_hash(visit)})
            ingest(engine, CLOCK, IDS, one.message(taken))
        self.told: list[tuple[str, Told]] = []
        self.showing = Showing(engine, Domain(CLOCK, IDS, sellables), self._send)

    def _send(self, address: DeviceAddress, command: Told) -> None:
        self.told.append((address.device_id, command))

    def subject(self, device: Tablet, visit: str) -> Subject:
        """Return the anonymous session that a visit is of."""
        return Subject(session_id=bound(self.engine, device, visit).session_id)

    def decide(self, subject: Subject, *, granted: bool) -> None:
        """Let somebody decide on the camera, on a page."""
        how = How(Source.PAGE, WORDS)
        with unit_of_work(self.engine) as db:
            if granted:
                consents.grant(db, CLOCK, IDS, subject, CAMERA, how=how, seen=1)
            else:
                consents.withdraw(db, CLOCK, IDS, subject, CAMERA, how=how)

    def cameras(self) -> list[CameraData]:
        """Show both carts; return what is said of a camera, and by it that only the mirror is."""
        self.told.clear()
        carts = [bound(self.engine, self.mirror, "v1"), bound(self.engine, self.tablet, "v2")]
        self.showing.show({one.cart_id: Wish() for one in carts})
        assert [type(one) for _, one in self.told].count(ShowCart) == 2
        found = [(to, one) for to, one in self.told if isinstance(one, SwitchCamera)]
        assert {to for to, _ in found} == {self.mirror.address.device_id}
        first = next(one for to, one in self.told if to == self.mirror.address.device_id)
        assert isinstance(first, SwitchCamera), "a recording is broken off before all else"
        return [one.data for _, one in found]


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    """A shop with both, on each database."""
    made = Shop(engine)
    yield made
    made.showing.stop()


def test_who_decided_nothing_is_asked_by_the_button(shop: Shop) -> None:
    """The camera is on: a turn begins by a press on the glass and not otherwise."""
    assert shop.cameras() == [CameraData(visit="v1", off=False)]


def test_who_refused_is_not_filmed_and_may_change_her_mind(shop: Shop) -> None:
    """Both ways at the next showing, which her decision itself asks for."""
    her = shop.subject(shop.mirror, "v1")
    shop.decide(her, granted=False)
    assert shop.cameras() == [CameraData(visit="v1", off=True)]
    shop.decide(her, granted=True)
    assert shop.cameras() == [CameraData(visit="v1", off=False)]


def test_another_persons_refusal_is_hers(shop: Shop) -> None:
    """Who holds the tablet has refused; whoever stands before the mirror has not."""
    shop.decide(shop.subject(shop.tablet, "v2"), granted=False)
    assert shop.cameras() == [CameraData(visit="v1", off=False)]


def test_a_customers_refusal_counts_at_every_mirror(shop: Shop) -> None:
    """She refused at home; here the visit is hers."""
    her = Subject(customer_id="customer_ada")
    with unit_of_work(shop.engine) as db:
        db.add(CustomerRow(id=her.customer_id, created_at=CLOCK.now()))
        db.flush()
        session_id = shop.subject(shop.mirror, "v1").session_id
        found = select(ShopperSessionRow).where(ShopperSessionRow.id == session_id)
        db.exec(found).one().customer_id = her.customer_id
    shop.decide(her, granted=False)
    assert shop.cameras() == [CameraData(visit="v1", off=True)]
