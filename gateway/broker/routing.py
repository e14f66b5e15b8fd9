"""Which message goes to which session: subscriptions and retained messages. No sockets."""

from collections.abc import Iterator

from gateway.broker.packets import Publish
from gateway.broker.sessions import MqttSession

# Topics whose subscribers are remembered; every device has three, so this is a chain's worth.
REMEMBERED_MAX = 20_000
# One status per device; a topic over this is delivered but not retained.
RETAINED_MAX = 20_000
# A device has five, the gateway a dozen.
FILTERS_MAX = 64


def valid_filter(topic_filter: str) -> bool:
    """Say whether this is a filter by 4.7.1: ``#`` only alone at the end, ``+`` only alone."""
    levels = topic_filter.split("/")
    return bool(topic_filter) and all(
        level == "+"
        or (level == "#" and place == len(levels) - 1)
        or ("+" not in level and "#" not in level)
        for place, level in enumerate(levels)
    )


def matches(topic_filter: str, topic: str) -> bool:
    """Say whether a valid filter matches a topic name (4.7)."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in {"+", levels[place]}:
            return False
    return len(wanted) == len(levels)


class Routes:
    """Subscriptions of all sessions. Exact filters are looked up; the few others are tried."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[MqttSession, int]] = {}
        self._wild: dict[str, dict[MqttSession, int]] = {}
        self._remembered: dict[str, tuple[tuple[MqttSession, int], ...]] = {}
        self._retained: dict[str, Publish] = {}

    def subscribe(self, session: MqttSession, topic_filter: str, qos: int) -> None:
        """Add or change a subscription; the filter is valid and allowed."""
        session.filters[topic_filter] = qos
        self._table(topic_filter).setdefault(topic_filter, {})[session] = qos
        self._remembered.clear()

    def unsubscribe(self, session: MqttSession, topic_filter: str) -> None:
        """Take a subscription away; one that is not there is passed over."""
        if session.filters.pop(topic_filter, None) is None:
            return
        table = self._table(topic_filter)
        del table[topic_filter][session]
        if not table[topic_filter]:
            del table[topic_filter]
        self._remembered.clear()

    def forget(self, session: MqttSession) -> None:
        """Take all of a session's subscriptions away."""
        for topic_filter in tuple(session.filters):
            self.unsubscribe(session, topic_filter)

    def to(self, topic: str) -> tuple[tuple[MqttSession, int], ...]:
        """Return the sessions that want this topic, each once, with its granted quality."""
        known = self._remembered.get(topic)
        if known is None:
            found = dict(self._exact.get(topic, ()))
            for topic_filter, sessions in self._wild.items():
                if matches(topic_filter, topic):
                    for session, qos in sessions.items():
                        found[session] = max(qos, found.get(session, 0))
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            known = self._remembered[topic] = tuple(found.items())
        return known

    def retain(self, message: Publish) -> None:
        """Keep the message for those who subscribe later; an empty one clears (3.3.1.3)."""
        if not message.payload:
            self._retained.pop(message.topic, None)
        elif message.topic in self._retained or len(self._retained) < RETAINED_MAX:
            self._retained[message.topic] = message

    def retained(self, topic_filter: str) -> Iterator[Publish]:
        """Yield the retained messages under a filter."""
        if "+" not in topic_filter and "#" not in topic_filter:
            if (message := self._retained.get(topic_filter)) is not None:
                yield message
            return
        for topic, message in self._retained.items():
            if matches(topic_filter, topic):
                yield message

    def _table(self, topic_filter: str) -> dict[str, dict[MqttSession, int]]:
        wild = "+" in topic_filter or "#" in topic_filter
        return self._wild if wild else self._exact
