"""An identity provider on loopback: real HTTP, real signatures, and answers that can be bent."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, CLIENT_SECRET = "carryover", "a secret of the provider's own & more"
LIFETIME_S = 300


@dataclass
class FakeProvider:
    """What it says. ``claims``: of whoever signs in; ``bend``: changes a token's claims."""

    now_s: Callable[[], int]
    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    bend: dict[str, Any] = field(default_factory=dict)
    keys: list[Any] = field(default_factory=list)
    signs_with: Any = None
    down: bool = False
    ends: bool = False  # it has a place where its own session is ended
    gives: str | None = None  # in place of a token
    issuer: str = ""
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def rotate(self) -> None:
        """Sign with a fresh key from now on; the old one is no longer published."""
        key = ECKey.generate_key("P-256", auto_kid=True)
        self.keys, self.signs_with = [key], key

    def authorise(self, address: str) -> dict[str, str]:
        """Let somebody sign in who was sent to ``address``; return the query she goes back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.url}

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, object]:
        """Return status and JSON of a request."""
        self.asked.append(path)
        if self.down:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer or self.url,
                "authorization_endpoint": f"{self.url}/authorise",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                **({"end_session_endpoint": f"{self.url}/out"} if self.ends else {}),
                "authorization_response_iss_parameter_supported": True,
            }
        if path == "/keys":
            return 200, {"keys": [one.as_dict(private=False) for one in self.keys]}
        if path == "/token":
            return self._token(form, authorization)
        return 404, {}

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, object]:
        basic = base64.b64encode(f"{CLIENT}:{quote_plus(CLIENT_SECRET)}".encode()).decode()
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or authorization != f"Basic {basic}"
            or asked["code_challenge_method"] != "S256"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant"}
        if self.gives is not None:
            return 200, {"id_token": self.gives}
        now = self.now_s()
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "ada",
            "iat": now,
            "exp": now + LIFETIME_S,
            "auth_time": now,
            "nonce": asked["nonce"],
            **self.claims,
            **self.bend,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.signs_with
        algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
        return 200, {"id_token": jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key)}


def _handler(provider: FakeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorise?"):
                self._back(self.path)
                return
            self._give(*provider.answer(self.path, {}, ""))

        def _back(self, address: str) -> None:
            """Send a browser back at once, as if she had proved herself here."""
            (to,) = parse_qs(urlsplit(address).query)["redirect_uri"]
            self.send_response(302)
            self.send_header("location", f"{to}?{query(provider.authorise(address))}")
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._give(*provider.answer(self.path, form, self.headers.get("authorization", "")))

        def _give(self, status: int, answer: object) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def running_provider(now_s: Callable[[], int]) -> Iterator[FakeProvider]:
    """Run one."""
    key = RSAKey.generate_key(2048, auto_kid=True)
    provider = FakeProvider(now_s, keys=[key], signs_with=key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()


def query(answer: dict[str, str]) -> str:
    """Return it as it stands in an address."""
    return urlencode(answer)
