"""Sessions, subscriptions and who is connected: what a message meets inside the broker.

Runs in the broker's loop only; knows no sockets and no database.
"""

import itertools
import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol

from gateway.broker.access import Admitted
from gateway.broker.packets import Publish
from gateway.broker.routing import FILTERS_MAX, Routes, valid_filter
from gateway.broker.sessions import DEVICE_LIMITS, SERVER_LIMITS, MqttSession
from gateway.limits import DeviceLimits
from gateway.wire import topics

logger = logging.getLogger(__name__)

# A device has one connection; two or three more let a person look on with its credential.
SESSIONS_PER_DEVICE_MAX = 4
# A tablet that has not come for a week starts afresh: its spool keeps what matters.
SESSION_EXPIRY_S = 7 * 86_400.0
STRAYS_MAX = 1_000  # devices that are noted at once; the rest when they try again
QOS_MAX = 1  # of what is delivered; exactly-once is the receipts' and the event ids' business


class Link(Protocol):
    """A client's connection, as the hub sees it."""

    admitted: Admitted
    session: MqttSession

    def pump(self) -> None:
        """Send soon what the session has waiting."""
        ...

    def hold(self) -> None:
        """Take nothing more from the client until :meth:`go_on`."""
        ...

    def go_on(self) -> None:
        """Take from the client again."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Hub:
    """All that is connected or remembered."""

    def __init__(self, monotonic: Callable[[], float], limits: DeviceLimits) -> None:
        self.routes = Routes()
        self._monotonic = monotonic
        self._limits = limits
        self.strays: dict[str, str] = {}
        self._sessions: dict[tuple[str, str], MqttSession] = {}
        self._online: dict[MqttSession, Link] = {}
        self._held: dict[MqttSession, set[Link]] = {}
        self._numbers = itertools.count(1)

    def enter(self, admitted: Admitted, client_id: str, *, clean: bool) -> tuple[MqttSession, bool]:
        """Return the client's session, and whether it was there before.

        Sessions are kept by user name and client id, so nobody can take another
        user's. A connection that has the session already is closed.

        Raises:
            PermissionError: the device has too many connections.
        """
        key = (admitted.username, client_id or f"\0{next(self._numbers)}")
        old = self._sessions.get(key)
        if old is not None and (link := self._online.get(old)) is not None:
            link.abort()
        if old is not None and (clean or old.clean):
            self._forget(old)
            old = None
        if old is not None:
            return old, True
        if not admitted.is_server:
            self._make_room(admitted.username)
        limits = SERVER_LIMITS if admitted.is_server else DEVICE_LIMITS
        session = self._sessions[key] = MqttSession(key, limits, clean)
        return session, False

    def join(self, link: Link) -> None:
        """Count the connection in: from now on its session is online."""
        link.session.offline_since = None
        self._online[link.session] = link

    def leave(self, link: Link, will: Publish | None = None) -> None:
        """Count the connection out, and send its will; a second time does nothing."""
        session = link.session
        if self._online.get(session) is not link:
            return
        del self._online[session]
        for held in self._held.values():
            held.discard(link)
        for waiting in self._held.pop(session, ()):
            waiting.go_on()
        session.offline_since = self._monotonic()
        session.connection_lost()
        if session.clean:
            self._forget(session)
        if will is not None:
            self.publish(will)

    def strayed(self, link: Link, topic: str) -> None:
        """Note that a device tried to speak where it may not; the latest topic of each."""
        if link.admitted.username in self.strays or len(self.strays) < STRAYS_MAX:
            self.strays[link.admitted.username] = topic[: topics.TOPIC_LENGTH_MAX]

    def too_fast(self, link: Link) -> bool:
        """Count a message of a client; say whether it is beyond what a device may say."""
        who = link.admitted
        return not (who.is_server or self._limits.spend(who.username, 1, self._monotonic()))

    def publish(self, message: Publish, link: Link | None = None) -> None:
        """Hand an allowed message to everybody who wants it.

        A server process gets what devices say in turns, a message of each. A device
        whose message fills a server process's queue, or its own share of it, is held
        until there is room; a full queue of a device, of a process that is not
        there, or of telemetry, loses its oldest message: spools and receipts
        make up for it. Whoever is held cannot send a scan either, so nobody is
        held because of telemetry.
        """
        if message.retain:
            self.routes.retain(replace(message, packet_id=0))
        telemetry = topics.is_telemetry(message.topic)
        whose = topics.device_of(message.topic)
        for session, granted in self.routes.to(message.topic):
            target = self._online.get(session)
            qos = min(message.qos, granted)
            if target is None and (session.clean or not qos):
                continue
            copy = Publish(message.topic, message.payload, qos)
            waits = target is not None and target.admitted.is_server
            if waits and not telemetry and link is not None and not link.admitted.is_server:
                session.add(copy, whose, unbounded=True)
                if session.must_wait(whose):
                    self._held.setdefault(session, set()).add(link)
                    link.hold()
            else:
                self._add(session, copy)
            if target is not None:
                target.pump()

    def subscribe(self, link: Link, topic_filter: str, qos: int) -> int | None:
        """Subscribe, and send what is retained; return the granted quality, None if refused."""
        session = link.session
        room = topic_filter in session.filters or len(session.filters) < FILTERS_MAX
        if not (room and valid_filter(topic_filter) and link.admitted.may_subscribe(topic_filter)):
            return None
        granted = min(qos, QOS_MAX)
        self.routes.subscribe(session, topic_filter, granted)
        for message in self.routes.retained(topic_filter):
            self._add(session, replace(message, qos=min(message.qos, granted)))
        return granted

    def sent_some(self, session: MqttSession) -> None:
        """Let go on who waited for room in this session's queue, once there is."""
        if session not in self._held or not session.roomy:
            return
        waiting = self._held[session]
        for link in [one for one in waiting if session.may_go_on(one.admitted.username)]:
            waiting.discard(link)
            link.go_on()
        if not waiting:
            del self._held[session]

    def devices(self) -> list[Admitted]:
        """Return the devices that are connected."""
        return [link.admitted for link in self._online.values() if not link.admitted.is_server]

    def dismiss(self, withdrawn: Collection[Admitted]) -> None:
        """Close the connections that these credentials opened, and forget their sessions."""
        for session, link in tuple(self._online.items()):
            if link.admitted in withdrawn:
                session.clean = True  # it ends with the connection
                link.abort()

    def expire(self) -> None:
        """Forget sessions whose client has not come for long."""
        oldest = self._monotonic() - SESSION_EXPIRY_S
        for session in tuple(self._sessions.values()):
            if session.offline_since is not None and session.offline_since < oldest:
                self._forget(session)

    def _add(self, session: MqttSession, message: Publish) -> None:
        if session.full and not session.dropped:
            logger.warning("the queue of %s is full; its oldest messages go", session.key)
        # By topic, so that what is retained never comes after what was said later.
        session.add(message, topics.device_of(message.topic))

    def _make_room(self, username: str) -> None:
        own = [session for session in self._sessions.values() if session.key[0] == username]
        if len(own) < SESSIONS_PER_DEVICE_MAX:
            return
        for session in own:
            if session not in self._online:
                self._forget(session)
                return
        msg = f"{username} has {len(own)} connections already"
        raise PermissionError(msg)

    def _forget(self, session: MqttSession) -> None:
        self.routes.forget(session)
        self._sessions.pop(session.key, None)
