"""Brings a kept turn to the server: a grant, then two uploads that go on after every cut.

A small tus 1.0 client (https://tus.io/protocols/resumable-upload). The sealed turn stays in this
process's memory until it is there; a mirror that is switched off before loses it.
"""

import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from cart.kernel.errors import CarryoverError, GrantRefused, NoLooksKey, Unavailable, UploadBroken
from store_devices.mirror.sealing import SealedPart, SealedTurn, Turn, seal

logger = logging.getLogger(__name__)
VERSION: Final = {"Tus-Resumable": "1.0.0"}
MEDIA_TYPE: Final = "application/offset+octet-stream"
TIMEOUT_S: Final = 10.0  # of one read or write; a line on which nothing passes is cut
PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # between tries; the last one goes on
TRIES_MAX: Final = 120  # without a byte of progress: an hour, which is what a grant is good for
PIECE_BYTES: Final = 512 * 1024  # of one request: between two of them it can be broken off
CREATED, OK, NO_CONTENT = 201, 200, 204
CONFLICT: Final = 409


class Grant(BaseModel):
    """What the server answers a mirror that asks to bring a look."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    look_id: str
    grant: str
    public_key: str
    uploads: str


@dataclass(slots=True)
class Uploads:
    """Brings looks with this client, which has the server's address and the mirror's credential.

    ``pause``: waits so many seconds; ``randomness``: as :func:`seal` wants it.
    """

    http: httpx2.Client
    pause: Callable[[float], None]
    randomness: Callable[[int], bytes]
    goes_on: Callable[[], None] = lambda: None  # asked before every piece; raises to break off
    cuts: int = field(default=0)  # since it was made, for its health
    sent_bytes: int = field(default=0)  # of the turn under way

    def bring(self, visit: str, turn: Turn) -> str:
        """Bring a turn of a visit; return the look's id once all of it is kept.

        Raises:
            NoLooksKey: no phone of this shopper has said yes to looks; she may, and then again.
            GrantRefused: the server takes no looks from this mirror, or no more.
            UploadBroken: the server did not get what was sent.
            Unavailable: it cannot be reached for so long that the grant is over.
        """
        granted = self.grant(visit)
        self.send(granted, self.sealed(granted, turn))
        return granted.look_id

    def sealed(self, granted: Grant, turn: Turn) -> SealedTurn:
        """Return the turn as only its shopper opens it.

        Raises:
            SealBroken: the server's key is none.
        """
        return seal(
            turn,
            look_id=granted.look_id,
            public_key=granted.public_key,
            randomness=self.randomness,
        )

    def send(self, granted: Grant, sealed: SealedTurn) -> None:
        """Send what was granted and sealed; return once all of it is kept.

        Raises:
            GrantRefused, UploadBroken, Unavailable: as of :meth:`bring`.
        """
        self.sent_bytes = 0
        for part in sealed.parts:
            said = {
                "grant": granted.grant,
                "part": part.name,
                "type": part.media_type,
                "sha256": part.sha256,
                "key": _url64(sealed.key),
            }
            self._send(granted.uploads, part, said)

    def grant(self, visit: str) -> Grant:
        """Ask whether a turn of this visit may come.

        Raises:
            NoLooksKey, GrantRefused, Unavailable: as of :meth:`bring`.
        """
        answer = self._asked("POST", "/api/v1/mirrors/looks", json={"visit": visit})
        if answer.status_code == CONFLICT and "no_looks_key" in answer.text:
            msg = "no phone of this shopper has said yes to looks"
            raise NoLooksKey(msg)
        if answer.status_code != CREATED:
            msg = f"no grant for a look ({answer.status_code})"
            raise GrantRefused(msg)
        try:
            return Grant.model_validate_json(answer.content)
        except ValidationError as error:
            msg = "the server grants in words that we do not know"
            raise Unavailable(msg) from error

    def _send(self, uploads: str, part: SealedPart, said: Mapping[str, str]) -> None:
        pairs = (f"{name} {b64encode(value.encode()).decode()}" for name, value in said.items())
        headers = {
            **VERSION,
            "Upload-Length": str(len(part.content)),
            "Upload-Metadata": ",".join(pairs),
        }
        answer = self._asked("POST", uploads, headers=headers)
        _expect(answer, CREATED)
        path = httpx2.URL(answer.headers["location"]).path
        offset, still = int(answer.headers["upload-offset"]), 0
        while offset < len(part.content):
            before = offset
            try:
                self.goes_on()
                self._patch(path, part, offset)
                offset = min(offset + PIECE_BYTES, len(part.content))
                self.sent_bytes += offset - before
            except _Cut:
                answer = self._asked("HEAD", path, headers=VERSION)
                _expect(answer, OK)
                offset = int(answer.headers["upload-offset"])
            still = 0 if offset > before else still + 1
            if still:
                self._wait(still)
        _expect(self._asked("HEAD", path, headers=VERSION), OK)

    def _patch(self, path: str, part: SealedPart, offset: int) -> None:
        headers = {**VERSION, "Upload-Offset": str(offset), "Content-Type": MEDIA_TYPE}
        piece = part.content[offset : offset + PIECE_BYTES]
        try:
            answer = self.http.patch(path, content=piece, headers=headers)
        except httpx2.TransportError as error:
            self.cuts += 1
            logger.info("an upload was cut: %s", type(error).__name__)
            raise _Cut from error
        if answer.status_code == CONFLICT or answer.is_server_error:
            raise _Cut  # it stands elsewhere, or has no room at the moment: ask it
        _expect(answer, NO_CONTENT)

    def _asked(self, method: str, path: str, **more: object) -> httpx2.Response:
        """Return an answer, however often it takes; what is asked may be asked again."""
        for tried in range(1, TRIES_MAX + 1):
            try:
                answer = self.http.request(method, path, **more)  # type: ignore[arg-type]  # passed on
            except httpx2.TransportError:
                self.cuts += 1
            else:
                if not answer.is_server_error:
                    return answer
            self._wait(tried)
        msg = "the server cannot be reached"
        raise Unavailable(msg)

    def _wait(self, tried: int) -> None:
        if tried >= TRIES_MAX:
            msg = "the server takes nothing in"
            raise Unavailable(msg)
        self.pause(PAUSES_S[min(tried, len(PAUSES_S)) - 1])


class _Cut(Exception):
    """The line went, or the server stands elsewhere."""


def client(api_url: str, device_id: str, credential: str) -> httpx2.Client:
    """Return a client that shows who this mirror is."""
    return httpx2.Client(base_url=api_url, auth=(device_id, credential), timeout=TIMEOUT_S)


def _expect(answer: httpx2.Response, status: int) -> None:
    if answer.status_code == status:
        return
    error: type[CarryoverError] = UploadBroken if answer.status_code in {404, 422} else GrantRefused
    msg = f"the server answers an upload with {answer.status_code}"
    raise error(msg)


def _url64(value: bytes) -> str:
    return b64encode(value, b"-_").rstrip(b"=").decode()
