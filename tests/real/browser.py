"""The browser in which pages are opened: a real Chromium without a screen of its own.

Debian's headless shell where it is installed: the same pages, without the windows of a desktop
browser around each, which cost more than the page. It has no camera, and shows no notifications.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

SHELL: Final = "chromium-headless-shell"
# As in .ci/system_packages, which installs one of them.
CHROMIUM: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
TEST_PICTURE: Final = "--use-fake-device-for-media-stream"


@contextmanager
def running_browser(*, desktop: bool = False) -> Iterator[Browser]:
    """Run Chromium; fail where there is none.

    ``desktop``: a whole one, with a camera that shows a test picture, and with notifications.
    """
    names = CHROMIUM if desktop else (SHELL, *CHROMIUM)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail("no Chromium is installed; `make test` installs it or says how")
    arguments = [*ARGUMENTS, TEST_PICTURE] if desktop else [*ARGUMENTS]
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=arguments)
        yield made
        made.close()
