"""A binding's change as the fan-out tells it. Owns the wording; sends nothing."""

from gateway.binding.queries import Bound
from gateway.notices import BindingChanged


def changed(bound: Bound) -> BindingChanged:
    """Return the notice of how this visit stands now."""
    return BindingChanged(
        bound.device_id,
        bound.visit,
        bound.cart_id,
        live=bound.live,
        claimed=bound.claimed_at_us is not None,
    )
