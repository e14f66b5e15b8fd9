"""What a browser may keep of an answer."""

from typing import Final

# Of what is true only at this moment, or for her eyes alone.
NO_STORE: Final = {"Cache-Control": "no-store"}
