"""Rules of the twin: what may be desired, and what a change of mind does. No database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from pydantic import ValidationError

from cart.kernel.errors import InvalidInput
from gateway.wire.downlink import DesiredData
from gateway.wire.events import HealthData


class Desired(TypedDict, total=False):
    """What an operator may want of a device; None takes a wish back."""

    locale: str | None
    firmware: str | None
    idle_after_s: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """One health message; ``at_us`` is the server's time of taking it in."""

    device_id: str
    at_us: int
    health: HealthData


@dataclass(frozen=True, slots=True)
class Twin:
    """Both halves, as an operator sees them; the reported one is None until it was heard."""

    device_id: str
    desired: DesiredData | None
    reported: HealthData | None
    reported_at: datetime | None

    @property
    def pending(self) -> bool:
        """Whether the device has not yet said that it is as it should be."""
        reported = self.reported.desired_version if self.reported else 0
        return self.desired is not None and reported < self.desired.version


def desired_data(version: int, wishes: dict[str, Any]) -> DesiredData:
    """Return the desired half as it goes to the device.

    Raises:
        InvalidInput: a value that the wire does not allow.
    """
    try:
        return DesiredData.model_validate({**wishes, "version": version})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        msg = f"{field}: {first['msg']}"
        raise InvalidInput(msg, field=field) from error


def merged(wishes: dict[str, Any], change: Desired) -> dict[str, Any]:
    """Return the wishes after ``change``: what it does not name stays, None goes.

    Raises:
        InvalidInput: a name that cannot be wished for.
    """
    if unknown := change.keys() - Desired.__annotations__.keys():
        msg = f"{min(unknown)}: there is no such wish"
        raise InvalidInput(msg, field=min(unknown))
    after: dict[str, Any] = {**wishes, **change}
    return {name: value for name, value in after.items() if value is not None}
