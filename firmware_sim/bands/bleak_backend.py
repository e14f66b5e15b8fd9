"""bleak on a simulated adapter: its scanner and its client over a Bumble device.

So the receiver's own code, unchanged, runs on :mod:`ether`. This is the one module of the
simulator that knows bleak: it implements what bleak calls a backend.
"""

from asyncio import wait_for
from collections.abc import Callable
from typing import Any, ClassVar, Final, Literal

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_str
from bumble.core import UUID, AdvertisingData, ProtocolError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR, Address

MTU: Final = 247  # what every phone of today asks for
_P = Characteristic.Properties
_PROPERTIES: Final[dict[Characteristic.Properties, CharacteristicPropertyName]] = {
    _P.READ: "read",
    _P.WRITE: "write",
    _P.NOTIFY: "notify",
}


class SimAdapter:
    """A Bluetooth adapter: plugged in, pulled out, or stuck. ``scanner``, ``client``: for bleak."""

    def __init__(self, device: Device) -> None:
        self.device: Final = device
        self.present = True
        self.deaf = False  # it scans, and nothing comes
        self.starts = 0
        here = {"adapter": self}
        self.scanner: Final[type[BaseBleakScanner]] = type("Scanner", (BumbleScanner,), here)
        self.client: Final[type[BaseBleakClient]] = type("Client", (BumbleClient,), here)

    def check(self) -> None:
        """Be there.

        Raises:
            BleakError: it was pulled out.
        """
        if not self.present:
            msg = "No Bluetooth adapters found."  # BlueZ's words
            raise BleakError(msg)


class BumbleScanner(BaseBleakScanner):
    """bleak's scanner on ``adapter``."""

    adapter: ClassVar[SimAdapter]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        _scanning_mode: Literal["active", "passive"],
        **_more: object,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        """Begin to scan."""
        self.adapter.check()
        self.adapter.starts += 1
        self.adapter.deaf = False  # to begin anew helps, as with real ones
        self.seen_devices = {}
        self.adapter.device.on("advertisement", self._on_advertisement)
        # Passive: Bumble's virtual controllers never answer a scan request.
        await self.adapter.device.start_scanning(legacy=True, active=False)

    async def stop(self) -> None:
        """End the scan."""
        self.adapter.device.remove_listener("advertisement", self._on_advertisement)
        await self.adapter.device.stop_scanning(legacy=True)
        self.adapter.check()

    def _on_advertisement(self, heard: Advertisement) -> None:
        if self.adapter.deaf or not self.adapter.present:
            return
        said = heard.data.get(AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA)
        of_makers = {int(said[0]): bytes(said[1])} if said else {}
        data = AdvertisementData(None, of_makers, {}, [], None, heard.rssi, (heard,))
        address = heard.address
        device = self.create_or_update_device(
            str(address), address.to_string(with_type_qualifier=False), None, address, data
        )
        self.call_detection_callbacks(device, data)


class BumbleClient(BaseBleakClient):
    """bleak's client on ``adapter``."""

    adapter: ClassVar[SimAdapter]

    def __init__(self, address_or_ble_device: BLEDevice | str, **more: Any) -> None:  # noqa: ANN401 - what bleak hands on
        more.pop("services", None)
        super().__init__(address_or_ble_device, **more)
        found = address_or_ble_device
        self._peer_address = (
            Address(found) if isinstance(found, str) else _address_of(found.details)
        )
        self._connection: Connection | None = None
        self._told: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The address: a band has no name."""
        return self.address

    @property
    def mtu_size(self) -> int:
        """The agreed size of a packet, bytes."""
        return int(self._on.att_mtu)

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    @property
    def _on(self) -> Connection:
        if self._connection is None:
            msg = "not connected"
            raise BleakError(msg)
        return self._connection

    def _gone(self, *_: object) -> None:
        self._connection = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def connect(self, pair: bool, **_more: object) -> None:  # noqa: FBT001, ARG002 - bleak's signature
        """Connect, and see what services there are."""
        self.adapter.check()
        try:
            found = await self.adapter.device.connect(self._peer_address, timeout=self._timeout)
            self._connection = found
            found.once("disconnection", self._gone)
            peer = Peer(found)
            await peer.request_mtu(MTU)
            self.services = await wait_for(self._discovered(peer), self._timeout)
        except Exception as error:  # Bumble has many; bleak's callers know this one
            msg = f"{self.address} cannot be connected to: {error!r}"
            raise BleakError(msg) from error

    async def _discovered(self, peer: Peer) -> BleakGATTServiceCollection:
        services = BleakGATTServiceCollection()
        for one in await peer.discover_services():
            service = BleakGATTService(one, one.handle, _text(one.uuid))
            services.add_service(service)
            for found in await one.discover_characteristics():
                named = [name for bit, name in _PROPERTIES.items() if found.properties & bit]
                services.add_characteristic(
                    BleakGATTCharacteristic(
                        found, found.handle, _text(found.uuid), named, lambda: MTU - 3, service
                    )
                )
                await found.discover_descriptors()
        return services

    async def disconnect(self) -> None:
        """End the connection."""
        if self._connection is not None:
            await self._connection.disconnect(HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)

    async def pair(self, *_args: object, **_more: object) -> None:
        """Agree on keys."""
        await self._on.pair()

    async def unpair(self) -> None:
        """Do nothing: no keys are kept."""
        return

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, **_more: object
    ) -> bytearray:
        """Read a value."""
        return bytearray(await _asked(_proxy(characteristic).read_value()))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, **_more: object
    ) -> bytearray:
        """Read a descriptor."""
        return bytearray(await _asked(descriptor.obj.read_value()))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001 - bleak's signature
    ) -> None:
        """Write a value."""
        await _asked(_proxy(characteristic).write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        """Write a descriptor."""
        await _asked(descriptor.obj.write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_more: object
    ) -> None:
        """Hear of changes."""

        def told(value: bytes) -> None:
            callback(bytearray(value))

        self._told[characteristic.handle] = told
        await _asked(_proxy(characteristic).subscribe(told))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Hear of them no more."""
        told = self._told.pop(characteristic.handle)
        await _asked(_proxy(characteristic).unsubscribe(told))


async def _asked(question: Any) -> Any:  # noqa: ANN401 - an awaitable of Bumble's, and its answer
    """Return the answer; what a band refuses is an error of bleak's, as from BlueZ."""
    try:
        return await question
    except ProtocolError as error:
        msg = f"the peer refuses: {error}"
        raise BleakError(msg) from error


def _proxy(characteristic: BleakGATTCharacteristic) -> CharacteristicProxy[bytes]:
    found: CharacteristicProxy[bytes] = characteristic.obj
    return found


def _address_of(details: object) -> Address:
    if not isinstance(details, Address):
        msg = "that device was found by another adapter"
        raise BleakError(msg)
    return details


def _text(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
