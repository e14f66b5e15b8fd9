"""Commands on journeys: load a version, switch on and off. Versions are never changed."""

from sqlmodel import Session, select

from cart.db.guarded import insert_new
from cart.journeys.model import Definition, read
from cart.journeys.tables import JourneyRow, JourneyVersionRow
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, NotFound
from cart.kernel.errors.segments import JourneyNameTaken, JourneySaved


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


def save(db: Session, clock: Clock, source: str, *, after: int) -> Definition:
    """Keep the version that follows ``after``, the newest that its writer saw; 0: a new journey.

    The same journey again changes nothing.

    Raises:
        InvalidInput: it is no journey, or has another number than the next.
        NotFound: a later version of a journey that is not there.
        JourneyNameTaken: a new one, and there is a journey of this name.
        JourneySaved: somebody was faster. Nothing has changed.
    """
    one = read(source)
    if one.version != after + 1:
        msg = f"version: this would be version {after + 1}"
        raise InvalidInput(msg)
    if after:
        newest = find(db, one.name, lock=True).version
    else:
        new = {"name": one.name, "version": 1, "active": False, "changed_at": clock.now()}
        is_new = insert_new(db, JourneyRow, new, keys=["name"])
        newest = 0 if is_new else find(db, one.name, lock=True).version
    saved = db.get(JourneyVersionRow, (one.name, one.version))
    if saved is not None and read(saved.source) == one:
        return one
    if not after and newest:
        msg = f"there is a journey called {one.name}"
        raise JourneyNameTaken(msg)
    if newest != after:
        msg = f"{one.name} has version {newest} by now"
        raise JourneySaved(msg)
    return load(db, clock, source)


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
    return read(source_of(db, name, version))


def source_of(db: Session, name: str, version: int) -> str:
    """Return the text of one version, as it was written.

    Raises:
        NotFound: it was never loaded.
    """
    found = db.get(JourneyVersionRow, (name, version))
    if found is None:
        msg = f"there is no version {version} of {name}"
        raise NotFound(msg)
    return found.source
