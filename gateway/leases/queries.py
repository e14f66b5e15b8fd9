"""Every select on members and leases. None asks a clock."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from cart.db.rows import TEXT, run
from gateway.leases.model import Lease
from gateway.leases.tables import GatewayMemberRow, LeaseRow


@dataclass(frozen=True, slots=True)
class Member:
    """A gateway process as it is written down; ``started_at`` by its own clock, for people."""

    id: str
    name: str
    beat: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at all of it."""

    members: Sequence[Member]
    leases: Sequence[Lease]

    def name_of(self, holder: str) -> str:
        """Return what people call a holder; its id when it is gone, empty when there is none."""
        return next((one.name for one in self.members if one.id == holder), holder)


def look(db: Session) -> Seen:
    """Return members and leases by id and name."""
    members = db.exec(select(GatewayMemberRow).order_by(GatewayMemberRow.id)).all()
    leases = db.exec(select(LeaseRow).order_by(LeaseRow.name)).all()
    return Seen(
        [Member(one.id, one.name, one.beat, one.started_at) for one in members],
        [Lease(one.name, one.holder, one.fence) for one in leases],
    )


def held_until_commit(db: Session, me: str, names: Collection[str]) -> set[str]:
    """Return those of ``names`` that ``me`` holds; nobody can take them before our commit.

    Locked in one order. Whoever takes one waits for us, and we for it: then what it
    wrote is what we see.
    """
    found = run(
        db,
        "SELECT l.name FROM {rows} JOIN lease AS l ON l.name = d.name"
        " WHERE l.holder = :me ORDER BY l.name FOR SHARE OF l",
        (("name", TEXT),),
        [(name,) for name in sorted(names)],
        {"me": me},
    )
    return {row[0] for row in found}


def beat_of(db: Session, me: str) -> int | None:
    """Return a member's beat, None when it is not written down."""
    return db.exec(select(GatewayMemberRow.beat).where(col(GatewayMemberRow.id) == me)).first()
