"""A tablet's uplink in a process of its own, to be killed: FOLDER URL [held].

``held``: it stops for ever once its fresh credential is on the disk, before it answers.
"""

import sys
import threading
from pathlib import Path

from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from store_devices import identity
from store_devices.keyring import DeviceKeyring
from store_devices.link import UplinkOptions
from store_devices.spool import Spool
from store_devices.uplink import Uplink
from tests.fakes.hearer import DeafHearer


class HeldKeyring(DeviceKeyring):
    """Never comes back from making a credential."""

    def rotate(self) -> str:
        """Make it, and wait to be killed."""
        super().rotate()
        threading.Event().wait()
        raise AssertionError


def uplink_in(folder: Path, url: str, keyring: type[DeviceKeyring] = DeviceKeyring) -> Uplink:
    """Return the uplink of the tablet whose identity is in ``folder``."""
    enrolled, ids = identity.load(folder), RandomIds()
    spool = Spool(folder / "spool.db", device_id=enrolled.device_id, clock=SystemClock(), ids=ids)
    options = UplinkOptions(
        url=url,
        address=identity.address(enrolled),
        credential=enrolled.credential,
        firmware="1.0",
        back_off_min_s=0.05,
        resend_after_s=1.0,
    )
    return Uplink(
        options,
        spool=spool,
        clock=SystemClock(),
        hearer=DeafHearer(),
        keyring=keyring(folder, enrolled, ids),
    )


if __name__ == "__main__":
    held = HeldKeyring if sys.argv[3:] == ["held"] else DeviceKeyring
    uplink_in(Path(sys.argv[1]), sys.argv[2], held).start()
    threading.Event().wait()
