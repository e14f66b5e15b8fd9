"""Tries a dead letter again, as if it had just come; what it did before is not done twice."""

from sqlmodel import Session

from cart.kernel.errors import CarryoverError
from gateway.dead_letters import service
from gateway.ingest.batch import Domain, Outcome, process
from gateway.ingest.read import read
from gateway.mqtt import Incoming


def replay(
    db: Session, domain: Domain, letter_id: str
) -> tuple[CarryoverError | None, Outcome | None]:
    """Process the letter's message; return what is still wrong with it, and what is to be told.

    Raises:
        NotFound: there is no such letter.
    """
    letter = service.letter(db, letter_id)
    message = Incoming(letter.topic, letter.payload, 0, 0, retain=False, generation=0)
    item = read(message)
    outcome = process(db, domain, [item], replay=True)
    service.settle(db, domain.clock, letter_id, item.error)
    return item.error, outcome
