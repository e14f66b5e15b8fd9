"""Noting what a command line does: by the name of the system's user who called it."""

import getpass
import os

from sqlmodel import Session

from cart.audit.model import Action, On, Who, WhoKind
from cart.audit.service import note
from cart.kernel.clock import SystemClock


def at_terminal(location_id: str = "") -> Who:
    """Return who calls: the system's user, by number where it has no name (in a container).

    ``location_id``: where what she does takes effect, if it is one location.
    """
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = f"uid:{os.getuid()}"
    return Who(WhoKind.TERMINAL, name, location_id=location_id)


def note_at_terminal(
    db: Session, action: Action, *on: On, outcome: str = "done", location_id: str = ""
) -> None:
    """Note one entry for each of ``on``, as :func:`cart.audit.service.note` does."""
    for one in on:
        note(db, SystemClock(), at_terminal(location_id), action, one, outcome=outcome)
