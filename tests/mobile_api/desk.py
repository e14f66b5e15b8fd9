"""What happens to an order behind the phone: it is paid, picked, staged, handed over."""

from dataclasses import dataclass
from datetime import timedelta

import httpx2
from fastapi import FastAPI
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.kernel.errors import CodeRefused
from cart.kernel.gtin import Gtin
from cart.orders import paying, vouchers
from cart.orders.tables import OrderRow
from cart.picking import doors, handover, picking, queries, shorts, staff, tasks, walks
from cart.picking.model import ShortReason, Staff
from cart.picking.roles import Role
from cart.picking.staff import SignedIn
from mobile_api.wiring import Parts
from tests.cart.floor import PIN_ALONE
from tests.fakes.pins import CHEAP
from tests.mobile_api.shop import HERE, key

EMAIL = "ada@example.org"


@dataclass
class Desk:
    """The desk of the shop here, and one colleague at it. ``token``: of her device."""

    parts: Parts
    who: Staff
    token: str = ""

    @classmethod
    def of(cls, app: FastAPI) -> "Desk":
        """Open the desk of an application's shop."""
        parts: Parts = app.state.parts
        with unit_of_work(parts.engine) as db:
            one, pin = staff.add(
                db,
                parts.clock,
                parts.ids,
                location_id=HERE,
                number="7",
                name="Mo",
                role=Role.LEAD,
                work=CHEAP,
            )
            known = staff.known(db, location_id=HERE, number=one.number)
            entered = doors.sign_in(db, parts.clock, parts.ids, known.checked(pin), PIN_ALONE)
        assert isinstance(entered, SignedIn)
        return cls(parts, entered.staff, entered.token)

    def gift_card(self, amount_minor: int = 1_000_000, days: int = 0) -> str:
        """Issue a gift card, good for some days or for ever; return its code."""
        parts = self.parts
        with unit_of_work(parts.engine) as db:
            return vouchers.issue(
                db,
                parts.clock,
                parts.ids,
                amount_minor=amount_minor,
                currency="EUR",
                expires_at=parts.clock.now() + timedelta(days=days) if days else None,
            )

    def sell(self, phone: TestClient | httpx2.Client, **choices: object) -> str:
        """Check the phone's cart out and pay it with a gift card; return the order."""
        return self.sell_with(phone, self.gift_card(), **choices)

    def sell_with(self, phone: TestClient | httpx2.Client, card: str, /, **choices: object) -> str:
        """As :meth:`sell`, with a card that is there."""
        opened = phone.post("/api/v1/checkouts", json={}, headers=key()).json()
        path = f"/api/v1/checkouts/{opened['id']}"
        wanted = {"email": EMAIL, **choices}
        assert phone.post(f"{path}/choices", json=wanted, headers=key()).is_success
        voucher = {"code": card}
        state = phone.post(f"{path}/voucher", json=voucher, headers=key()).json()
        assert state["can_pay"], state["problems"]
        return self.paid(opened["id"], state["totals"]["total"]["minor"])

    def paid(self, checkout_id: str, total_minor: int) -> str:
        """Pay a checkout that a gift card covers; return the order, which can be picked."""
        parts = self.parts
        with unit_of_work(parts.engine) as db:
            paying.begin(
                db,
                parts.clock,
                parts.ids,
                parts.shop,
                checkout_id=checkout_id,
                attempt_id=parts.ids.new("attempt"),
                total_minor=total_minor,
            )
            order_id = self._order(db, checkout_id)
            tasks.open_task(db, parts.clock, parts.ids, parts.shop, order_id)
        return order_id

    @staticmethod
    def _order(db: Session, checkout_id: str) -> str:
        return db.exec(select(OrderRow.id).where(OrderRow.checkout_id == checkout_id)).one()

    def claim(self, order_id: str) -> str:
        """Take the order's task; return it."""
        parts = self.parts
        with unit_of_work(parts.engine) as db:
            task_id = tasks.open_task(db, parts.clock, parts.ids, parts.shop, order_id)
            walks.claim(db, parts.clock, parts.ids, staff=self.who, task_ids=[task_id])
        return task_id

    def pick(self, task_id: str) -> None:
        """Scan everything that is left."""
        parts = self.parts
        with unit_of_work(parts.engine) as db:
            for line in queries.of_task(db, task_id):
                if line.left:
                    picking.pick(
                        db,
                        parts.clock,
                        parts.shop,
                        staff=self.who,
                        line_id=line.line_id,
                        code=line.gtin,
                        quantity=line.left,
                        operation_id=parts.ids.new("scan"),
                    )

    def short(self, task_id: str, gtin: str, offer: str | None = None) -> None:
        """Find one piece of a line missing, and offer another article."""
        parts = self.parts
        with unit_of_work(parts.engine) as db:
            line = next(one for one in queries.of_task(db, task_id) if one.gtin == gtin)
            shorts.short(
                db,
                parts.clock,
                parts.ids,
                parts.shop,
                staff=self.who,
                line_id=line.line_id,
                quantity=1,
                reason=ShortReason.NOT_FOUND,
                offer=Gtin.parse(offer) if offer else None,
            )

    def stage(self, task_id: str) -> None:
        """Put it on the shelf."""
        with unit_of_work(self.parts.engine) as db:
            tasks.stage(db, self.parts.clock, staff=self.who, task_id=task_id, shelf="B3")

    def make_ready(self, order_id: str) -> None:
        """Pick all of an order and put it on the shelf."""
        task_id = self.claim(order_id)
        self.pick(task_id)
        self.stage(task_id)

    def hand_over(self, order_id: str, proof: str) -> None:
        """Give it to who shows the code."""
        parts = self.parts
        with unit_of_work(parts.engine) as db:
            given = handover.hand_over(
                db,
                parts.clock,
                parts.ids,
                parts.shop,
                secret=parts.secret,
                staff=self.who,
                order_id=order_id,
                proof=proof,
            )
        assert not isinstance(given, CodeRefused), given

    def ticket(self, order_id: str) -> str:
        """Return the order's ticket."""
        with reading(self.parts.engine) as db:
            return db.get_one(OrderRow, order_id).ticket
