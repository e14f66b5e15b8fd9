"""Which wristbands a receiver hears: many in one message, each half second, QoS 0.

No CloudEvents: nobody keeps them, numbers them or sends them again. What got lost is half a
second old when the next one comes. Whose the frames are the receiver does not know.
"""

from typing import Annotated

from pydantic import AwareDatetime, Field

from gateway.wire.events import HeardFrame, Wire

# In one message: 60 to 70 bytes each, within PAYLOAD_MAX_BYTES. More go into the next message.
SIGHTINGS_MAX = 200


class Sightings(Wire):
    """What was heard in one turn. ``at``: the end of it, by the receiver's own clock."""

    at: AwareDatetime
    heard: Annotated[tuple[HeardFrame, ...], Field(min_length=1, max_length=SIGHTINGS_MAX)]
