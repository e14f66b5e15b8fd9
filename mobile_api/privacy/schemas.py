"""What the API of consent takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cart.profile.consent.model import Purpose, Source

WORDING_HASH_LENGTH = 64
NUMBER_MAX = 2_147_483_646  # what the database's column holds, less the next one


class Decide(BaseModel):
    """A decision. ``wording``, ``seen``: as the purpose was given with, so as it was shown."""

    model_config = ConfigDict(extra="forbid")

    granted: StrictBool
    wording: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Hash of what was shown.")]
    seen: Annotated[
        int,
        Field(ge=0, le=NUMBER_MAX, strict=True, description="Number of the newest decision."),
    ]


class PurposeOut(BaseModel):
    """One purpose, in words and as it is now."""

    purpose: Purpose
    granted: Annotated[bool, Field(description="Whether it may be done now.")]
    may_grant: Annotated[bool, Field(description="False: sign in first, or the browser refuses.")]
    seen: Annotated[int, Field(description="Number of the caller's own newest decision; 0: none.")]
    decided_at: datetime | None
    source: Source | None
    title: str
    meaning: str
    who: str
    end: str
    scope: str
    version: int
    locale: str
    wording: Annotated[str, Field(description="SHA-256 of version, language and text.")]


class ConsentsOut(BaseModel):
    """Every purpose. ``signal``: this request said ``Sec-GPC: 1``."""

    signal: bool
    signed_in: bool
    purposes: list[PurposeOut]


class PastOut(BaseModel):
    """A decision that was made, with the words that it was made on ("": none were shown)."""

    purpose: Purpose
    granted: bool
    decided_at: datetime
    source: Source
    brought: Annotated[bool, Field(description="Made on a phone before it signed in.")]
    location_id: str
    version: int
    locale: str
    text: str


class HistoryOut(BaseModel):
    """Decisions, the newest first; 200 at most."""

    decisions: list[PastOut]
