"""The browser that pages are opened in, and how long a page may take to come to what is expected.

A module whose pages need other switches of the browser has a fixture of its own.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.real.browser import running_browser

# Five seconds, Playwright's own, are no time on two cores that other tests have, too.
SEEN_WITHIN_MS = 20_000

expect.set_options(timeout=SEEN_WITHIN_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with running_browser() as made:
        yield made
