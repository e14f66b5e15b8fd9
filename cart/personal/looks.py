"""What the tables of looks hold of people. The pictures themselves are objects beside them."""

from typing import Final

from cart.personal.model import Erasure, Holding, Reveals, Scope

_CHOSEN: Final = "7, 30, 90 or 365 days, as she chose; then the key is overwritten"
_WITH_SESSION: Final = "with its session"

LOOKS: Final = (
    Holding(
        "look_key",
        holds="to which key her looks are sealed; what opens them is not here",
        found=(("session_id", Scope.SESSION),),
        reveals=(Reveals("id", Scope.LOOK_KEY),),
        shown=("created_at",),
        hidden=("id", "session_id", "public_key", "pin_sealed"),
        erasure=Erasure.DELETE,
        kept=_WITH_SESSION,
    ),
    Holding(
        "look_phone",
        holds="which phones open her looks; their own half of the key is not here",
        found=(("key_id", Scope.LOOK_KEY),),
        shown=("device", "created_at"),
        hidden=("key_id", "phone_name", "sealed", "pin_said_at"),
        erasure=Erasure.DELETE,
        kept=_WITH_SESSION,
    ),
    Holding(
        "look_ask",
        holds="that a phone asked to open her looks",
        found=(("session_id", Scope.SESSION),),
        shown=("device", "asked_at"),
        hidden=("id", "session_id", "public_key", "expires_at"),
        erasure=Erasure.DELETE,
        kept="fifteen minutes, or until it was let in",
    ),
    Holding(
        "look_choice",
        holds="for how long she has her looks kept, and whether a PIN stands before them",
        found=(("session_id", Scope.SESSION),),
        shown=("keep_days",),
        hidden=("session_id", "pin_salt", "pin_check"),
        erasure=Erasure.DELETE,
        kept=_WITH_SESSION,
    ),
    Holding(
        "look",
        holds="that she kept a turn before a mirror: where and when; the pictures are sealed",
        found=(("key_id", Scope.LOOK_KEY),),
        reveals=(Reveals("id", Scope.LOOK),),
        shown=("id", "location_id", "state", "taken_at", "duration_ms", "expires_at"),
        hidden=(
            *("key_id", "device_id", "visit", "grant_hash", "sealed_key", "media_type"),
            *("video_bytes", "sheet_bytes", "deleted_at"),
        ),
        erasure=Erasure.DELETE,
        kept=_CHOSEN,
    ),
    Holding(
        "look_item",
        holds="what she tried on in a look",
        found=(("look_id", Scope.LOOK),),
        shown=("gtin", "position"),
        hidden=("look_id",),
        erasure=Erasure.DELETE,
        kept="with its look",
    ),
    Holding(
        "look_share",
        holds="that a link leads to a look; what opens it is in the link alone",
        found=(("look_id", Scope.LOOK),),
        shown=("created_at", "expires_at"),
        hidden=("secret_hash", "look_id", "sealed"),
        erasure=Erasure.DELETE,
        kept="until it is over or withdrawn",
    ),
    Holding(
        "look_upload",
        holds="how far a look has come in from the mirror",
        found=(("look_id", Scope.LOOK),),
        reveals=(Reveals("id", Scope.LOOK_UPLOAD),),
        shown=("received_bytes",),
        hidden=("id", "look_id", "part", "length_bytes", "sha256", "done"),
        erasure=Erasure.DELETE,
        kept="an hour at most",
    ),
    Holding(
        "look_piece",
        holds="which pieces of a look have come in",
        found=(("upload_id", Scope.LOOK_UPLOAD),),
        shown=("length_bytes",),
        hidden=("upload_id", "offset_bytes"),
        erasure=Erasure.DELETE,
        kept="an hour at most",
    ),
)
