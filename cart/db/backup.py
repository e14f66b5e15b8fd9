"""A copy of everything that one installation keeps, taken while it works, and the way back.

SQLite files are copied by SQLite itself, PostgreSQL by its own ``pg_dump``. Owns the
order: what other processes can find out again is copied first and the shop's own
database last, so that no workflow is thought done whose fact is missing from the copy.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from cart.kernel.errors import Conflict, InvalidPayload, Unavailable

MANIFEST: Final = "backup.json"
DUMP: Final = "database.dump"
MAIN: Final = "carryover.db"
# Said anew at every start, of no use without its process, or the one thing that must never go
# back in time: what was erased since the backup.
LEFT_OUT: Final = frozenset({"run", "log", "erasures.jsonl"})
COMPANIONS: Final = ("-wal", "-shm", "-journal", ".lock", ".pid")
CHUNK_BYTES: Final = 1 << 20


class BackupDamaged(InvalidPayload):
    """A file of a backup is missing or is not what was written."""

    code = "backup_damaged"


class NotEmpty(Conflict):
    """Something is there that would be overwritten."""

    code = "not_empty"


@dataclass(frozen=True, slots=True)
class Backup:
    """What was copied: files by path within the folder, with their sizes in bytes.

    ``audit_head``: the newest entry of the audit log that is surely in it, empty if unknown.
    """

    folder: Path
    files: dict[str, int]
    audit_head: str = ""


def back_up(
    data_dir: Path, database_url: str, folder: Path, now: datetime, *, audit_head: str = ""
) -> Backup:
    """Copy ``data_dir`` and the database into ``folder``, which must not hold anything yet.

    Writers are not held up. ``audit_head``: as it was before, to be found in it again.
    The manifest is written last: a folder without one is no backup.

    Raises:
        NotEmpty: there is something in ``folder``, or it is part of what is copied.
        Unavailable: ``pg_dump`` is missing or fails; its own words are in the message.
    """
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder} is not empty; name a new folder for each backup"
        raise NotEmpty(msg)
    if folder.resolve().is_relative_to(data_dir.resolve()):
        msg = f"{folder} lies within {data_dir}; a backup belongs on another disk"
        raise NotEmpty(msg)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # keys are among the files
    for path in sorted(_kept(data_dir), key=lambda path: path.name == MAIN):
        target = folder / path.relative_to(data_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".db":
            _copy_database(path, target)
        else:
            with suppress(FileNotFoundError):  # a look may be deleted at this very moment
                shutil.copy2(path, target)
    if not database_url.startswith("sqlite"):
        _postgres("pg_dump", database_url, "--format=custom", f"--file={folder / DUMP}")
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": _sum(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {"made_at": now.isoformat(), "files": files, "audit_head": audit_head}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    sizes = {name: int(str(facts["bytes"])) for name, facts in files.items()}
    return Backup(folder, sizes, audit_head)


def restore(folder: Path, data_dir: Path, database_url: str) -> Backup:
    """Put a backup back; ``data_dir`` must hold no database, and PostgreSQL's must be empty.

    Everything is checked before the first file is written.

    Raises:
        BackupDamaged: ``folder`` is no backup, or a file in it has changed.
        NotEmpty: there is a database already.
        Unavailable: ``pg_restore`` is missing or fails; PostgreSQL is left as it was.
    """
    found, audit_head = _checked(folder)
    if there := sorted(data_dir.glob("*.db")):
        msg = f"{there[0]} is there already; move {data_dir} away first"
        raise NotEmpty(msg)
    dumped = DUMP in found
    if dumped == database_url.startswith("sqlite"):
        kind = "PostgreSQL" if dumped else "SQLite"
        msg = f"the backup is of {kind}; set DATABASE_URL accordingly"
        raise BackupDamaged(msg)
    if dumped:
        _postgres(
            "pg_restore", database_url, "--single-transaction", "--no-owner", str(folder / DUMP)
        )
    for name in found:
        if name != DUMP:
            target = data_dir / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, target)
    return Backup(folder, found, audit_head)


def _kept(data_dir: Path) -> Iterator[Path]:
    for path in data_dir.rglob("*"):
        inside = path.relative_to(data_dir)
        of_no_use = inside.parts[0] in LEFT_OUT or path.name.endswith(COMPANIONS)
        if path.is_file() and not of_no_use:
            yield path


def _copy_database(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)  # in one piece: a state between two commits, whatever is written
        said = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if said != "ok":
        msg = f"{source}: {said}"
        raise BackupDamaged(msg)


def _checked(folder: Path) -> tuple[dict[str, int], str]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): dict(facts) for name, facts in manifest["files"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        msg = f"{folder} has no readable {MANIFEST}: it is no backup, or one that was not finished"
        raise BackupDamaged(msg) from error
    for name, facts in files.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            msg = f"{name} is missing from {folder}"
            raise BackupDamaged(msg)
        if _sum(path) != facts.get("sha256"):
            msg = f"{path} is not what was backed up"
            raise BackupDamaged(msg)
    sizes = {name: int(facts["bytes"]) for name, facts in files.items()}
    return sizes, str(manifest.get("audit_head", ""))


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _postgres(program: str, database_url: str, *arguments: str) -> None:
    url = make_url(database_url)
    where = shutil.which(program)
    if where is None:
        msg = f"{program} is not on the PATH; it comes with PostgreSQL's client programs"
        raise Unavailable(msg)
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    plain = url.set(drivername="postgresql", password=None)
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
        [where, f"--dbname={plain.render_as_string(hide_password=False)}", *arguments],
        env={**os.environ, **password},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        msg = f"{program} failed: {done.stderr.strip()[-500:]}"
        raise Unavailable(msg)
