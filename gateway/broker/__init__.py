"""The embedded broker: MQTT 3.1.1 for one shop, in a thread of the gateway.

Whom it lets in, and what each may do, the registry and ``gateway.wire.topics``
say. Everything is in memory: it may forget at any moment, because devices keep
their events until the gateway's receipt. A chain of shops runs a real broker.
"""

from gateway.broker.server import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
