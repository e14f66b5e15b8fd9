"""Refusals around paying with a wristband."""

from cart.kernel.errors.roots import Conflict, InvalidInput, Refused


class PinTooEasy(InvalidInput):
    """A PIN that is not four to eight digits, or that whoever finds the band tries first."""

    code = "pin_too_easy"


class PursePinRefused(Refused):
    """A wrong PIN for a wristband; ``left``: how many more may be tried."""

    code = "purse_pin_refused"


class PurseLocked(Refused):
    """Too many wrong PINs: her wristband pays nothing until she unlocks it from her phone."""

    code = "purse_locked"


class PurseOff(Conflict):
    """She does not pay with a wristband, or not any more, or nobody has this band."""

    code = "purse_off"


class PurseLimit(Conflict):
    """More than she lets one payment, or one day, be."""

    code = "purse_limit"


class PurseShort(Conflict):
    """Her balance is too small; ``missing_minor``: by how much."""

    code = "purse_short"


class BandAway(Conflict):
    """No wristband was held to this desk lately, or it is nobody's any more."""

    code = "band_away"


class SeveralBands(Conflict):
    """Several wristbands are near the desk: nobody can say whose pays."""

    code = "several_bands"
