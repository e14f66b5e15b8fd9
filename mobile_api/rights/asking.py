"""What a customer asks of the shop about her own data, whether by a page or by an app.

Both need that she signed in on this phone lately: who finds a phone gets no copy of
somebody's life, and erases nobody.
"""

from collections.abc import Iterator
from typing import IO, Final

from fastapi.responses import Response, StreamingResponse

from cart.db import unit_of_work
from cart.kernel.errors import TooManyAttempts
from cart.profile import limits
from mobile_api.edge.sessions import Visitor
from mobile_api.rights import erasing
from mobile_api.rights.exporting import EXPORTS_PER_CUSTOMER, export
from mobile_api.wiring import Parts

BYTES_AT_ONCE: Final = 1 << 16
FILE_NAME: Final = "carryover-my-data.zip"


def export_of(wired: Parts, visitor: Visitor, locale: str) -> Response:
    """Return everything about whoever is signed in, as a ZIP that no cache may keep.

    Raises:
        SignInNeeded, FreshSignInNeeded: nobody is signed in here, or not lately.
        TooManyAttempts: she has had it as often as EXPORTS_PER_CUSTOMER says.
    """
    with unit_of_work(wired.engine) as db:
        customer_id = visitor.fresh_customer(db, wired.clock).customer_id or ""
        per = [(EXPORTS_PER_CUSTOMER, customer_id)]
        refused: TooManyAttempts | None = limits.count(db, wired.clock, wired.secret, per)
    if refused is not None:
        raise refused
    made = export(wired.engine, wired.clock, customer_id=customer_id, locale=locale)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{FILE_NAME}"',
    }
    return StreamingResponse(_pieces(made), media_type="application/zip", headers=headers)


def _pieces(made: IO[bytes]) -> Iterator[bytes]:
    with made:
        while piece := made.read(BYTES_AT_ONCE):
            yield piece


def erase(wired: Parts, visitor: Visitor) -> str:
    """Ask for the erasure of whoever is signed in, and sign her out; return the request's id.

    Raises:
        SignInNeeded, FreshSignInNeeded: nobody is signed in here, or not lately.
        ErasureWaits: an order is still to be collected or shipped, or a payment is under way.
    """
    with unit_of_work(wired.engine) as db:
        me = visitor.fresh_customer(db, wired.clock)
        erasure_id, notices = erasing.ask(
            db,
            wired.clock,
            wired.ids,
            wired.secret,
            customer_id=me.customer_id or "",
            asked_by="customer",
        )
        wired.tell(db, *notices)
    return erasure_id
