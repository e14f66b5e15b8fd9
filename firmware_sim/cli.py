"""``firmware_sim``: the command line of the shop without hardware."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cart.kernel.errors import CarryoverError

app = typer.Typer(
    help="A shop without hardware: a demo, and load.", no_args_is_help=True, add_completion=False
)


@app.command()
def demo(
    *,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after this long.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Of the pages; a free one if taken.")
    ] = 8000,
    data_dir: Annotated[Path, typer.Option(help="Made anew; a demo's alone.")] = Path("var/demo"),
    cache_dir: Annotated[
        Path | None, typer.Option(help="Keeps the goods' pictures; empty: goods-cache beside it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed: the same goods and people.")] = 7,
) -> None:
    """Play a small shop until Ctrl-C: prints `ready http://…/`, and at the end what happened."""
    # Before numpy is loaded: its own threads fight with the mirror's camera for the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from firmware_sim.demo.run import Wishes, run  # noqa: PLC0415 - help needs none of it

    cache = cache_dir or data_dir.parent / "goods-cache"
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    raise typer.Exit(run(Wishes(seconds, port, data_dir, cache, seed), _say))


@app.command()
def goods(
    out_dir: Annotated[Path, typer.Argument(help="Where the feed files and pictures/ go.")],
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")] = 7,
    cache_dir: Annotated[Path | None, typer.Option(help="Keeps pictures for the next run.")] = None,
) -> None:
    """Write the demo's feeds: locations, catalogue, counts, reviews and pictures."""
    from firmware_sim.goods.__main__ import main  # noqa: PLC0415 - only here are they drawn

    main(out_dir, seed, cache_dir)


@app.command()
def load(
    *,
    devices: Annotated[int, typer.Option(min=1, max=2_000, help="Connections.")] = 500,
    rate: Annotated[float, typer.Option(min=1, max=50_000, help="Events a second.")] = 1_000,
    seconds: Annotated[float, typer.Option(min=1, max=3_600, help="How long.")] = 30,
    phones: Annotated[int, typer.Option(min=0, max=2_000, help="Open phones, timed.")] = 0,
    telemetry_every: Annotated[
        int, typer.Option(min=0, help="Of so many messages of a device one is health; 0: none.")
    ] = 0,
    location: Annotated[str, typer.Option(help="Where the devices stand.")] = "harbour-street",
    url: Annotated[str, typer.Option(help="mqtt://…; empty: as enrolment says.")] = "",
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Of the running gateway; empty: a shop of its own."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object only.")] = False,
) -> None:
    """Drive a gateway at a fixed rate and report what came back; exit status 1 if any is lost."""
    from firmware_sim.load.drive import Load  # noqa: PLC0415 - help needs no paho
    from firmware_sim.load.run import run  # noqa: PLC0415

    asked = Load(devices, rate, seconds, location, url, phones, telemetry_every=telemetry_every)
    try:
        report = run(asked, data_dir, _say if not as_json else lambda _: None)
    except CarryoverError as error:
        typer.echo(f"error: {error.message}", err=True)
        raise typer.Exit(1) from error
    _say(report.as_json())
    if not as_json:
        _say(report.table())
    raise typer.Exit(1 if report.lost else 0)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app()
