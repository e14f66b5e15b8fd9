"""What the demo's front page should show now: ``DATA_DIR/run/demo.json``.

Owns that file. The page polls it through the API's demo routes.
"""

import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FILE: Final = "demo.json"


@dataclass(frozen=True, slots=True)
class OnShow:
    """The tablet on show, its claim link while somebody holds it, and the other tablets.

    ``mirror``: the mirror's page, ``mirror_link`` the claim link of who stands before it.
    """

    tablet: str
    location: str
    url: str
    link: str = ""
    others: tuple[tuple[str, str], ...] = ()
    staff: tuple[str, str] = ("", "")  # number and PIN of whoever watches
    mirror: str = ""
    mirror_link: str = ""


class Stage:
    """Writes the file whole or not at all; ``clear`` when the play is over."""

    def __init__(self, data_dir: Path, show: OnShow) -> None:
        self._path = data_dir / "run" / FILE
        self._show = show
        self._lock = threading.Lock()
        self._link = self._mirror_link = ""
        self.link(None)

    def link(self, link: str | None) -> None:
        """Say which link the phone in the frame may take now."""
        self._link = link or ""
        self._say()

    def mirror_link(self, link: str) -> None:
        """Say which link a phone before the mirror may take now; empty: none."""
        self._mirror_link = link
        self._say()

    def _say(self) -> None:
        with self._lock:
            links = {"link": self._link, "mirror_link": self._mirror_link}
            facts = {**asdict(self._show), **links, "pid": os.getpid()}
            fresh = self._path.with_suffix(".part")
            fresh.write_text(json.dumps(facts) + "\n", encoding="utf-8")
            fresh.replace(self._path)

    def clear(self) -> None:
        """Take the file away."""
        self._path.unlink(missing_ok=True)
