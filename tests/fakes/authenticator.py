"""A passkey provider in software: makes key pairs and signs, as WebAuthn level 3 has it.

It plays the world outside, also where that world lies: each part of an answer can be
another than it should be.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, MAY_BE_BACKED_UP, BACKED_UP, NEW_KEY = 0x01, 0x04, 0x08, 0x10, 0x40
ES256, KTY_EC2, P256 = -7, 2, 1


@dataclass
class Passkey:
    """One key pair at one place. ``counts``: whether it counts its uses."""

    rp_id: str
    origin: str
    counts: bool = False
    flags: int = PRESENT | VERIFIED
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    handle: bytes = b""
    count: int = 0

    @property
    def name(self) -> str:
        """Its credential id as JSON has it."""
        return bytes_to_base64url(self.id)

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer ``navigator.credentials.create``."""
        self.handle = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose: dict[int, int | bytes] = {1: KTY_EC2, 3: ES256, -1: P256}
        cose |= {-2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        about = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(cose)
        said = {"fmt": "none", "attStmt": {}, "authData": self._data(NEW_KEY) + about}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", options),
            attestationObject=cbor2.dumps(said),
        )

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer ``navigator.credentials.get``."""
        self.count += self.counts
        data, client = self._data(0), self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=self.handle,
        )

    def _data(self, more: int) -> bytes:
        flags = (self.flags | more).to_bytes(1)
        return hashlib.sha256(self.rp_id.encode()).digest() + flags + self.count.to_bytes(4)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(said).encode()

    def _answer(self, **members: bytes) -> dict[str, Any]:
        response = {name: bytes_to_base64url(value) for name, value in members.items() if value}
        return {"id": self.name, "rawId": self.name, "type": "public-key", "response": response}
