"""``python -m firmware_sim.goods OUT_DIR``: write the demo range and its pictures."""

from pathlib import Path
from typing import Annotated

import typer

from firmware_sim.goods import generate


def main(
    out_dir: Annotated[Path, typer.Argument(help="where the feed files and pictures/ go")],
    seed: Annotated[int, typer.Option(help="the same seed writes the same bytes")] = 7,
    cache_dir: Annotated[Path | None, typer.Option(help="keeps pictures for the next run")] = None,
) -> None:
    """Write locations, catalogue, counts, reviews and pictures of the demo's retailer."""
    goods = generate(out_dir, seed, cache_dir=cache_dir)
    variants = sum(len(product.variants) for product in goods.products)
    typer.echo(
        f"{len(goods.products)} products, {variants} variants, {len(goods.location_ids)} locations,"
        f" {goods.pictures_drawn} pictures drawn in {out_dir}"
    )


if __name__ == "__main__":
    typer.run(main)
