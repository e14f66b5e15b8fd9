"""Whether an event was stored long ago: its row is gone, a digest of its id is left.

See ADR 58. Each number of a condensed range has a slot: eight bytes of the id, four of type and
time; zeros where no event of that number is condensed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from sqlmodel import Session

from cart.db.rows import BIGINT, TEXT, run
from gateway.findings.numbers import Event

ID_BYTES: Final = 8
SLOT_BYTES: Final = 12
EMPTY: Final = bytes(SLOT_BYTES)
_LAST_BYTE: Final = b"\x01"

Key = tuple[str, str]  # device id, event id


def id_digest(event_id: str) -> bytes:
    """Return eight bytes, never all zero."""
    digest = blake2b(event_id.encode(), digest_size=ID_BYTES).digest()
    return digest if any(digest) else bytes(ID_BYTES - 1) + _LAST_BYTE


def text_digest(kind: str, at_us: int) -> bytes:
    """Return four bytes of what an event is, and when it happened (microseconds)."""
    return blake2b(f"{kind} {at_us}".encode(), digest_size=SLOT_BYTES - ID_BYTES).digest()


def slot(event_id: str, kind: str, at_us: int) -> bytes:
    """Return an event's twelve bytes."""
    return id_digest(event_id) + text_digest(kind, at_us)


def condensed(db: Session, fresh: Sequence[Event]) -> tuple[set[Key], list[Event]]:
    """Return the keys of those that were stored long ago, and which of these came altered.

    Call it after the events' rows are inserted, in a statement of its own: an insert that met
    a row being condensed has waited for that to commit, and only a later statement sees it.
    """
    touched = _touched(db, fresh)
    if not touched:
        return set(), []
    asked = [one for one in fresh if one.device_id in touched]
    known: set[Key] = set()
    changed: list[Event] = []
    packs: defaultdict[Key, list[bytes]] = defaultdict(list)
    for device_id, event_id, digests in run(
        db,
        "SELECT d.device_id, d.event_id, p.digests FROM {rows}"
        " JOIN device_event_past AS p ON p.device_id = d.device_id"
        " AND (p.spool = d.spool AND d.number BETWEEN p.first AND p.last"
        " OR d.at_us BETWEEN p.earliest_us AND p.latest_us)",
        (
            *(("device_id", TEXT), ("event_id", TEXT), ("spool", TEXT)),
            *(("number", BIGINT), ("at_us", BIGINT)),
        ),
        [(one.device_id, one.event_id, one.spool, one.number, one.at_us) for one in asked],
    ):
        packs[device_id, event_id].append(bytes(digests))
    for one in asked:
        key = (one.device_id, one.event_id)
        found = _find(packs.get(key, ()), id_digest(one.event_id))
        if found is None:
            continue
        known.add(key)
        if found != text_digest(one.kind, one.at_us):
            changed.append(one)
    return known, changed


def _touched(db: Session, fresh: Sequence[Event]) -> set[str]:
    """Return the devices of which some of these may be condensed: nearly always none.

    By the marks of their streams, one row a stream and no cache: another gateway may have
    condensed in the meantime. By time as well: a spool that was put back from an old copy gives
    its events new numbers in a new spool, and their ids and times stay.
    """
    lowest: dict[tuple[str, str], tuple[int, int]] = {}
    for one in fresh:
        key = (one.device_id, one.spool)
        number, at_us = lowest.get(key, (one.number, one.at_us))
        lowest[key] = (min(number, one.number), min(at_us, one.at_us))
    found = run(
        db,
        "SELECT DISTINCT s.device_id FROM {rows}"
        " JOIN device_stream AS s ON s.device_id = d.device_id"
        " WHERE s.condensed_at_us >= d.at_us"
        " OR s.spool = d.spool AND s.condensed_through >= d.number",
        (("device_id", TEXT), ("spool", TEXT), ("number", BIGINT), ("at_us", BIGINT)),
        [(*key, *both) for key, both in lowest.items()],
    )
    return {row[0] for row in found}


def _find(packs: Iterable[bytes], wanted: bytes) -> bytes | None:
    for pack in packs:
        place = pack.find(wanted)
        while place != -1:
            if place % SLOT_BYTES == 0:
                return pack[place + ID_BYTES : place + SLOT_BYTES]
            place = pack.find(wanted, place + 1)
    return None


def take_back(db: Session, keys: Iterable[Key]) -> None:
    """Delete rows that this transaction inserted of events that are condensed."""
    run(
        db,
        "DELETE FROM device_event WHERE (device_id, event_id) IN"
        " (SELECT d.device_id, d.event_id FROM {rows})",
        (("device_id", TEXT), ("event_id", TEXT)),
        keys,
    )
