"""What every mail that is sent under a purpose carries: how to leave, and which list it is of.

RFC 8058 (one-click), RFC 2369 and RFC 2919 (List-Id). Asking for the headers asks the consent
ledger: a mail that may not be sent cannot have them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import quote

from sqlmodel import Session

from cart.profile.consent import queries
from cart.profile.consent.model import Purpose, Subject
from mobile_api.edge.links import choices_link, withdrawal_link
from mobile_api.privacy.withdrawing import withdrawal_headers
from mobile_api.settings import ApiSettings

LEAVE = "leave"  # the first word of the subject of a mail that unsubscribes


@dataclass(frozen=True, slots=True)
class Ways:
    """The headers of such a mail, and the same links for its text.

    ``leave``: the page on which one press ends it. ``choose``: the page of purposes and topics.
    """

    headers: Mapping[str, str]
    leave: str
    choose: str


def ways(
    db: Session,
    settings: ApiSettings,
    subject: Subject,
    purpose: Purpose,
    *,
    list_id: str,
    list_name: str,
) -> Ways:
    """Return what a mail to ``subject`` carries. ``list_id``: a topic's id, or a word for it.

    Raises:
        ConsentMissing: this mail may not be sent.
    """
    headers = dict(withdrawal_headers(db, settings, subject, purpose))
    subject_id = queries.subject_id_of(db, subject) or ""
    leave = headers["List-Unsubscribe"].strip("<>")
    choose = f"{settings.base_url}/letters/by/{choices_link(settings.key(), subject_id)}"
    if settings.mail_unsubscribe_to:
        said = quote(f"{LEAVE} {withdrawal_link(settings.key(), subject_id, purpose)}")
        headers["List-Unsubscribe"] += f", <mailto:{settings.mail_unsubscribe_to}?subject={said}>"
    owner = parseaddr(settings.mail_from)[1]
    domain = owner.rpartition("@")[2] or "localhost"
    phrase = "".join(one for one in list_name if one.isprintable() and one not in '<>"\\(),;:@[]')
    headers |= {
        "List-Id": f"{phrase} <{list_id}.letters.{domain}>",
        "List-Help": f"<{choose}>",
        "List-Subscribe": f"<{settings.base_url}/letters>",
        "List-Owner": f"<mailto:{owner}>",
        "List-Post": "NO",
        "Precedence": "list",
    }
    return Ways(headers, leave, choose)
