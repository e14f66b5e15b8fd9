"""What "near" means at this reader: learnt from how strongly bands were heard at it, in a file.

Each reader hears differently: its antenna, its case, what it stands on. It begins with a usual
threshold. From each approach it keeps the strongest level: of those that counted as near, and of
those that only came within a few metres. The threshold goes, a tenth of a dB an approach, to the
middle between the weak tenth of the first and the strong twentieth of the second, and never out
of its bounds: no lower than what a band at arm's length can reach, no higher than what one that
lies on the reader does. Where the two mix there is no middle, and it stays.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from store_devices.identity import write

FILE: Final = "reader.json"
NEAR_DBM: Final = -42.0
"""A band sends -59 dBm to a metre away; at 15 cm that is 16 to 18 dB more."""
NEAR_LOWEST_DBM: Final = -46.0
"""At arm's length, half a metre, it is -52 dBm, and a lucky reflection adds 5 dB at the most."""
NEAR_HIGHEST_DBM: Final = -34.0  # closer than 8 cm nobody should have to aim
PASSING_FROM_DBM: Final = -60.0  # weaker never came within reach, and says nothing of where it ends
STEP_DB: Final = 0.1  # a morning's hundred approaches move it by 10 dB, one prankster by nothing
KEPT_MAX: Final = 64  # approaches of each sort
LEARNT_FROM: Final = 20  # of each sort; with fewer a quantile is one person's habit
WEAK_SHARE: Final = 0.1
STRONG_SHARE: Final = 0.95

_LOG = logging.getLogger(__name__)

Dbm = Annotated[float, Field(ge=-127.0, le=20.0, allow_inf_nan=False)]


class _File(BaseModel):
    """What is kept over a restart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    near_dbm: Annotated[float, Field(ge=NEAR_LOWEST_DBM, le=NEAR_HIGHEST_DBM)]
    near: Annotated[tuple[Dbm, ...], Field(max_length=KEPT_MAX)] = ()
    passing: Annotated[tuple[Dbm, ...], Field(max_length=KEPT_MAX)] = ()


class Learned:
    """The threshold of one reader, and what it was learnt from. For one thread."""

    def __init__(self, near_dbm: float = NEAR_DBM) -> None:
        """Begin at ``near_dbm``, brought within the bounds."""
        self.near_dbm = _within(near_dbm)
        self.changed = False  # since it was read or written
        self._near: list[float] = []
        self._passing: list[float] = []

    def approached(self, peak_dbm: float, *, presented: bool) -> None:
        """Take in an approach that is over: its strongest level, and whether it counted as near."""
        if not (presented or peak_dbm >= PASSING_FROM_DBM):
            return
        kept = self._near if presented else self._passing
        kept.append(round(peak_dbm, 1))
        del kept[:-KEPT_MAX]
        self.changed = True
        if min(len(self._near), len(self._passing)) < LEARNT_FROM:
            return
        weak, strong = quantile(self._near, WEAK_SHARE), quantile(self._passing, STRONG_SHARE)
        if weak <= strong:
            return
        away_db = (weak + strong) / 2.0 - self.near_dbm
        step_db = max(-STEP_DB, min(STEP_DB, away_db))
        self.near_dbm = _within(self.near_dbm + step_db)

    @classmethod
    def load(cls, folder: Path, near_dbm: float = NEAR_DBM) -> "Learned":
        """Return what is kept in the device's folder; a fresh one where that is nothing of use."""
        made = cls(near_dbm)
        path = folder / FILE
        try:
            kept = _File.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return made
        except (OSError, ValidationError) as error:
            _LOG.warning("%s is of no use and is begun anew: %s", path, type(error).__name__)
            return made
        made.near_dbm = kept.near_dbm
        made._near, made._passing = list(kept.near), list(kept.passing)
        return made

    def keep(self, folder: Path) -> None:
        """Write it into the device's folder, if it has changed; a disk that refuses is told of."""
        if not self.changed:
            return
        kept = _File(near_dbm=self.near_dbm, near=tuple(self._near), passing=tuple(self._passing))
        try:
            write(folder / FILE, kept.model_dump_json())
        except OSError as error:
            _LOG.warning("%s cannot be written: %s", folder / FILE, error.strerror)
            return
        self.changed = False


def quantile(levels: Sequence[float], share: float) -> float:
    """Return the level that ``share`` (0 to 1) of ``levels`` do not exceed."""
    ordered = sorted(levels)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _within(dbm: float) -> float:
    return max(NEAR_LOWEST_DBM, min(NEAR_HIGHEST_DBM, dbm))
