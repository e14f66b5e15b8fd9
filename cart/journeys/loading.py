"""Commands on journeys: load a version, switch on and off. Versions are never changed."""

from sqlmodel import Session, select

from cart.db.guarded import insert_new
from cart.journeys.model import Definition, read
from cart.journeys.tables import JourneyRow, JourneyVersionRow
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, NotFound


def load(db: Session, clock: Clock, source: str) -> Definition:
    """Keep a version; new runs begin with the newest one. A new journey is off.

    The same text again changes nothing.

    Raises:
        InvalidInput: it is no journey, or another text has this version already.
    """
    one, now = read(source), clock.now()
    insert_new(
        db,
        JourneyRow,
        {"name": one.name, "version": one.version, "active": False, "changed_at": now},
        keys=["name"],
    )
    row = find(db, one.name, lock=True)
    insert_new(
        db,
        JourneyVersionRow,
        {"journey": one.name, "version": one.version, "source": source, "loaded_at": now},
        keys=["journey", "version"],
    )
    if version_of(db, one.name, one.version) != one:
        msg = f"{one.name} has another version {one.version} already: give it the next number"
        raise InvalidInput(msg)
    if one.version > row.version:
        row.version, row.changed_at = one.version, now
        db.add(row)
        db.flush()
    return one


def switch(db: Session, clock: Clock, name: str, *, active: bool) -> bool:
    """Switch a journey on or off; say whether it was otherwise.

    Off: nobody begins, and nothing is sent; who is on the way leaves when she is due.

    Raises:
        NotFound: there is no journey of this name.
    """
    row = find(db, name, lock=True)
    changed = row.active is not active
    if changed:
        row.active, row.changed_at = active, clock.now()
        db.add(row)
        db.flush()
    return changed


def find(db: Session, name: str, *, lock: bool = False) -> JourneyRow:
    """Return a journey.

    Raises:
        NotFound: there is none of this name.
    """
    asked = select(JourneyRow).where(JourneyRow.name == name)
    if lock:
        asked = asked.with_for_update()
    found = db.exec(asked.execution_options(populate_existing=True)).first()
    if found is None:
        msg = f"there is no journey called {name}"
        raise NotFound(msg)
    return found


def version_of(db: Session, name: str, version: int) -> Definition:
    """Return one version of a journey.

    Raises:
        NotFound: it was never loaded.
    """
    found = db.get(JourneyVersionRow, (name, version))
    if found is None:
        msg = f"there is no version {version} of {name}"
        raise NotFound(msg)
    return read(found.source)
