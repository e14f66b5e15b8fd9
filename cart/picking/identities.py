"""Staff whom a retailer's own identity provider vouches for: linked by issuer and subject.

Never by an address or a name: those change hands. The provider says role and location anew at
each sign-in; an account that was closed here stays closed, whatever it says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session, select

from cart.audit.model import Action, On
from cart.audit.service import note
from cart.db.guarded import insert_new
from cart.kernel.clock import Clock
from cart.kernel.errors import ProviderRefused, UnknownStaff
from cart.kernel.ids import Ids, drawn_digits
from cart.picking import staff
from cart.picking.roles import MAY, Role
from cart.picking.staff import SignedIn
from cart.picking.tables import StaffIdentityRow, StaffRow

NUMBER_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where the provider's token says what we ask. ``roles``: our role by the provider's word."""

    role_claim: str
    location_claim: str
    name_claim: str
    roles: Mapping[str, Role]

    def role(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the role that may most of those the token has; None: it has none of ours."""
        found = [
            self.roles[one] for one in _words(claims.get(self.role_claim)) if one in self.roles
        ]
        return max(found, key=lambda one: (len(MAY[one]), one.value), default=None)

    def location(self, claims: Mapping[str, Any], preferred: str) -> str | None:
        """Return her location: the device's, if it is one of hers, else the first."""
        places = _words(claims.get(self.location_claim))
        return preferred if preferred in places else next(iter(places), None)

    def name(self, claims: Mapping[str, Any]) -> str:
        """Return what colleagues read."""
        found = claims.get(self.name_claim)
        text = found if isinstance(found, str) else ""
        return "".join(one for one in text if one.isprintable()).strip()[: staff.NAME_LENGTH_MAX]


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for, as what and where."""

    issuer: str
    subject: str
    role: Role
    location_id: str
    name: str


def sign_in(db: Session, clock: Clock, ids: Ids, one: Vouched) -> SignedIn:
    """Open a session for her; at the first time here with a new account.

    The provider answers for the second factor. Whether the location exists is the caller's to ask.

    Raises:
        ProviderRefused: her account was closed here.
    """
    row = _known(db, one) or _new(db, clock, ids, one)
    if not row.active:
        msg = "this account was closed"
        raise ProviderRefused(msg)
    if row.role != one.role.value:
        try:
            staff.set_role(db, clock, staff_id=row.id, role=one.role)
        except UnknownStaff as error:  # at this very moment
            msg = "this account was closed"
            raise ProviderRefused(msg) from error
        row = db.get_one(StaffRow, row.id, populate_existing=True)
        note(db, clock, staff.named(row), Action.STAFF_ROLE, On("staff", row.id))
    return staff.open_session(db, clock, ids, row)


def _known(db: Session, one: Vouched) -> StaffRow | None:
    return db.exec(
        select(StaffRow)
        .join(StaffIdentityRow, StaffIdentityRow.staff_id == StaffRow.id)  # type: ignore[arg-type]
        .where(
            StaffIdentityRow.issuer == one.issuer,
            StaffIdentityRow.subject == one.subject,
            StaffIdentityRow.location_id == one.location_id,
        )
        .execution_options(populate_existing=True)
    ).first()


def _new(db: Session, clock: Clock, ids: Ids, one: Vouched) -> StaffRow:
    number = drawn_digits(ids, NUMBER_DIGITS)
    row = staff.add_without_pin(  # a manager can give her one
        db,
        clock,
        ids,
        location_id=one.location_id,
        number=number,
        name=one.name or number,
        role=one.role,
    )
    key = {"issuer": one.issuer, "subject": one.subject, "location_id": one.location_id}
    if insert_new(db, StaffIdentityRow, {**key, "staff_id": row.id}, keys=list(key)):
        note(db, clock, staff.named(row), Action.STAFF_ADD, On("staff", row.id))
        return row
    db.delete(row)  # she signs in on another device at this very moment
    db.flush()
    found = _known(db, one)
    assert found is not None  # noqa: S101 - it stood in the way of ours
    return found


def _words(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, str) and one]
