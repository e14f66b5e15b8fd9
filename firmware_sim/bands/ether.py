"""The air between simulated radios: Bumble's virtual controllers, heard at levels of our own.

Bumble's own link brings every packet to every controller, always at -50 dBm. Here whoever makes
the ether says how strongly each receiver hears each band, or that it does not. Connections are
Bumble's own. For one event loop; nothing but memory is used.
"""

from asyncio import get_running_loop
from collections.abc import Callable
from random import Random
from typing import Final, cast

from bumble.controller import Controller
from bumble.device import Device
from bumble.hci import Address, HCI_LE_Advertising_Report_Event, LeFeatureMask
from bumble.host import Host
from bumble.link import LocalLink
from bumble.ll import AdvertisingPdu, AdvInd
from bumble.transport.common import AsyncPipeSink

from firmware_sim.bands.air import Air, Point, Receiver

Level = Callable[[str, str], float | None]
"""How a packet of this sender comes to this receiver, by their names: dBm, or None: not at all.
Asked once for each packet and receiver."""

USUAL_DBM: Final = -60.0  # across a small room
_EXTENDED: Final = LeFeatureMask.LE_EXTENDED_ADVERTISING | LeFeatureMask.LE_PERIODIC_ADVERTISING


class Chip(Controller):
    """A virtual controller that hears at a level, and advertises as version 4 of Bluetooth does.

    What a band sends fits into a legacy advertisement, which every receiver understands.
    """

    le_features = Controller.le_features & ~_EXTENDED

    def heard(self, pdu: AdvInd, dbm: float) -> None:
        """Take in an advertisement; report it while scanning, connect if that is wanted."""
        address = pdu.advertiser_address
        if self.le_scan_enable:
            report = HCI_LE_Advertising_Report_Event.Report(
                event_type=HCI_LE_Advertising_Report_Event.EventType.ADV_IND,
                address_type=address.address_type,
                address=address,
                data=pdu.data,
                rssi=round(dbm),  # a radio says whole dBm
            )
            self.send_hci_packet(HCI_LE_Advertising_Report_Event([report]))
        wanted = self.pending_le_connection
        if wanted is not None and wanted.peer_address == address:
            self.create_le_connection(address)


class Levels:
    """Levels that are set by hand, as a :data:`Level`; what was not set is USUAL_DBM."""

    def __init__(self, usual_dbm: float | None = USUAL_DBM) -> None:
        self._usual_dbm = usual_dbm
        self._set: dict[tuple[str, str], float | None] = {}

    def set(self, band: str, receiver: str, dbm: float | None) -> None:
        """From now on this receiver hears this band so; None: not at all."""
        self._set[band, receiver] = dbm

    def __call__(self, sender: str, receiver: str) -> float | None:
        """Return the level of a packet."""
        return self._set.get((sender, receiver), self._usual_dbm)


class Walkers:
    """Levels by :mod:`air`'s model, as a :data:`Level`: bands are at places and may be moved."""

    def __init__(self, receivers: list[Receiver], seed: int, now_s: Callable[[], float]) -> None:
        """``now_s``: the seconds of the world, which turn people and fade what is heard."""
        self._receivers = receivers
        self._random = Random(seed)  # noqa: S311 - a simulation that can be repeated
        self._now_s = now_s
        self._airs: dict[str, tuple[Air, Point]] = {}
        # Of each band's last packet: who has asked of it, and who hears it how.
        self._packets: dict[str, tuple[set[str], dict[str, float]]] = {}

    def place(self, band: str, at: Point) -> None:
        """Put a band somewhere, or move it there, in metres."""
        air = self._airs.get(band, (None, at))[0]
        self._airs[band] = (air or Air(self._receivers, self._random.getrandbits(32)), at)

    def __call__(self, sender: str, receiver: str) -> float | None:
        """Return the level of a packet; whoever asks again asks of the next one."""
        if sender not in self._airs:
            return None
        asked, heard = self._packets.get(sender, ({receiver}, {}))
        if receiver in asked:
            air, at = self._airs[sender]
            heard = {one.receiver.name: one.dbm for one in air.sent(self._now_s(), at)}
            asked = set()
            self._packets[sender] = (asked, heard)
        asked.add(receiver)
        return heard.get(receiver)


class Ether(LocalLink):
    """One air; devices are made by :meth:`device`."""

    def __init__(self, level: Level) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bumble's has no annotations
        self._level = level
        self._made = 0

    async def device(self, name: str) -> Device:
        """Return a device that is switched on; its chip has the same name."""
        self._made += 1
        address = f"F0:F1:F2:F3:{self._made >> 8:02X}:{self._made & 0xFF:02X}"
        chip = Chip(name, link=self, public_address=address)
        host = Host(chip, AsyncPipeSink(chip))
        device = Device(name=name, address=Address(address), host=host)
        await device.power_on()
        return device

    def send_advertising_pdu(self, sender_controller: Controller, packet: AdvertisingPdu) -> None:
        """Bring an advertisement to whoever hears it; whatever else, as Bumble does."""
        if not isinstance(packet, AdvInd):
            super().send_advertising_pdu(sender_controller, packet)
            return
        loop = get_running_loop()
        for one in self.controllers:
            if one is sender_controller:
                continue
            dbm = self._level(sender_controller.name, one.name)
            if dbm is not None:
                loop.call_soon(cast("Chip", one).heard, packet, dbm)
