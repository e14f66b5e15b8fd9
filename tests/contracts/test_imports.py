"""Imports point one way, and a tablet runs without the server's libraries."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER_ONLY = ("fastapi", "sqlmodel", "sqlalchemy", "alembic", "psycopg", "dbos")

# Runs in a process of its own: what is imported here already would hide a fault.
TABLET = f"""
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {SERVER_ONLY!r}:
            raise ModuleNotFoundError(f"a tablet has no {{name}}", name=name)

sys.meta_path.insert(0, Refuse())
names = ["gateway.wire.codec", "gateway.wire.topics", "store_devices.cli"]
for package in ("store_devices.tablet", "cart.kernel"):
    found = importlib.import_module(package)
    names += [m.name for m in pkgutil.walk_packages(found.__path__, package + ".")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_imports_point_one_way() -> None:
    """import-linter keeps every contract in pyproject.toml."""
    program = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run(
        [program, "--no-logo"], check=False, cwd=ROOT, capture_output=True, timeout=100
    )
    assert found.returncode == 0, found.stdout.decode()
    assert b" 0 broken" in found.stdout


def test_a_tablet_needs_no_library_of_the_server() -> None:
    """Every module of the tablet imports where FastAPI, SQLModel and DBOS are not installed."""
    done = subprocess.run(
        [sys.executable, "-c", TABLET], check=False, cwd=ROOT, capture_output=True, timeout=100
    )
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) > 10
