"""What devices are told: receipts, refusals, carts, commands. Says only what is committed."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Engine

from cart.db import reading
from gateway.binding import queries as bindings
from gateway.commands.service import devices_waiting, open_commands
from gateway.fanout import Fanout
from gateway.ingest.batch import Domain, Outcome
from gateway.ingest.read import Item
from gateway.ingest.sequences import stored
from gateway.mqtt import MqttLink
from gateway.notices import (
    BindingChanged,
    CameraSwitched,
    CartChanged,
    DeviceAsked,
    Notice,
    PlanChanged,
    RoomsChanged,
)
from gateway.registry.queries import devices_by_id
from gateway.showing import Showing
from gateway.twin.queries import pending_of
from gateway.wire.codec import encode
from gateway.wire.downlink import (
    ApplyDesired,
    Clear,
    ClearData,
    Receipt,
    Rejected,
    RejectedData,
    Status,
)
from gateway.wire.events import Wire
from gateway.wire.topics import PARTITION_NAMES, Channel, DeviceAddress

DETAIL_MAX = 500


class Downlink:
    """The gateway's voice towards devices and towards other processes."""

    def __init__(
        self,
        engine: Engine,
        domain: Domain,
        link: MqttLink,
        fanout: Fanout,
        *,
        holds: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``holds``: whether the devices of a partition are ours to tell what others changed."""
        self._engine = engine
        self._domain = domain
        self._link = link
        self._fanout = fanout
        self._made_up_for = 0  # refusals of the link
        self._holds = holds
        self._showing = Showing(engine, domain, self._send, holds=holds)

    def start(self) -> None:
        """Begin to show carts."""
        self._showing.start()

    def stop(self) -> None:
        """End, with what waits shown."""
        self._showing.stop()

    def after(self, outcome: Outcome) -> None:
        """Send receipts, notices and refusals of a committed batch."""
        self._fanout.publish(*outcome.notices)  # first: a person is waiting for it
        for address, receipt in outcome.receipts:
            self._receipt(address, receipt)
        for item in outcome.refused:
            self._refuse(item)
        shared = [
            notice.cart_id
            for notice in outcome.notices
            if isinstance(notice, CartChanged) and not notice.origin
        ]
        for device_id in outcome.asked:  # before the cart: the visit it is shown in has to begin
            self.remind(device_id)
        self._showing.soon(shared, authors=outcome.authors)
        self._showing.soon(outcome.shown)
        self._desire(outcome.desires)

    def hear(self, notices: Sequence[Notice]) -> None:
        """Do what changes made by other processes ask of devices."""
        changed: list[str] = []
        for notice in notices:
            match notice:
                case CartChanged(cart_id=cart_id):
                    changed.append(cart_id)
                case BindingChanged(device_id=device_id, cart_id=cart_id):
                    self.remind(device_id, ours_only=True)
                    changed.append(cart_id)
                case RoomsChanged(device_id=device_id) if device_id:
                    self.remind(device_id, ours_only=True)
                case PlanChanged(cart_id=cart_id) | CameraSwitched(cart_id=cart_id):
                    changed.append(cart_id)
                case DeviceAsked(device_id=device_id):
                    self.remind(device_id, ours_only=True)
                case _:
                    pass
        self._showing.soon(changed, ours_only=True)

    def catch_up(self, partition: str) -> None:
        """Tell its devices what was changed while no gateway held their partition."""
        with reading(self._engine) as db:
            waiting = devices_waiting(db, self._domain.clock, partition)
            shown = bindings.carts_shown(db, partition)
        for device_id in waiting:
            self.remind(device_id)
        self._showing.soon(shown, whatever=True)

    def make_up(self) -> None:
        """Tell devices again if the link refused something: the broker was away for long.

        Devices that were away as well are greeted when they come; those on the other side
        of a cut between broker and gateway are not.
        """
        refused = self._link.refused
        if refused == self._made_up_for or not self._link.online:
            return
        for partition in filter(self._holds, PARTITION_NAMES):
            self.catch_up(partition)
        self._made_up_for = refused

    def greet(self, address: DeviceAddress, status: Status) -> None:
        """Tell a device that has just come online what it missed: receipt, commands, its cart."""
        with reading(self._engine) as db:
            if status.spool:
                key = (address.device_id, status.spool)
                mark = stored(db, [key]).get(key)
                if mark is not None:
                    at = self._domain.clock.now()
                    self._receipt(address, Receipt(spool=status.spool, stored_through=mark, at=at))
            bound = None
            if status.visit:
                key = (address.device_id, status.visit)
                bound = bindings.visits(db, [key]).get(key)
        if bound is not None and not bound.live:
            self._clear(address, bound.visit)
        elif bound is not None:
            self._showing.soon([bound.cart_id])
        self.remind(address.device_id)
        self._desire({address.device_id})

    def remind(self, device_id: str, *, ours_only: bool = False) -> None:
        """Send a device its unanswered commands, oldest first."""
        with reading(self._engine) as db:
            device = devices_by_id(db, [device_id]).get(device_id)
            waiting = open_commands(db, self._domain.clock, device_id)
        if device is None or device.revoked:
            return
        if ours_only and not self._holds(device.address.partition):
            return
        for row in waiting:
            topic = device.address.topic(Channel.COMMANDS)
            self._link.publish(topic, row.payload.encode(), qos=1)

    def _refuse(self, item: Item) -> None:
        if item.address is None or item.link is None or item.error is None or not item.event_id:
            return
        key = item.visit
        self._send(
            item.address,
            Rejected(
                id=self._domain.ids.new("cmd"),
                time=self._domain.clock.now(),
                data=RejectedData(
                    event_id=item.event_id,
                    sequence=item.link.sequence,
                    visit=key[1] if key else None,
                    code=item.error.code,
                    detail=item.error.message[:DETAIL_MAX],
                ),
            ),
        )

    def _desire(self, device_ids: Iterable[str]) -> None:
        wanted = list(device_ids)
        if not wanted:
            return
        with reading(self._engine) as db:
            pending = pending_of(db, wanted)
            devices = devices_by_id(db, pending)
        for device_id, desired in pending.items():
            if device_id in devices and not devices[device_id].revoked:
                command = ApplyDesired(
                    id=self._domain.ids.new("cmd"), time=self._domain.clock.now(), data=desired
                )
                self._send(devices[device_id].address, command)

    def _clear(self, address: DeviceAddress, visit: str) -> None:
        self._send(
            address,
            Clear(
                id=self._domain.ids.new("cmd"),
                time=self._domain.clock.now(),
                data=ClearData(visit=visit, reason="ended"),
            ),
        )

    def _receipt(self, address: DeviceAddress, receipt: Receipt) -> None:
        self._link.publish(address.topic(Channel.RECEIPTS), encode(receipt))

    def _send(self, address: DeviceAddress, command: Wire) -> None:
        self._link.publish(address.topic(Channel.COMMANDS), encode(command), qos=1)
