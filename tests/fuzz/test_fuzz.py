"""A short run of each target; ``make fuzz`` is the long one."""

import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import TAKEN, TARGETS

INPUTS = {"events": 3_000, "to-devices": 5_000, "packets": 5_000, "codes": 3_000}
FEW = 300  # a file into a database, a photograph: tens of milliseconds each


@pytest.mark.skipif(sys.platform != "linux", reason="the engine is built for Linux only")
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_crashes_it_and_every_refusal_has_a_reason(name: str, tmp_path: Path) -> None:
    """Some inputs are taken, so mutation goes past the first check; the others are refused."""
    run = fuzz(name, INPUTS.get(name, FEW), 1, tmp_path)
    assert not run.found, run.found
    assert run.inputs >= INPUTS.get(name, FEW)
    assert run.counts[TAKEN] > 0
    assert len(run.counts) > 1
