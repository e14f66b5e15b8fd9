"""What changed, to whoever shows it: the only way between server processes.

Publishes notices to the broker and hands those of others to one listener, all that
have come meanwhile at once. Owns a connection of its own, without a session: a
notice missed is not fetched later, the listener looks at the database after every
reconnect instead.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from cart.kernel.errors import InvalidPayload
from cart.kernel.ids import RandomIds
from gateway.mqtt import Incoming, MqttLink
from gateway.notices import (
    BandChanged,
    BindingChanged,
    CartChanged,
    CodeAsked,
    DeskChanged,
    ListAsked,
    Notice,
    OrderChanged,
    SignedOut,
    StockChanged,
    decode,
    encode,
)
from gateway.where import WhereSettings, broker_address
from gateway.wire import topics

__all__ = [
    "BandChanged",
    "BindingChanged",
    "CartChanged",
    "CodeAsked",
    "DeskChanged",
    "Fanout",
    "ListAsked",
    "Notice",
    "OrderChanged",
    "SignedOut",
    "StockChanged",
]
logger = logging.getLogger(__name__)

# More than this waiting means the listener is stuck or flooded: the oldest are dropped and it
# is told to look at everything again.
WAITING_MAX = 20_000
STOP_WAIT_S = 5
# Notices that the listener gets in one go; beyond it the first would wait for the last.
TOGETHER_MAX = 200


class Fanout:
    """A process's place in the fan-out.

    ``role`` names the publisher: ``gateway`` or ``api``. ``hears`` is the role whose
    changes this process listens to, all by default. ``on_gap`` is called when notices
    may have been missed (after a reconnect, or when too many were waiting).
    """

    def __init__(
        self,
        settings: WhereSettings,
        role: str,
        *,
        listen: Callable[[Sequence[Notice]], None] | None = None,
        on_gap: Callable[[], None] = lambda: None,
        hears: str = "+",
        hears_stock: bool = True,
    ) -> None:
        self._role = role
        self._listen = listen
        self._on_gap = on_gap
        self._waiting: queue.Queue[Incoming | None] = queue.Queue(WAITING_MAX)
        self._gap = threading.Event()
        self._thread = threading.Thread(target=self._work, name="fanout", daemon=True)
        heard = [(topics.change(hears), 0)]
        if hears_stock:
            heard.append((topics.stock("+"), 0))
        self._link = MqttLink(
            lambda: broker_address(settings),
            client_id=RandomIds().new(role),
            subscriptions=heard if listen else [],
            on_message=self._enqueue,
            on_online=self._mark_gap,
        )

    def start(self) -> None:
        """Connect and begin to hand over notices."""
        self._thread.start()
        self._link.start()

    def stop(self) -> None:
        """End both threads."""
        self._link.stop()
        self._waiting.put(None)
        self._thread.join(STOP_WAIT_S)

    @property
    def online(self) -> bool:
        """Whether notices go out and come in."""
        return self._link.online

    @property
    def behind(self) -> bool:
        """Whether notices may have been missed that the listener has not been told of yet."""
        return self._gap.is_set()

    def wait_online(self, timeout_s: float) -> bool:
        """Wait until :attr:`online`; say whether it came in time."""
        return self._link.wait_online(timeout_s)

    def publish(self, *notices: Notice) -> None:
        """Ring the doorbell; while the broker is away nothing is sent (see ``on_gap``)."""
        for topic, payload in encode(self._role, notices):
            self._link.publish(topic, payload)

    def _mark_gap(self) -> None:
        self._gap.set()
        self._poke()

    def _poke(self) -> None:
        try:
            self._waiting.put_nowait(Incoming("", b"", 0, 0, retain=False, generation=0))
        except queue.Full:
            logger.debug("the listener has work; it will see the gap")

    def _enqueue(self, message: Incoming) -> None:
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._gap.set()

    def _work(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                if self._gap.is_set():
                    self._gap.clear()
                    self._on_gap()
                notices = [*_said(message), *self._meanwhile()]
                if notices and self._listen:
                    self._listen(notices)
            except Exception:  # one bad notice must not end the thread that hears the next
                logger.exception("hearing notices")

    def _meanwhile(self) -> list[Notice]:
        """Return what came while the last notices were heard."""
        notices: list[Notice] = []
        while len(notices) < TOGETHER_MAX:
            try:
                message = self._waiting.get_nowait()
            except queue.Empty:
                break
            if message is None:
                self._waiting.put(None)  # the end comes after these
                break
            notices += _said(message)
        return notices


def _said(message: Incoming) -> list[Notice]:
    if not message.topic:  # a poke, not a message
        return []
    try:
        return decode(message.topic, message.payload)
    except InvalidPayload as error:
        logger.warning("%s", error)
        return []
