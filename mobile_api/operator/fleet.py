"""The devices: all of them in a table, and one with its twin, gaps and what it said last."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cart.kernel.clock import from_us
from cart.kernel.i18n import language_name
from gateway.findings.service import open_by_device
from gateway.ingest.queries import missing
from gateway.ingest.tables import DeviceEventRow
from gateway.monitor.fleet import STATUSES, status_of
from gateway.registry import queries as registry
from gateway.registry.model import ListedDevice
from gateway.twin.queries import twin
from gateway.wire.events import EventType
from gateway.wire.topics import Channel
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words
from mobile_api.operator import queries
from mobile_api.operator.looking import Moment, OperatorLooking
from mobile_api.operator.oddities import FindingShown, oddities
from mobile_api.operator.wanted import Wanted

SHOWN_MAX: Final = 500  # rows of one page; a chain looks by location, or for a name
BATTERY_LOW_PERCENT: Final = 20
STATUS_WORDS: Final[Mapping[str, str]] = {
    "online": N_("online"),
    "offline": N_("offline"),
    "never": N_("never heard"),
    "revoked": N_("revoked"),
}
KIND_WORDS: Final[Mapping[str, str]] = {
    "tablet": N_("Tablet"),
    "scanner": N_("Scanner"),
    "receiver": N_("Receiver"),
    "mirror": N_("Mirror"),
}
EVENT_WORDS: Final[Mapping[str, str]] = {
    EventType.ITEM_SCANNED: N_("Item scanned"),
    EventType.LINE_REMOVED: N_("Line taken off"),
    EventType.QUANTITY_SET: N_("Quantity set"),
    EventType.LIST_REQUESTED: N_("List asked for"),
    EventType.DEVICE_TAKEN_UP: N_("Taken up"),
    EventType.DEVICE_PUT_DOWN: N_("Put down"),
    EventType.DEVICE_HEALTH: N_("How it is"),
    EventType.BAND_PRESENTED: N_("Wristband held to it"),
    EventType.LOOK_KEPT: N_("Turn before the mirror kept"),
    EventType.ITEM_TRIED: N_("Tried on"),
    EventType.SIZE_REQUESTED: N_("Another size or colour asked for"),
    EventType.SIZE_CANCELLED: N_("Other size no longer wanted"),
}


@dataclass(frozen=True, slots=True)
class DeviceShown:
    """One row of the table."""

    id: str
    name: str
    kind: str
    place: str
    status: str
    status_words: str
    seen: Moment | None
    battery: int | None
    charging: bool
    battery_low: bool
    firmware: str
    pending: bool
    spooled: int
    dropped: int
    gaps: int
    missing: int = 0  # numbers lost on the way, which it is asked for
    findings: int = 0  # that nobody has looked at

    @property
    def bad(self) -> bool:
        """Whether somebody should look at it."""
        lost = self.dropped + self.gaps + self.missing
        return self.battery_low or lost > 0 or self.findings > 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to see fewer: its address, words, how many that are, and whether it is chosen."""

    href: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A location to choose."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Devices:
    """The table. ``more``: how many are not shown. ``places``: where one may look, by name."""

    choices: tuple[Choice, ...]
    rows: tuple[DeviceShown, ...]
    more: int
    wanted: Wanted
    places: tuple[Place, ...]


def devices(look: OperatorLooking, key: str = "") -> Devices:
    """Return the devices, or those that a key of :class:`Wanted` asks for."""
    want = Wanted.of(key)
    found = registry.listed(look.db, location_id=want.location or None)
    found = [one for one in found if want.named(one)]
    counts = Counter(map(status_of, found))
    wanted = [one for one in found if want.in_state(one)]
    twins, gaps = queries.twins(look.db), queries.gap_counts(look.db)
    named = queries.location_names(look.db, look.spoken)
    found_odd = open_by_device(look.db)
    lacking = Counter[str]()
    for (device_id, _), count in missing(look.db).items():
        lacking[device_id] += count
    reported = {name: row.reported for name, row in twins.items()}
    pending = {name for name, row in twins.items() if row.reported_version < row.desired_version}
    rows = [
        _shown(
            look,
            one,
            named,
            reported.get(one.id, {}),
            gaps=gaps.get(one.id, 0),
            lacking=lacking[one.id],
            pending=one.id in pending,
            findings=found_odd.get(one.id, 0),
        )
        for one in wanted[:SHOWN_MAX]
    ]
    gettext = look.spoken.gettext
    choices = [Choice(want.href(""), gettext("all"), len(found), want.status == "")]
    choices += [
        Choice(want.href(one), gettext(STATUS_WORDS[one]), counts[one], want.status == one)
        for one in STATUSES
        if counts[one] or want.status == one
    ]
    places = sorted(named.items(), key=lambda one: (one[1].casefold(), one[0]))
    return Devices(
        tuple(choices),
        tuple(rows),
        len(wanted) - len(rows),
        want,
        tuple(Place(*one) for one in places),
    )


def _shown(
    look: OperatorLooking,
    device: ListedDevice,
    named: Mapping[str, str],
    reported: Mapping[str, Any],
    *,
    gaps: int,
    lacking: int,
    pending: bool,
    findings: int,
) -> DeviceShown:
    gettext, status = look.spoken.gettext, status_of(device)
    battery = reported.get("battery_percent")
    return DeviceShown(
        id=device.id,
        name=device.name,
        kind=gettext(KIND_WORDS[device.kind]),
        place=named.get(device.location_id, device.location_id),
        status=status,
        status_words=gettext(STATUS_WORDS[status]),
        seen=look.moment(device.last_seen_at),
        battery=battery,
        charging=bool(reported.get("charging")),
        battery_low=battery is not None
        and battery < BATTERY_LOW_PERCENT
        and not reported.get("charging"),
        firmware=str(reported.get("firmware", "")),
        pending=pending,
        spooled=int(reported.get("spool_events", 0)),
        dropped=int(reported.get("spool_dropped", 0)),
        gaps=gaps,
        missing=lacking,
        findings=findings,
    )


@dataclass(frozen=True, slots=True)
class TwinField:
    """One value of the twin; empty: nobody asked for one, or the device does not say it."""

    label: str
    wanted: str
    reported: str

    @property
    def differs(self) -> bool:
        """Whether the device is not yet as it should be."""
        return bool(self.wanted and self.reported) and self.wanted != self.reported


@dataclass(frozen=True, slots=True)
class EventShown:
    """One event; ``late``: how long after the deed it came, by the device's clock."""

    id: str
    what: str
    at: Moment | None
    sequence: int
    late: str


@dataclass(frozen=True, slots=True)
class GapShown:
    """Numbers that will never come."""

    first: int
    last: int
    spool: str
    noted: Moment | None


@dataclass(frozen=True, slots=True)
class StreamShown:
    """A spool and how far it is stored. ``missing``: numbers behind that, lost on the way."""

    spool: str
    stored_through: str
    missing: int
    updated: Moment | None
    telemetry: bool


@dataclass(frozen=True, slots=True)
class DevicePage:
    """One device."""

    device: DeviceShown
    enrolled: Moment | None
    since: Moment | None
    reported: Moment | None
    twin: tuple[TwinField, ...]
    events: tuple[EventShown, ...]
    gaps: tuple[GapShown, ...]
    streams: tuple[StreamShown, ...]
    letters: int
    oddities: tuple[FindingShown, ...]


def device(look: OperatorLooking, device_id: str) -> DevicePage:
    """Return one device with what it said last.

    Raises:
        UnknownDevice: nothing is enrolled under this id.
    """
    found = registry.device(look.db, device_id)
    both = twin(look.db, device_id)
    reported = both.reported.model_dump() if both.reported else {}
    named = queries.location_names(look.db, look.spoken)
    gaps = queries.gaps(look.db, device_id)
    odd = oddities(look, device_id)
    lacking = missing(look.db, device_id)
    return DevicePage(
        device=_shown(
            look,
            found,
            named,
            reported,
            gaps=len(gaps),
            lacking=sum(lacking.values()),
            pending=both.pending,
            findings=sum(one.open for one in odd),
        ),
        enrolled=look.moment(found.enrolled_at),
        since=look.moment(found.since),
        reported=look.moment(both.reported_at),
        twin=_twin(look.spoken, both.desired.model_dump() if both.desired else {}, reported),
        events=tuple(_event(look, row) for row in queries.events(look.db, device_id)),
        gaps=tuple(
            GapShown(one.first, one.last, one.spool, look.moment(one.noted_at)) for one in gaps
        ),
        streams=tuple(
            StreamShown(
                one.spool,
                look.spoken.number(one.stored_through),
                lacking.get((device_id, one.spool), 0),
                look.moment_us(one.updated_at_us),
                one.channel == Channel.TELEMETRY,
            )
            for one in queries.streams(look.db, device_id)
        ),
        letters=queries.letters_of(look.db, device_id),
        oddities=odd,
    )


def _twin(
    spoken: Words, desired: Mapping[str, Any], reported: Mapping[str, Any]
) -> tuple[TwinField, ...]:
    gettext = spoken.gettext

    def said(values: Mapping[str, Any], name: str) -> str:
        value = values.get(name)
        if value is None:
            return ""
        return language_name(value) if name == "locale" else str(value)

    def tags(state: str) -> str:
        words = {
            "reading": gettext("it reads"),
            "silent": gettext("hears no tag at all"),
            "gone": gettext("does not answer"),
        }
        return words.get(state, "")

    def clock(offset_ms: int | None) -> str:
        return "" if offset_ms is None else gettext("%(count)s ms") % {"count": offset_ms}

    state = said(reported, "tags")
    return (
        TwinField(gettext("Language"), said(desired, "locale"), said(reported, "locale")),
        TwinField(gettext("Firmware"), said(desired, "firmware"), said(reported, "firmware")),
        TwinField(gettext("Idle time, seconds"), said(desired, "idle_after_s"), ""),
        TwinField(
            gettext("Version of the wishes"),
            said(desired, "version"),
            said(reported, "desired_version"),
        ),
        TwinField(gettext("Clock is off by"), "", clock(reported.get("clock_offset_ms"))),
        *([TwinField(gettext("Reader of tags"), "", tags(state))] if state else []),
    )


def _event(look: OperatorLooking, row: DeviceEventRow) -> EventShown:
    gettext = look.spoken.gettext
    late_s = (row.received_at_us - row.at_us) / 1e6
    return EventShown(
        row.event_id,
        gettext(EVENT_WORDS.get(row.type, row.type)),
        look.moment(from_us(row.received_at_us)),
        row.sequence,
        gettext("%(count)s s") % {"count": look.spoken.number(round(late_s, 1))},
    )
