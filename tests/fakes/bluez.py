"""BlueZ as bleak meets it on D-Bus, small: an adapter, and devices that are heard.

On a real, private dbus-daemon. What is here is what a receiver uses; names and shapes are those of
BlueZ's own documents (doc/org.bluez.Adapter.rst, doc/org.bluez.Device.rst).
"""

import subprocess
from pathlib import Path
from typing import Annotated, Final

from dbus_fast import DBusError, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import (
    DBusBool,
    DBusBytes,
    DBusDict,
    DBusInt16,
    DBusObjectPath,
    DBusSignature,
    DBusStr,
    DBusUInt16,
)
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

ADAPTER: Final = "/org/bluez/hci0"
READ: Final = PropertyAccess.READ
STOP_S: Final = 10
_CONF: Final = """
<busconfig><type>session</type><listen>unix:path={socket}</listen>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""

Made = Annotated[dict[int, Variant], DBusSignature("a{qv}")]
Texts = Annotated[list[str], DBusSignature("as")]


class PrivateBus:
    """A dbus-daemon of one test alone; ``address`` is for DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        conf = folder / "bus.conf"
        conf.write_text(_CONF.format(socket=folder / "bus"))
        self._process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={conf}", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(STOP_S)
        assert self._process.stdout is not None
        self._process.stdout.close()


class _Adapter(ServiceInterface):
    def __init__(self) -> None:
        super().__init__("org.bluez.Adapter1")
        self.scans = False
        self.asked: dict[str, object] = {}

    @dbus_method()
    def StartDiscovery(self) -> None:  # noqa: N802 - BlueZ's name, and so below
        self.scans = True
        self.emit_properties_changed({"Discovering": True})

    @dbus_method()
    def StopDiscovery(self) -> None:  # noqa: N802
        self.scans = False
        self.emit_properties_changed({"Discovering": False})

    @dbus_method()
    def SetDiscoveryFilter(self, asked: DBusDict) -> None:  # noqa: N802
        if asked:
            self.asked = {name: one.value for name, one in asked.items()}

    @dbus_property(READ)
    def Address(self) -> DBusStr:  # noqa: N802
        return "C0:C0:C0:C0:C0:C0"

    @dbus_property(READ)
    def Powered(self) -> DBusBool:  # noqa: N802
        return True

    @dbus_property(READ)
    def Discovering(self) -> DBusBool:  # noqa: N802
        return self.scans

    @dbus_property(READ)
    def Roles(self) -> Texts:  # noqa: N802
        return ["central"]


class _Monitors(ServiceInterface):
    """What passive scanning asks for, of BlueZ 5.56 and later."""

    def __init__(self) -> None:
        super().__init__("org.bluez.AdvertisementMonitorManager1")
        self.paths: set[str] = set()

    @dbus_method()
    def RegisterMonitor(self, application: DBusObjectPath) -> None:  # noqa: N802
        self.paths.add(application)

    @dbus_method()
    def UnregisterMonitor(self, application: DBusObjectPath) -> None:  # noqa: N802
        self.paths.remove(application)


class _Device(ServiceInterface):
    def __init__(self, address: str, company: int) -> None:
        super().__init__("org.bluez.Device1")
        self._address = address
        self._company = company
        self.frame = b""
        self.dbm = -127
        self.connected = False

    def heard(self) -> None:
        self.emit_properties_changed({"RSSI": self.dbm, "ManufacturerData": self._made()})

    @dbus_method()
    def Connect(self) -> None:  # noqa: N802
        self.connect(connected=True)

    @dbus_method()
    def Disconnect(self) -> None:  # noqa: N802
        self.connect(connected=False)

    def connect(self, *, connected: bool) -> None:
        self.connected = connected
        self.emit_properties_changed({"Connected": connected, "ServicesResolved": connected})

    def _made(self) -> dict[int, Variant]:
        return {self._company: Variant("ay", self.frame)}

    @dbus_property(READ)
    def Address(self) -> DBusStr:  # noqa: N802
        return self._address

    @dbus_property(READ)
    def AddressType(self) -> DBusStr:  # noqa: N802
        return "random"

    @dbus_property(READ)
    def Alias(self) -> DBusStr:  # noqa: N802
        return self._address.replace(":", "-")

    @dbus_property(READ)
    def Adapter(self) -> DBusObjectPath:  # noqa: N802
        return ADAPTER

    @dbus_property(READ)
    def UUIDs(self) -> Texts:  # noqa: N802
        return []

    @dbus_property(READ)
    def RSSI(self) -> DBusInt16:  # noqa: N802
        return self.dbm

    @dbus_property(READ)
    def Connected(self) -> DBusBool:  # noqa: N802
        return self.connected

    @dbus_property(READ)
    def ServicesResolved(self) -> DBusBool:  # noqa: N802
        return self.connected

    @dbus_property(READ)
    def Paired(self) -> DBusBool:  # noqa: N802
        return False

    @dbus_property(READ)
    def ManufacturerData(self) -> Made:  # noqa: N802
        return self._made()


class _Service(ServiceInterface):
    def __init__(self, device: str, uuid: str, handle: int) -> None:
        super().__init__("org.bluez.GattService1")
        self._device, self._uuid, self._handle = device, uuid, handle

    @dbus_property(READ)
    def UUID(self) -> DBusStr:  # noqa: N802
        return self._uuid

    @dbus_property(READ)
    def Device(self) -> DBusObjectPath:  # noqa: N802
        return self._device

    @dbus_property(READ)
    def Primary(self) -> DBusBool:  # noqa: N802
        return True

    @dbus_property(READ)
    def Handle(self) -> DBusUInt16:  # noqa: N802
        return self._handle


class _Characteristic(ServiceInterface):
    """``value`` is read, ``written`` kept; ``refuses``: all writes, while it is set."""

    def __init__(self, service: str, uuid: str, flags: list[str], handle: int) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self._service, self._uuid, self._flags, self._handle = service, uuid, flags, handle
        self.value = b""
        self.written: list[bytes] = []
        self.refuses = False
        self.notifies = False

    def notify(self, value: bytes) -> None:
        """Tell whoever wants to know."""
        self.value = value
        if self.notifies:
            self.emit_properties_changed({"Value": value})

    @dbus_method()
    def ReadValue(self, _options: DBusDict) -> DBusBytes:  # noqa: N802
        return self.value

    @dbus_method()
    def WriteValue(self, value: DBusBytes, _options: DBusDict) -> None:  # noqa: N802
        if self.refuses:
            failed = "org.bluez.Error.Failed"
            raise DBusError(failed, "Operation failed with ATT error: 0x80")
        self.written.append(bytes(value))

    @dbus_method()
    def StartNotify(self) -> None:  # noqa: N802
        self.notifies = True

    @dbus_method()
    def StopNotify(self) -> None:  # noqa: N802
        self.notifies = False

    @dbus_property(READ)
    def UUID(self) -> DBusStr:  # noqa: N802
        return self._uuid

    @dbus_property(READ)
    def Service(self) -> DBusObjectPath:  # noqa: N802
        return self._service

    @dbus_property(READ)
    def Value(self) -> DBusBytes:  # noqa: N802
        return self.value

    @dbus_property(READ)
    def Flags(self) -> Texts:  # noqa: N802
        return self._flags

    @dbus_property(READ)
    def Handle(self) -> DBusUInt16:  # noqa: N802
        return self._handle

    @dbus_property(READ)
    def MTU(self) -> DBusUInt16:  # noqa: N802
        return 247


class FakeBluez:
    """BlueZ on a private bus; its adapter can be pulled out and put back."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._adapter: _Adapter | None = None
        self._monitors = _Monitors()
        self._devices: dict[str, _Device] = {}

    @classmethod
    async def on(cls, address: str) -> "FakeBluez":
        """Begin on the bus at ``address``, with an adapter in it."""
        bus = await MessageBus(bus_address=address).connect()
        made = cls(bus)
        made.plug_in()
        await bus.request_name("org.bluez")
        return made

    @property
    def scans(self) -> bool:
        """Whether somebody has it scan."""
        return self._adapter is not None and (self._adapter.scans or self.monitored)

    @property
    def monitored(self) -> bool:
        """Whether somebody has it scan passively."""
        return bool(self._monitors.paths)

    @property
    def asked(self) -> dict[str, object]:
        """With which filter it was asked to."""
        return {} if self._adapter is None else self._adapter.asked

    def plug_in(self) -> None:
        """Put the adapter in."""
        self._adapter = _Adapter()
        self._monitors = _Monitors()
        self._bus.export(ADAPTER, self._adapter)
        self._bus.export(ADAPTER, self._monitors)

    def pull_out(self) -> None:
        """Pull it out; what it has heard goes with it."""
        for address in list(self._devices):
            self.forget(address)
        self._bus.unexport(ADAPTER)
        self._adapter = None

    def hear(self, address: str, frame: bytes, dbm: float, company: int = 0xFFFF) -> None:
        """Hear an advertisement, if it scans; ``address`` as in ``F0:..``."""
        if not self.scans:
            return
        device = self._devices.get(address)
        fresh = device is None
        if device is None:
            device = self._devices[address] = _Device(address, company)
        device.frame, device.dbm = frame, round(dbm)
        if fresh:
            self._bus.export(_path(address), device)
        else:
            device.heard()

    def offer(
        self, address: str, services: dict[str, dict[str, list[str]]]
    ) -> dict[str, _Characteristic]:
        """Give a device services: by UUID their characteristics, by UUID with flags as BlueZ has.

        Returns the characteristics by UUID.
        """
        made: dict[str, _Characteristic] = {}
        handle = 0x10
        for service, characteristics in services.items():
            path = f"{_path(address)}/service{handle:04x}"
            self._bus.export(path, _Service(_path(address), service, handle))
            for uuid, flags in characteristics.items():
                handle += 3
                made[uuid] = _Characteristic(path, uuid, flags, handle)
                self._bus.export(f"{path}/char{handle:04x}", made[uuid])
            handle += 0x10
        return made

    def part(self, address: str) -> None:
        """End the connection, as when a band is carried out of reach."""
        self._devices[address].connect(connected=False)

    def forget(self, address: str) -> None:
        """Forget a device, as BlueZ does after half a minute."""
        if self._devices.pop(address, None) is not None:
            self._bus.unexport(_path(address))

    def stop(self) -> None:
        """Leave the bus."""
        self._bus.disconnect()


def _path(address: str) -> str:
    return f"{ADAPTER}/dev_{address.replace(':', '_')}"
