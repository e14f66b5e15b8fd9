"""The angles of a turn, inside its contact sheet: sealed with it, opened with it.

A JPEG comment after the picture's head: when each frame of the video was taken and which view it
shows. What a phone needs to turn a film by angle. Pure; the other reader is ``looks.js``.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cart.kernel.errors import InvalidInput
from store_devices.mirror.turning import FRAMES_MAX

MARK: Final = b"carryover turn 1\x00"
"""What the comment begins with; another number is another format."""

COMMENT: Final = b"\xff\xfe"
COMMENT_BYTES_MAX: Final = 65_533
"""Two bytes say its length, and count themselves."""
_START: Final = b"\xff\xd8"
_PICTURE: Final = 0xDA  # start of scan: no comment of ours comes after it
_AT_MS_MAX: Final = 60_000

AtMs = Annotated[int, Field(ge=0, le=_AT_MS_MAX)]
ViewDeg = Annotated[int, Field(ge=0, lt=360)]


class Track(BaseModel):
    """Milliseconds from the video's start, and the view in degrees, of each of its frames."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_ms: list[AtMs] = Field(min_length=1, max_length=FRAMES_MAX)
    view_deg: list[ViewDeg] = Field(min_length=1, max_length=FRAMES_MAX)

    @model_validator(mode="after")
    def _alike(self) -> Self:
        if len(self.at_ms) != len(self.view_deg):
            msg = "one view for each frame"
            raise ValueError(msg)
        return self


def tracked(sheet: bytes, at_s: Sequence[float], view_deg: Sequence[float]) -> bytes:
    """Return a JPEG with a turn's angles in it: seconds and degrees of each frame of its video.

    Raises:
        InvalidInput: it is no JPEG.
        ValidationError: no frames, too many, or not one view for each.
    """
    track = Track(
        at_ms=[round(1000 * second) for second in at_s],
        view_deg=[round(view) % 360 for view in view_deg],
    )
    return commented(sheet, MARK + track.model_dump_json().encode())


def track_of(sheet: bytes) -> Track | None:
    """Return the angles in a contact sheet; ``None``: it has none.

    Raises:
        ValidationError: what is there is none of ours.
    """
    said = comment_of(sheet, MARK)
    return None if said is None else Track.model_validate_json(said)


def commented(sheet: bytes, said: bytes) -> bytes:
    """Return a JPEG with a comment right after its first two bytes.

    Raises:
        InvalidInput: it is no JPEG, or the comment is longer than one can be.
    """
    if not sheet.startswith(_START) or len(said) > COMMENT_BYTES_MAX:
        msg = "a contact sheet is a JPEG, and a comment in it has 65,533 bytes at most"
        raise InvalidInput(msg)
    return _START + COMMENT + (len(said) + 2).to_bytes(2) + said + sheet[len(_START) :]


def comment_of(sheet: bytes, mark: bytes) -> bytes | None:
    """Return what a comment says after ``mark``; None: there is no such comment."""
    at = len(_START)
    while at + 4 <= len(sheet) and sheet[at] == COMMENT[0] and sheet[at + 1] != _PICTURE:
        length = int.from_bytes(sheet[at + 2 : at + 4])
        said = sheet[at + 4 : at + 2 + length]
        if sheet[at + 1] == COMMENT[1] and said.startswith(mark):
            return said[len(mark) :]
        at += 2 + max(length, 2)
    return None
