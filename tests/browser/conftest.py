"""The browser that pages are opened in, and how long a page may take to come to what is expected.

A module whose pages need other switches of the browser has a fixture of its own.
"""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.journeys.windows import ARGUMENTS, CHROMIUM

# Five seconds, Playwright's own, are no time on two cores that other tests have, too.
SEEN_WITHIN_MS = 20_000

expect.set_options(timeout=SEEN_WITHIN_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not shutil.which(CHROMIUM):
        pytest.fail(f"{CHROMIUM} is not installed; `make test` installs it or says how")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()
