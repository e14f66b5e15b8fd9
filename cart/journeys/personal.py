"""What the tables of segments and audiences hold of people."""

from typing import Final

from cart.personal.model import Erasure, Holding, Scope

_RULES: Final = "rules of the shop's own, and who of the staff made them; of no shopper"
_HOME: Final = (("home", Scope.SESSION),)

HELD: Final = (
    Holding("segment", plain=("name",), why=_RULES),
    Holding("segment_version", plain=("number",), why=_RULES),
    Holding(
        "segment_member",
        holds="in which segments she is, since when",
        found=_HOME,
        shown=("segment_id", "since_us"),
        hidden=("home", "version"),
        erasure=Erasure.DELETE,
        kept="as long as the segment's rule is met by what she does",
    ),
    Holding(
        "segment_due",
        holds="when it is looked at again in which segments she is",
        found=_HOME,
        shown=("due_us",),
        hidden=("home",),
        erasure=Erasure.DELETE,
        kept="until that moment",
    ),
    Holding(
        "segment_change",
        holds="that she came into a segment or went out of it",
        found=_HOME,
        shown=("segment_id", "entered", "at_us"),
        hidden=("position", "version", "home"),
        erasure=Erasure.DELETE,
        kept="a year",
    ),
    Holding("audience", why="where segments go, and who of the staff said so; of no shopper"),
    Holding(
        "audience_entry",
        holds="that an advertiser has a hash of her e-mail address, because she allowed it",
        found=_HOME,
        shown=("audience_id", "state"),
        hidden=("hash", "home", "batch"),
        erasure=Erasure.BLANK,
        blanks={"home": None},
        why="her hash has first to be taken out at the advertiser's; then the row is deleted",
        kept="until she withdraws or leaves the segment, and the advertiser was told",
    ),
)
