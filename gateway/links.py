"""Makes the links of this process, and says who it is: to the broker, the database and people."""

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from sqlalchemy import make_url

from cart.kernel.ids import Ids
from gateway.hearing import Hearing
from gateway.ingest.inbox import Inbox
from gateway.ingest.lanes import Lanes
from gateway.mqtt import Incoming, MqttLink
from gateway.settings import MqttSettings
from gateway.where import broker_address
from gateway.wire import topics
from gateway.wire.topics import UP, Channel


@dataclass(frozen=True, slots=True)
class Identity:
    """``id``: of this process, new at every start; ``name``: what people call it."""

    id: str
    name: str
    run_file: str
    database_url: str

    @classmethod
    def of(cls, settings: MqttSettings, ids: Ids) -> Self:
        """Return who a process with these settings is.

        Beside others its connections to the database bear its id, so that whoever takes
        its leases can end a transaction in which it froze.
        """
        me, url = ids.new("gateway"), settings.effective_database_url
        if not settings.gateway_shared:
            return cls(me, settings.gateway_client_id, "gateway", url)
        name = settings.gateway_name or f"{socket.gethostname()[:40].lower()}-{os.getpid()}"
        marked = make_url(url).update_query_dict({"application_name": me})
        return cls(
            me,
            name,
            settings.gateway_name or "gateway",
            marked.render_as_string(hide_password=False),
        )


def client_ids(settings: MqttSettings, partition: str = "") -> tuple[str, str]:
    """Return the client ids on which the sessions hang; the same on every machine.

    The first is the events' lane, the second telemetry's.
    """
    prefix = settings.gateway_client_id
    events = f"{prefix}-{partition}" if partition else prefix
    return events, f"{events}-{Channel.TELEMETRY}"


def hearing(
    settings: MqttSettings,
    lanes: Lanes,
    partition: str = "",
    may_connect: Callable[[], bool] = lambda: True,
    *,
    sightings: Callable[[Incoming], None] | None = None,
) -> Hearing:
    """Return the links that hear the devices of one partition, or of all, into ``lanes``.

    ``sightings``: who takes what receivers hear of bands; it must not wait.
    """

    def link(client_id: str, channels: Iterable[Channel], inbox: Inbox) -> MqttLink:
        made = MqttLink(
            lambda: broker_address(settings),
            client_id=client_id,
            subscriptions=[(topics.every_device(one, partition or "+"), 1) for one in channels],
            on_message=lambda message: inbox.put(message, lambda: made.stopping),
            by_hand=True,
            receive_maximum=inbox.limit,
            may_connect=may_connect,
        )
        return made

    of_events, of_telemetry = client_ids(settings, partition)
    apart = {Channel.TELEMETRY, Channel.SIGHTINGS}
    rest = [channel for channel in UP if channel not in apart]
    of_bands = None
    if sightings is not None:
        of_bands = MqttLink(
            lambda: broker_address(settings),
            client_id=f"{of_events}-{Channel.SIGHTINGS}",
            subscriptions=[(topics.every_device(Channel.SIGHTINGS, partition or "+"), 0)],
            on_message=sightings,
            may_connect=may_connect,
        )
    return Hearing(
        link(of_events, rest, lanes.events),
        link(of_telemetry, [Channel.TELEMETRY], lanes.telemetry),
        of_bands,
    )


def speaking(settings: MqttSettings, ids: Ids) -> MqttLink:
    """Return a link that devices are told by, without a session of its own."""
    return MqttLink(
        lambda: broker_address(settings),
        client_id=ids.new("voice"),
        subscriptions=[],
        on_message=lambda _: None,
    )


def forget_session(settings: MqttSettings, name: str, wait_s: float) -> bool:
    """Make the broker forget the session of a client id; say whether it did in time.

    Whoever is connected under it is disconnected.
    """
    link = MqttLink(
        lambda: broker_address(settings),
        client_id=name,
        subscriptions=[],
        on_message=lambda _: None,
    )
    link.start()
    try:
        return link.wait_online(wait_s)
    finally:
        link.stop()
