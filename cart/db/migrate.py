"""Brings a database to the present schema. Owns the order of migrations, and knows no table.

Tables live in modules named ``tables`` all over the server; they are found by
that name, so a new feature's tables need no list to be added to.
"""

import importlib
import pkgutil
from typing import Final

SERVER_PACKAGES: Final = ("cart", "inventory_api", "gateway", "mobile_api")


def load_tables() -> list[str]:
    """Import every module called ``tables``; return their names, sorted."""
    found: list[str] = []
    for name in SERVER_PACKAGES:
        package = importlib.import_module(name)
        found += [
            module.name
            for module in pkgutil.walk_packages(package.__path__, f"{name}.")
            if module.name.rpartition(".")[2] == "tables"
        ]
    for module_name in found:
        importlib.import_module(module_name)
    return sorted(found)
