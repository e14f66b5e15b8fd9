"""Settings of how mails leave, and of what comes back for them."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from cart.kernel.email import address
from cart.kernel.errors import InvalidEmail
from cart.settings import KEY_LENGTH_MIN
from mobile_api.provider_settings import ProviderSettings


class MailSettings(ProviderSettings):
    """All may be empty: mails leave unsigned then, and nothing that comes back is read."""

    mail_unsubscribe_to: Annotated[
        str,
        Field(
            description="Mailbox for unsubscribing by mail; it stands in `List-Unsubscribe` beside"
            " the link. What comes there has to be given to `subscriptions bounce` or the webhook;"
            " see docs/mail.md. Empty: the link alone."
        ),
    ] = ""
    mail_bounces_to: Annotated[
        str,
        Field(
            description="Mailbox for what cannot be delivered, as `bounces@shop.example`: letters"
            " leave with `bounces+…@shop.example` as return path. Empty: the address of MAIL_FROM."
        ),
    ] = ""
    mail_bounce_secret: Annotated[
        str,
        Field(
            description="Key that whoever posts bounces to `/api/v1/mail/bounces` signs with, at"
            " least 32 characters. Empty: nobody may.",
            repr=False,
        ),
    ] = ""
    mail_per_domain_per_minute: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description="Most letters about topics that begin to go to one mail domain in a"
            " minute. Codes, receipts and lists do not wait.",
        ),
    ] = 120
    dkim_key_file: Annotated[
        str,
        Field(
            description="File with the private RSA key (PEM) that every mail is signed with"
            " (DKIM). Empty: your mail server signs."
        ),
    ] = ""
    dkim_selector: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$",
            description="Name under which the public key stands in DNS:"
            " `SELECTOR._domainkey.DOMAIN`, DOMAIN being that of MAIL_FROM.",
        ),
    ] = "carryover"

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if self.mail_bounce_secret and len(self.mail_bounce_secret) < KEY_LENGTH_MIN:
            msg = f"MAIL_BOUNCE_SECRET must have at least {KEY_LENGTH_MIN} characters"
            raise ValueError(msg)
        for name in ("mail_unsubscribe_to", "mail_bounces_to"):
            try:
                if getattr(self, name):
                    address(getattr(self, name))
            except InvalidEmail as error:
                msg = f"{name.upper()} must be an address such as bounces@shop.example"
                raise ValueError(msg) from error
        if self.dkim_key_file and not Path(self.dkim_key_file).is_file():
            msg = "DKIM_KEY_FILE names no file"
            raise ValueError(msg)
        return self
