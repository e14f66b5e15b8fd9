"""The product's own modules, parsed: what rules about its code look at."""

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SERVER: Final = ("cart", "inventory_api", "gateway", "mobile_api")
PACKAGES: Final = (*SERVER, "store_devices", "firmware_sim")


@cache
def trees() -> list[tuple[str, ast.Module]]:
    """Return each module of the product by its path; parsed once, which costs seconds."""
    return [
        (str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8")))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    ]
