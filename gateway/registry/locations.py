"""Whether a device can stand where an operator says it does."""

from sqlmodel import Session

from cart.kernel.errors import UnknownLocation
from inventory_api.catalogue.queries import locations

NAMED_MAX = 20  # locations that an error message lists


def require_location(db: Session, location_id: str) -> None:
    """Check a location against the catalogue; while that knows no location, any will do.

    Raises:
        UnknownLocation: the catalogue has locations and this is none of them.
    """
    known = [one.location_id for one in locations(db)]
    if known and location_id not in known:
        more = " …" if len(known) > NAMED_MAX else ""
        msg = (
            f"there is no location {location_id!r}; there are {', '.join(known[:NAMED_MAX])}{more}"
        )
        raise UnknownLocation(msg, location_id=location_id)
