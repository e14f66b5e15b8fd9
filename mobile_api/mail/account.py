"""Writes letters about an account: a passkey came or went, somebody signed in elsewhere."""

from dataclasses import dataclass
from email.message import EmailMessage

from sqlmodel import Session

from cart.kernel.i18n import choose
from cart.profile.letters import AccountLetter
from cart.profile.tables import AccountLetterRow
from mobile_api.look.words import Words, words
from mobile_api.mail.envelope import Envelope, enclose
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class LetterOfAccount:
    """The content of one letter, in the reader's words. ``link``: to her account, never a key."""

    words: Words
    subject: str
    lead: str
    device: str
    link: str
    place: str = ""


def account_mail(parts: Parts, db: Session, letter_id: str) -> EmailMessage | None:
    """Return the message; None if it is settled or gone."""
    row = db.get(AccountLetterRow, letter_id)
    if row is None or row.state != "requested":
        return None
    w = words(choose(row.locale))
    subject, lead = _told(w, AccountLetter(row.kind))
    letter = LetterOfAccount(w, subject, lead, row.device, f"{parts.settings.base_url}/account")
    envelope = Envelope("account", row.id, row.email, row.requested_at, subject, w.locale)
    return enclose(envelope, parts.settings, "account_mail", {"letter": letter}, [])


def _told(w: Words, kind: AccountLetter) -> tuple[str, str]:
    if kind is AccountLetter.PASSKEY_ADDED:
        return (
            w.gettext("A passkey was added to your account"),
            w.gettext("From now on it signs you in, without a code."),
        )
    if kind is AccountLetter.PASSKEY_REMOVED:
        return (
            w.gettext("A passkey was removed from your account"),
            w.gettext("It signs nobody in any more."),
        )
    return (
        w.gettext("Signed in on a new device"),
        w.gettext("It was done with a code that we had sent to you."),
    )
