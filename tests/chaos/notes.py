"""What the database itself notes of a chain: who stored each event, and under which lease.

Owns a trigger that the product knows nothing of. What it writes is what happened in the
transaction that stored the event, whatever any process believes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final

from sqlalchemy import Connection, text

# A gateway's connections bear its member id (`application_name`). The lease is read where it is
# locked until the commit: nobody can change it between this look and the event's being stored.
_NOTES: Final = (
    (
        "CREATE TABLE chaos_note (place bigserial PRIMARY KEY, device_id text, spool text,"
        " sequence bigint, lease text, fence bigint, holder text, process text,"
        " at timestamptz DEFAULT clock_timestamp())"
    ),
    """CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO chaos_note (device_id, spool, sequence, lease, fence, holder, process)
         SELECT n.device_id, n.spool, n.sequence, l.name, l.fence, l.holder,
                current_setting('application_name')
           FROM fresh AS n JOIN device AS d ON d.id = n.device_id
           JOIN lease AS l ON l.name = d.partition ORDER BY n.device_id, n.spool, n.sequence;
         RETURN NULL;
       END $$""",
    (
        "CREATE TRIGGER chaos_note AFTER INSERT ON device_event REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION chaos_note()"
    ),
)


def take_notes(db: Connection) -> None:
    """Let the database note from now on who stores what."""
    for statement in _NOTES:
        db.execute(text(statement))


def wrong_holders(db: Connection) -> list[str]:
    """Return what was stored by another than the holder, or of one tenure by two."""
    strangers = db.execute(
        text(
            "SELECT lease, fence, holder, process, count(*) FROM chaos_note"
            " WHERE holder <> process GROUP BY 1, 2, 3, 4"
        )
    )
    wrong = [
        f"{row[4]} events of {row[0]} stored by {row[3]}, held by {row[2]}" for row in strangers
    ]
    twice = db.execute(
        text(
            "SELECT lease, fence FROM chaos_note GROUP BY lease, fence"
            " HAVING count(DISTINCT process) > 1"
        )
    )
    wrong += [f"{row[0]} was held by two under fence {row[1]}" for row in twice]
    back = [one for _, one in _tenures(db) if one.fences != sorted(one.fences)]
    return wrong + [f"{one.lease} went from fence to fence {one.fences}" for one in back]


def out_of_order(db: Connection) -> int:
    """Return how many events were stored after a later one of their device.

    Where only gateways and APIs are struck: 0. A broker or a device that was killed
    sends again from where its receipts end.
    """
    rows = db.execute(
        text("SELECT device_id, spool, sequence FROM chaos_note ORDER BY device_id, spool, place")
    )
    return sum(before[2] > after[2] for before, after in pairwise(rows) if before[:2] == after[:2])


@dataclass(frozen=True, slots=True)
class Move:
    """A partition that changed hands.

    ``pause_s``: between the last event before and the first one after, including the
    pause that the devices made by themselves.
    """

    lease: str
    at: datetime
    pause_s: float
    before: str
    after: str

    @property
    def began_s(self) -> float:
        """When the last event before it was stored, in seconds since 1970."""
        return self.at.timestamp() - self.pause_s


@dataclass(slots=True)
class _Tenures:
    lease: str
    fences: list[int]
    moves: list[Move]


def moves(db: Connection) -> list[Move]:
    """Return all of them, in the order in which they happened."""
    found = [one for _, tenures in _tenures(db) for one in tenures.moves]
    return sorted(found, key=lambda one: one.at)


def _tenures(db: Connection) -> Iterator[tuple[str, _Tenures]]:
    rows = db.execute(
        text("SELECT lease, fence, process, at FROM chaos_note ORDER BY lease, place")
    ).all()
    for lease, of_lease in groupby(rows, key=lambda row: str(row[0])):
        notes = list(of_lease)
        fences = [int(fence) for fence, _ in groupby(notes, key=lambda row: int(row[1]))]
        made = [
            Move(lease, b[3], (b[3] - a[3]).total_seconds(), a[2], b[2])
            for a, b in pairwise(notes)
            if a[1] != b[1]
        ]
        yield lease, _Tenures(lease, fences, made)
