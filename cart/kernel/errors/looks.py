"""Refusals around looks, their keys, uploads and links."""

from cart.kernel.errors.roots import (
    Conflict,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Refused,
    Unavailable,
)


class SealBroken(InvalidInput):
    """Something sealed that was changed or cut off, or is for another key."""

    code = "seal_broken"


class UnknownLook(NotFound):
    """No look has this id, or it is somebody else's, or it was deleted."""

    code = "unknown_look"


class UnknownLooksPhone(NotFound):
    """No phone asks to open looks under this name, or no more."""

    code = "unknown_looks_phone"


class UnknownShare(NotFound):
    """A link to a look that leads nowhere: it is wrong, over, or was withdrawn."""

    code = "unknown_share"


class UnknownUpload(NotFound):
    """No upload of this id is under way, or it is another device's."""

    code = "unknown_upload"


class GrantRefused(Refused):
    """A grant to upload that is wrong, over, or another device's."""

    code = "grant_refused"


class LooksClosed(Refused):
    """Looks that this phone cannot open: they were begun on another one."""

    code = "looks_closed"


class LooksPinNeeded(Refused):
    """Looks wait behind a PIN, and this phone has not said it of late."""

    code = "looks_pin_needed"


class WrongLooksPin(Refused):
    """Not the PIN of these looks."""

    code = "wrong_looks_pin"


class NoLooksKey(Conflict):
    """A visit to whose shopper nothing can be sealed: no phone of hers has said yes to looks."""

    code = "no_looks_key"


class UploadOutOfStep(Conflict):
    """Bytes that do not begin where the upload stands; ``offset`` says where."""

    code = "upload_out_of_step"


class UploadBroken(InvalidInput):
    """An upload whose bytes are not those that were announced; it is gone."""

    code = "upload_broken"


class TooManyLooks(LimitExceeded):
    """As many looks, links or uploads at once as there may be."""

    code = "too_many_looks"


class ObjectGone(NotFound):
    """No object of this name is kept beside the database."""

    code = "object_gone"


class StorageFull(Unavailable):
    """There is no room for more objects until somebody makes some."""

    code = "storage_full"
