"""What a signed-in person may look at: tasks and lines of her own location."""

from sqlmodel import Session

from cart.kernel.errors import UnknownTask
from cart.picking import queries
from cart.picking.model import Staff
from cart.picking.queries import WalkLine
from cart.picking.tables import PickTaskRow


def line_here(db: Session, me: Staff, line_id: str) -> WalkLine:
    """Return a pick line of her location.

    Raises:
        UnknownTask: there is none of this id here.
    """
    line = queries.line(db, line_id)
    task = db.get(PickTaskRow, line.task_id)
    if task is None or task.location_id != me.location_id:
        msg = "there is no such line here"
        raise UnknownTask(msg, task_id=line_id[:80])
    return line
