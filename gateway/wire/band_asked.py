"""What a receiver is asked to do with a wristband, and why it could not.

The commands that carry this are in ``downlink``.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from gateway.wire.band import PERIOD_S
from gateway.wire.band_service import CLOCK_MAX_S, TENTHS_MAX, TIMES_MAX
from gateway.wire.events import Wire

# Of one band: it may have any of three periods where its clock is known to a minute only, and the
# next begins while the command is under way.
IDENTIFIERS_MAX: Final = 4


class SignalData(Wire):
    """Which wristband is to do what. Whose it is, is not told: the receiver needs not know."""

    identifiers: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")], ...],
        Field(
            min_length=1,
            max_length=IDENTIFIERS_MAX,
            description="Hexadecimal; in its frames now, or in a moment. All of one band.",
        ),
    ]
    times: Annotated[
        int, Field(ge=0, le=TIMES_MAX, strict=True, description="How often to vibrate; 0: not.")
    ] = 0
    tenths: Annotated[
        int, Field(ge=1, le=TENTHS_MAX, strict=True, description="Tenths of a second each time.")
    ] = 3
    light: Literal["blue", "green", "white"] | None = None
    until: Annotated[
        AwareDatetime,
        Field(description="By the server's clock. After it nothing is done: answer refused."),
    ]


class SetUpFault(StrEnum):
    """The ``detail`` with which a receiver answers that it set no band up."""

    NO_BAND = "no_band"  # none is near
    SEVERAL = "several"  # more than one is: which is meant nobody can say
    NOT_NOW = "not_now"  # it has a secret already, and nobody holds its button
    AWAY = "away"  # out of reach, or it did not answer
    LATE = "late"  # the command's time is over


class SetUpData(Wire):
    """The server's half of the exchange: public, and of this command alone."""

    key: Annotated[
        str, Field(pattern=r"^[0-9a-f]{64}$", description="X25519, public; hexadecimal.")
    ]
    clock_s: Annotated[
        int,
        Field(ge=0, le=CLOCK_MAX_S - PERIOD_S, description="Where its clock is to stand, seconds."),
    ]
    until: Annotated[
        AwareDatetime,
        Field(description="By the server's clock. After it nothing is written: answer refused."),
    ]
