"""``firmware_sim load``: on a gateway that runs, or on a shop of its own."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from cart.kernel.errors import Unavailable
from cart.kernel.ids import RandomIds
from firmware_sim.goods import generate
from firmware_sim.load.drive import Load, Report, drive
from firmware_sim.shop import Shop


def run(load: Load, data_dir: Path | None, say: Callable[[str], None]) -> Report:
    """Drive the gateway on ``data_dir``; without one, open a shop for it and close it after.

    Raises:
        Unavailable: nothing runs there, or it cannot be used.
    """
    if data_dir is not None:
        return drive(_running(data_dir), load, RandomIds())
    with tempfile.TemporaryDirectory(prefix="carryover-load-") as folder:
        shop = own_shop(Path(folder))
        try:
            shop.start()
            say(f"gateway on port {shop.mqtt_port}, API {shop.url}")
            return drive(shop, load, RandomIds())
        finally:
            shop.stop()


def own_shop(folder: Path, settings: Mapping[str, str] | None = None) -> Shop:
    """Return a shop with the demo's goods on its shelves, not started yet."""
    shop = Shop(folder / "data", settings=settings)
    generate(folder / "feeds", with_pictures=False)
    shop.take_feeds(folder / "feeds")
    return shop


def _running(data_dir: Path) -> Shop:
    """Return a shop whose processes somebody else has started, and ends."""
    shop = Shop(data_dir, settings={})
    try:
        facts = json.loads((data_dir / "run" / "api.json").read_text(encoding="utf-8"))
        shop.url = str(facts["url"])
    except FileNotFoundError as error:
        msg = f"no API has been started on {data_dir}"
        raise Unavailable(msg) from error
    return shop
