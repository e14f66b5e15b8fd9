"""One batch of messages in one transaction: the order of steps, nothing else.

authorise → de-duplicate → refuse used claims → bind → apply → lists, health, ends, rooms →
sequences → dead letters, findings.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from cart.carts.apply import apply
from cart.carts.model import Operation
from cart.carts.queries import versions
from cart.db.rows import BIGINT, TEXT, insert_new
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import CarryoverError, InvalidPayload
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.looks.uploading import told
from cart.ports import CatalogueLookup
from gateway.binding import begin, queries
from gateway.binding.news import changed
from gateway.binding.queries import Bound, VisitKey
from gateway.binding.tapping import Tapped
from gateway.dead_letters.service import Letter, bury
from gateway.findings.numbers import altered, changed_event, forked
from gateway.findings.places import elsewhere
from gateway.findings.service import Found, note
from gateway.ingest import handlers, late, lists, rooms, sequences, taps
from gateway.ingest.digests import condensed, take_back
from gateway.ingest.read import Item, authorise
from gateway.mqtt import Incoming
from gateway.notices import CartChanged, ListAsked, Notice
from gateway.ports import Bands
from gateway.registry import queries as registry
from gateway.registry.model import DeviceRecord, Seen
from gateway.registry.service import seen
from gateway.twin.model import Report
from gateway.twin.service import report
from gateway.wire.downlink import Receipt
from gateway.wire.events import (
    BandPresented,
    DeviceHealth,
    DevicePutDown,
    DeviceTakenUp,
    ListRequested,
    LookData,
    LookKept,
    PresentedData,
)
from gateway.wire.topics import DeviceAddress


@dataclass(frozen=True, slots=True)
class Domain:
    """What ingest works with: time, ids, and who answers for the catalogue."""

    clock: Clock
    ids: Ids
    lookup: CatalogueLookup
    bands: Bands | None = None  # without them a tap is stored, and nothing follows


@dataclass(slots=True)
class Outcome:
    """What is to be said once the batch is committed."""

    receipts: list[tuple[DeviceAddress, Receipt]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    # The device whose events are all of a cart's change, by cart id.
    authors: dict[str, str] = field(default_factory=dict)
    refused: list[Item] = field(default_factory=list)
    desires: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)  # devices with commands that are new
    shown: set[str] = field(default_factory=set)  # carts that a device has and does not show yet
    taps: list[Tapped] = field(default_factory=list)
    fresh: int = 0
    dead: int = 0
    stored: Counter[str] = field(default_factory=Counter)  # fresh and not refused, by type
    bounds: dict[VisitKey, Bound] = field(default_factory=dict)
    aside: list[Incoming] = field(default_factory=list)  # another process's to do, and to ack


@dataclass(slots=True)
class _Batch:
    """The batch on its way."""

    db: Session
    domain: Domain
    items: Sequence[Item]
    devices: dict[str, DeviceRecord]
    outcome: Outcome = field(default_factory=Outcome)
    bounds: dict[VisitKey, Bound] = field(default_factory=dict)
    over: list[Bound] = field(default_factory=list)  # visits that end with this batch
    odd: list[Found] = field(default_factory=list)

    @property
    def sound(self) -> list[Item]:
        """Items that nothing was found against so far."""
        return [item for item in self.items if item.error is None]


def process(
    db: Session,
    domain: Domain,
    items: Sequence[Item],
    *,
    replay: bool = False,
    copied: Callable[[str], bool] = lambda _: False,
) -> Outcome:
    """Store a batch of items of the events channel in this unit of work.

    ``replay``: these were dead letters; they count although their ids are known,
    and if they fail again it is for the caller to say so. ``copied``: whether a device
    may not know yet that its spool was put back from a copy.
    """
    devices = registry.devices_by_id(db, {item.device_id for item in items if item.address})
    batch = _Batch(db, domain, items, devices)
    for item in items:
        authorise(item, devices)
    fresh = _fresh(batch, replay=replay)
    _bind(batch, fresh)
    _apply(batch, fresh)
    _ring_again(batch, fresh)
    _effects(batch, [item for item in fresh if item.error is None])
    settled = sequences.settle(db, domain.clock, items)
    batch.outcome.receipts = settled.receipts
    dead = [item for item in items if item.error is not None]
    if not replay:
        letters = [_letter(item, item.error) for item in dead if item.error]
        bury(db, domain.clock, domain.ids, letters)
        odd = [one for one in forked(fresh, settled.before) if not copied(one.device_id)]
        found = [*elsewhere(dead, devices), *batch.odd, *odd]
        note(db, domain.clock, found)
    now_us = to_us(domain.clock.now())
    seen(db, [Seen(device_id, now_us) for device_id in devices])
    batch.outcome.refused = dead
    batch.outcome.dead = len(dead)
    batch.outcome.bounds = batch.bounds
    batch.outcome.fresh = len(fresh)
    batch.outcome.stored = Counter(item.kind for item in fresh if item.error is None)
    return batch.outcome


def _letter(item: Item, error: CarryoverError) -> Letter:
    return Letter(item.device_id, item.message.topic, item.message.payload, error)


_EVENT_COLUMNS = (
    ("device_id", TEXT),
    ("event_id", TEXT),
    ("spool", TEXT),
    ("sequence", BIGINT),
    ("type", TEXT),
    ("at_us", BIGINT),
    ("received_at_us", BIGINT),
)


def _fresh(batch: _Batch, *, replay: bool) -> list[Item]:
    """Keep the ids of all sound events; return those seen for the first time, in device order."""
    received_at_us = to_us(batch.domain.clock.now())
    unique: dict[tuple[str, str], Item] = {}
    for item in batch.sound:
        if item.event is not None:
            first = unique.setdefault((item.device_id, item.event.id), item)
            if first is not item and (first.kind, first.at_us) != (item.kind, item.at_us):
                batch.odd.append(changed_event(item.device_id, item.event_id))
    known = insert_new(
        batch.db,
        "device_event",
        _EVENT_COLUMNS,
        [
            (*key, item.spool, item.link.sequence, item.event.type, item.at_us, received_at_us)
            for key, item in unique.items()
            if item.event and item.link
        ],
        keys=2,
    )
    if known and not replay:
        batch.odd += altered(batch.db, [unique[key] for key in known])
    past, changed_since = condensed(
        batch.db, [item for key, item in unique.items() if key not in known and item.link]
    )
    take_back(batch.db, past)
    known |= past
    if not replay:
        batch.odd += [changed_event(one.device_id, one.event_id) for one in changed_since]
    fresh = [item for key, item in unique.items() if replay or key not in known]
    fresh.sort(key=_place)
    return fresh


def _place(item: Item) -> tuple[str, str, int]:
    return (item.device_id, item.spool, item.link.sequence if item.link else 0)


def _bind(batch: _Batch, fresh: Sequence[Item]) -> None:
    keys = {item.visit for item in fresh if item.visit}
    known = queries.visits(batch.db, keys, lock=True)
    _refuse_used_claims(batch, fresh)
    sound = [item for item in fresh if item.error is None]
    made, over = begin.begin(
        batch.db, batch.domain.clock, batch.domain.ids, handlers.starts(sound, known)
    )
    batch.bounds = known | made
    batch.over += over
    claims: dict[str, str | None] = {
        bound.binding_id: None for key, bound in known.items() if key in keys and bound.live
    }
    for item in sound:
        key = item.visit
        if isinstance(item.event, DeviceTakenUp) and key in known:
            claims[known[key].binding_id] = item.event.data.claim_hash
    begin.touch(batch.db, batch.domain.clock, claims)
    batch.outcome.notices += [changed(bound) for bound in (*over, *made.values())]


def _refuse_used_claims(batch: _Batch, fresh: Sequence[Item]) -> None:
    """Refuse a claim that another visit has: the column is unique, the whole batch would fail."""
    taken_up = [
        (item, item.visit, item.event.data.claim_hash)
        for item in fresh
        if isinstance(item.event, DeviceTakenUp) and item.event.data.claim_hash and item.visit
    ]
    if not taken_up:
        return
    owners = queries.claimed_by(batch.db, {claim for _, _, claim in taken_up})
    for item, visit, claim in taken_up:
        if owners.setdefault(claim, visit) != visit:
            item.error = InvalidPayload(
                "data.claim_hash is that of another visit; each needs a random secret of its own"
            )


def _bound_of(batch: _Batch, item: Item) -> Bound | None:
    return batch.bounds.get(item.visit) if item.visit else None


def _apply(batch: _Batch, fresh: Sequence[Item]) -> None:
    lines = [item for item in fresh if isinstance(item.event, handlers.LineEvent)]
    by_currency: defaultdict[str, set[Gtin]] = defaultdict(set)
    for item in lines:
        bound = _bound_of(batch, item)
        if bound and isinstance(item.event, handlers.LineEvent):
            by_currency[bound.currency].add(item.event.data.gtin)
    known = {
        currency: batch.domain.lookup(batch.db, gtins, currency=currency)
        for currency, gtins in by_currency.items()
    }
    now: dict[str, tuple[Item, Operation]] = {}
    before_claim: list[tuple[Bound, Operation]] = []
    for item in lines:
        bound = _bound_of(batch, item)
        if bound is None or bound.erased:
            continue  # taken in and done away with: its device forgets it
        try:
            operation = handlers.operation(item, bound, known[bound.currency])
        except CarryoverError as error:
            item.error = error
            continue
        if operation is None:
            continue
        if late.belongs_before_claim(bound, operation):
            before_claim.append((bound, operation))
        else:
            now[operation.id] = (item, operation)
    applied = apply(batch.db, batch.domain.clock, [operation for _, operation in now.values()])
    for operation, refusal in applied.refused:
        now[operation.id][0].error = refusal
    changes = {change.cart_id: change.version for change in applied.changes}
    for bound, operation in before_claim:
        changes |= late.carry(batch.db, batch.domain.clock, bound, operation)
    origins = _origins(batch, changes)
    batch.outcome.notices += [
        CartChanged(cart_id, version, origins.get(cart_id, ""))
        for cart_id, version in changes.items()
    ]
    batch.outcome.authors = _authors(batch, changes)


def _ring_again(batch: _Batch, fresh: Sequence[Item]) -> None:
    """Tell of carts whose events were stored before: whoever stored them may have died untold."""
    new = {id(item) for item in fresh}
    repeated = {item.visit for item in batch.sound if item.visit and id(item) not in new}
    if not repeated:
        return
    told = {one.cart_id for one in batch.outcome.notices if isinstance(one, CartChanged)}
    cart_ids = {bound.cart_id for bound in queries.visits(batch.db, repeated).values()} - told
    batch.outcome.notices += [
        CartChanged(cart_id, version) for cart_id, version in versions(batch.db, cart_ids).items()
    ]


def _origins(batch: _Batch, changes: dict[str, int]) -> dict[str, str]:
    """Return the device behind each changed cart where it shows no one else's changes."""
    return {
        bound.cart_id: bound.device_id
        for bound in batch.bounds.values()
        if bound.cart_id in changes and bound.claimed_at_us is None
    }


def _authors(batch: _Batch, changes: dict[str, int]) -> dict[str, str]:
    """Return the device of each cart that was changed by one only."""
    found: dict[str, set[str]] = {}
    for bound in batch.bounds.values():
        if bound.cart_id in changes:
            found.setdefault(bound.cart_id, set()).add(bound.device_id)
    return {cart_id: next(iter(one)) for cart_id, one in found.items() if len(one) == 1}


def _tap(batch: _Batch, item: Item, presented: PresentedData) -> None:
    """Do what a tap asks for; one that cannot be done is a dead letter."""
    domain = batch.domain
    if domain.bands is None:
        return
    told = taps.at_desk(batch.db, domain.clock, domain.bands, item=item, presented=presented)
    if told is None:
        told = taps.at_gate(batch.db, domain.clock, domain.bands, item=item, presented=presented)
    if told is not None:
        batch.outcome.notices += told
        return
    try:
        tapped = taps.follow(
            batch.db, domain.clock, domain.ids, domain.bands, item=item, presented=presented
        )
    except CarryoverError as error:
        item.error = error
        return
    if tapped is not None:
        batch.outcome.taps.append(tapped)
        taps.tell(tapped, batch.outcome)


def _look(batch: _Batch, item: Item, data: LookData) -> None:
    """Note what was tried on in a look; one of another visit or device is a dead letter."""
    try:
        told(
            batch.db,
            device_id=item.device_id,
            visit=data.visit,
            look_id=data.look,
            gtins=data.gtins,
            duration_ms=data.duration_ms,
        )
    except CarryoverError as error:
        item.error = error


def _effects(batch: _Batch, fresh: Sequence[Item]) -> None:
    """Lists by mail, health, put-downs, rooms, taps: after the carts, which hold what was."""
    reports: list[Report] = []
    ended: list[tuple[str, str]] = []
    now_us = to_us(batch.domain.clock.now())
    for item in fresh:
        bound = _bound_of(batch, item)
        match item.event:
            case DeviceHealth(data=health):
                reports.append(Report(item.device_id, now_us, health))
                batch.outcome.desires.add(item.device_id)
            case DevicePutDown(data=data) if bound is not None:
                ended.append((bound.binding_id, data.reason))
                bound.live = False
                batch.over.append(bound)
                batch.outcome.notices.append(changed(bound))
            case ListRequested() if bound is not None and not bound.erased:
                request_id = lists.ask(batch.db, batch.domain.clock, item, bound)
                if request_id:
                    batch.outcome.notices.append(ListAsked(request_id))
            case LookKept(data=data) if bound is not None and not bound.erased:
                _look(batch, item, data)
            case _:
                pass
    report(batch.db, reports)
    begin.end(batch.db, batch.domain.clock, ended)
    rooms.follow(
        batch.db,
        batch.domain.clock,
        batch.domain.ids,
        batch.domain.lookup,
        fresh=fresh,
        devices=batch.devices,
        over=batch.over,
        told=batch.outcome,
    )
    for item in fresh:
        if isinstance(item.event, BandPresented):  # after the ends: she may be the next one there
            _tap(batch, item, item.event.data)
