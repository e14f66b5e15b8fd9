"""Three days of a whole receiver, thousands of bands coming and going: nothing of it grows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from store_devices.ble.learning import KEPT_MAX
from store_devices.ble.listening import RENEWED_EVERY_S
from store_devices.spool import TELEMETRY_EVENTS_MAX
from tests.store_devices.days_process import DAY_S, DAYS

BANDS_MIN: Final = 3_000  # that came, in all; each under another identifier every 512 s
GROWS_BYTES_MAX: Final = 32_768  # of a day: a frame that stayed of each band would be megabytes


def test_three_days_of_comings_and_goings_leave_nothing_behind(tmp_path: Path) -> None:
    """What is held is bounded at any moment, and the third day ends with no more than the first."""
    command = [sys.executable, "-m", "tests.store_devices.days_process", str(tmp_path)]
    seen = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    assert seen["bands"] > BANDS_MIN
    assert seen["spooled"] > 300, "bands were held to it, and are kept for the gateway"
    assert seen["dropped"] == 0
    assert 0 < seen["telemetry"] <= TELEMETRY_EVENTS_MAX
    assert seen["let_go"] > BANDS_MIN / 2, "nobody is there to hear of them"
    assert seen["starts"] >= DAYS * DAY_S / RENEWED_EVERY_S - 3
    assert seen["most"] < 3_000, "an hour of them"
    assert (tmp_path / "reader.json").stat().st_size < 40 * KEPT_MAX
    first, _, third = seen["held_bytes"]
    assert first > 0
    assert third - first < GROWS_BYTES_MAX, "\n".join(seen["grew"])
