"""Refusals on the way of a scan: codes, devices, carts, lists, stock."""

from cart.kernel.errors.roots import Conflict, InvalidInput, LimitExceeded, NotFound, Refused


class InvalidGtin(InvalidInput):
    """Wrong length, letters, or a check digit that does not hold."""

    code = "invalid_gtin"


class InvalidMoney(InvalidInput):
    """An unknown currency, or a fraction of a minor unit."""

    code = "invalid_money"


class InvalidPayload(InvalidInput):
    """Not JSON, an unknown field, or a value of the wrong type."""

    code = "invalid_payload"


class InvalidEmail(InvalidInput):
    """An address no mail can be sent to."""

    code = "invalid_email"


class UnusableFeed(InvalidInput):
    """A feed's file that no row can be read from: empty, no header, unknown columns."""

    code = "unusable_feed"


class UnreadablePhoto(InvalidInput):
    """Not a picture that can be read, or no code in it."""

    code = "unreadable_photo"


class IdempotencyKeyMissing(InvalidInput):
    """A request that changes something came without an Idempotency-Key, or a bad one."""

    code = "idempotency_key_missing"


class IdempotencyKeyReused(InvalidInput):
    """The Idempotency-Key was used before, with another request."""

    code = "idempotency_key_reused"


class UnknownGtin(NotFound):
    """No variant in the catalogue carries this code."""

    code = "unknown_gtin"


class UnknownSku(NotFound):
    """No variant in the catalogue has this SKU."""

    code = "unknown_sku"


class UnknownLocation(NotFound):
    """No location has this id."""

    code = "unknown_location"


class UnknownProduct(NotFound):
    """No product has this id."""

    code = "unknown_product"


class UnknownDevice(NotFound):
    """No device is enrolled under this id."""

    code = "unknown_device"


class UnknownCart(NotFound):
    """No cart has this id, or it is not this shopper's."""

    code = "unknown_cart"


class UnknownList(NotFound):
    """No saved list has this id, or its link's signature is wrong."""

    code = "unknown_list"


class UnknownClaim(NotFound):
    """A claim link that was never issued, or is long gone."""

    code = "unknown_claim"


class DeviceRevoked(Refused):
    """The device's credential was withdrawn."""

    code = "device_revoked"


class EventNotAllowed(Refused):
    """This kind of device may not send this type of event."""

    code = "event_not_allowed"


class SourceMismatch(Refused):
    """The event names another device than the topic it came on."""

    code = "source_mismatch"


class EnrolmentRefused(Refused):
    """The one-time enrolment token is wrong, used or too old."""

    code = "enrolment_refused"


class NoSession(Refused):
    """The phone has no shopper session, or it has ended."""

    code = "no_session"


class OriginRefused(Refused):
    """A browser sent a changing request from another website."""

    code = "origin_refused"


class ClaimUsed(Refused):
    """Another phone has taken this list along."""

    code = "claim_used"


class ClaimExpired(Refused):
    """The tablet was put down too long ago for its link to be opened."""

    code = "claim_expired"


class InsufficientStock(Conflict):
    """Fewer pieces are available-to-promise than were asked for."""

    code = "insufficient_stock"


class ReferenceReused(Conflict):
    """A movement's reference was booked before, with another number of pieces."""

    code = "reference_reused"


class SchemaNewer(Conflict):
    """The database was made by a newer version of the software."""

    code = "schema_newer"


class VisitEnded(Conflict):
    """The visit is over; the device has been cleared."""

    code = "visit_ended"


class InFlight(Conflict):
    """The same request is being worked on at this moment."""

    code = "in_flight"


class PayloadTooLarge(LimitExceeded):
    """A message or upload over its size limit."""

    code = "payload_too_large"


class TooManyMails(LimitExceeded):
    """More lists by mail within an hour than one person can want."""

    code = "too_many_mails"


class TooManyLines(LimitExceeded):
    """A cart or list over its number of lines."""

    code = "too_many_lines"


class SpoolFull(LimitExceeded):
    """A device's spool holds as much as it may; nothing that it holds was given up."""

    code = "spool_full"
