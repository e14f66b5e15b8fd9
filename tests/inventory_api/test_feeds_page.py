"""docs/feeds.md says what the importer does."""

import json
import re
from pathlib import Path

import pytest

from inventory_api.feeds import rows
from inventory_api.feeds.columns import REQUIRED, column, known
from inventory_api.feeds.kinds import Kind
from inventory_api.stock.model import Reason

PAGE = (Path(__file__).parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")
MODELS: dict[Kind, type[rows.Row]] = {
    Kind.LOCATIONS: rows.LocationRow,
    Kind.CATALOGUE: rows.CatalogueRow,
    Kind.COUNTS: rows.CountRow,
    Kind.REVIEWS: rows.ReviewRow,
}


@pytest.mark.parametrize("kind", Kind)
def test_the_example_row_is_taken(kind: Kind) -> None:
    """It parses, and shows every field that there is."""
    found = re.search(rf"^`{kind}\.jsonl`.*?```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    shown = json.loads(found[1])
    MODELS[kind].model_validate_json(found[1])
    assert set(shown) == set(MODELS[kind].model_fields)


@pytest.mark.parametrize("kind", Kind)
def test_the_columns_are_those_of_the_importer(kind: Kind) -> None:
    """Every column on the page is known, none is left out, and the bold ones are required."""
    (line,) = re.findall(rf"^\| `{kind}` \| (\*\*.*) \|$", PAGE, re.MULTILINE)
    cells = [cell.strip() for cell in line.replace("hours_mon … hours_sun", "hours_mon").split(",")]
    italics = {"**": "", "*LL*": "pl", "*CUR*": "EUR", "*N*": "1"}
    named = set()
    for cell in cells:
        name = cell
        for mark, example in italics.items():
            name = name.replace(mark, example)
        named.add(name)
    assert [name for name in named if column(kind, name) is None] == []
    days = {f"hours_{day}" for day in ("tue", "wed", "thu", "fri", "sat", "sun")}
    assert set(known(kind)) - named - days == set()
    assert {cell.strip("*") for cell in cells if cell.startswith("**")} == set(REQUIRED[kind])


def test_the_reasons_are_all_there() -> None:
    """As the command line takes them."""
    assert all(f"`{reason}`" in PAGE for reason in Reason)
