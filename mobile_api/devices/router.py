"""A device trades its one-time token for an id and a credential."""

import logging
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cart.db import unit_of_work
from gateway.handout import broker_for_devices
from gateway.mosquitto import tell_mosquitto
from gateway.registry.service import redeem
from mobile_api.carts.schemas import Taken
from mobile_api.edge.access import Role, allow
from mobile_api.wiring import Wired

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1/devices", dependencies=[allow(Role.TOKEN)], tags=["devices"])


class EnrolIn(Taken):
    """The token of ``gateway devices enrol``; it is good once."""

    token: Annotated[str, Field(min_length=16, max_length=128)]
    firmware: Annotated[str, Field(max_length=64, description="For the log.")] = ""


class EnrolOut(BaseModel):
    """Who the device is and where it connects. The credential is told this once only."""

    device_id: str
    kind: str
    location_id: str
    partition: str
    credential: str
    mqtt_url: str
    public_url: Annotated[str, Field(description="Where phones open the claim link.")]
    api_url: Annotated[str, Field(description="Where the device fetches its catalogue.")]


@router.post("/enrol", status_code=201)
def enrol(asked: EnrolIn, wired: Wired) -> EnrolOut:
    """Enrol a device. The token itself makes a repeat harmless: the second one is refused."""
    with unit_of_work(wired.engine) as db:
        device = redeem(db, wired.clock, wired.ids, token=asked.token)
    tell_mosquitto(wired.engine, wired.settings, wired.ids)
    logger.info("enrolled %s, firmware %s", device.device_id, asked.firmware)
    host, port, tls = broker_for_devices(wired.settings)
    base = wired.settings.base_url
    return EnrolOut(
        device_id=device.device_id,
        kind=device.kind,
        location_id=device.location_id,
        partition=device.partition,
        credential=device.credential,
        mqtt_url=f"{'mqtts' if tls else 'mqtt'}://{host}:{port}",
        public_url=base,
        api_url=base,
    )
