"""What each device may do at Mosquitto, as the text of its access file. Reads and writes nothing.

The rules are those of ``gateway.wire.topics``, where the embedded broker has them from.
"""

import logging
from collections.abc import Collection, Iterator
from typing import Final

from gateway.wire.topics import DOWN, ROOT, UP, Channel, DeviceAddress

logger = logging.getLogger(__name__)

# Above it is the operator's own, kept as it is.
MARK: Final = (
    "# The registry's devices, written anew at every enrolment: change nothing from here on.\n"
)

# Mosquitto reads the file in a time that grows with the square of the devices, and does nothing
# else meanwhile: 2,000 took 0.9 s, 10,000 18 s (2.0.11). Beyond it one rule for all has to do,
# under which a device can also use its own name under other locations; the gateway refuses that.
OWN_RULES_MAX: Final = 2_000


def rules(devices: Collection[DeviceAddress], before: str = "") -> str:
    """Return the access file for these devices; what ``before`` has above the mark stays."""
    kept = before.partition(MARK)[0] if MARK in before else ""
    if len(devices) <= OWN_RULES_MAX:
        lines = [line for device in devices for line in _own(device)]
    else:
        logger.warning(
            "%d devices are too many for rules of their own at Mosquitto (%d): each can use its"
            " name under other locations too, where the gateway refuses it",
            len(devices),
            OWN_RULES_MAX,
        )
        anywhere = DeviceAddress("+", "+", "%u")
        lines = [f"pattern {word} {topic}" for word, topic in _channels(anywhere)]
    lines.append(f"pattern read {ROOT}/stock/+")
    return kept + MARK + "".join(f"{line}\n" for line in lines)


def _own(device: DeviceAddress) -> Iterator[str]:
    yield f"user {device.device_id}"
    for word, topic in _channels(device):
        yield f"topic {word} {topic}"


def _channels(device: DeviceAddress) -> Iterator[tuple[str, str]]:
    for channel in UP:
        # It may hear its own status, to see that no other uses its name.
        yield "readwrite" if channel is Channel.STATUS else "write", device.topic(channel)
    for channel in DOWN:
        yield "read", device.topic(channel)
