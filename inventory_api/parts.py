"""What the catalogue's HTTP routes need of the process that mounts them."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from cart.kernel.clock import Clock
from inventory_api.stock.live import StockFeed


@dataclass(frozen=True, slots=True)
class InventoryParts:
    """``live``: where stock changes are heard at once; without it they are looked for."""

    engine: Engine
    clock: Clock
    data_dir: Path
    live: StockFeed | None = None
