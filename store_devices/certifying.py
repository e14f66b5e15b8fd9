"""The device's own certificate: kept with its key in one file, and renewed before it ends.

The next one is asked for over HTTP when a third of its life is left, and lies on the disk
whole before it is used: with the next connection. Until then, and whatever fails, the
present one goes on.
"""

import logging
import threading
from base64 import b64encode
from pathlib import Path
from typing import Final

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, TypeAdapter

from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError, EnrolmentRefused
from gateway.wire.certificate import (
    Held,
    certificate_in,
    common_name,
    fresh_key,
    held_in,
    proof,
    request_pem,
)
from store_devices import identity
from store_devices.asking import TIMEOUT_S, ask, checked, json_in
from store_devices.enrolling import Enrolled

FILE: Final = "certificate.pem"  # with its key: both change in one step
LOOK_EVERY_S: Final = 3_600.0  # a month is left at the first look; an hour more is nothing
STOP_WAIT_S: Final = 6.0  # a question that is under way ends within TIMEOUT_S

_LOG: Final = logging.getLogger(__name__)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    certificate: str


_ANSWER: Final = TypeAdapter(_Answer)


def keep_certificate(folder: Path, key: ec.EllipticCurvePrivateKey, pem: str) -> Path:
    """Write key and certificate into the device's folder, over those before.

    Raises:
        InvalidPayload: the certificate is for another key.
        OSError: the disk refuses; what was there is there.
    """
    path = folder / FILE
    held = Held(key, certificate_in(pem))
    identity.write(path, held_in(held.pem).pem)
    return path


def forget(folder: Path) -> None:
    """Delete the certificate of who this device was before."""
    (folder / FILE).unlink(missing_ok=True)


def own_certificate(folder: Path, named: Path | None) -> Path | None:
    """Return the file to connect with: the one that the settings name, or our own, or none."""
    own = folder / FILE
    return named or (own if own.exists() else None)


class Renewal:
    """A thread that looks after the certificate."""

    def __init__(
        self,
        folder: Path,
        enrolled: Enrolled,
        clock: Clock,
        *,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """``enrolled`` is the identity in ``folder``."""
        self._folder, self._enrolled, self._clock = folder, enrolled, clock
        self._transport = transport
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificate", daemon=True)

    def start(self) -> None:
        """Look now, and from time to time."""
        self._thread.start()

    def stop(self) -> None:
        """End; an answer that comes after it is not kept."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def look(self) -> bool:
        """Renew the certificate if it is time; return whether there is a fresh one.

        Raises:
            CarryoverError: the server refuses or does not answer, or ours is damaged.
            OSError: the disk refuses.
        """
        path = self._folder / FILE
        if not path.exists():
            return False
        held = held_in(path.read_text())
        if not held.is_due(self._clock.now()):
            return False
        key = fresh_key()
        request = request_pem(key)
        me = self._enrolled.device_id
        question = {
            "device_id": me,
            "csr": request,
            "certificate": held.pem.partition("-----END PRIVATE KEY-----\n")[2],
            "signature": b64encode(proof(held.key, me, request)).decode(),
        }
        pem = self._asked(question)
        if self._stopping.is_set() or common_name(certificate_in(pem)) != me:
            return False
        keep_certificate(self._folder, key, pem)
        return True

    def first(self) -> bool:
        """Get the certificate of a device that was enrolled without one; by its credential.

        Returns whether there is one now. Raises as :meth:`look`.
        """
        if (self._folder / FILE).exists():
            return False
        key = fresh_key()
        question = {
            "device_id": self._enrolled.device_id,
            "csr": request_pem(key),
            "credential": identity.load(self._folder).credential,
        }
        keep_certificate(self._folder, key, self._asked(question))
        return True

    def _asked(self, question: dict[str, str]) -> str:
        url = self._enrolled.api_url
        with httpx2.Client(base_url=url, timeout=TIMEOUT_S, transport=self._transport) as http:
            path = "/api/v1/devices/certificate"
            answer = ask(http, "POST", path, json=question, refusals=True)
        if answer.is_client_error:
            msg = f"the server gives no certificate ({answer.status_code})"
            raise EnrolmentRefused(msg)
        return checked(_ANSWER, json_in(answer)).certificate

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.look():
                    _LOG.info("the device's certificate is a fresh one")
            except (CarryoverError, OSError) as error:
                _LOG.warning("the device's certificate was not renewed: %s", error)
            self._stopping.wait(LOOK_EVERY_S)
