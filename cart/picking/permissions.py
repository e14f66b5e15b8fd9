"""What somebody may do beyond her role: so far, see the devices and mend what they could not do.

A permission belongs to a person, not to a location: who looks after devices looks
after all of them.
"""

from enum import StrEnum

from sqlmodel import Session, col, delete, select

from cart.kernel.clock import Clock
from cart.kernel.errors import OperatorNeeded
from cart.picking.tables import StaffPermissionRow


class Permission(StrEnum):
    """What may be granted."""

    OPERATOR = "operator"  # the pages under /operator


def grant(db: Session, clock: Clock, *, staff_id: str, permission: Permission) -> bool:
    """Allow it; say whether it was not allowed before."""
    if holds(db, staff_id, permission):
        return False
    db.add(StaffPermissionRow(staff_id=staff_id, permission=permission, granted_at=clock.now()))
    db.flush()
    return True


def take_back(db: Session, *, staff_id: str, permission: Permission) -> bool:
    """Allow it no longer, from now on; say whether it was allowed."""
    gone = db.exec(
        delete(StaffPermissionRow).where(
            col(StaffPermissionRow.staff_id) == staff_id,
            col(StaffPermissionRow.permission) == permission,
        )
    )
    return bool(gone.rowcount)


def holds(db: Session, staff_id: str, permission: Permission) -> bool:
    """Say whether she may; as of this moment, whatever the session has read."""
    found = select(StaffPermissionRow.staff_id).where(
        StaffPermissionRow.staff_id == staff_id, StaffPermissionRow.permission == permission
    )
    return db.exec(found).first() is not None


def need(db: Session, staff_id: str, permission: Permission) -> None:
    """Return if she may.

    Raises:
        OperatorNeeded: she may not.
    """
    if not holds(db, staff_id, permission):
        msg = "only an operator may do this"
        raise OperatorNeeded(msg)
