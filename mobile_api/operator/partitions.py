"""Which gateway works for which partition, of several that share them; what nobody works for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gateway.leases.model import CHORES, Lease
from gateway.leases.queries import Member, look
from mobile_api.operator.looking import OperatorLooking

QUIET_S: Final = 30  # a gateway that has not written a row for six beats is not well


@dataclass(frozen=True, slots=True)
class Cell:
    """A partition's name, and in words how often it has changed hands."""

    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one gateway holds, or nobody.

    ``state`` says in words what is wrong with it, empty when nothing is. ``chores``: the
    work that one does for all is among it.
    """

    gateway: str
    state: str
    count: str
    cells: tuple[Cell, ...]
    chores: bool = False


@dataclass(frozen=True, slots=True)
class Partitions:
    """``held`` of ``all`` are worked for; ``trouble`` says in a few words why not all are."""

    held: int
    all: int
    trouble: str
    shares: tuple[Share, ...]


def partitions(looking: OperatorLooking, heard: Mapping[str, timedelta]) -> Partitions | None:
    """Return who holds what, first what nobody holds; None where one gateway has it all.

    ``heard``: how long ago a gateway of this name has written its pulse. A holder that is
    written down nowhere is gone, and one that is silent may be dead: what it holds stands
    still until another one takes it.
    """
    seen = look(looking.db)
    if not seen.leases:
        return None
    _ = looking.spoken.gettext
    of: dict[str, list[Lease]] = {one.id: [] for one in seen.members}
    free = [one for one in seen.leases if one.holder not in of]
    for lease in seen.leases:
        of.get(lease.holder, []).append(lease)
    silent = {one.id for one in seen.members if _silent(looking, one, heard)}
    shares = [_share(looking, "", free, _("nobody works for these"))] if free else []
    shares += [
        _share(looking, one.name, of[one.id], _("not heard") if one.id in silent else "")
        for one in sorted(seen.members, key=lambda one: one.name)
    ]
    still = [lease for one in silent for lease in of[one]]
    every, idle = len(_counted(seen.leases)), len(_counted([*free, *still]))
    return Partitions(every - idle, every, _trouble(looking, free, still), tuple(shares))


def _counted(leases: Iterable[Lease]) -> list[Lease]:
    return [one for one in leases if one.name != CHORES]


def _silent(looking: OperatorLooking, member: Member, heard: Mapping[str, timedelta]) -> bool:
    """Say so, but not of one that has just begun: its first row comes after a few seconds."""
    age = heard.get(member.name, looking.now - member.started_at)
    return age > timedelta(seconds=QUIET_S)


def _trouble(looking: OperatorLooking, free: Sequence[Lease], still: Sequence[Lease]) -> str:
    _, number = looking.spoken.gettext, looking.spoken.number
    if counted := _counted(free):
        return _("%(count)s free") % {"count": number(len(counted))}
    if free:  # the partitions are worked for, the chores are not
        return _("the common work is free")
    if still:
        return _("a gateway is not heard")
    return ""


def _share(looking: OperatorLooking, name: str, leases: Sequence[Lease], state: str) -> Share:
    spoken, counted = looking.spoken, _counted(leases)
    cells = tuple(
        Cell(
            one.name,
            spoken.ngettext(
                "has changed hands %(num)s time", "has changed hands %(num)s times", one.fence
            ),
        )
        for one in counted
    )
    count = spoken.ngettext("%(num)s partition", "%(num)s partitions", len(counted))
    return Share(name, state, count, cells, chores=len(counted) < len(leases))
