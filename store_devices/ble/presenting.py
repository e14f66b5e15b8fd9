"""When a wristband is held to a reader, and when its button is pressed there. Pure.

NEAR: a band whose level has stayed above the reader's threshold for PRESENTED_AFTER_S. It counts
once per approach: it must have fallen back by HYSTERESIS_DB, or not have been heard for AWAY_S,
to count again. Whatever else is as near at that moment is told along, the strongest first: which
of two bands in one hand's reach is meant no radio can say. NEWS: the frame of a band changes
while it is close enough for its wearer to mean this reader. Time is passed in.

An identifier changes every 512 s, so a band that is left lying on a reader counts again then;
whose band it is, and that it was there already, is for the gateway to see.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from gateway.wire.band import identifier_in
from gateway.wire.events import PRESENTED_MAX, HeardFrame, PresentedData
from gateway.wire.events import Presented as By
from store_devices.ble.gathering import level_of
from store_devices.ble.learning import Learned

PRESENTED_AFTER_S: Final = 0.4
"""A band advertises five times a second: two or three packets. A hand that only passes by is
near for a quarter of a second; a person who holds it there waits half a second gladly."""
PACKETS_MIN: Final = 2  # within that; one packet may be two reflections that met
WINDOW_S: Final = 0.6  # of packets that make a level: three of them, and the better half counts
WINDOW_PACKETS_MAX: Final = 16
HYSTERESIS_DB: Final = 8.0  # below the threshold: as between 15 cm and 35 cm away
AWAY_S: Final = 3.0  # unheard: ten packets in a row are not lost by chance
BUTTON_BELOW_DB: Final = 12.0
"""Below the near threshold a press is still meant for this reader: at an arm's length."""
NEWS_EVERY_S: Final = 0.5  # of one band; what changes in between is told then, presses are counted
FOLLOWED_FROM_DBM: Final = -70.0  # farther than a few metres nobody means this reader
FOLLOWED_MAX: Final = 1_000
"""Identifiers remembered, the ones heard last. The air of one place carries less than a thousand
advertisements a second, so one that is heard five times a second is never pushed out."""
FORGOTTEN_AFTER_S: Final = 10.0
EVENTS_MAX_PER_MINUTE: Final = 120
"""Of one reader: two a second for a whole minute nobody does by hand. What is beyond is somebody
who makes up frames, and is counted only."""


@dataclass(slots=True)
class _Followed:
    frame: bytes
    last_s: float
    packets: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=WINDOW_PACKETS_MAX)
    )
    dbm: float = float("-inf")
    peak_dbm: float = float("-inf")  # of this approach
    near_since_s: float | None = None
    near_packets: int = 0
    counted: bool = False  # in this approach
    unsaid: bool = False  # its frame has changed, and this was not told yet
    said_s: float = float("-inf")

    def take(self, dbm: float, now_s: float, near_dbm: float) -> None:
        self.last_s = now_s
        while self.packets and now_s - self.packets[0][0] > WINDOW_S:
            self.packets.popleft()
        self.packets.append((now_s, dbm))
        self.dbm = level_of([one for _, one in self.packets])
        self.peak_dbm = max(self.peak_dbm, self.dbm)
        if self.dbm < near_dbm:
            self.near_since_s, self.near_packets = None, 0
        else:
            self.near_since_s = now_s if self.near_since_s is None else self.near_since_s
            self.near_packets += 1


class Presenting:
    """What one reader makes of its packets, in the order they come. For one thread."""

    def __init__(self, learned: Learned) -> None:
        self.learned: Final = learned
        self.refused = 0  # events beyond EVENTS_MAX_PER_MINUTE
        self._followed: OrderedDict[bytes, _Followed] = OrderedDict()  # the longest unheard first
        self._told: deque[float] = deque(maxlen=EVENTS_MAX_PER_MINUTE)

    def __len__(self) -> int:
        """Return how many bands are followed."""
        return len(self._followed)

    def hear(self, frame: bytes, dbm: float, now_s: float) -> PresentedData | None:
        """Take in a packet; return what is to be told because of it."""
        identifier = identifier_in(frame)
        if identifier is None:
            return None
        self.forget(now_s)
        band = self._followed.get(identifier)
        if band is None:
            if dbm < FOLLOWED_FROM_DBM:
                return None
            band = self._followed[identifier] = _Followed(frame, now_s)
            if len(self._followed) > FOLLOWED_MAX:
                self._leave(self._followed.popitem(last=False)[1])
        elif now_s - band.last_s > AWAY_S:
            self._ends(band)
        self._followed.move_to_end(identifier)
        near_dbm = self.learned.near_dbm
        band.take(dbm, now_s, near_dbm)
        if band.counted and band.dbm < near_dbm - HYSTERESIS_DB:
            self._ends(band)
        if frame != band.frame:
            band.frame = frame
            band.unsaid |= band.dbm >= near_dbm - BUTTON_BELOW_DB
        return self._near(band, now_s) or self._news(band, now_s)

    def silenced(self, identifier: bytes, now_s: float) -> None:
        """Not be surprised that a band was unheard: somebody was connected with it until now."""
        band = self._followed.get(identifier)
        if band is not None:
            band.last_s = now_s
            self._followed.move_to_end(identifier)

    def forget(self, now_s: float) -> None:
        """Forget who has not been heard for FORGOTTEN_AFTER_S."""
        while self._followed:
            oldest = next(iter(self._followed))
            if now_s - self._followed[oldest].last_s <= FORGOTTEN_AFTER_S:
                return
            self._leave(self._followed.pop(oldest))

    def _near(self, band: _Followed, now_s: float) -> PresentedData | None:
        since_s = band.near_since_s
        if band.counted or since_s is None or band.near_packets < PACKETS_MIN:
            return None
        if now_s - since_s < PRESENTED_AFTER_S or not self._may_tell(now_s):
            return None
        together = [
            one
            for one in self._followed.values()
            if one.near_since_s is not None and now_s - one.last_s <= WINDOW_S
        ]
        together.sort(key=lambda one: one.dbm, reverse=True)
        # Whose turn it is is among them even where eight others are stronger: it is counted now.
        told = together[:PRESENTED_MAX]
        for one in {id(band): band, **{id(one): one for one in told}}.values():
            one.counted = True
            one.unsaid = False  # its frame is told with it
        return PresentedData(by=By.NEAR, heard=tuple(_heard(one) for one in told))

    def _news(self, band: _Followed, now_s: float) -> PresentedData | None:
        if not band.unsaid or now_s - band.said_s < NEWS_EVERY_S or not self._may_tell(now_s):
            return None
        band.unsaid, band.said_s = False, now_s
        return PresentedData(by=By.NEWS, heard=(_heard(band),))

    def _may_tell(self, now_s: float) -> bool:
        full = len(self._told) == EVENTS_MAX_PER_MINUTE
        if full and now_s - self._told[0] < 60.0:  # noqa: PLR2004 - seconds of a minute
            self.refused += 1
            return False
        self._told.append(now_s)
        return True

    def _ends(self, band: _Followed) -> None:
        """An approach of this band is over; a new one may begin."""
        self._leave(band)
        band.counted = False
        band.near_since_s, band.near_packets = None, 0
        band.packets.clear()
        band.peak_dbm = float("-inf")

    def _leave(self, band: _Followed) -> None:
        self.learned.approached(band.peak_dbm, presented=band.counted)


def _heard(band: _Followed) -> HeardFrame:
    packets = max(1, len(band.packets))
    # Made here, of what was checked already: the model would take it for Base64.
    return HeardFrame.model_construct(frame=band.frame, dbm=round(band.dbm, 1), packets=packets)
