"""What the tables of ``cart`` hold of people, all together."""

from typing import Final

from cart.personal.journeys import JOURNEYS
from cart.personal.letters import LETTERS
from cart.personal.looks import LOOKS
from cart.personal.sales import PICKING, SELLING
from cart.personal.shoppers import CARTS, CONSENTS, PEOPLE
from cart.personal.timeline import TIMELINE

HELD: Final = (
    *PEOPLE,
    *CONSENTS,
    *CARTS,
    *SELLING,
    *PICKING,
    *LOOKS,
    *TIMELINE,
    *LETTERS,
    *JOURNEYS,
)
