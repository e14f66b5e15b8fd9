"""A wristband follows its shopper's cart into her account at a sign-in, and back."""

from collections.abc import Callable

from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from gateway.bands import service
from gateway.bands.queries import holder_of
from gateway.bands.sealing import Sealing
from mobile_api.wiring import Parts
from tests.mobile_api.shop import BLUE, HERE, RED, add
from tests.mobile_api.signing_in import cart_of, sign_in
from tests.mobile_api.test_joining import undo


def lend_band(parts: Parts, cart_id: str) -> int:
    """Give whoever has this cart a band; return its number."""
    clock, ids, sealing = parts.clock, parts.ids, Sealing(parts.secret)
    with unit_of_work(parts.engine) as db:
        whose = db.exec(select(ShopperSessionRow).where(ShopperSessionRow.cart_id == cart_id)).one()
        number = service.make(
            db, clock, ids, sealing, location_id=HERE, secret=bytes(16), clock_s=9.0
        )
        service.hand_out(
            db,
            clock,
            ids,
            number=number,
            session_id=whose.id,
            locale="en",
            follow=False,
            staff_id=None,
        )
        return number


def cart_of_band(parts: Parts, number: int) -> str | None:
    """Return the cart that a band opens, None if it opens none."""
    with reading(parts.engine) as db:
        holder = holder_of(db, number)
        if holder is None:
            return None
        return db.get_one(ShopperSessionRow, holder.session_id).cart_id


def test_a_wristband_follows_the_cart_and_goes_back(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """It opens her own cart then; undone, it opens the phone's own again."""
    parts, home = app.state.parts, another_phone()
    add(home, RED, 1)
    sign_in(app, home)
    add(phone, BLUE, 1)
    origin, own = cart_of(app, phone), cart_of(app, home)
    number = lend_band(parts, origin)
    sign_in(app, phone)
    assert cart_of_band(parts, number) == own
    assert undo(app, phone) == 303
    assert cart_of_band(parts, number) == origin


def test_of_two_wristbands_the_accounts_own_stays(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """The one that came along opens nothing any more: she holds one at a time."""
    parts, home = app.state.parts, another_phone()
    add(home, RED, 1)
    sign_in(app, home)
    add(phone, BLUE, 1)
    own = cart_of(app, home)
    hers, along = lend_band(parts, own), lend_band(parts, cart_of(app, phone))
    sign_in(app, phone)
    assert (cart_of_band(parts, hers), cart_of_band(parts, along)) == (own, None)
