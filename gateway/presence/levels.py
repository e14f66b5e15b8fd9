"""How strongly a band is heard: what those need who guess places, and those who need no numpy."""

from typing import Final

# At one metre, as bands and beacons are calibrated; each band may be off, see placing.OFF_DB.
REFERENCE_DBM: Final = -59.0
# Path loss in shops: ITU-R P.1238-11, 2.4 GHz.
PATH_EXPONENT: Final = 2.2
