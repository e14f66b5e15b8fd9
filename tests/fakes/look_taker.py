"""A shop that grants looks and takes them in, for a mirror on the bench. Real HTTP is elsewhere."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

import httpx2
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

CREATED, NO_CONTENT, OK = 201, 204, 200


@dataclass
class LookTaker:
    """Counts what it grants; takes every part at once."""

    granted: int = 0
    taken_bytes: dict[str, int] = field(default_factory=dict)

    def client(self) -> httpx2.Client:
        """Return a client whose calls come here."""
        return httpx2.Client(
            base_url="https://shop.example", transport=httpx2.MockTransport(self.answer)
        )

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as the shop does when all is well."""
        path = request.url.path
        match request.method:
            case "POST" if path == "/api/v1/mirrors/looks":
                self.granted += 1
                public = X25519PrivateKey.generate().public_key().public_bytes_raw()
                said = {
                    "look_id": f"look-{self.granted}",
                    "grant": "g",
                    "public_key": urlsafe_b64encode(public).decode().rstrip("="),
                    "uploads": "/uploads",
                }
                return httpx2.Response(CREATED, json=said)
            case "POST":
                name = f"{path}/{len(self.taken_bytes)}"
                self.taken_bytes[name] = 0
                headers = {"location": name, "upload-offset": "0"}
                return httpx2.Response(CREATED, headers=headers)
            case "PATCH":
                self.taken_bytes[path] += len(request.content)
                return httpx2.Response(NO_CONTENT)
            case _:
                offset = str(self.taken_bytes[path])
                return httpx2.Response(OK, headers={"upload-offset": offset})
