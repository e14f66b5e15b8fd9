"""Moves each spool's mark in the database and says what receipts are due."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlmodel import Session

from cart.db import is_sqlite
from cart.db.rows import BIGINT, TEXT, run
from cart.kernel.clock import Clock, to_us
from gateway.ingest.chain import Gap, Link, advance, first_missing
from gateway.ingest.read import Item
from gateway.wire.downlink import Receipt
from gateway.wire.topics import Channel, DeviceAddress

StreamKey = tuple[str, str]  # device id, spool
_KEYS = (("device_id", TEXT), ("spool", TEXT))


class Settled(NamedTuple):
    """What is due, and how far each of the spools was stored before."""

    receipts: list[tuple[DeviceAddress, Receipt]]
    before: dict[StreamKey, int]


def settle(db: Session, clock: Clock, items: Sequence[Item]) -> Settled:
    """Move the marks by these events, dead letters included; return a receipt per spool.

    A gap of a telemetry spool is not noted: it keeps the newest only, by intention.
    """
    links: defaultdict[StreamKey, list[Link]] = defaultdict(list)
    addresses: dict[StreamKey, DeviceAddress] = {}
    telemetry: set[StreamKey] = set()
    for item in items:
        if item.link is not None and item.address is not None:
            key = (item.device_id, item.spool)
            links[key].append(item.link)
            addresses[key] = item.address
            if item.channel is Channel.TELEMETRY:
                telemetry.add(key)
    marks = stored(db, links, lock=True)
    gaps: list[tuple[StreamKey, Gap]] = []
    moved: dict[StreamKey, int] = {}
    heard: dict[StreamKey, int] = {}
    for key, batch in links.items():
        before = marks.get(key, 0)
        moved[key], jumped = advance(before, batch)
        heard[key] = max(moved[key], *(link.sequence for link in batch))
        if key not in telemetry:
            gaps += [(key, gap) for gap in jumped]
    further = {
        key: (mark, heard[key])
        for key, mark in moved.items()
        if mark != marks.get(key) or heard[key] > mark
    }
    _write(db, clock, further, telemetry)
    _note_gaps(db, clock, gaps)
    at = clock.now()
    receipts = [
        (
            addresses[key],
            Receipt(
                spool=key[1],
                stored_through=mark,
                at=at,
                resend_from=first_missing(mark, links[key]),
            ),
        )
        for key, mark in moved.items()
    ]
    return Settled(receipts, marks)


def stored(db: Session, keys: Iterable[StreamKey], *, lock: bool = False) -> dict[StreamKey, int]:
    """Return how far each of these spools is stored; ``lock``: held until the commit."""
    locked = lock and not is_sqlite(db.connection())
    suffix = " ORDER BY s.device_id, s.spool FOR UPDATE OF s" if locked else ""
    found = run(
        db,
        "SELECT s.device_id, s.spool, s.stored_through"  # noqa: S608 - constants
        " FROM {rows} JOIN device_stream AS s"
        f" ON s.device_id = d.device_id AND s.spool = d.spool{suffix}",
        _KEYS,
        keys,
    )
    return {(row[0], row[1]): row[2] for row in found}


def positions(db: Session, device_ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Return each device's spool of what people do and how far it is stored.

    The present one; devices without are absent.
    """
    found = run(
        db,
        "SELECT s.device_id, s.spool, s.stored_through FROM {rows}"
        " JOIN device_stream AS s ON s.device_id = d.device_id AND s.channel = 'events'"
        " ORDER BY s.device_id, s.updated_at_us",
        (("device_id", TEXT),),
        [(device_id,) for device_id in device_ids],
    )
    return {row[0]: (row[1], row[2]) for row in found}  # the last one is the newest


def _write(
    db: Session,
    clock: Clock,
    marks: dict[StreamKey, tuple[int, int]],
    telemetry: set[StreamKey],
) -> None:
    """Write how far each spool is stored and was heard; neither ever goes back."""
    run(
        db,
        "INSERT INTO device_stream"
        " (device_id, spool, stored_through, heard_through, updated_at_us, channel)"
        " SELECT device_id, spool, mark, heard, :now_us, channel FROM {rows} WHERE true"
        " ON CONFLICT (device_id, spool) DO UPDATE SET"
        " stored_through = CASE WHEN device_stream.stored_through < excluded.stored_through"
        " THEN excluded.stored_through ELSE device_stream.stored_through END,"
        " heard_through = CASE WHEN device_stream.heard_through < excluded.heard_through"
        " THEN excluded.heard_through ELSE device_stream.heard_through END,"
        " updated_at_us = excluded.updated_at_us"
        " WHERE device_stream.stored_through < excluded.stored_through"
        " OR device_stream.heard_through < excluded.heard_through",
        (*_KEYS, ("mark", BIGINT), ("heard", BIGINT), ("channel", TEXT)),
        [
            (*key, *both, (Channel.TELEMETRY if key in telemetry else Channel.EVENTS).value)
            for key, both in marks.items()
        ],
        {"now_us": to_us(clock.now())},
    )


def _note_gaps(db: Session, clock: Clock, gaps: list[tuple[StreamKey, Gap]]) -> None:
    now = clock.now()
    moment = "d.noted_at" if is_sqlite(db.connection()) else "CAST(d.noted_at AS timestamptz)"
    stamp = now.strftime("%Y-%m-%d %H:%M:%S.%f")
    text = stamp if is_sqlite(db.connection()) else now.isoformat()
    run(
        db,
        "INSERT INTO sequence_gap (device_id, spool, first, last, noted_at)"  # noqa: S608
        f" SELECT d.device_id, d.spool, d.first, d.last, {moment} FROM {{rows}} WHERE true"
        " ON CONFLICT (device_id, spool, first) DO NOTHING",
        (*_KEYS, ("first", BIGINT), ("last", BIGINT), ("noted_at", TEXT)),
        [(*key, gap.first, gap.last, text) for key, gap in gaps],
    )
