"""How mails under a consent leave: with a return path that says which of them came back."""

from email.message import EmailMessage
from email.utils import parseaddr

from sqlmodel import Session

from cart.profile.subscriptions import suppression
from cart.profile.subscriptions.model import Bounce, Reason, bounce_of
from mobile_api.mail.model import Attempt
from mobile_api.mail.smtp import Postage
from mobile_api.wiring import Parts


def return_path(bounces_to: str, mark: str) -> str:
    """Return the address that says itself which mail came back (VERP); "" without a mailbox."""
    local, _, domain = bounces_to.rpartition("@")
    return f"{local}+{mark}@{domain}" if local else ""


def marked_postage(parts: Parts, mark: str) -> Postage:
    """Return how a mail with this mark leaves."""
    sender = return_path(parts.settings.mail_bounces_to, mark) if mark else ""
    return Postage(
        sender=sender or parseaddr(parts.settings.mail_from)[1],
        sign=parts.sign_mail,
    )


def heed(parts: Parts, db: Session, attempt: Attempt, message: EmailMessage) -> None:
    """Write no more to an address of which a mail server has just said that it is none."""
    if attempt.status and bounce_of(attempt.status) is Bounce.HARD:
        to, reason = str(message["To"]), Reason.HARD_BOUNCE
        suppression.suppress(db, parts.clock, parts.secret, to, reason, status=attempt.status)
