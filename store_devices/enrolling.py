"""How a device comes by its identity: a one-time token for everything it needs to connect."""

from typing import Final

import httpx2
from pydantic import BaseModel, ConfigDict, TypeAdapter

from cart.kernel.errors import EnrolmentRefused
from store_devices.asking import TIMEOUT_S, ask, checked, json_in


class Enrolled(BaseModel):
    """What the server gives a device for its one-time token; the whole of its identity."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    device_id: str
    kind: str
    location_id: str
    partition: str
    credential: str
    mqtt_url: str
    public_url: str
    api_url: str
    certificate: str = ""


_ENROLLED: Final = TypeAdapter(Enrolled)


def enrol(
    api_url: str,
    token: str,
    firmware: str,
    *,
    csr: str = "",
    transport: httpx2.BaseTransport | None = None,
) -> Enrolled:
    """Trade the one-time token for an identity; ``csr``: asks for a certificate, too.

    Raises:
        EnrolmentRefused: the token is wrong, used or too old.
        Unavailable: no answer, or not such a one.
    """
    question = {"token": token, "firmware": firmware}
    if csr:
        question["csr"] = csr
    with httpx2.Client(base_url=api_url, timeout=TIMEOUT_S, transport=transport) as http:
        answer = ask(http, "POST", "/api/v1/devices/enrol", json=question, refusals=True)
    if answer.is_client_error:
        msg = f"the server refuses the token ({answer.status_code})"
        raise EnrolmentRefused(msg)
    return checked(_ENROLLED, json_in(answer))
