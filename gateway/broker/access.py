"""Who is let in, and what each may do: the registry's word, and the wire's.

These calls read the database, note the first use of a fresh credential, and may block:
the broker makes them in threads of their own, once per connection and once per
RECHECK_S, never per message.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock, SystemClock
from gateway.registry import queries
from gateway.registry.service import first_use
from gateway.wire import topics
from gateway.wire.topics import DeviceAddress

SERVER_USER = "server"  # no device id: those begin with their kind and a dash


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that proved who it is; ``address`` is None for a process of the server."""

    username: str
    address: DeviceAddress | None = None
    credential_hash: str = ""  # empty: it came by its certificate
    _allowed: set[str] = field(default_factory=set, compare=False, repr=False)

    @property
    def is_server(self) -> bool:
        """Whether this is one of our own processes."""
        return self.address is None

    def may_publish(self, topic: str) -> bool:
        """Say whether the client may publish there; the few allowed topics are remembered."""
        if self.address is None or topic in self._allowed:
            return True
        if not topics.may_publish(self.address, topic):
            return False
        self._allowed.add(topic)
        return True

    def may_subscribe(self, topic_filter: str) -> bool:
        """Say whether the client may hear what this filter lets through."""
        return self.address is None or topics.may_subscribe(self.address, topic_filter)


class Access(Protocol):
    """What the broker asks; both may block."""

    def admit(self, username: str, password: str) -> Admitted | None:
        """Return the client if the password is its own, else None."""
        ...

    def certified(self, name: str) -> Admitted | None:
        """Return the device of this id, whose certificate the client has, if it may connect."""
        ...

    def withdrawn(self, devices: Collection[Admitted]) -> set[Admitted]:
        """Return those of ``devices`` whose credential is good no longer."""
        ...


class RegistryAccess:
    """Devices by the registry, server processes by the shared secret."""

    def __init__(self, engine: Engine, server_secret: str, clock: Clock | None = None) -> None:
        self._engine = engine
        self._server_secret = server_secret.encode()
        self._clock = clock or SystemClock()

    def admit(self, username: str, password: str) -> Admitted | None:
        """Return the client if the password is its own and it is not revoked, else None."""
        if username == SERVER_USER:
            right = hmac.compare_digest(password.encode(), self._server_secret)
            return Admitted(username) if right else None
        with reading(self._engine) as db:
            found = queries.verify_credential(db, self._clock, username, password)
        if found is None:
            return None
        if found.first_use:
            with unit_of_work(self._engine) as db:
                first_use(db, username, found.credential_hash)
        return Admitted(username, found.record.address, found.credential_hash)

    def certified(self, name: str) -> Admitted | None:
        """Return the device of this id, None where the registry has none that may connect."""
        with reading(self._engine) as db:
            found = queries.devices_by_id(db, [name]).get(name)
        return None if found is None or found.revoked else Admitted(name, found.address)

    def withdrawn(self, devices: Collection[Admitted]) -> set[Admitted]:
        """Return the devices that were revoked or got another credential.

        A certificate stays good when the credential changes: revoking ends it.
        """
        with reading(self._engine) as db:
            names = [device.username for device in devices]
            good = queries.current_hashes(db, self._clock, names)
        return {
            one
            for one in devices
            if one.username not in good
            or (one.credential_hash and one.credential_hash not in good[one.username])
        }
