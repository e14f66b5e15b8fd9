"""How long a page may take to come to what a test expects of it."""

from playwright.sync_api import expect

# Five seconds, Playwright's own, are no time on two cores that other tests have, too.
SEEN_WITHIN_MS = 20_000

expect.set_options(timeout=SEEN_WITHIN_MS)
