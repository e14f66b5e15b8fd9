"""Staff look after staff: a manager after those of her location, an operator after everybody.

Who may do what to whom is data (``roles``). Nobody changes her own account, nor gives what
she has not got; who is an operator is changed by an operator only, and made one by command
line only.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from cart.kernel.clock import Clock
from cart.kernel.errors import RoleNeeded, UnknownStaff
from cart.kernel.ids import Ids
from cart.picking import second, staff
from cart.picking.model import Staff
from cart.picking.permissions import Permission, holders, holds
from cart.picking.roles import LOOKS_AFTER, OPERATOR_LOOKS_AFTER, May, Role
from cart.picking.tables import StaffRow


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account as it is shown. ``mine``: she who looks may change it."""

    staff: Staff
    operator: bool
    has_second: bool
    mine: bool


def may_see(db: Session, me: Staff) -> bool:
    """Say whether she looks after anybody."""
    return me.may(May.PEOPLE) or holds(db, me.id, Permission.OPERATOR)


def gives(db: Session, me: Staff) -> frozenset[Role]:
    """Return the roles in which she may take somebody on."""
    operator = holds(db, me.id, Permission.OPERATOR)
    return OPERATOR_LOOKS_AFTER if operator else LOOKS_AFTER[me.role]


def looks_after(db: Session, me: Staff, other: Staff) -> bool:
    """Say whether she may change this account."""
    operators = holders(db, (me.id, other.id), Permission.OPERATOR)
    return _looks_after(me, other, operators)


def accounts(db: Session, me: Staff, location_id: str) -> list[Account]:
    """Return the active staff of a location, by number; as many selects for many as for one."""
    everybody = staff.everybody(db, location_id)
    ids = [one.id for one in everybody]
    operators = holders(db, [me.id, *ids], Permission.OPERATOR)
    with_second = second.who_have(db, ids)
    return [
        Account(one, one.id in operators, one.id in with_second, _looks_after(me, one, operators))
        for one in everybody
    ]


def _looks_after(me: Staff, other: Staff, operators: frozenset[str]) -> bool:
    if other.id == me.id:
        return False
    here = other.location_id == me.location_id and other.role in LOOKS_AFTER[me.role]
    return me.id in operators or (here and other.id not in operators)


def add(
    db: Session,
    clock: Clock,
    ids: Ids,
    me: Staff,
    *,
    location_id: str,
    number: str,
    name: str,
    role: Role,
) -> tuple[Staff, str]:
    """Take somebody on; return her and her PIN, which is shown this once.

    Whether the location exists is the caller's to ask.

    Raises:
        RoleNeeded: not in this role, or not at this location.
        InvalidInput: see ``staff.add``.
    """
    elsewhere = location_id != me.location_id and not holds(db, me.id, Permission.OPERATOR)
    if role not in gives(db, me) or elsewhere:
        raise _refusal()
    return staff.add(db, clock, ids, location_id=location_id, number=number, name=name, role=role)


def new_pin(db: Session, clock: Clock, ids: Ids, me: Staff, *, staff_id: str) -> str:
    """Return a new PIN of somebody she looks after; whoever is signed in with the old one is out.

    Raises:
        UnknownStaff: nobody active whom she can see has this id.
        RoleNeeded: she does not look after her.
    """
    return staff.new_pin(db, clock, ids, staff_id=_hers(db, me, staff_id).id)


def reset_second(db: Session, clock: Clock, me: Staff, *, staff_id: str) -> bool:
    """Take the second factor of somebody she looks after away; see ``second.reset``.

    Raises:
        UnknownStaff: nobody active whom she can see has this id.
        RoleNeeded: she does not look after her.
    """
    return second.reset(db, clock, staff_id=_hers(db, me, staff_id).id)


def close(db: Session, clock: Clock, me: Staff, *, staff_id: str) -> None:
    """Close the account of somebody she looks after, for ever.

    Raises:
        UnknownStaff: nobody active whom she can see has this id.
        RoleNeeded: she does not look after her.
        LastOperator: nobody else is an operator.
    """
    staff.deactivate(db, clock, staff_id=_hers(db, me, staff_id).id)


def row_of(db: Session, staff_id: str) -> StaffRow:
    """Return the row of somebody active.

    Raises:
        UnknownStaff: nobody has this id.
    """
    row = db.exec(
        select(StaffRow)
        .where(StaffRow.id == staff_id, col(StaffRow.active))
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise _unknown(staff_id)
    return row


def _unknown(staff_id: str) -> UnknownStaff:
    return UnknownStaff(f"nobody active here has the id {staff_id}", staff_id=staff_id)


def _hers(db: Session, me: Staff, staff_id: str) -> Staff:
    row = row_of(db, staff_id)
    if row.location_id != me.location_id and not holds(db, me.id, Permission.OPERATOR):
        raise _unknown(staff_id)
    other = staff.as_staff(row)
    if not looks_after(db, me, other):
        raise _refusal()
    return other


def _refusal() -> RoleNeeded:
    return RoleNeeded("this account is not hers to change, or this role not hers to give")
