"""Rows of customers, their addresses, codes and passkeys, and of carts that were joined."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.email import EMAIL_LENGTH_MAX

HASH_LENGTH = 64  # hex SHA-256
MOVED_ID_LENGTH_MAX = 160
# WebAuthn level 3, 4: a credential id has at most 1023 bytes; base64url of them.
CREDENTIAL_ID_LENGTH_MAX = 1_364
PUBLIC_KEY_LENGTH_MAX = 2_048  # base64url of COSE; an RSA key of 4096 bits has 720
PASSKEY_DEVICE_LENGTH_MAX = 40


class CustomerRow(SQLModel, table=True):
    """A person who has proved an e-mail address. What is known of her hangs on this id."""

    __tablename__ = "customer"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    created_at: datetime


class CustomerEmailRow(SQLModel, table=True):
    """An address that a customer has proved, in its one normal form: it names one person."""

    __tablename__ = "customer_email"

    address: str = Field(primary_key=True, max_length=EMAIL_LENGTH_MAX)
    customer_id: str = Field(foreign_key="customer.id", index=True, max_length=ID_LENGTH_MAX)
    verified_at: datetime


class SignInCodeRow(SQLModel, table=True):
    """A wish to sign in: the business fact that the mail's workflow carries out.

    The code itself is not here: it follows from the id by the server's key.
    ``browser_hash``: of the cookie of the browser that asked, the only one in which the
    code is good. ``tries``: codes that were typed, right or wrong.
    """

    __tablename__ = "sign_in_code"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'sent', 'failed')", name="state"),
        CheckConstraint("tries >= 0", name="tries"),
        Index("ix_sign_in_code_state", "state", "requested_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    email: str = Field(max_length=EMAIL_LENGTH_MAX)
    browser_hash: str = Field(unique=True, max_length=HASH_LENGTH)
    locale: str = Field(max_length=2)
    tries: int = 0
    used_at: datetime | None = None
    expires_at: datetime = Field(index=True)
    state: str = Field(default="requested", max_length=12)
    requested_at: datetime
    sent_at: datetime | None = None
    failure: str = Field(default="", max_length=500)


class PasskeyRow(SQLModel, table=True):
    """A key pair of a customer's device or password manager; ours is the public half.

    ``credential_id``, ``public_key``: base64url, the key as COSE. ``sign_count``: how often
    the authenticator says it was used, 0 if it does not count. ``backed_up``: it lives in
    an account, and survives a lost phone. ``device``: where it was made, in words.
    """

    __tablename__ = "passkey"
    __table_args__ = (CheckConstraint("sign_count >= 0", name="sign_count"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    customer_id: str = Field(foreign_key="customer.id", index=True, max_length=ID_LENGTH_MAX)
    credential_id: str = Field(unique=True, max_length=CREDENTIAL_ID_LENGTH_MAX)
    public_key: str = Field(max_length=PUBLIC_KEY_LENGTH_MAX)
    sign_count: int = Field(default=0, sa_type=BigInteger)
    backed_up: bool = False
    device: str = Field(default="", max_length=PASSKEY_DEVICE_LENGTH_MAX)
    created_at: datetime
    used_at: datetime | None = None


class AccountLetterRow(SQLModel, table=True):
    """A letter about her account that is to be sent, with the address as it was then."""

    __tablename__ = "account_letter"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'sent', 'failed')", name="state"),
        CheckConstraint("kind IN ('passkey_added', 'passkey_removed', 'signed_in')", name="kind"),
        Index("ix_account_letter_state", "state", "requested_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    customer_id: str = Field(foreign_key="customer.id", index=True, max_length=ID_LENGTH_MAX)
    email: str = Field(max_length=EMAIL_LENGTH_MAX)
    kind: str = Field(max_length=16)
    device: str = Field(default="", max_length=PASSKEY_DEVICE_LENGTH_MAX)
    locale: str = Field(max_length=2)
    state: str = Field(default="requested", max_length=12)
    requested_at: datetime
    sent_at: datetime | None = None
    failure: str = Field(default="", max_length=500)


class ChallengeRow(SQLModel, table=True):
    """A challenge that a browser was given, to be answered by a passkey once.

    The challenge itself is not here: it follows from the browser's cookie by the server's
    key. ``customer_id``: of whoever adds a passkey; None for signing in.
    """

    __tablename__ = "passkey_challenge"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    browser_hash: str = Field(unique=True, max_length=HASH_LENGTH)
    customer_id: str | None = Field(
        default=None, foreign_key="customer.id", index=True, max_length=ID_LENGTH_MAX
    )
    expires_at: datetime = Field(index=True)


class RateLimitRow(SQLModel, table=True):
    """How often something happened since ``began_at``. ``subject_hash``: keyed, names nobody."""

    __tablename__ = "rate_limit"

    subject_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    began_at: datetime
    ends_at: datetime = Field(index=True)
    times: int


class JoiningRow(SQLModel, table=True):
    """An anonymous cart that joined a customer's own at her sign-in.

    ``id``: that of the code that she signed in with. ``left_out``: pieces for which the
    cart had no more lines; they are on a list then.
    """

    __tablename__ = "joining"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    customer_id: str = Field(foreign_key="customer.id", index=True, max_length=ID_LENGTH_MAX)
    from_session_id: str = Field(
        foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX
    )
    to_session_id: str = Field(
        foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX
    )
    left_out: int = 0
    joined_at: datetime = Field(index=True)
    undone_at: datetime | None = Field(default=None, index=True)


class JoiningLineRow(SQLModel, table=True):
    """Pieces that a joining brought: what its undo takes out again."""

    __tablename__ = "joining_line"
    __table_args__ = (CheckConstraint("quantity >= 1", name="quantity"),)

    joining_id: str = Field(primary_key=True, foreign_key="joining.id", max_length=ID_LENGTH_MAX)
    gtin: str = Field(primary_key=True, max_length=14)
    quantity: int


class JoiningMovedRow(SQLModel, table=True):
    """Something that went along with the cart and comes back with it."""

    __tablename__ = "joining_moved"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('list', 'order', 'checkout', 'binding', 'loan', 'look_key')", name="kind"
        ),
    )

    joining_id: str = Field(primary_key=True, foreign_key="joining.id", max_length=ID_LENGTH_MAX)
    kind: str = Field(primary_key=True, max_length=8)
    thing_id: str = Field(primary_key=True, max_length=MOVED_ID_LENGTH_MAX)
