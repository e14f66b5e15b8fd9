"""Keeps the tablet's catalogue and pictures as new as the server's, in a thread of its own.

Owns when to fetch. Without the network it does nothing but try again, and the
kept snapshot goes on being shown with the time it is from.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from cart.kernel.errors import CarryoverError
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.fetching import Server
from store_devices.tablet.pictures import Pictures

RETRY_S: Final = 10.0  # a server that was just started is found within that
PICTURES_PER_LOOK: Final = 50  # between two looks at whether to stop or whether there is room

_LOG = logging.getLogger(__name__)


class CatalogueSync:
    """Start it once, stop it once; ``refresh_s`` between two questions."""

    def __init__(
        self,
        *,
        server: Server,
        catalogue: Catalogue,
        pictures: Pictures,
        refresh_s: float,
        changed: Callable[[], None],
    ) -> None:
        self._server = server
        self._catalogue = catalogue
        self._pictures = pictures
        self._refresh_s = refresh_s
        self._changed = changed
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="catalogue", daemon=True)

    def start(self) -> None:
        """Begin: at once, then every ``refresh_s``."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the request it may be in."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def now(self) -> None:
        """Ask again without waiting: the network has just come back."""
        self._wake.set()

    def run_once(self) -> bool:
        """Bring snapshot and shops up to date; return whether the server answered."""
        try:
            self._fetch()
        except CarryoverError as error:
            _LOG.info("the catalogue stays as it is: %s", error.message)
            return False
        self._changed()
        return True

    def fetch_pictures(self) -> int:
        """Fetch pictures that are not here yet; return how many came."""
        wanted = self._catalogue.pictures()
        self._pictures.tidy(set(wanted))
        came = 0
        for number, name in enumerate(wanted):
            if number % PICTURES_PER_LOOK == 0 and not self._pictures.has_room():
                break
            if self._stopping.is_set():
                break
            if self._pictures.kept(name) is None:
                if self._pictures.path(name) is None:
                    break  # the network went; the next round goes on here
                came += 1
        return came

    def _fetch(self) -> None:
        edition = self._catalogue.edition
        with self._server.snapshot(edition.etag if edition else "") as snapshot:
            if snapshot.news:
                count = self._catalogue.replace(snapshot.products(), snapshot.edition)
                _LOG.info("catalogue of %d variants, %d lines refused", count, snapshot.refused)
            else:
                self._catalogue.confirm(snapshot.edition)
        self._catalogue.replace_locations(self._server.locations())

    def _work(self) -> None:
        while not self._stopping.is_set():
            answered = self.run_once()
            if answered:
                self.fetch_pictures()
            self._wake.wait(self._refresh_s if answered else RETRY_S)
            self._wake.clear()
