"""``firmware_sim``: the command line of the shop without hardware."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="A shop without hardware: a demo, and load.", no_args_is_help=True, add_completion=False
)


@app.command()
def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after this long.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Of the pages; a free one if taken.")
    ] = 8000,
    data_dir: Annotated[Path, typer.Option(help="Made anew; a demo's alone.")] = Path("var/demo"),
    seed: Annotated[int, typer.Option(help="The same seed: the same goods and people.")] = 7,
) -> None:
    """Play a small shop until Ctrl-C: prints `ready http://…/`, and at the end what happened."""
    from firmware_sim.demo.run import Wishes, run  # noqa: PLC0415 - help needs none of it

    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    raise typer.Exit(run(Wishes(seconds, port, data_dir, seed), _say))


@app.command()
def goods(
    out_dir: Annotated[Path, typer.Argument(help="Where the feed files and pictures/ go.")],
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")] = 7,
    cache_dir: Annotated[Path | None, typer.Option(help="Keeps pictures for the next run.")] = None,
) -> None:
    """Write the demo's feeds: locations, catalogue, counts, reviews and pictures."""
    from firmware_sim.goods.__main__ import main  # noqa: PLC0415 - only here are they drawn

    main(out_dir, seed, cache_dir)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app()
