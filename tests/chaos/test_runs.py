"""A seed is known before its run begins, and a run that ends early is one row of the table."""

import json
from pathlib import Path
from typing import Any

import pytest

from cart.kernel.errors import Unavailable
from tests.chaos import __main__ as chaos
from tests.chaos.plan import Plan, Scale, plan_of
from tests.chaos.run import Result, played

EARLY = 5  # the seed whose run ends early


def breaking_off(plan: Plan, folder: Path, *, result: Result, **_: Any) -> Result:  # noqa: ANN401
    """Play as far as the first blow, and end as a run does in which a part ends by itself."""
    assert folder.is_dir()
    if plan.seed == EARLY:
        result.kills["broker"] = 1
        msg = "gateway has ended with 2"
        raise Unavailable(msg)
    result.orders = 3
    return result


def test_what_ends_a_run_early_is_in_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    """With what had happened until then; and it is not clean."""
    result = played(plan_of(EARLY, Scale()), play=breaking_off)
    assert (result.kills, result.seed, result.gateways) == ({"broker": 1}, EARLY, 3)
    assert result.wrong == ["ended early: Unavailable: gateway has ended with 2"]
    assert not result.clean
    assert "Traceback" in capsys.readouterr().err


def test_the_other_runs_are_played_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Each says its seed first; the table has them all, and the end says that one is not clean."""

    def play(plan: Plan) -> Result:
        begun = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert begun == {"begun": plan.seed}
        return played(plan, play=breaking_off)

    assert chaos.main(["--runs", "3", "--seed", str(EARLY - 1)], play) == 1
    last = capsys.readouterr().out.splitlines()
    assert json.loads(last[0])["orders"] == 3
    runs, clean = last[-1].split()[1], last[-1].split()[-1]
    assert (runs, clean) == ("3", "2")
