"""Rows of desks and the wristband that was held to each last."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX
from gateway.desks.model import Standing


class BandAtDeskRow(SQLModel, table=True):
    """Which band was held to a desk last. ``loan_id``: "" unless it was one, of somebody.

    ``wrong_pins``: typed there since ``wrong_since``, each counted before it is compared.
    """

    __tablename__ = "band_at_desk"
    __table_args__ = (
        CheckConstraint(
            f"state IN ({', '.join(repr(one.value) for one in Standing)})", name="state"
        ),
        CheckConstraint("wrong_pins >= 0", name="wrong_pins"),
    )

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    desk: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    state: str = Field(default=Standing.NOBODY.value, max_length=8)
    loan_id: str = Field(default="", index=True, max_length=ID_LENGTH_MAX)
    tapped_at: datetime
    expires_at: datetime
    wrong_pins: int = 0
    wrong_since: datetime | None = None
