"""What a person says about her interests: not hers, another size, all of it cleared, taken back."""

from typing import Final

from sqlmodel import Session, col, delete, func, select

from cart.db.columns import NAME_LENGTH_MAX
from cart.db.guarded import insert_or_change
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput
from cart.profile.interests.model import Facet, Said
from cart.profile.interests.queries import WORDS_MAX
from cart.profile.interests.tables import InterestWordRow

DERIVED: Final = (Facet.CATEGORY, Facet.BRAND, Facet.COLOUR, Facet.SIZE)


def refuse(db: Session, clock: Clock, *, home: str, facet: Facet, value: str) -> None:
    """Note that an interest is not hers; it is derived no more, until she takes this back.

    Raises:
        InvalidInput: no such facet or value, or she has said WORDS_MAX things.
    """
    _say(db, clock, home, (facet, value), Said.NOT_FOR_ME)


def correct_size(db: Session, clock: Clock, *, home: str, category: str, size: str) -> None:
    """Note which size is right in a category.

    Raises:
        InvalidInput: not a size or category, or she has said WORDS_MAX things.
    """
    _say(db, clock, home, (Facet.SIZE, category), Said.OTHER_SIZE, size=_word(size))


def take_back(db: Session, *, home: str, facet: Facet, value: str) -> None:
    """Forget what she said about an interest; once more changes nothing."""
    row = InterestWordRow
    db.connection().execute(
        delete(row).where(
            col(row.session_id) == home, col(row.facet) == facet.value, col(row.value) == value
        )
    )


def clear(db: Session, clock: Clock, *, home: str) -> None:
    """Let nothing that was before now count any more. What she refused stays refused."""
    row = InterestWordRow
    db.connection().execute(
        delete(row).where(col(row.session_id) == home, col(row.said) == Said.OTHER_SIZE.value)
    )
    _put(db, clock, home, (Facet.ALL, ""), Said.CLEARED)


def _say(
    db: Session, clock: Clock, home: str, of: tuple[Facet, str], said: Said, *, size: str = ""
) -> None:
    facet, value = of
    if facet not in DERIVED:
        msg = f"nothing can be said about {facet.value}"
        raise InvalidInput(msg, field="facet")
    many = select(func.count()).where(InterestWordRow.session_id == home)
    if db.exec(many).one() >= WORDS_MAX:
        msg = f"{WORDS_MAX} things were said already"
        raise InvalidInput(msg, field="value")
    _put(db, clock, home, (facet, _word(value)), said, size=size)


def _put(
    db: Session, clock: Clock, home: str, of: tuple[Facet, str], said: Said, *, size: str = ""
) -> None:
    facet, value = of
    change = {"said": said.value, "size": size, "at": clock.now()}
    keys = {"session_id": home, "facet": facet.value, "value": value}
    insert_or_change(db, InterestWordRow, {**keys, **change}, keys=list(keys), change=change)


def _word(text: str) -> str:
    """Return what was sent, in one line.

    Raises:
        InvalidInput: empty, too long, or with characters that are not seen.
    """
    word = " ".join(text.split())
    if not word or len(word) > NAME_LENGTH_MAX or not word.isprintable():
        msg = f"1 to {NAME_LENGTH_MAX} letters"
        raise InvalidInput(msg, field="value")
    return word
