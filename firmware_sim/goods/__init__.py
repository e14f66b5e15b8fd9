"""The demo's goods: a made-up retailer's range, its three shops and its pictures.

Owns the fictional "Harbour & Mill" and writes it as the feed files that any
retailer's system would send. Everything follows from one seed. It knows no
server and no database.
"""

from dataclasses import dataclass
from pathlib import Path

from firmware_sim.goods import feeds
from firmware_sim.goods.assortment import Product, products
from firmware_sim.goods.codes import PREFIXES, Symbology
from firmware_sim.goods.opinions import reviews
from firmware_sim.goods.pictures import draw_all
from firmware_sim.goods.shops import SHOPS, counts

__all__ = ["Goods", "generate"]


@dataclass(frozen=True)
class Goods:
    """What was generated, for simulated shoppers to choose from."""

    out_dir: Path
    products: tuple[Product, ...]
    location_ids: tuple[str, ...]
    gtins: dict[Symbology, tuple[str, ...]]  # digits as printed under the bars
    pictures_drawn: int  # anew; the others came from the cache


def generate(
    out_dir: Path, seed: int = 7, *, cache_dir: Path | None = None, with_pictures: bool = True
) -> Goods:
    """Write the feed files and the pictures of the demo range into ``out_dir``.

    The same seed writes the same bytes. Pictures are drawn on all cores;
    ``cache_dir`` keeps them by content for the next run. Without pictures, for
    tests that look at no page, it takes a fraction of a second and the feeds
    name none.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    made = products(seed)
    feeds.write(out_dir / "locations.jsonl", feeds.location_rows())
    catalogue = feeds.catalogue_rows(made, with_pictures=with_pictures)
    feeds.write(out_dir / "catalogue.jsonl", catalogue)
    feeds.write(out_dir / "counts.jsonl", feeds.count_rows(counts(made, seed)))
    feeds.write(out_dir / "reviews.jsonl", feeds.review_rows(reviews(made, seed)))
    variants = [variant for product in made for variant in product.variants]
    return Goods(
        out_dir=out_dir,
        products=made,
        location_ids=tuple(shop.location_id for shop in SHOPS),
        gtins={
            name: tuple(one.gtin for one in variants if one.symbology == name) for name in PREFIXES
        },
        pictures_drawn=draw_all(made, out_dir, cache_dir) if with_pictures else 0,
    )
