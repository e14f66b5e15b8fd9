"""Refusals around wristbands."""

from cart.kernel.errors.roots import Conflict, NotFound, Refused


class UnknownBand(NotFound):
    """No wristband has this number, or whoever asks holds none."""

    code = "unknown_band"


class BandNotHere(Conflict):
    """A wristband that does not lie in this drawer: it is out, lost, retired, or elsewhere."""

    code = "band_not_here"


class BandHeld(Conflict):
    """A shopper holds one wristband at a time, and this one holds another."""

    code = "band_held"


class DeskReaderAway(Conflict):
    """The receiver at a desk is not connected, so no band can be set up there."""

    code = "desk_reader_away"


class DeskCodeRefused(Refused):
    """A code from a shopper's page that is wrong, used or too old."""

    code = "desk_code_refused"
