"""Writes the mail with a code to sign in: the same words whether or not we know the address."""

from dataclasses import dataclass
from email.message import EmailMessage

from sqlmodel import Session

from cart.kernel.i18n import choose
from cart.profile.model import CODE_LIFETIME, code_of
from cart.profile.tables import SignInCodeRow
from mobile_api.look.words import Words, words
from mobile_api.mail.envelope import Envelope, enclose
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class CodeLetter:
    """The content of the mail. ``link``: of the page that asks for the code; it holds no code."""

    words: Words
    code: str
    minutes: int
    link: str
    place: str = ""

    @property
    def subject(self) -> str:
        """The subject line: without the code, which would stand in the logs of mail servers."""
        return self.words.gettext("Your code to sign in")


def code_mail(parts: Parts, db: Session, code_id: str) -> EmailMessage | None:
    """Return the message; None if it is settled, used, too old to be of use, or gone."""
    row = db.get(SignInCodeRow, code_id)
    if row is None or row.state != "requested" or row.used_at is not None:
        return None
    if row.expires_at <= parts.clock.now():
        return None
    letter = CodeLetter(
        words(choose(row.locale)),
        code_of(parts.secret, row.id),
        int(CODE_LIFETIME.total_seconds()) // 60,
        f"{parts.settings.base_url}/sign-in/code",
    )
    envelope = Envelope(
        "code", row.id, row.email, row.requested_at, letter.subject, letter.words.locale
    )
    return enclose(envelope, parts.settings, "code_mail", {"letter": letter}, [])
