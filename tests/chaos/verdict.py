"""Compares what the devices noted with what is in the database, row by row.

Owns the judgement. Trusts nothing of the server but its tables: what was said comes
from the seed and from the spools, which no server process can write.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from cart.carts.model import Kind, Operation, fold
from cart.kernel.gtin import Gtin
from gateway.wire.events import SOURCE_PREFIX, QuantityData, RemovedData, ScannedData
from store_devices.sayings import Saying
from tests.chaos.devices import Said


@dataclass(frozen=True, slots=True)
class Speaker:
    """A device: what it was to say, and what it noted that it said."""

    device_id: str
    spool: str
    script: Sequence[Saying]
    said: Sequence[Said]


@dataclass(slots=True)
class Verdict:
    """What does not add up; everything empty or 0: nothing lost, nothing twice."""

    events: int = 0
    lost: int = 0
    doubled: int = 0
    wrong_operations: int = 0
    wrong_carts: int = 0
    wrong_letters: int = 0
    unsettled_streams: int = 0
    gaps: int = 0
    reserved: int = 0
    double_orders: int = 0
    carts: int = 0
    letters: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all of it adds up."""
        return not (
            self.lost
            or self.doubled
            or self.wrong_operations
            or self.wrong_carts
            or self.wrong_letters
            or self.unsettled_streams
            or self.gaps
            or self.reserved
            or self.double_orders
        )


@dataclass(frozen=True, slots=True)
class _Done:
    """What an operation is to be, as far as the device decides it."""

    gtin: str
    kind: str
    quantity: int
    at_us: int


class Judge:
    """One look at the database for a list of speakers; ``unknown``: codes that no catalogue has."""

    def __init__(self, speakers: Sequence[Speaker], unknown: Sequence[Gtin]) -> None:
        self._speakers = speakers
        self._unknown = frozenset(unknown)

    def judge(self, db: Connection) -> Verdict:
        """Count everything once; the shop may go on meanwhile, the devices may not."""
        found = Verdict()
        self._events(db, found)
        self._streams(db, found)
        self._operations(db, found)
        self._carts(db, found)
        self._letters(db, found)
        _promises(db, found)
        return found

    def expected_lines(self, device: int, visit: str) -> dict[str, int]:
        """Return the pieces by GTIN that this visit of this device comes to."""
        speaker = self._speakers[device]
        wanted = [one for name, one in self._wanted(speaker) if name == visit]
        return _pieces(wanted)

    def _events(self, db: Connection, found: Verdict) -> None:
        rows = db.execute(text("SELECT device_id, event_id, spool, sequence FROM device_event"))
        stored = Counter((row[0], row[2], row[3], row[1]) for row in rows)
        said = Counter(
            (speaker.device_id, speaker.spool, one.sequence, one.event_id)
            for speaker in self._speakers
            for one in speaker.said
        )
        scripted = sum(len(speaker.script) for speaker in self._speakers)
        found.events = sum(said.values())
        found.lost = sum((said - stored).values()) + max(0, scripted - found.events)
        found.doubled = sum((stored - said).values())
        found.details += [f"lost {key}" for key in list(said - stored)[:5]]
        found.details += [f"doubled {key}" for key in list(stored - said)[:5]]

    def _streams(self, db: Connection, found: Verdict) -> None:
        rows = db.execute(text("SELECT device_id, spool, stored_through FROM device_stream"))
        stored = {(row[0], row[1]): row[2] for row in rows}
        wanted = {(one.device_id, one.spool): len(one.said) for one in self._speakers}
        found.unsettled_streams = len(set(stored.items()) ^ set(wanted.items()))
        found.gaps = db.execute(text("SELECT count(*) FROM sequence_gap")).scalar_one()

    def _wanted(self, speaker: Speaker) -> Iterator[tuple[str, Operation]]:
        """Yield visit and operation of everything that changes a cart."""
        source = SOURCE_PREFIX + speaker.device_id
        for saying, said in zip(speaker.script, speaker.said, strict=False):
            match saying:
                case ScannedData() if saying.gtin not in self._unknown:
                    kind, quantity = Kind.ADD, saying.quantity
                case RemovedData():
                    kind, quantity = Kind.REMOVE, 0
                case QuantityData():
                    kind, quantity = Kind.SET, saying.quantity
                case _:
                    continue
            yield (
                saying.visit,
                Operation(
                    id=f"{source}:{said.event_id}",
                    cart_id="",
                    gtin=saying.gtin,
                    sku="",
                    kind=kind,
                    quantity=quantity,
                    at_us=said.at_us,
                    source=source,
                ),
            )

    def _operations(self, db: Connection, found: Verdict) -> None:
        rows = db.execute(
            text(
                "SELECT id, gtin, kind, quantity, at_us FROM cart_operation"
                " WHERE source LIKE '/devices/%'"
            )
        )
        stored = {row[0]: _Done(row[1], row[2], row[3], row[4]) for row in rows}
        wanted = {
            one.id: _Done(str(one.gtin), one.kind.value, one.quantity, one.at_us)
            for speaker in self._speakers
            for _, one in self._wanted(speaker)
        }
        different = set(stored.items()) ^ set(wanted.items())
        found.wrong_operations = len({key for key, _ in different})
        found.details += [f"operation {one}" for one in list(different)[:5]]

    def _carts(self, db: Connection, found: Verdict) -> None:
        bindings = db.execute(
            text(
                "SELECT b.device_id, b.visit, s.cart_id FROM binding AS b"
                " JOIN shopper_session AS s ON s.id = b.session_id"
            )
        )
        cart_of = {(row[0], row[1]): row[2] for row in bindings}
        kept: dict[str, dict[str, int]] = {}
        for cart_id, gtin, quantity in db.execute(
            text("SELECT cart_id, gtin, quantity FROM cart_line WHERE quantity > 0")
        ):
            kept.setdefault(cart_id, {})[gtin] = quantity
        for speaker in self._speakers:
            visits: dict[str, list[Operation]] = {}
            for visit, one in self._wanted(speaker):
                visits.setdefault(visit, []).append(one)
            for visit, operations in visits.items():
                found.carts += 1
                cart_id = cart_of.get((speaker.device_id, visit), "")
                if kept.get(cart_id, {}) != _pieces(operations):
                    found.wrong_carts += 1
                    found.details.append(f"cart {cart_id} of {visit}")

    def _letters(self, db: Connection, found: Verdict) -> None:
        kept = db.execute(text("SELECT payload, reason, detail, times FROM dead_letter")).all()
        letters = Counter(str(json.loads(bytes(row[0]))["id"]) for row in kept)
        wanted = Counter(
            said.event_id
            for speaker in self._speakers
            for saying, said in zip(speaker.script, speaker.said, strict=False)
            if isinstance(saying, ScannedData) and saying.gtin in self._unknown
        )
        found.letters = sum(letters.values())
        found.wrong_letters = sum((letters - wanted).values()) + sum((wanted - letters).values())
        found.details += [f"no letter of {one}" for one in wanted - letters]
        for payload, *why in kept:
            if str(json.loads(bytes(payload))["id"]) in letters - wanted:
                found.details.append(f"a letter of {bytes(payload)!r}: {why}")


def _pieces(operations: Sequence[Operation]) -> dict[str, int]:
    lines = fold(operations)
    return {str(gtin): line.quantity for gtin, line in lines.items() if line.quantity}


def _promises(db: Connection, found: Verdict) -> None:
    """Look for pieces that are still held for somebody who pays, and for what was bought twice."""
    held = text("SELECT coalesce(sum(reserved), 0) FROM reservation")
    found.reserved = int(db.execute(held).scalar_one())
    twice = text(
        "SELECT count(*) FROM (SELECT checkout_id FROM placed_order"
        " GROUP BY checkout_id HAVING count(*) > 1) AS t"
    )
    found.double_orders = int(db.execute(twice).scalar_one())


def orders_of(db: Connection) -> Mapping[str, str]:
    """Return every order by its checkout."""
    rows = db.execute(text("SELECT checkout_id, id FROM placed_order"))
    return {row[0]: row[1] for row in rows}
