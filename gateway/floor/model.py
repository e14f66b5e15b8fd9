"""What an operator writes of a floor, and what may not be written. No database.

Lengths are metres from the corner at the left and top of the drawing; the middle of a
doorway to within half a metre is good enough, as bands are placed no better.
"""

import tomllib
from collections import Counter
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cart.kernel.errors import InvalidInput

SIDE_MAX_M: Final = 1_000.0  # the largest halls there are
ZONES_MAX: Final = 100  # more than people can tell apart on a floor
AREAS_MAX: Final = 20  # rectangles of one zone
RECEIVERS_MAX: Final = 500  # four to six in each hundred square metres
FILE_MAX_BYTES: Final = 262_144

# Below this many people a number is not shown: who is alone in a zone can be seen from afar, and
# a figure of one or two beside a clock says of a colleague or a known face where she was.
GROUP_MIN: Final = 3

PLACES_MAX: Final = 100  # cubicles, or people behind a counter
SERVICE_MAX_MINUTES: Final = 120  # whoever takes longer has an appointment


class Serves(StrEnum):
    """What people wait for in a zone."""

    FITTING_ROOM = "fitting_room"
    DESK = "desk"


class TurnState(StrEnum):
    """Where a shopper's turn in a virtual queue is. The first two are open."""

    WAITING = "waiting"
    CALLED = "called"
    CAME = "came"
    GAVE_UP = "gave_up"
    MISSED = "missed"
    CLOSED = "closed"  # nobody is served there any more


Metres = Annotated[float, Field(ge=0, le=SIDE_MAX_M, allow_inf_nan=False)]
Named = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ZoneId = Annotated[str, StringConstraints(min_length=1, max_length=64)]  # as the catalogue has it
Rectangle = tuple[Metres, Metres, Metres, Metres]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ZoneOnPlan(_Part):
    """A zone and its rectangles: left, top, right, bottom.

    ``serves``: what people wait for there, if for anything. ``places``: how many are served
    at once. ``service_minutes``: how long one takes, as is believed until it is measured.
    ``bookable``: how many of the places a plan made at home may book for one quarter hour.
    """

    id: ZoneId
    areas: Annotated[tuple[Rectangle, ...], Field(min_length=1, max_length=AREAS_MAX)]
    serves: Serves | None = None
    places: Annotated[int, Field(ge=1, le=PLACES_MAX, strict=True)] = 1
    service_minutes: Annotated[int, Field(ge=1, le=SERVICE_MAX_MINUTES, strict=True)] = 8
    bookable: Annotated[int, Field(ge=0, le=PLACES_MAX, strict=True)] = 0


class ReceiverOnPlan(_Part):
    """A receiver and where it hangs. ``stands_at``: the device that bands are held to there.

    ``desk``: the name of the desk at which bands are held to it, to pay. ``gate``: the name of the
    door at which bands are held to it, by whoever comes in. One of the three at the most.
    """

    device: Named
    at: tuple[Metres, Metres]
    stands_at: Named | None = None
    desk: Named | None = None
    gate: Named | None = None


class FloorPlan(_Part):
    """The whole of a floor."""

    zone: Annotated[tuple[ZoneOnPlan, ...], Field(min_length=1, max_length=ZONES_MAX)]
    receiver: Annotated[tuple[ReceiverOnPlan, ...], Field(max_length=RECEIVERS_MAX)] = ()


def read_plan(content: bytes) -> FloorPlan:
    """Return the floor in a TOML file.

    Raises:
        InvalidInput: not TOML, not a floor, too large, an area that is inside out, or
            something that stands there twice; the message names the first.
    """
    if len(content) > FILE_MAX_BYTES:
        msg = f"the plan has {len(content)} bytes; the limit is {FILE_MAX_BYTES}"
        raise InvalidInput(msg)
    try:
        plan = FloorPlan.model_validate(tomllib.loads(content.decode()))
    except UnicodeDecodeError as error:
        msg = "the plan is not UTF-8 text"
        raise InvalidInput(msg) from error
    except tomllib.TOMLDecodeError as error:
        msg = f"the plan is not TOML: {error}"
        raise InvalidInput(msg) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{where}: {first['msg']}"
        raise InvalidInput(msg, field=where) from error
    _check(plan)
    return plan


ELSEWHERE: Final = 2  # of the three things that a receiver may stand at, it is not at two
_OF_SERVING: Final = frozenset({"places", "service_minutes", "bookable"})


def _check(plan: FloorPlan) -> None:
    for zone in plan.zone:
        if zone.serves is None and zone.model_fields_set & _OF_SERVING:
            msg = f"zone {zone.id}: places, service_minutes and bookable are of a zone that serves"
            raise InvalidInput(msg, field="zone")
        if zone.bookable > zone.places:
            msg = f"zone {zone.id} has {zone.places} places, so {zone.bookable} are not bookable"
            raise InvalidInput(msg, field="zone")
        for left, top, right, bottom in zone.areas:
            if left >= right or top >= bottom:
                msg = (
                    f"zone {zone.id}: [{left}, {top}, {right}, {bottom}] is no area:"
                    " left and top come first, right and bottom are larger"
                )
                raise InvalidInput(msg, field="zone")
    _once("zone", [zone.id for zone in plan.zone])
    _once("receiver", [receiver.device for receiver in plan.receiver])
    _once("stands_at", [one.stands_at for one in plan.receiver if one.stands_at])
    _once("desk", [receiver.desk for receiver in plan.receiver if receiver.desk])
    _once("gate", [receiver.gate for receiver in plan.receiver if receiver.gate])
    for receiver in plan.receiver:
        if [receiver.stands_at, receiver.desk, receiver.gate].count(None) < ELSEWHERE:
            msg = f"{receiver.device} stands at a device, a desk or a gate, not at two of them"
            raise InvalidInput(msg, field="receiver")


def _once(what: str, names: list[str]) -> None:
    name, times = next(iter(Counter(names).most_common(1)), ("", 0))
    if times > 1:
        msg = f"{what} {name} stands in the plan {times} times"
        raise InvalidInput(msg, field=what)
