"""A device trades its one-time token for its identity, and asks for its next certificate."""

import logging
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Base64Bytes, BaseModel, Field

from cart.db import unit_of_work
from cart.kernel.errors import EnrolmentRefused, InvalidInput, Unavailable
from gateway.device_ca.authority import DeviceAuthority
from gateway.device_ca.service import Asked, issue, renew
from gateway.handout import broker_for_devices
from gateway.mosquitto import tell_mosquitto
from gateway.registry.model import CREDENTIAL_LENGTH_MAX
from gateway.registry.service import redeem
from gateway.settings import MqttSettings
from gateway.wire.certificate import PEM_LENGTH_MAX
from mobile_api.carts.schemas import Taken
from mobile_api.edge.access import Role, allow
from mobile_api.wiring import Wired

logger = logging.getLogger(__name__)
SIGNATURE_LENGTH_MAX: Final = 160  # in base 64, of DER with two numbers of 32 bytes
router = APIRouter(prefix="/api/v1/devices", dependencies=[allow(Role.TOKEN)], tags=["devices"])


class EnrolIn(Taken):
    """The token of ``gateway devices enrol``; it is good once."""

    token: Annotated[str, Field(min_length=16, max_length=128)]
    firmware: Annotated[str, Field(max_length=64, description="For the log.")] = ""
    csr: Annotated[
        str,
        Field(
            max_length=PEM_LENGTH_MAX,
            description="PKCS#10 (PEM) for a key on P-256 that the device has made: where the shop"
            " has a CA for devices, it gets a certificate.",
        ),
    ] = ""


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
    certificate: Annotated[
        str, Field(description="PEM; its common name is the device's id. Empty: none is issued.")
    ] = ""


class CertificateIn(Taken):
    """A device asks for its next certificate, while the present one is good.

    It proves itself with the key of the present one, or for its first one by its credential.
    """

    device_id: Annotated[str, Field(min_length=1, max_length=64)]
    csr: Annotated[str, Field(min_length=1, max_length=PEM_LENGTH_MAX)]
    certificate: Annotated[
        str, Field(max_length=PEM_LENGTH_MAX, description="The present one, PEM.")
    ] = ""
    signature: Annotated[
        Base64Bytes,
        Field(
            max_length=SIGNATURE_LENGTH_MAX,
            description="ECDSA with SHA-256, DER, in base 64, of the line `carryover: the next"
            " certificate of a device`, the line with the id, and the csr as it is sent.",
        ),
    ] = b""
    credential: Annotated[str, Field(max_length=CREDENTIAL_LENGTH_MAX)] = ""


class CertificateOut(BaseModel):
    """The next certificate. The one before stays good until its end."""

    certificate: str


@router.post("/enrol", status_code=201)
def enrol(asked: EnrolIn, wired: Wired) -> EnrolOut:
    """Enrol a device. The token itself makes a repeat harmless: the second one is refused."""
    authority = _authority(wired.settings) if asked.csr else None
    with unit_of_work(wired.engine) as db:
        device = redeem(db, wired.clock, wired.ids, token=asked.token)
        certificate = ""
        if asked.csr and authority is not None:
            certificate = issue(
                db,
                wired.clock,
                authority,
                device_id=device.device_id,
                request=asked.csr,
                lifetime=timedelta(days=wired.settings.device_cert_days),
            )
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
        certificate=certificate,
    )


@router.post("/certificate", status_code=201)
def next_certificate(asked: CertificateIn, wired: Wired) -> CertificateOut:
    """Renew a device's certificate. A repeat is harmless: it is for a key that the device has."""
    authority = _authority(wired.settings)
    if authority is None:
        msg = "this shop has no CA for devices"
        raise EnrolmentRefused(msg)
    question = Asked(
        asked.device_id, asked.csr, asked.certificate, asked.signature, asked.credential
    )
    lifetime = timedelta(days=wired.settings.device_cert_days)
    with unit_of_work(wired.engine) as db:
        certificate = renew(db, wired.clock, authority, question, lifetime)
    logger.info("the next certificate of %s", asked.device_id)
    return CertificateOut(certificate=certificate)


def _authority(settings: MqttSettings) -> DeviceAuthority | None:
    """Return the shop's CA; what is wrong with its files is for the log, not for a device."""
    try:
        return DeviceAuthority.of(settings)
    except InvalidInput as error:
        logger.error("%s", error.message)  # noqa: TRY400 - the message says all
        msg = "certificates cannot be signed now"
        raise Unavailable(msg) from error
