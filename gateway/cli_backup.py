"""``gateway backup`` and ``gateway restore``: everything of one installation, in a folder."""

from pathlib import Path
from typing import Annotated

import typer

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
    try:
        found: Backup = (
            put_back(folder, settings.data_dir, settings.effective_database_url)
            if restoring
            else back_up(
                settings.data_dir, settings.effective_database_url, folder, SystemClock().now()
            )
        )
    except CarryoverError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
    size_mib = sum(found.files.values()) / MIB
    typer.echo(f"{done} {len(found.files)} files, {size_mib:.1f} MiB: {found.folder}")
