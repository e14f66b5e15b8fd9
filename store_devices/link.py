"""What the uplink tells, and is told: its options, its state, and who hears commands.

Without paho, so that the tablet's parts can name them; and what a keyring is, with the
plainest one.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Protocol

from cart.kernel.errors import Unavailable
from gateway.wire.downlink import AckOutcome, Command, StockNotice
from gateway.wire.topics import DeviceAddress
from store_devices.delivery import RESEND_AFTER_S, WINDOW_MAX

BACK_OFF_MIN_S: Final = 0.5  # the first wait; doubled by every failure


@dataclass(frozen=True, slots=True)
class LinkState:
    """Whether the broker is reached, and since when that is so."""

    online: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device did with a command."""

    outcome: AckOutcome = AckOutcome.DONE
    detail: str = ""


class Hearer(Protocol):
    """Whoever acts on what comes down; called in the uplink's worker thread."""

    def command(self, command: Command) -> Answer | None:
        """Do what the gateway asks; None: it takes a while, :meth:`Uplink.answer` comes then."""
        ...

    def stock(self, notice: StockNotice) -> None:
        """Take note of a stock level of the watched product."""
        ...

    def link(self, state: LinkState) -> None:
        """Take note that the connection came or went."""
        ...


class Keyring(Protocol):
    """What the device proves itself with; called in the uplink's worker thread."""

    def candidates(self) -> tuple[str, ...]:
        """Return the credentials that the broker may know, in the order in which to try."""
        ...

    def used(self, credential: str) -> None:
        """Take note that the broker has taken this one."""
        ...

    def rotate(self) -> str:
        """Make a fresh one, on the disk when this returns; return its hash."""
        ...


class OneCredential:
    """A keyring of a device that cannot change its credential."""

    def __init__(self, credential: str) -> None:
        self._credential = credential

    def candidates(self) -> tuple[str, ...]:
        """Return the one."""
        return (self._credential,)

    def used(self, credential: str) -> None:
        """Do nothing."""

    def rotate(self) -> str:
        """Refuse.

        Raises:
            Unavailable: always.
        """
        msg = "this device keeps no credential of its own"
        raise Unavailable(msg)


@dataclass(frozen=True, slots=True)
class UplinkOptions:
    """Where and how to connect. ``url`` is ``mqtt://host:port`` or ``mqtts://host:port``."""

    url: str
    address: DeviceAddress
    credential: str
    firmware: str
    version: Literal["3.1.1", "5"] = "3.1.1"
    ca_file: Path | None = None
    cert_file: Path | None = None  # the device's own, for a broker that asks for one
    key_file: Path | None = None
    window_max: int = WINDOW_MAX
    resend_after_s: float = RESEND_AFTER_S
    back_off_min_s: float = BACK_OFF_MIN_S
