"""What the database says of wristbands, in figures."""

from collections import Counter

from sqlmodel import Session, col, func, select

from gateway.bands.model import BATTERY_LOW_PERCENT, State
from gateway.bands.tables import BandRow
from gateway.monitor.exposition import Figure, Values

LOW_IN = (State.DRAWER, State.OUT)  # where somebody can charge them, or will have to


def by_state(db: Session) -> Values:
    """Return the number of bands in each state."""
    found = db.exec(select(BandRow.state, func.count()).group_by(col(BandRow.state)))
    counts = Counter(dict(found.all()))
    return {(one.value,): counts[one.value] for one in State}


def low(db: Session) -> Values:
    """Return how many bands said last that their battery is low, by where they are."""
    found = db.exec(
        select(BandRow.state, func.count())
        .where(col(BandRow.battery_percent) < BATTERY_LOW_PERCENT)
        .group_by(col(BandRow.state))
    )
    counts = Counter(dict(found.all()))
    return {(one.value,): counts[one.value] for one in LOW_IN}


FIGURES = (
    Figure("carryover_bands", "Wristbands by state.", ("state",), by_state),
    Figure("carryover_bands_battery_low", "Wristbands with a low battery.", ("state",), low),
)
