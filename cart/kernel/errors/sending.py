"""What is sent out: to addresses that somebody else chose."""

from cart.kernel.errors.roots import Refused


class AddressRefused(Refused):
    """We do not ask that address: it is none, or one of a network of our own."""

    code = "address_refused"
