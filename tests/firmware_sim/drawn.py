"""Where drawn goods are kept, for all tests and `make demo`: drawing them is a minute's work."""

from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).parents[2] / "var" / "goods-cache"
