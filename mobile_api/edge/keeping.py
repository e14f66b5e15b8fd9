"""What a browser may keep of an answer."""

from typing import Final

# Of what is true only at this moment, or for her eyes alone.
NO_STORE: Final = {"Cache-Control": "no-store"}
# The browser came with a key that opens nothing any more: our service worker drops what it has
# kept of the pages. Not Clear-Site-Data: that would take the worker itself, at every page of
# somebody whose cookie is old.
SESSION_OVER: Final = {"Carryover-Session": "over"}
