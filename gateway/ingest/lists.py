"""A list asked for by mail on a device: the list as it was at that moment, and the wish."""

from sqlmodel import Session

from cart.carts.service import request_list, save_list
from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError
from cart.kernel.ids import secret_hash
from gateway.binding.queries import Bound
from gateway.ingest.handlers import operation_id
from gateway.ingest.late import cart_at
from gateway.ingest.read import Item
from gateway.wire.events import ListRequested

# Hex digits of the hash that names a wish: the same event is the same wish, in any table or URL.
NAME_LENGTH = 32


def ask(db: Session, clock: Clock, item: Item, bound: Bound) -> str | None:
    """Keep the list as of the event's own time and the wish to mail it; return the wish's id.

    A refusal (an address that is none, an empty list) goes into ``item.error``.
    """
    event = item.event
    if not isinstance(event, ListRequested) or item.address is None:
        return None
    name = secret_hash(operation_id(item))[:NAME_LENGTH]
    request_id = f"ask_{name}"
    try:
        with db.begin_nested():
            saved = save_list(
                db,
                clock,
                list_id=f"list_{name}",
                cart_id=cart_at(bound, item.at_us),
                session_id=bound.session_id,
                until_us=item.at_us,
            )
            request_list(
                db,
                clock,
                request_id=request_id,
                list_id=saved.id,
                email=event.data.email,
                locale=event.data.locale,
                location_id=item.address.location_id,
            )
    except CarryoverError as error:
        item.error = error
        return None
    return request_id
