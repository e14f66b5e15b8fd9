"""Killed in mid-stream at random moments: nothing is lost, nothing is done twice.

Three of the runs that ``make chaos`` does by the dozen, none of them of a chain, with fewer
devices and blows, and as many events: what the seed decides is in ``plan``, what is
compared in ``verdict``.
"""

from typing import Final

import pytest
from sqlalchemy import text

from tests.chaos.plan import Scale, plan_of
from tests.chaos.run import folder_of, run
from tests.chaos.stage import Stage
from tests.chaos.verdict import Judge

EVENTS: Final = 20_000
SCALE: Final = Scale(
    events=EVENTS, hosts=2, devices_per_host=8, phones=4, shoppers=2, rate=2_500.0, blows=5
)
pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]
# What a bug of ours could leave behind, and what the verdict has to say of it.
DAMAGES: Final = {
    "lost": "DELETE FROM device_event WHERE event_id = (SELECT max(event_id) FROM device_event)",
    "doubled": "INSERT INTO device_event SELECT device_id, 'again', spool, sequence, type,"
    " at_us, received_at_us FROM device_event ORDER BY event_id LIMIT 1",
    "wrong_operations": "DELETE FROM cart_operation WHERE id ="
    " (SELECT max(id) FROM cart_operation WHERE source LIKE '/devices/%')",
    "wrong_carts": "UPDATE cart_line SET quantity = quantity + 1",
    "wrong_letters": "DELETE FROM dead_letter WHERE id = (SELECT max(id) FROM dead_letter)",
    "unsettled_streams": "UPDATE device_stream SET stored_through = stored_through - 1",
    "reserved": "UPDATE reservation SET reserved = reserved + 1",
}


def _notices_damage(on: Stage, judge: Judge) -> None:
    """A verdict that could not be other than clean would be worth nothing."""
    for name, damage in DAMAGES.items():
        with on.database() as db:
            assert db.execute(text(damage)).rowcount
            found = judge.judge(db)
            assert getattr(found, name), damage
            assert not found.clean


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_and_nothing_is_done_twice(seed: int) -> None:
    """Every event once, every cart what was said, every phone up to date, nothing held."""
    with folder_of(seed) as folder:
        result = run(plan_of(seed, SCALE), folder, _notices_damage)
    assert result.wrong == []
    assert result.verdict.details == []
    assert result.clean
    assert result.verdict.events == EVENTS
    assert result.phones == SCALE.phones
    assert sum(result.kills.values()) >= SCALE.blows
