"""What the server says to a device, and the device's two plain answers.

Receipts, statuses and acks are small plain JSON; commands are CloudEvents of
their own types. A device that does not know a command's type acks ``refused``.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from cart.kernel.gtin import Gtin
from gateway.wire.band_asked import SetUpData, SignalData
from gateway.wire.events import EventId, Name, VisitId, Wire
from gateway.wire.size_answer import SizeAnswerData

LINES_MAX = 200  # of a cart on a screen; the same limit as the cart's
SAID_LENGTH_MAX = 200  # the name of an article or a zone, as feeds have them
GREETING_LENGTH_MAX = 80  # a name on one line of a screen; a longer one is cut


class Receipt(Wire):
    """Everything of this spool through this sequence is committed; it can be forgotten.

    ``at`` is the server's clock: a device learns its own offset from it.
    ``resend_from`` is there when something was lost on the way: later events are
    stored, and the one after ``stored_through`` is not.
    """

    spool: Name
    stored_through: Annotated[int, Field(ge=0)]
    at: AwareDatetime
    resend_from: Annotated[
        int | None,
        Field(ge=1, description="Send again from this sequence on: later ones have come, not it."),
    ] = None


class Status(Wire):
    """Retained on the status channel; the last will is ``{"online": false}``."""

    online: bool
    spool: Name | None = None
    visit: VisitId | None = None
    firmware: Annotated[str | None, Field(max_length=64)] = None
    at: AwareDatetime | None = None
    boot: Annotated[
        Name | None,
        Field(description="Random at each start: two that take turns are a cloned credential."),
    ] = None


class AckOutcome(StrEnum):
    """What became of a command at the device."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Ack(Wire):
    """The device's answer to one command."""

    command_id: EventId
    outcome: AckOutcome
    detail: Annotated[str, Field(max_length=500)] = ""


class CommandType(StrEnum):
    """Values of a command's ``type``."""

    SHOW_CART = "carryover.cart.show"
    CLEAR = "carryover.screen.clear"
    CLAIMED = "carryover.visit.claimed"
    BEGIN_VISIT = "carryover.visit.begin"
    GREET = "carryover.visit.greet"
    TAP_ANSWERED = "carryover.tap.answered"
    SIZE_ANSWERED = "carryover.size.answered"
    SHOW_STOP = "carryover.stop.show"
    VEIL = "carryover.visit.veil"
    SWITCH_CAMERA = "carryover.camera.switch"
    REJECTED = "carryover.event.rejected"
    APPLY_DESIRED = "carryover.twin.apply"
    ROTATE = "carryover.credential.rotate"
    SIGNAL_BAND = "carryover.band.signal"
    SET_UP_BAND = "carryover.band.set_up"


class _Command(Wire):
    specversion: Literal["1.0"] = "1.0"
    id: EventId
    source: Literal["/gateway"] = "/gateway"
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"


class ShownLine(Wire):
    """A line as the cart has it now."""

    gtin: Gtin
    quantity: Annotated[int, Field(ge=1)]
    name: str
    variant: str = ""
    price_minor: int
    currency: str


class CartData(Wire):
    """The whole cart of a visit, after every event of ``spool`` through ``stored_through``."""

    visit: VisitId
    version: int
    spool: Name | None = None
    stored_through: int = 0
    latest_at: Annotated[
        AwareDatetime | None,
        Field(description="Later events of the device carry a later time than this."),
    ] = None
    lines: Annotated[tuple[ShownLine, ...], Field(max_length=LINES_MAX)]


class ShowCart(_Command):
    """Show this cart; what the device has sent since is still to be added."""

    type: Literal[CommandType.SHOW_CART] = CommandType.SHOW_CART
    data: CartData


class ClearData(Wire):
    """Which visit is over, and why."""

    visit: VisitId
    reason: Annotated[str, Field(max_length=64)]


class Clear(_Command):
    """Forget this visit and clear the screen; ignored when another visit has begun."""

    type: Literal[CommandType.CLEAR] = CommandType.CLEAR
    data: ClearData


class ClaimedData(Wire):
    """Which visit is on a phone now."""

    visit: VisitId


class Claimed(_Command):
    """A phone opened the claim link; show that the list is on it."""

    type: Literal[CommandType.CLAIMED] = CommandType.CLAIMED
    data: ClaimedData


class GreetData(Wire):
    """Whose visit it is: the name that she chose, nothing else of her; void after ``until``."""

    visit: VisitId
    greeting: Annotated[
        str,
        Field(
            max_length=GREETING_LENGTH_MAX, description="The name that she chose; empty: say none."
        ),
    ]
    locale: Literal["en", "he", "pl"]
    until: Annotated[
        AwareDatetime,
        Field(description="By the server's clock. After it nobody is greeted: answer refused."),
    ]


class BeginVisit(_Command):
    """Begin this visit and greet her: she held her wristband to the device.

    The one visit whose name the server gives; say carryover.device.taken_up for it without a
    claim_hash. Refused after ``until``, while another visit goes on, and when it was begun
    before and is over: then the server lets go of it.
    """

    type: Literal[CommandType.BEGIN_VISIT] = CommandType.BEGIN_VISIT
    data: GreetData


class Greet(_Command):
    """The visit that goes on is hers now: greet her, in her language; refused for any other."""

    type: Literal[CommandType.GREET] = CommandType.GREET
    data: GreetData


class VeilData(Wire):
    """Whether what is hers is to be hidden; void after ``until``."""

    visit: VisitId
    drawn: bool
    until: AwareDatetime


class Veil(_Command):
    """Her band is hardly heard at the device: show nothing of her, until it is, or she touches.

    A later one counts: with ``drawn`` false she is shown what is hers again. A touch later than
    some seconds after it was drawn is somebody else's, and ends the visit.
    """

    type: Literal[CommandType.VEIL] = CommandType.VEIL
    data: VeilData


class TapOutcome(StrEnum):
    """Why a wristband that was held to the device began nothing."""

    BUSY = "busy"  # somebody else's visit goes on
    AMBIGUOUS = "ambiguous"  # several were near; a press of the button says which
    UNKNOWN = "unknown"  # nobody's: handed back, or not of this shop


class TapData(Wire):
    """What is to be said to whoever stands there; void after ``until``."""

    outcome: TapOutcome
    until: AwareDatetime


class TapAnswered(_Command):
    """A wristband was held to the device and nothing begins; say why, for a moment."""

    type: Literal[CommandType.TAP_ANSWERED] = CommandType.TAP_ANSWERED
    data: TapData


class SizeAnswered(_Command):
    """Show the answer, if its visit goes on and its wish is still one; refused otherwise."""

    type: Literal[CommandType.SIZE_ANSWERED] = CommandType.SIZE_ANSWERED
    data: SizeAnswerData


class NextStop(Wire):
    """The next stop of her plan. Nothing of it is written to a disk of the device."""

    kind: Literal["goods", "fitting_room", "adviser", "ask"]
    zone: Annotated[
        str, Field(max_length=SAID_LENGTH_MAX, description="English; empty: a colleague knows.")
    ] = ""
    zone_i18n: dict[Annotated[str, Field(pattern=r"^(he|pl)$")], str] = Field(
        default_factory=dict, max_length=2
    )
    bay: Annotated[str, Field(max_length=64)] = ""
    gtin: Annotated[
        Gtin | None, Field(description="Of goods: called as the device's catalogue calls it.")
    ] = None
    name: Annotated[str, Field(max_length=SAID_LENGTH_MAX)] = ""
    at: Annotated[AwareDatetime | None, Field(description="When it is booked for.")] = None


class StopData(Wire):
    """Where she goes next; without a stop nothing is said of it any more."""

    visit: VisitId
    stop: NextStop | None = None


class ShowStop(_Command):
    """She made a plan of this visit at home: say where she goes next, in one line."""

    type: Literal[CommandType.SHOW_STOP] = CommandType.SHOW_STOP
    data: StopData


class CameraData(Wire):
    """Whether she has switched the camera off, on whatever device she decided so."""

    visit: VisitId
    off: bool


class SwitchCamera(_Command):
    """Of a mirror: while ``off``, record nothing of this visit and look at no picture of it.

    What is being recorded is broken off, and what she has not kept is wiped. A mirror is told with
    each cart that it is shown, and at once when she decides; without a word the camera is on, and
    records only when she presses its button. A later one counts.
    """

    type: Literal[CommandType.SWITCH_CAMERA] = CommandType.SWITCH_CAMERA
    data: CameraData


class SignalBand(_Command):
    """Of a receiver: connect to this band, which it hears, and have it vibrate or shine.

    ``done`` when the band has answered; ``refused`` when it is too late, or when it does not
    hear the band; ``failed`` when the band did not do it. The same command may come again: it is
    done once, and answered as before.
    """

    type: Literal[CommandType.SIGNAL_BAND] = CommandType.SIGNAL_BAND
    data: SignalData


class SetUpBand(_Command):
    """Of a receiver at a desk: set the one band up that is held to it.

    Answered ``done`` with ``detail`` the band's public key, the frame that it sends from now on
    (both hexadecimal) and the version of its firmware, with blanks between; ``refused`` or
    ``failed`` with a word of SetUpFault. The secret follows from both keys: a receiver never has
    it. The same command may come again: it is done once, and answered as before.
    """

    type: Literal[CommandType.SET_UP_BAND] = CommandType.SET_UP_BAND
    data: SetUpData


class RejectedData(Wire):
    """Which event could not be done, and why; it is stored as a dead letter."""

    event_id: EventId
    sequence: int
    visit: VisitId | None = None
    code: Annotated[str, Field(max_length=64)]
    detail: Annotated[str, Field(max_length=500)]


class Rejected(_Command):
    """An event was refused."""

    type: Literal[CommandType.REJECTED] = CommandType.REJECTED
    data: RejectedData


class DesiredData(Wire):
    """The desired half of the twin; the device reports ``version`` back in its health."""

    version: Annotated[int, Field(ge=1)]
    locale: Literal["en", "he", "pl"] | None = None
    firmware: Annotated[str | None, Field(max_length=64)] = None
    idle_after_s: Annotated[int | None, Field(ge=15, le=3600)] = None


class ApplyDesired(_Command):
    """Become this."""

    type: Literal[CommandType.APPLY_DESIRED] = CommandType.APPLY_DESIRED
    data: DesiredData


class RotateData(Wire):
    """Nothing more is to be said: the device makes its credential itself."""


class Rotate(_Command):
    """Make a fresh credential, keep it, and answer with its hash as the ack's ``detail``.

    ``$7$101$salt$hash``: PBKDF2-HMAC-SHA512 of 101 rounds, 12 bytes of salt, both in base64.
    Asked again, answer for the same one. Then connect with it; while the broker does not
    know it yet, the one before is good.
    """

    type: Literal[CommandType.ROTATE] = CommandType.ROTATE
    data: RotateData = RotateData()


Command = Annotated[
    ShowCart
    | Clear
    | Claimed
    | BeginVisit
    | Greet
    | TapAnswered
    | SizeAnswered
    | ShowStop
    | Veil
    | SwitchCamera
    | Rejected
    | ApplyDesired
    | Rotate
    | SignalBand
    | SetUpBand,
    Field(discriminator="type"),
]


class StockNotice(Wire):
    """Stock of one SKU at one location has changed; a higher version is newer."""

    product_id: Name
    sku: Annotated[str, Field(max_length=64)]
    gtin: Gtin
    location_id: Name
    available: Annotated[int, Field(ge=0, description="Available-to-promise, pieces.")]
    version: int
    as_of: AwareDatetime
