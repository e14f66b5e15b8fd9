"""Whether the mirror that shows somebody may look at her: told by the ledger of consent.

Without a decision of hers the mirror waits for a press on its glass, each time. Where she has
refused, it is told so with whatever it is shown of her.
"""

from collections.abc import Sequence
from typing import Final

from sqlmodel import Session, col, select

from cart.carts.tables import ShopperSessionRow
from cart.profile.consent import gate
from cart.profile.consent.model import Purpose, Subject
from gateway.binding.queries import Bound
from gateway.ingest.batch import Domain
from gateway.wire.downlink import CameraData, SwitchCamera

MIRROR: Final = "mirror"  # the kind of device that has a camera for more than codes


def refusing(db: Session, bound: Sequence[Bound]) -> set[str]:
    """Return the sessions among these whose shopper has switched the mirror's camera off."""
    ids = {one.session_id for one in bound}
    if not ids:
        return set()
    rows = db.exec(
        select(ShopperSessionRow.id, ShopperSessionRow.customer_id).where(
            col(ShopperSessionRow.id).in_(sorted(ids))
        )
    )
    whose = {session_id: subject(session_id, customer_id) for session_id, customer_id in rows}
    refused = gate.refused(db, list(whose.values()), Purpose.MIRROR_VIDEO)
    return {session_id for session_id, one in whose.items() if one in refused}


def subject(session_id: str, customer_id: str | None) -> Subject:
    """Return who decides on what happens in a session."""
    return Subject(customer_id=customer_id) if customer_id else Subject(session_id=session_id)


def switch(domain: Domain, bound: Bound, *, off: bool) -> SwitchCamera:
    """Return what a mirror is told of the camera on this visit."""
    return SwitchCamera(
        id=domain.ids.new("cmd"),
        time=domain.clock.now(),
        data=CameraData(visit=bound.visit, off=off),
    )
