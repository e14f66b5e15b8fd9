"""What staff say to a wish from a fitting room. The command that carries it is in ``downlink``."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from cart.kernel.gtin import Gtin
from gateway.wire.events import RequestId, VisitId, Wire

# Who stands half dressed before a mirror gives up waiting after this; the glass then says so.
ANSWER_WITHIN: Final = timedelta(minutes=5)
# From "coming" on: the far end of the stock room and back. Who is not there by then will not be.
BRING_WITHIN: Final = timedelta(minutes=20)
# Of one device: more than two arms carry, and nobody keeps staff running by leaning on a button.
OPEN_MAX: Final = 5


class SizeAnswer(StrEnum):
    """What staff say to a wish from a fitting room."""

    COMING = "coming"  # somebody is on her way with it
    BROUGHT = "brought"  # it is at the door
    ALTERNATIVE = "alternative"  # not this one; another of the same product is here
    NOT_HERE = "not_here"
    LAPSED = "lapsed"  # nobody could come in time: say so kindly, she may ask again


class Differs(StrEnum):
    """In what an alternative is another than what was asked for."""

    SIZE = "size"
    COLOUR = "colour"
    BOTH = "both"


class SizeAnswerData(Wire):
    """The answer to one wish of one visit; void after ``until``. Who answers is not said."""

    visit: VisitId
    request: RequestId
    answer: SizeAnswer
    gtin: Annotated[
        Gtin | None, Field(description="Of an alternative: what could be brought instead.")
    ] = None
    differs: Annotated[
        Differs | None, Field(description="Of an alternative: in what it is another.")
    ] = None
    until: Annotated[
        AwareDatetime, Field(description="By the server's clock. After it, answer refused.")
    ]
