"""Who looks at a page of staff: in which language, from which location."""

from dataclasses import dataclass

from sqlmodel import Session

from cart.kernel.clock import Clock
from cart.picking.model import Staff
from cart.ports import Shop
from mobile_api.look.words import Words
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class Looking:
    """All that a page of staff is made from, beside what it shows."""

    db: Session
    me: Staff
    spoken: Words
    clock: Clock
    shop: Shop

    @property
    def zone(self) -> str:
        """The time zone of her location."""
        return self.shop.locations.facts(self.db, self.me.location_id).timezone

    @property
    def place(self) -> str:
        """The name of her location, in her language."""
        facts = self.shop.locations.facts(self.db, self.me.location_id)
        return self.spoken.of(facts.name_i18n, facts.name)


def looking(wired: Parts, db: Session, me: Staff, spoken: Words) -> Looking:
    """Return who looks."""
    return Looking(db, me, spoken, wired.clock, wired.shop)
