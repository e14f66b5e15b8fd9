"""The first test in docs/testing-with-the-simulator.md, run as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.testing import RunningShop

PAGE = Path(__file__).parents[2] / "docs" / "testing-with-the-simulator.md"


@pytest.mark.timeout(180)
def test_the_first_test_on_the_page_passes(carryover_shop: RunningShop) -> None:
    """What a retailer copies from the page works."""
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {}
    exec(block.group(1), names)  # noqa: S102 - our own page
    names["test_a_scan_is_on_the_phone"](carryover_shop)
