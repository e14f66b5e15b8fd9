"""A customer with a purse and a band, at the desk of a shop: what tests of paying begin with."""

from dataclasses import dataclass, field

from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.orders import vouchers
from cart.orders.purse import queries as purses
from cart.orders.purse import service as purse
from cart.orders.purse.model import Limits, pin_hash
from cart.profile.tables import CustomerEmailRow, CustomerRow
from gateway.bands import service as bands
from gateway.bands.sealing import Sealing
from gateway.desks import service as desks
from gateway.ports import Holder
from tests.cart.buying import HERE, LAMP, Buyer
from tests.cart.floor import Floor
from tests.fakes.pins import CHEAP

SEALING = Sealing(b"the server's own secret, 32 bytes")
PIN, WRONG = "2580", "9081"
DESK = "till-1"
LIMITS = Limits(20_000, 50_000)
LOADED_MINOR = 40_000


@dataclass
class Wearer:
    """Somebody with a band. ``customer``: she is signed in, and has a purse of 400.00."""

    floor: Floor
    name: str
    customer: bool = True
    limits: Limits = LIMITS
    loaded_minor: int = LOADED_MINOR
    buyer: Buyer = field(init=False)

    def __post_init__(self) -> None:
        floor = self.floor
        self.buyer = floor.buyer()
        self.customer_id = f"customer_{self.name.lower()}"
        if self.customer:
            self._sign_in()
            self._set_up()
        with_band = floor.do(
            lambda db: bands.make(
                db, floor.clock, floor.ids, SEALING, location_id=HERE, secret=bytes(16), clock_s=0
            )
        )
        self.number = with_band
        self.loan_id = floor.do(
            lambda db: bands.hand_out(
                db,
                floor.clock,
                floor.ids,
                number=self.number,
                session_id=self.buyer.session_id,
                greeting=self.name,
                locale="en",
                follow=False,
                staff_id=None,
            )
        )

    def _sign_in(self) -> None:
        floor, now = self.floor, self.floor.clock.now()

        def act(db: Session) -> None:
            db.add(CustomerRow(id=self.customer_id, created_at=now))
            db.flush()
            email = f"{self.name.lower()}@example.com"
            db.add(CustomerEmailRow(address=email, customer_id=self.customer_id, verified_at=now))
            session = db.get_one(ShopperSessionRow, self.buyer.session_id)
            session.customer_id = self.customer_id
            db.add(session)

        floor.do(act)

    def _set_up(self) -> None:
        floor = self.floor

        def act(db: Session) -> None:
            purse.set_up(
                db,
                floor.clock,
                floor.ids,
                customer_id=self.customer_id,
                currency="EUR",
                pin_hash=pin_hash(floor.ids, PIN, CHEAP),
                limits=self.limits,
            )
            code = vouchers.issue(
                db, floor.clock, floor.ids, amount_minor=self.loaded_minor, currency="EUR"
            )
            purse.load(db, floor.clock, floor.ids, customer_id=self.customer_id, code=code)

        floor.do(act)

    @property
    def holder(self) -> Holder:
        """Who has the band, as a tap finds it."""
        customer_id = self.customer_id if self.customer else None
        return Holder(
            number=self.number,
            session_id=self.buyer.session_id,
            customer_id=customer_id,
            greeting=self.name,
            locale="en",
            follow=False,
            loan_id=self.loan_id,
        )

    def tap(self, *others: "Wearer", desk: str = DESK) -> None:
        """Hold the band to the desk's reader, beside those of others."""
        floor = self.floor
        floor.do(
            lambda db: desks.present(
                db,
                floor.clock,
                location_id=HERE,
                desk=desk,
                holders=[one.holder for one in (self, *others)],
                strangers=0,
                at=floor.clock.now(),
                pressed=False,
            )
        )

    def wants(self, quantity: int = 1) -> None:
        """Put lamps into her cart."""
        self.buyer.put(LAMP, quantity)

    def balance(self) -> int:
        """What is in her purse."""

        def act(db: Session) -> int:
            mine = purses.of_customer(db, self.customer_id)
            assert mine is not None
            return purses.balance_minor(db, mine)

        return self.floor.look(act)
