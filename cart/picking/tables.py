"""Rows of staff, pick tasks, substitutions and returns. Only ``cart.picking`` writes them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX, JSON_COLUMN, NAME_LENGTH_MAX

STATE_LENGTH_MAX = 16
GTIN_LENGTH = 14
HASH_LENGTH = 64
PIN_HASH_LENGTH_MAX = 200
SUBJECT_LENGTH_MAX = 255  # OpenID Connect Core 1.0, 2
CREDENTIAL_ID_LENGTH_MAX = 1_364  # base64url of 1023 bytes (WebAuthn level 3, 4)
PUBLIC_KEY_LENGTH_MAX = 2_048  # base64url of COSE; an RSA key of 4096 bits has 720
SEALED_LENGTH_MAX = 120  # 12 + 32 + 16 bytes in base 64 are 80


class StaffRow(SQLModel, table=True):
    """Somebody who works at a location. ``number``: what she types with her PIN to sign in."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("role IN ('associate', 'lead', 'manager', 'marketer')", name="role"),
        UniqueConstraint("location_id", "number"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    number: str = Field(max_length=12)
    name: str = Field(max_length=NAME_LENGTH_MAX)
    role: str = Field(default="associate", max_length=STATE_LENGTH_MAX)
    pin_hash: str = Field(max_length=PIN_HASH_LENGTH_MAX)
    active: bool = True
    wrong_pins: int = 0
    locked_until: datetime | None = None
    created_at: datetime
    second_due_at: datetime | None = None  # from then on not without a second factor


class StaffPermissionRow(SQLModel, table=True):
    """What somebody may do beyond her role."""

    __tablename__ = "staff_permission"
    __table_args__ = (CheckConstraint("permission IN ('operator')", name="permission"),)

    staff_id: str = Field(primary_key=True, foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    permission: str = Field(primary_key=True, max_length=STATE_LENGTH_MAX)
    granted_at: datetime


class StaffSessionRow(SQLModel, table=True):
    """A signed-in phone or scanner of staff; ``seen_at`` recent and not ended: on duty."""

    __tablename__ = "staff_session"

    token_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    staff_id: str = Field(foreign_key="staff.id", index=True, max_length=ID_LENGTH_MAX)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class StaffHalfwayRow(SQLModel, table=True):
    """Somebody whose PIN was right and whose second factor is still to come."""

    __tablename__ = "staff_halfway"

    token_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    staff_id: str = Field(foreign_key="staff.id", index=True, max_length=ID_LENGTH_MAX)
    created_at: datetime
    expires_at: datetime


class StaffSecondFactorRow(SQLModel, table=True):
    """The authenticator app of somebody; its secret is sealed with a key of the server's.

    ``last_step``: the newest half minute whose code was used. ``fresh_sealed``: an app that
    is being set up, since ``fresh_at``.
    """

    __tablename__ = "staff_second_factor"

    staff_id: str = Field(primary_key=True, foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    sealed: str = Field(default="", max_length=SEALED_LENGTH_MAX)
    confirmed_at: datetime | None = None
    last_step: int = Field(default=0, sa_type=BigInteger)
    fresh_sealed: str = Field(default="", max_length=SEALED_LENGTH_MAX)
    fresh_at: datetime | None = None


class StaffRecoveryCodeRow(SQLModel, table=True):
    """What opens the door once, in place of a code of the app; kept as a keyed hash."""

    __tablename__ = "staff_recovery_code"

    staff_id: str = Field(primary_key=True, foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    code_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    used_at: datetime | None = None


class StaffPasskeyRow(SQLModel, table=True):
    """A passkey of somebody of the staff, in place of her app's code; as ``PasskeyRow`` has it."""

    __tablename__ = "staff_passkey"
    __table_args__ = (CheckConstraint("sign_count >= 0", name="sign_count"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    staff_id: str = Field(foreign_key="staff.id", index=True, max_length=ID_LENGTH_MAX)
    credential_id: str = Field(unique=True, max_length=CREDENTIAL_ID_LENGTH_MAX)
    public_key: str = Field(max_length=PUBLIC_KEY_LENGTH_MAX)
    sign_count: int = Field(default=0, sa_type=BigInteger)
    backed_up: bool = False
    device: str = Field(default="", max_length=40)
    created_at: datetime
    used_at: datetime | None = None


class StaffChallengeRow(SQLModel, table=True):
    """What somebody's passkey is to sign, once; it follows from ``nonce`` by the server's key."""

    __tablename__ = "staff_challenge"
    __table_args__ = (CheckConstraint("purpose IN ('add', 'enter')", name="purpose"),)

    staff_id: str = Field(primary_key=True, foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    purpose: str = Field(primary_key=True, max_length=STATE_LENGTH_MAX)
    nonce: str = Field(max_length=HASH_LENGTH)
    expires_at: datetime


class StaffIdentityRow(SQLModel, table=True):
    """Somebody as an identity provider knows her, and her account at a location."""

    __tablename__ = "staff_identity"

    issuer: str = Field(primary_key=True, max_length=SUBJECT_LENGTH_MAX)
    subject: str = Field(primary_key=True, max_length=SUBJECT_LENGTH_MAX)
    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    staff_id: str = Field(unique=True, foreign_key="staff.id", max_length=ID_LENGTH_MAX)


class PickTaskRow(SQLModel, table=True):
    """The picking of one order. ``claimed_by`` holds it until it is released or staged.

    ``walk_id``: tasks picked together in one walk. ``started_at`` and
    ``finished_at`` are what the desk's times are estimated from.
    """

    __tablename__ = "pick_task"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'claimed', 'staged', 'cancelled')", name="state"),
        Index("ix_pick_task_queue", "location_id", "state", "promise_at"),
        Index("ix_pick_task_finished", "location_id", "finished_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    order_id: str = Field(unique=True, foreign_key="placed_order.id", max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    state: str = Field(default="waiting", max_length=STATE_LENGTH_MAX)
    promise_at: datetime
    pieces: int
    claimed_by: str | None = Field(default=None, foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    walk_id: str | None = Field(default=None, index=True, max_length=ID_LENGTH_MAX)
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    version: int = 1


class PickLineRow(SQLModel, table=True):
    """What to fetch for an order line, and where. Pieces: quantity = open + picked + short.

    ``walk_order``: 10 000 for each step of the zone's order, plus the bay's.
    ``short_reason`` is set with ``short``.
    """

    __tablename__ = "pick_line"
    __table_args__ = (
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint("picked >= 0 AND short >= 0", name="pieces"),
        CheckConstraint("picked + short <= quantity", name="sum"),
        Index("ix_pick_line_task", "task_id", "walk_order"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    task_id: str = Field(foreign_key="pick_task.id", max_length=ID_LENGTH_MAX)
    order_line_id: str = Field(unique=True, foreign_key="order_line.id", max_length=ID_LENGTH_MAX)
    gtin: str = Field(max_length=GTIN_LENGTH)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    quantity: int
    picked: int = 0
    short: int = 0
    short_reason: str = Field(default="", max_length=32)
    zone_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    zone_name: str = Field(default="", max_length=NAME_LENGTH_MAX)
    zone_name_i18n: dict[str, str] = Field(
        default_factory=dict, sa_type=JSON_COLUMN, sa_column_kwargs={"server_default": "{}"}
    )
    bay_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    walk_order: int = 0


class SubstitutionRow(SQLModel, table=True):
    """A replacement offered for short pieces; the shopper answers on her phone.

    ``price_minor``: what she pays for a piece of it: never more than for the original.
    """

    __tablename__ = "substitution"
    __table_args__ = (
        CheckConstraint("state IN ('offered', 'accepted', 'refused', 'expired')", name="state"),
        CheckConstraint("quantity >= 1", name="quantity"),
        Index("ix_substitution_state", "state", "expires_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    order_id: str = Field(foreign_key="placed_order.id", index=True, max_length=ID_LENGTH_MAX)
    order_line_id: str = Field(foreign_key="order_line.id", max_length=ID_LENGTH_MAX)
    gtin: str = Field(max_length=GTIN_LENGTH)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    quantity: int
    price_minor: int = Field(sa_type=BigInteger)
    state: str = Field(default="offered", max_length=STATE_LENGTH_MAX)
    offered_by: str = Field(foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    offered_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None


class ReturnRow(SQLModel, table=True):
    """Pieces that came back to the desk. ``restocked`` false: written off."""

    __tablename__ = "goods_return"
    __table_args__ = (CheckConstraint("quantity >= 1", name="quantity"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    order_line_id: str = Field(foreign_key="order_line.id", index=True, max_length=ID_LENGTH_MAX)
    quantity: int
    reason: str = Field(max_length=32)
    restocked: bool
    taken_by: str = Field(foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    at: datetime
