"""Forms of the welcome desk."""

from typing import Annotated, Literal

from pydantic import Field

from mobile_api.carts.schemas import Taken
from mobile_api.privacy.schemas import NUMBER_MAX

BAND_NUMBER_MAX = 999_999  # what an engraving has room for
Number = Annotated[int, Field(ge=1, le=BAND_NUMBER_MAX)]
Locale = Literal["en", "he", "pl"]
DeskCode = Annotated[str, Field(max_length=20)]  # with blanks, as it is read out


class LookAt(Taken):
    """A band that is to be handed out or taken back. ``code``: from her phone, if she has one."""

    number: Number
    verb: Literal["out", "back"]
    locale: Locale = "en"
    code: DeskCode = ""


class HandOut(Taken):
    """A band for a shopper. ``wording``, ``seen``: of the consent that the page showed."""

    number: Number
    locale: Locale
    code: DeskCode = ""
    greeting: Annotated[str, Field(max_length=200)] = ""
    follow: bool = False
    wording: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    seen: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0


class TakeBack(Taken):
    """A band that came back."""

    number: Number


class SetUp(Taken):
    """A desk at which a fresh band is held to the reader."""

    desk: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
