"""What somebody may do beyond her role: see the devices, mend what they could not do, all staff.

A permission belongs to a person, not to a location: who looks after devices looks
after all of them.
"""

from collections.abc import Collection
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from cart.kernel.clock import Clock
from cart.kernel.errors import LastOperator, OperatorNeeded
from cart.picking.tables import StaffPermissionRow, StaffRow


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
    """Allow it no longer, from now on; say whether it was allowed.

    Raises:
        LastOperator: nobody else is an operator.
    """
    if permission is Permission.OPERATOR:
        keep_an_operator(db, staff_id)
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


def holders(db: Session, staff_ids: Collection[str], permission: Permission) -> frozenset[str]:
    """Return who of these may."""
    found = select(StaffPermissionRow.staff_id).where(
        col(StaffPermissionRow.staff_id).in_(staff_ids), StaffPermissionRow.permission == permission
    )
    return frozenset(db.exec(found))


def keep_an_operator(db: Session, leaving_id: str) -> None:
    """Return if somebody is an operator also without her, or she is none.

    All operators' rows are held until the commit: of two who let each other go, one is left.

    Raises:
        LastOperator: nobody else is.
    """
    all_of_them = select(StaffPermissionRow.staff_id).where(
        StaffPermissionRow.permission == Permission.OPERATOR
    )
    held = db.exec(all_of_them.order_by(col(StaffPermissionRow.staff_id)).with_for_update()).all()
    if leaving_id not in held:
        return
    others = db.exec(
        all_of_them.join(StaffRow, col(StaffRow.id) == col(StaffPermissionRow.staff_id)).where(
            col(StaffRow.active), StaffRow.id != leaving_id
        )
    ).first()
    if others is None:
        msg = "nobody else is an operator: make somebody one first"
        raise LastOperator(msg)


def need(db: Session, staff_id: str, permission: Permission) -> None:
    """Return if she may.

    Raises:
        OperatorNeeded: she may not.
    """
    if not holds(db, staff_id, permission):
        msg = "only an operator may do this"
        raise OperatorNeeded(msg)
