"""Settings of the API process, from the environment."""

from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from cart.objects.opening import check_address
from cart.picking.roles import Role
from cart.secrets import check_key, for_trying
from cart.settings import KEY_LENGTH_MIN
from mobile_api.mail_settings import MailSettings

if TYPE_CHECKING:
    from cart.picking.second import Rule


class ApiSettings(MailSettings):
    """What ``mobile_api run`` reads. Names in the environment are the fields in capitals."""

    public_url: Annotated[
        str,
        Field(
            description="Address under which phones reach the API, without a slash at the end;"
            " it is in QR codes and mails. Empty: `http://HTTP_HOST:HTTP_PORT`."
        ),
    ] = ""
    http_host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    http_port: Annotated[
        int, Field(ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    ] = 8000
    smtp_url: Annotated[
        str,
        Field(
            description="Mail server: `smtp://user:password@host:587` (STARTTLS when offered) or"
            " `smtps://…`. Empty: mails stay in `DATA_DIR/mail` and can be read under /demo/mail."
        ),
    ] = ""
    mail_from: Annotated[
        str, Field(description="Sender of list e-mails, `Name <address>` or an address.")
    ] = "Carryover <lists@carryover.example>"
    mail_keep_days: Annotated[
        int,
        Field(ge=0, le=365, description="Days after which the address of a sent list is erased."),
    ] = 7
    order_email_keep_days: Annotated[
        int,
        Field(
            ge=1,
            le=3650,
            description="Days after which the e-mail address of a closed order is erased.",
        ),
    ] = 30
    anonymous_keep_days: Annotated[
        int,
        Field(
            ge=1,
            le=3650,
            description="Days after which an anonymous shopper session that nobody came back to is"
            " emptied, with its cart and lists; never before the phone's key to it is over (90"
            " days after it was made), nor while an order of it is open.",
        ),
    ] = 90
    push_from: Annotated[
        str,
        Field(
            max_length=200,
            description="Whom a push service may write to about the rings of phones: an address"
            " `mailto:…` or `https:…` (RFC 8292). Empty: `PUBLIC_URL`, or the address of"
            " `MAIL_FROM` where that is not https.",
        ),
    ] = ""
    audience_url: Annotated[
        str,
        Field(
            description="Where audiences with the target `webhook` are posted to, as JSON with an"
            " `Idempotency-Key`: a service of yours that passes them on to an advertiser. Empty:"
            " there is no such target."
        ),
    ] = ""
    text_url: Annotated[
        str,
        Field(
            description="Where SMS and WhatsApp messages of journeys are posted to, as JSON with an"
            " `Idempotency-Key`: a service of yours that sends them. Empty: they are written to"
            " `DATA_DIR/texts`, and reach nobody."
        ),
    ] = ""
    text_signing_secret: Annotated[
        str,
        Field(
            description="Signs what goes to `TEXT_URL` (Standard Webhooks, HMAC-SHA-256), at least"
            " 32 characters. Empty: it is not signed.",
            repr=False,
        ),
    ] = ""
    text_order_phones: Annotated[
        bool,
        Field(
            description="Reminders by SMS and WhatsApp go to the number that a customer gave for"
            " the driver of an order. Nobody has proved it to be hers, and she gave it for"
            " something else: switch it on only if your privacy notice says so."
        ),
    ] = False
    outgoing_private_hosts: Annotated[
        str,
        Field(
            description="Host names, with commas between them, to which webhooks may go though they"
            " are of a private network, and by http too. All others have to be of the public"
            " internet, by https."
        ),
    ] = ""
    timeline_keep_days: Annotated[
        int,
        Field(
            ge=1,
            le=3650,
            description="Days after which what people did is deleted from the timeline; 395 are"
            " thirteen months: last year's season is still there.",
        ),
    ] = 395
    objects_url: Annotated[
        str,
        Field(
            description="Where looks are kept: `s3://key:secret@bucket/prefix?region=…&endpoint=…`;"
            " without key and secret they come from `AWS_ACCESS_KEY_ID` and"
            " `AWS_SECRET_ACCESS_KEY`. Empty: the folder `objects` in DATA_DIR.",
            repr=False,
        ),
    ] = ""
    cdp_url: Annotated[
        str,
        Field(
            description="Where what people did is told, if they allow it: batch address of a CDP"
            " that understands Segment's calls, as `https://api.segment.io/v1/batch`. Only https,"
            " and only public addresses. Empty: nowhere."
        ),
    ] = ""
    cdp_write_key: Annotated[
        str, Field(description="The write key of our source at that CDP.", repr=False)
    ] = ""
    cdp_signing_secret: Annotated[
        str,
        Field(
            description="Signs what the CDP is told (Standard Webhooks, HMAC-SHA-256), at least 32"
            " characters. Empty: it is not signed.",
            repr=False,
        ),
    ] = ""
    api_name: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9-]{0,39}$",
            description="Name of this API process among several on one database; it finishes the"
            " mails that it began under this name, and its file in `DATA_DIR/run/` has it.",
        ),
    ] = "api"

    broker_hook_secret: Annotated[
        str,
        Field(
            description="What a broker that asks over HTTP who may do what (EMQX) has to say as"
            " `Authorization: Bearer …`, at least 32 characters; see docs/deploy.md. Empty: nobody"
            " is answered.",
            repr=False,
        ),
    ] = ""

    second_factor_from: Annotated[
        Literal["associate", "lead", "manager", "operator"],
        Field(
            description="From which role on staff need a second factor, an authenticator app, to"
            " sign in. Operators always do; whoever has set one up is asked for it in any role."
        ),
    ] = "lead"
    second_factor_grace_days: Annotated[
        int,
        Field(
            ge=0,
            le=90,
            description="Days for which somebody who needs a second factor may still sign in"
            " without, from when she is first asked to set it up; 0: not once.",
        ),
    ] = 7

    wristband_payment_max_minor: Annotated[
        int,
        Field(
            ge=1,
            le=10_000_000,
            description="Most that a shopper may let one payment by wristband be, in minor units"
            " of the currency (20000 is 200.00).",
        ),
    ] = 20_000
    wristband_day_max_minor: Annotated[
        int,
        Field(
            ge=1,
            le=10_000_000,
            description="Most that a shopper may let all payments by wristband of a day be, in"
            " minor units.",
        ),
    ] = 50_000

    payment_provider: Annotated[
        Literal["sandbox", "stripe"],
        Field(
            description="Who takes payments. `sandbox`: an embedded test bank, no money moves;"
            " see docs/payments.md."
        ),
    ] = "sandbox"
    sandbox_in_public: Annotated[
        bool,
        Field(
            description="Let the test bank take payments although PUBLIC_URL is an address that"
            " anybody can open. Without it the API does not start then."
        ),
    ] = False
    stripe_secret_key: Annotated[
        str, Field(description="Stripe's secret or restricted API key.", repr=False)
    ] = ""
    stripe_webhook_secret: Annotated[
        str,
        Field(
            description="Signing secret of the webhook endpoint at Stripe that posts to"
            " `PUBLIC_URL/api/v1/payments/stripe/webhook`.",
            repr=False,
        ),
    ] = ""
    stripe_api_base: Annotated[
        str, Field(description="Another address for Stripe's API: an emulator's, in tests.")
    ] = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.objects_url)
        if self.broker_hook_secret and len(self.broker_hook_secret) < KEY_LENGTH_MIN:
            msg = f"BROKER_HOOK_SECRET must have at least {KEY_LENGTH_MIN} characters"
            raise ValueError(msg)
        if self.public_url:
            parts = urlsplit(self.public_url)
            if parts.scheme not in {"http", "https"} or not parts.netloc:
                msg = "PUBLIC_URL must be an address such as https://shop.example"
                raise ValueError(msg)
        if self.public_url and not for_trying(self.public_url):
            if self.secret_key:
                check_key("SECRET_KEY", self.secret_key)
            if self.payment_provider == "sandbox" and not self.sandbox_in_public:
                msg = (
                    f"anybody who opens {self.public_url} could pay with the test bank's money:"
                    " set PAYMENT_PROVIDER=stripe, or SANDBOX_IN_PUBLIC=true while nothing is sold"
                )
                raise ValueError(msg)
        self._check_cdp()
        self._check_texts()
        if self.payment_provider == "stripe" and not (
            self.stripe_secret_key and self.stripe_webhook_secret
        ):
            msg = "PAYMENT_PROVIDER=stripe needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET"
            raise ValueError(msg)
        return self

    def _check_texts(self) -> None:
        if not self.text_url:
            return
        parts = urlsplit(self.text_url)
        if parts.scheme != "https" and parts.hostname not in self.private_hosts:
            msg = "TEXT_URL must be an https address, or of OUTGOING_PRIVATE_HOSTS"
            raise ValueError(msg)
        if self.text_signing_secret and len(self.text_signing_secret) < KEY_LENGTH_MIN:
            msg = f"TEXT_SIGNING_SECRET must have at least {KEY_LENGTH_MIN} characters"
            raise ValueError(msg)

    def _check_cdp(self) -> None:
        if not self.cdp_url:
            return
        parts = urlsplit(self.cdp_url)
        private = parts.hostname in {one.lower() for one in self.private_hosts}
        if not parts.hostname or (parts.scheme != "https" and not private):
            msg = "CDP_URL must be an https address, or of OUTGOING_PRIVATE_HOSTS"
            raise ValueError(msg)
        if not self.cdp_write_key:
            msg = "CDP_URL needs CDP_WRITE_KEY"
            raise ValueError(msg)
        if self.cdp_signing_secret and len(self.cdp_signing_secret) < KEY_LENGTH_MIN:
            msg = f"CDP_SIGNING_SECRET must have at least {KEY_LENGTH_MIN} characters"
            raise ValueError(msg)

    @property
    def base_url(self) -> str:
        """The public address without a slash at the end."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether phones come over https: cookies are marked Secure then."""
        return self.base_url.startswith("https://")

    @property
    def push_contact(self) -> str:
        """Whom a push service may write to."""
        own = f"mailto:{parseaddr(self.mail_from)[1]}"
        return self.push_from or (self.base_url if self.secure else own)

    @property
    def private_hosts(self) -> frozenset[str]:
        """Hosts to which webhooks may go though they are private."""
        return frozenset(filter(None, map(str.strip, self.outgoing_private_hosts.split(","))))

    @property
    def second_rule(self) -> "Rule":
        """Who of the staff needs a second factor, and from when on."""
        from cart.picking.second import Rule  # noqa: PLC0415 - a command reads settings, not tables

        order = list(Role)
        least = self.second_factor_from
        needing = () if least == "operator" else order[order.index(Role(least)) :]
        return Rule(frozenset(needing), timedelta(days=self.second_factor_grace_days))

    @property
    def demo(self) -> bool:
        """Whether mails stay here: then there is a page to read them on."""
        return not self.smtp_url
