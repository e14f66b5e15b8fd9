"""People for the report's pages, told straight to the timeline."""

from datetime import timedelta
from typing import Final

from sqlmodel import Session

from cart.carts.service import open_session
from cart.profile.consent import service as consents
from cart.profile.consent.model import VERSIONS, How, Purpose, Shown, Source, Subject
from cart.profile.timeline import service as timeline
from cart.profile.timeline.model import Channel, Interaction, Kind
from tests.cart.buying import HERE
from tests.cart.floor import Floor

DAY_S: Final = 24 * 3_600


def five(floor: Floor) -> None:
    """Five who allow it scan yesterday at a tablet, and order 20 minutes later; told at once."""
    how = How(Source.PAGE, Shown(VERSIONS[Purpose.ANALYTICS].current, "en", "May we?"))

    def tell(db: Session) -> None:
        doing = (floor.clock, floor.ids)
        for _ in range(5):
            her = open_session(db, *doing).id
            subject = Subject(session_id=her)
            consents.grant(db, *doing, subject, Purpose.ANALYTICS, how=how, seen=0)
            touches = [
                Interaction(
                    id=floor.ids.new("touch"),
                    session_id=her,
                    kind=kind,
                    channel=Channel.TABLET,
                    at=floor.clock.now() + timedelta(minutes=minute),
                    location_id=HERE,
                )
                for kind, minute in ((Kind.SCANNED, 0), (Kind.ORDERED, 20))
            ]
            timeline.keep(db, floor.clock, touches)

    floor.do(tell)
    floor.clock.advance(DAY_S)
