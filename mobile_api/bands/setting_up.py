"""How the setting up of a band goes, as the welcome desk sees it: live, by the desk's bell."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlmodel import Session

from cart.kernel.clock import Clock
from gateway.bands.setting_up import NOT_AGREED, Standing, desks, latest
from gateway.wire.band_asked import SetUpFault
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import N_
from mobile_api.look.templates import render
from mobile_api.look.words import Words, words
from mobile_api.staff.signed_in import CurrentDevice
from mobile_api.wiring import Wired

router = APIRouter(
    prefix="/api/v1/staff/bands",
    dependencies=[allow(Role.FLOOR)],
    tags=["staff"],
    responses={401: {}},
)
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's part along.")]
SILENT: Final = N_("The reader at the desk did not answer in time. Please try again.")
FAULTS: Final[Mapping[str, str]] = {
    SetUpFault.NO_BAND: N_("No wristband was held to the reader. Hold it there, then try again."),
    SetUpFault.SEVERAL: N_("Several wristbands are at the reader. Hold only one there."),
    SetUpFault.NOT_NOW: N_(
        "This wristband is set up already. To set it up anew, hold its button meanwhile."
    ),
    SetUpFault.AWAY: N_("The wristband did not answer. Hold it still at the reader and try again."),
    NOT_AGREED: N_("The wristband did not take its key. Try again, and hold its button meanwhile."),
}


class SettingUpOut(BaseModel):
    """The latest setting up of the location at which she is signed in."""

    standing: Annotated[Standing | None, Field(description="Null: none of late.")]
    number: Annotated[int | None, Field(description="Of the band, once it is done.")]
    fault: Annotated[str, Field(description="Why it was not, in words; or empty.")]
    html: str | None = None


def shown(db: Session, clock: Clock, spoken: Words, location_id: str) -> dict[str, Any]:
    """Return what the part of the page shows: ``desks``, ``setting``, ``setting_fault``."""
    setting = latest(db, clock, location_id)
    fault = ""
    if setting is not None and setting.standing is Standing.FAILED:
        fault = spoken.gettext(FAULTS.get(setting.fault, SILENT))
    return {"desks": desks(db, location_id), "setting": setting, "setting_fault": fault}


@router.get("/set-up")
def get_setting_up(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> SettingUpOut:
    """Return how far the setting up of a band at a desk is."""
    spoken = words(locale_of(request))
    with device.reading(wired) as (db, me):
        found = shown(db, wired.clock, spoken, me.location_id)
    setting = found["setting"]
    return SettingUpOut(
        standing=setting.standing if setting else None,
        number=setting.number if setting else None,
        fault=found["setting_fault"],
        html=render(spoken.locale, "_staff_band_setup.html", found) if with_html else None,
    )
