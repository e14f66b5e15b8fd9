"""Whether it may be noted where somebody is, told to those who note it."""

from sqlmodel import Session

from gateway.bands import service
from gateway.fanout import BandChanged
from mobile_api.wiring import Parts


def let_follow(wired: Parts, db: Session, session_id: str, *, follow: bool) -> None:
    """Do with this shopper's band, if she has one, as she has decided just now; and say so."""
    number = service.let_follow(db, session_id=session_id, follow=follow)
    if number is not None:
        wired.tell(db, BandChanged(number))
