"""Passkeys of shoppers: one is added to an account, and signs a phone in.

The protocol is ``authenticator.py``'s, the rows are ``cart.profile.passkeys``'.
"""

from typing import Any

from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.kernel.errors import NotFound, PasskeyRefused, TooManyAttempts
from cart.profile import letters, limits
from cart.profile import passkeys as kept
from cart.profile.letters import AccountLetter
from cart.profile.model import TRIES_PER_NETWORK, challenge_of
from cart.profile.queries import addresses_of
from cart.profile.service import Proved
from cart.profile.tables import PasskeyRow
from mobile_api.sign_in import authenticator
from mobile_api.sign_in.authenticator import Place
from mobile_api.wiring import Parts

Options = tuple[dict[str, Any], str]  # what the browser is asked, and its cookie's secret


def place(wired: Parts) -> Place:
    """Return the relying party.

    Raises:
        NotFound: the public address cannot have passkeys.
    """
    found = authenticator.place_of(wired.settings.base_url)
    if found is None:
        msg = "passkeys need a host name over https, or localhost, in PUBLIC_URL"
        raise NotFound(msg)
    return found


def ask_to_sign(wired: Parts, db: Session, network: str) -> Options | TooManyAttempts:
    """Give a browser a challenge for signing in.

    Raises:
        NotFound: there are no passkeys here.
    """
    here = place(wired)
    given = kept.challenge(db, wired.clock, wired.ids, wired.secret, network=network)
    if isinstance(given, TooManyAttempts):
        return given
    return authenticator.asked_to_sign(here, given.to_sign), given.browser


def prove(
    wired: Parts, db: Session, *, browser: str, credential: dict[str, Any], network: str
) -> Proved | PasskeyRefused | TooManyAttempts:
    """Say who has signed this browser's challenge. A refusal is given, to be raised after commit.

    The challenge is used up by it, right or wrong.
    """
    per = [(TRIES_PER_NETWORK, network)]
    if (refused := limits.count(db, wired.clock, wired.secret, per)) is not None:
        return refused
    here = place(wired)
    taken = kept.take(db, wired.clock, browser=browser)
    passkey = kept.of_credential(db, credential["id"])
    if not taken or passkey is None:
        return PasskeyRefused("this browser was asked nothing lately, or nobody has this passkey")
    said = authenticator.signed(
        here,
        challenge_of(wired.secret, browser),
        credential,
        passkey,
        owner=passkey.customer_id,
    )
    if isinstance(said, PasskeyRefused):
        return said
    count, backed_up = said
    if not kept.used(db, wired.clock, passkey=passkey, count=count, backed_up=backed_up):
        return PasskeyRefused("the passkey was removed, or a copy of it was used meanwhile")
    return Proved(taken, customer_id=passkey.customer_id)


def ask_to_make(
    wired: Parts, db: Session, me: ShopperSessionRow, network: str
) -> Options | TooManyAttempts:
    """Give a browser a challenge for a passkey that is to be added.

    Raises:
        NotFound: there are no passkeys here.
    """
    here, customer_id = place(wired), me.customer_id or ""
    given = kept.challenge(
        db, wired.clock, wired.ids, wired.secret, network=network, customer_id=customer_id
    )
    if isinstance(given, TooManyAttempts):
        return given
    options = authenticator.asked_to_make(
        here,
        given.to_sign,
        owner=customer_id,
        name=next(iter(addresses_of(db, customer_id)), authenticator.NAME),
        has=kept.of_customer(db, customer_id),
    )
    return options, given.browser


def add(
    wired: Parts,
    db: Session,
    me: ShopperSessionRow,
    *,
    browser: str,
    credential: dict[str, Any],
    device: str,
    locale: str,
) -> PasskeyRow | PasskeyRefused:
    """Keep what was made for this browser's challenge, and tell her by e-mail, in ``locale``.

    A refusal is given: it uses it up.

    Raises:
        TooManyPasskeys, PasskeyRefused: as ``cart.profile.passkeys.keep`` says.
        NotFound: there are no passkeys here.
    """
    here, customer_id = place(wired), me.customer_id or ""
    if not kept.take(db, wired.clock, browser=browser, customer_id=customer_id):
        return PasskeyRefused("this browser was asked nothing lately")
    made = authenticator.made(here, challenge_of(wired.secret, browser), credential)
    if isinstance(made, PasskeyRefused):
        return made
    row = kept.keep(db, wired.clock, wired.ids, customer_id=customer_id, made=made, device=device)
    letters.write(
        db,
        wired.clock,
        wired.ids,
        wired.secret,
        customer_id=customer_id,
        kind=AccountLetter.PASSKEY_ADDED,
        device=device,
        locale=locale,
    )
    return row
