"""What a call by wrist is, and by which identifiers a band may be found. No database."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from cart.kernel.clock import to_us
from gateway.bands.model import OutBand
from gateway.wire.band import PERIOD_S
from gateway.wire.band_asked import IDENTIFIERS_MAX

# Three times almost half a second: felt while walking, and no alarm.
TIMES: Final = 3
TENTHS: Final = 4
# A call is felt when it comes, or not at all: her page has said it.
LASTS: Final = timedelta(seconds=20)
# A receiver that reaches her has answered by then; another one is asked.
ANSWER_WITHIN: Final = timedelta(seconds=9)
# Where nobody knows by whom she is heard: as many as a shop of 50 m² to 75 m² has.
ASKED_AT_ONCE_MAX: Final = 8


def command_id(turn_id: str, called_at: datetime, attempt: int, place: int) -> str:
    """Return the id of a command: the same in each process, so that one of them asks.

    Nothing in it can be turned back into the turn.
    """
    said = f"{turn_id}\0{to_us(called_at)}\0{attempt}\0{place}"
    return "sig_" + hashlib.sha256(said.encode()).hexdigest()[:32]


def identifiers_of(band: OutBand, now: datetime) -> tuple[str, ...]:
    """Return what a band may say in its frames while a call lasts, hexadecimal.

    Empty for one whose clock is known too badly: it was not heard for months.
    """
    clock_s, off_s = band.clock_at(now)
    first = max(0, int((clock_s - off_s) // PERIOD_S))
    last = max(first, int((clock_s + off_s + LASTS.total_seconds()) // PERIOD_S))
    if last - first >= IDENTIFIERS_MAX:
        return ()
    return tuple(band.key.identifier(period).hex() for period in range(first, last + 1))
