"""Command line: the report's tables as files."""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.db import reading
from cart.kernel.clock import SystemClock
from inventory_api.terminal import UNUSABLE, opened_database
from mobile_api.report import parquet
from mobile_api.report.gathering import chosen, gather, today_in
from mobile_api.report.sheets import as_csv, sheets

DAY: Final = "%Y-%m-%d"
DAYS: Final = 30  # where nobody says from when


class Form(StrEnum):
    """How a table is written."""

    CSV = "csv"
    PARQUET = "parquet"


def report(
    *,
    into: Annotated[Path, typer.Option(help="Folder for the files; made if it is not there.")],
    since: Annotated[
        datetime | None, typer.Option("--from", formats=[DAY], help="First day; 30 days back.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=[DAY], help="Last day; yesterday.")
    ] = None,
    shop: Annotated[list[str] | None, typer.Option(help="Location id; all if left out.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How they are written.")] = Form.CSV,
) -> None:
    """Write the report: from scan to sale, times, orders, lift. One file a table."""
    if form is Form.PARQUET and not parquet.available():
        typer.echo(parquet.INSTALL, err=True)
        raise typer.Exit(UNUSABLE)
    with opened_database() as (engine, _), reading(engine) as db:
        shops = chosen(db, shop or ())
        today = today_in(shops, SystemClock().now())
        last = until.date() if until else today - timedelta(days=1)
        first = since.date() if since else last - timedelta(days=DAYS - 1)
        found = sheets(gather(db, shops, first, last))
    into.mkdir(parents=True, exist_ok=True)
    for name, sheet in found.items():
        path = into / f"{name}.{form}"
        if form is Form.CSV:
            path.write_text(as_csv(sheet), encoding="utf-8", newline="")
        else:
            path.write_bytes(parquet.as_parquet(sheet))
        typer.echo(f"{path}  {len(sheet.rows)} rows")
