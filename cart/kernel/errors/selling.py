"""Refusals between checkout and handover: payment, vouchers, staff, picking."""

from cart.kernel.errors.roots import Conflict, NotFound, Refused, Unavailable


class UnknownCheckout(NotFound):
    """No checkout has this id, or it is not this shopper's."""

    code = "unknown_checkout"


class UnknownOrder(NotFound):
    """No order has this id, code or ticket here, or it is not this shopper's."""

    code = "unknown_order"


class UnknownTask(NotFound):
    """No pick task, pick line or substitution has this id at this location."""

    code = "unknown_task"


class UnknownVoucher(NotFound):
    """No voucher or gift card has this code."""

    code = "unknown_voucher"


class UnknownStaff(NotFound):
    """Nobody of this location has this number."""

    code = "unknown_staff"


class NotSignedIn(Refused):
    """A page of staff, and nobody is signed in on this device."""

    code = "not_signed_in"


class SessionLocked(NotSignedIn):
    """She is signed in, and nobody has used the device for long: it wants her PIN."""

    code = "session_locked"


class SignInRefused(Refused):
    """Wrong number or PIN, or too many tries."""

    code = "sign_in_refused"


class SecondFactorRefused(Refused):
    """A code of an authenticator app, or a recovery code, that is wrong, used or too old."""

    code = "second_factor_refused"


class ProviderRefused(Refused):
    """A sign-in by the retailer's identity provider that does not fit, or gives no access here."""

    code = "provider_refused"


class ProviderUnavailable(Unavailable):
    """The retailer's identity provider does not answer."""

    code = "provider_unavailable"


class RoleNeeded(Refused):
    """Her role does not do this, or not to this account."""

    code = "role_needed"


class LastOperator(Conflict):
    """The last operator stays one: nobody could make another but by command line."""

    code = "last_operator"


class LeadNeeded(Refused):
    """Only a lead of this location may do this."""

    code = "lead_needed"


class OperatorNeeded(Refused):
    """Somebody of the staff wants what only an operator may."""

    code = "operator_needed"


class SignatureRefused(Refused):
    """A payment provider's message that is not signed as agreed, or too old."""

    code = "signature_refused"


class CodeRefused(Refused):
    """A handover code that is wrong, or was tried too often."""

    code = "code_refused"


class CheckoutChanged(Conflict):
    """The checkout is not what the shopper saw, or has problems: she decides anew."""

    code = "checkout_changed"


class CheckoutClosed(Conflict):
    """The checkout is paid, cancelled, or being paid at this moment."""

    code = "checkout_closed"


class VoucherRefused(Conflict):
    """The voucher is used up, too old, or in another currency."""

    code = "voucher_refused"


class TaskTaken(Conflict):
    """A colleague holds this pick task."""

    code = "task_taken"


class WrongItem(Conflict):
    """What was scanned is not what this line asks for."""

    code = "wrong_item"


class TooManyPieces(Conflict):
    """More pieces than the line still wants."""

    code = "too_many_pieces"


class OfferClosed(Conflict):
    """A substitution was answered before, or the time to answer is over."""

    code = "offer_closed"


class AlreadyHandedOver(Conflict):
    """The order was handed over before; its code is good no longer."""

    code = "already_handed_over"


class NoAddress(Conflict):
    """The order has no e-mail address: there is nowhere to send a message about it."""

    code = "no_address"


class NotReady(Conflict):
    """The order is not staged yet, or is closed."""

    code = "not_ready"


class PaymentUnavailable(Unavailable):
    """The payment provider made no page: nothing is held, nothing was charged."""

    code = "payment_unavailable"
