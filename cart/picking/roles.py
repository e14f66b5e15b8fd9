"""What each role may do, as data. Whoever asks whether somebody may, asks here.

A role is held at one location, the one that an account belongs to. Who works at two has two
accounts, each with a number of its own. Operator is no role but a permission beside it
(``permissions``): who has it looks after the devices, and the staff, of all locations.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody does at her location."""

    ASSOCIATE = "associate"
    LEAD = "lead"
    MANAGER = "manager"
    MARKETER = "marketer"


class May(StrEnum):
    """What may be done."""

    FLOOR = "floor"  # pick, hand over, take back; see orders of the location
    LEAD = "lead"  # re-assign, hand over without a code, have refunds tried again
    MARKETING = "marketing"  # letters, segments, journeys: how many, never who
    REPORT = "report"  # from scan to sale, in groups: of all locations with MARKETING, else her own
    PEOPLE = "people"  # take staff of the location on, give new PINs, close accounts


MAY: Final[Mapping[Role, frozenset[May]]] = {
    Role.ASSOCIATE: frozenset({May.FLOOR}),
    Role.LEAD: frozenset({May.FLOOR, May.LEAD}),
    Role.MANAGER: frozenset({May.FLOOR, May.LEAD, May.PEOPLE, May.REPORT}),
    # Nothing of the floor: she sees no order and nobody's name.
    Role.MARKETER: frozenset({May.MARKETING, May.REPORT}),
}
# Whose accounts somebody may make and change. Never her own, and an operator's only as one.
LOOKS_AFTER: Final[Mapping[Role, frozenset[Role]]] = {
    Role.ASSOCIATE: frozenset(),
    Role.LEAD: frozenset(),
    Role.MANAGER: frozenset({Role.ASSOCIATE, Role.LEAD}),
    Role.MARKETER: frozenset(),
}
OPERATOR_LOOKS_AFTER: Final = frozenset(Role)  # at every location


def may(role: Role, what: May) -> bool:
    """Say whether this role may do this."""
    return what in MAY[role]


def who_may(what: May) -> tuple[Role, ...]:
    """Return the roles that may do this."""
    return tuple(role for role in Role if may(role, what))
