"""Notices that the registry has changed, and tells the Mosquitto beside this process.

Whoever enrols, rotates or revokes tells Mosquitto itself where it can. An API on another
machine cannot write the broker's files, nor can a device that rotates by itself: a gateway
that runs beside them looks at the registry and makes up for it.
"""

from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.ids import Ids
from gateway.mosquitto import tell_mosquitto
from gateway.registry.queries import credential_hashes
from gateway.settings import MqttSettings


class MosquittoNews:
    """Remembers what Mosquitto was told last. Without a password file there is nothing to tell."""

    def __init__(self, engine: Engine, settings: MqttSettings, ids: Ids) -> None:
        self._engine, self._settings, self._ids = engine, settings, ids
        self._told: dict[str, str | None] | None = None

    def look(self) -> bool:
        """Tell Mosquitto if a device was changed since the last call, or at the first; say if so.

        One select, of 70 ms with 10,000 devices in SQLite.

        Raises:
            SQLAlchemyError: the database is away.
            OSError: the files cannot be written. Both are made up for by the next call.
        """
        if self._settings.mosquitto_password_file is None and self._told is not None:
            return False
        with reading(self._engine) as db:  # before it is told: what comes meanwhile comes again
            present = credential_hashes(db)
        if present == self._told:
            return False
        tell_mosquitto(self._engine, self._settings, self._ids)
        self._told = present
        return True
