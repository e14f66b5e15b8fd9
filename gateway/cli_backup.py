"""``gateway backup`` and ``gateway restore``: everything of one installation, in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import inspect, make_url
from sqlmodel import Session

from cart.audit import service
from cart.audit.model import Head
from cart.audit.tables import AuditRow
from cart.db import make_engine, reading
from cart.db.backup import Backup, back_up
from cart.db.backup import restore as put_back
from cart.kernel.clock import SystemClock
from cart.kernel.errors import CarryoverError
from gateway.settings import MqttSettings

MIB = 1024 * 1024


def backup(folder: Annotated[Path, typer.Argument(help="A new folder for this backup.")]) -> None:
    """Copy the database, the keys and the files, while the shop works."""
    settings = MqttSettings()
    _say("backed up", settings, folder, restoring=False)


def restore(folder: Annotated[Path, typer.Argument(help="The folder of a backup.")]) -> None:
    """Put a backup into an empty DATA_DIR; start gateway and API afterwards."""
    settings = MqttSettings()
    _say("restored", settings, folder, restoring=True)


def _say(done: str, settings: MqttSettings, folder: Path, *, restoring: bool) -> None:
    url = settings.effective_database_url
    try:
        if restoring:
            found: Backup = put_back(folder, settings.data_dir, url)
            audited = _examined(url, found.audit_head)
        else:
            head = _head(url)
            now = SystemClock().now()
            found = back_up(settings.data_dir, url, folder, now, audit_head=head)
            audited = f"its audit log goes at least through {head}" if head else ""
    except CarryoverError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
    size_mib = sum(found.files.values()) / MIB
    typer.echo(f"{done} {len(found.files)} files, {size_mib:.1f} MiB: {found.folder}")
    if audited:
        typer.echo(audited)


def _head(url: str) -> str:
    if url.startswith("sqlite") and not Path(make_url(url).database or "").exists():
        return ""
    with _log(url) as db:
        return "" if db is None else str(service.head(db))


def _examined(url: str, kept: str) -> str:
    with _log(url) as db:
        if db is None:
            return ""
        verdict = service.verify(db, Head.parse(kept) if kept else None)
    through = f"intact through {verdict.head.seq}, head {verdict.head}"
    return f"audit log: {verdict.fault + '; ' if verdict.fault else ''}{through}"


@contextmanager
def _log(url: str) -> Iterator[Session | None]:
    """Yield a session if the database has an audit log: one of an older version has none."""
    engine = make_engine(url)
    try:
        if not inspect(engine).has_table(AuditRow.__tablename__):
            yield None
            return
        with reading(engine) as db:
            yield db
    finally:
        engine.dispose()
