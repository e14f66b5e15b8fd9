"""A line of the log: read by programs, at a time that everybody means."""

import json
import logging
from datetime import UTC, datetime, timedelta

from cart.logs import formatter


def test_a_line_is_json_with_a_time_in_utc() -> None:
    """One object, one line, whatever stands in what was said."""
    said = "first\r\n2026-01-01T00:00:00Z INFO root: a line that nobody said"
    record = logging.LogRecord("cart.test", logging.WARNING, __file__, 1, said, None, None)
    line = formatter("json").format(record)
    assert "\n" not in line
    read = json.loads(line)
    assert (read["event"], read["level"], read["logger"]) == (said, "warning", "cart.test")
    at = datetime.fromisoformat(read["at"])
    assert at.utcoffset() == timedelta(0)
    assert read["at"].endswith("Z")
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=1)
