"""What is asked for, in plain words: what it means, who gets what, how to end it.

To change a text is to change what people agree to: docs/privacy.md says how. What was shown
is kept with each decision, so a text may go from here and stays provable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cart.kernel.i18n import LOCALES
from cart.profile.consent.model import FOR_CUSTOMERS, VERSIONS, Purpose, Shown, Subject
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words, words

ANYBODY: Final = N_(
    "It counts on this phone. If you sign in, it counts for you there too, unless you have"
    " decided otherwise yourself."
)
BAND_ALONE: Final = N_("It counts for this wristband, until you give it back.")
CUSTOMER: Final = N_("It counts for you, on all your phones.")


@dataclass(frozen=True, slots=True)
class Wording:
    """A purpose in words. ``sign``: its drawing in ``_icons.html``."""

    sign: str
    title: str
    meaning: str
    who: str
    end: str


WORDINGS: Final[Mapping[Purpose, Wording]] = {
    Purpose.MARKETING_EMAIL: Wording(
        "mail",
        N_("News and offers by e-mail"),
        N_("We write to you about new things, offers and events in our shops."),
        N_("We, and the service that sends our mail. Nobody else gets your address."),
        N_("Switch it off here, or by the link in each of these e-mails."),
    ),
    Purpose.REMINDERS: Wording(
        "clock",
        N_("Reminders about your cart, lists and orders"),
        N_(
            "We write to you when something that you put aside is cheaper, back, or nearly gone,"
            " when an order of yours waits for you, and about what you ordered."
        ),
        N_("We, and the service that sends our mail. Nobody else gets your address."),
        N_("Switch it off here, or by the link in each of these e-mails."),
    ),
    Purpose.LOCATION_IN_SHOP: Wording(
        "place",
        N_("Where you are in the shop"),
        N_(
            "While you carry a wristband or a tablet of ours, we note which part of the shop you"
            " are in, and show you what is near."
        ),
        N_("Only we. It stays in the shop's own system."),
        N_("Switch it off here at any moment, or give the wristband back."),
    ),
    Purpose.MIRROR_VIDEO: Wording(
        "camera",
        N_("The camera of the mirror"),
        N_(
            "The mirror films you while you try something on, so that you see it from all sides:"
            " when you press its button, and not before. As long as you have not decided here, that"
            " press is your yes, for this one turn."
        ),
        N_("Nobody but you, in the mirror."),
        N_("Switch it off here, and the camera stays off for you."),
    ),
    Purpose.ANALYTICS: Wording(
        "pulse",
        N_("What we learn from your visits"),
        N_(
            "We put together what you look at, scan, try on and buy over several visits, to learn"
            " what you like, what to stock and how to set up our shops."
        ),
        N_(
            "We, and a service that keeps it for us under a number in place of your name. Figures"
            " that others see name nobody."
        ),
        N_("Switch it off here. Your visits are not put together from then on."),
    ),
    Purpose.AD_AUDIENCES: Wording(
        "swap",
        N_("Our advertising on other websites"),
        N_(
            "We tell advertising networks that you are a customer of ours, so that you see our"
            " goods elsewhere, or are spared them."
        ),
        N_("The networks get your address in scrambled form, and what kind of goods you bought."),
        N_("Switch it off here. Nothing about you is passed on from then on."),
    ),
}


def scope_of(purpose: Purpose, subject: Subject | None) -> str:
    """Return for whom and where a decision of this subject counts, in English."""
    own = purpose in FOR_CUSTOMERS or (subject is not None and bool(subject.customer_id))
    return CUSTOMER if own else ANYBODY


def shown_in(spoken: Words, purpose: Purpose, subject: Subject | None, *, scope: str = "") -> Shown:
    """Return all that this subject is told of a purpose, as it is kept with her decision.

    ``scope``: in English, where it counts elsewhere than :func:`scope_of` says.
    """
    one = WORDINGS[purpose]
    parts = (one.title, one.meaning, one.who, one.end, scope or scope_of(purpose, subject))
    text = "\n".join(spoken.gettext(part) for part in parts)
    return Shown(VERSIONS[purpose].current, spoken.locale, text)


def shown_by_hash(purpose: Purpose, subject: Subject | None, wanted: str) -> Shown | None:
    """Return the wording that a page showed, by its hash; None if none of today's has it."""
    every = (shown_in(words(locale), purpose, subject) for locale in LOCALES)
    return next((one for one in every if one.hash_for(purpose) == wanted), None)


def shown_at_desk(spoken: Words, subject: Subject | None) -> Shown:
    """Return what the welcome desk tells somebody before she gets a wristband; None: no phone."""
    scope = "" if subject else BAND_ALONE
    return shown_in(spoken, Purpose.LOCATION_IN_SHOP, subject, scope=scope)


def shown_at_desk_by_hash(subject: Subject | None, wanted: str) -> Shown | None:
    """Return the wording that the desk showed, by its hash; None if none of today's has it."""
    every = (shown_at_desk(words(locale), subject) for locale in LOCALES)
    return next((one for one in every if one.hash_for(Purpose.LOCATION_IN_SHOP) == wanted), None)
