"""A retailer's own identity provider, by OpenID Connect: where to send people, and who came back.

Authorization code with PKCE. Nothing that the provider or a browser says is believed before
issuer, audience, nonce, time and signature fit. Signatures are joserfc's; this module owns
what is asked of a token. It knows no staff and no database. What asks is loaded only where there
is a provider: every shop loads this module.
"""

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import ProviderRefused, ProviderUnavailable
from cart.kernel.ids import Ids

if TYPE_CHECKING:
    import httpx2

_LOG = logging.getLogger(__name__)
TIMEOUT_S: Final = 5.0  # somebody stands at a scanner and waits
ANSWER_BYTES_MAX: Final = 262_144  # a set of keys has a few thousand
SCOPE: Final = "openid"
# Asymmetric ones only: with a shared secret whoever verifies could sign as well.
ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]
LEEWAY_S: Final = 60  # two machines that set their clocks by the network
KNOWN_FOR_S: Final = 3600  # what the provider says of itself is asked for again after that
# A key that we do not know may be new. Asked for once a minute: strangers cannot make us flood it.
KEYS_AGAIN_S: Final = 60


class Metadata(BaseModel):
    """What the provider says of itself (OpenID Connect Discovery 1.0, 3)."""

    model_config = ConfigDict(extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False
    end_session_endpoint: str = ""  # OpenID Connect RP-Initiated Logout 1.0, 2.1


@dataclass(frozen=True, slots=True)
class Client:
    """How we are known to the provider. ``amr``: how somebody has to have proved herself there."""

    issuer: str
    client_id: str
    client_secret: str
    amr: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What belongs to one sign-in, begun ``at_s``, and stays in the browser that began it."""

    state: str
    nonce: str
    verifier: str
    at_s: int

    @classmethod
    def drawn(cls, ids: Ids, at_s: int) -> "Asked":
        """Return fresh ones; a verifier has 43 to 128 characters (RFC 7636, 4.1)."""
        return cls(ids.token(), ids.token(), ids.token() + ids.token(), at_s)


def _client() -> "httpx2.Client":
    import httpx2  # noqa: PLC0415 - see the module

    return httpx2.Client(timeout=TIMEOUT_S)


@dataclass(slots=True)
class Provider:
    """The provider as this process knows it. Safe among threads."""

    client: Client
    clock: Clock
    http: "httpx2.Client" = field(default_factory=_client)
    _metadata: Metadata | None = None
    _metadata_at_s: int = 0
    _keys: Any = None  # a joserfc.jwk.KeySet
    _keys_at_s: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Let go of connections."""
        self.http.close()

    def way(self, asked: Asked, redirect_uri: str) -> str:
        """Return where to send the browser.

        ``prompt=login``: on a shared device the provider must not let the next person in as
        the last one. ``max_age=0`` has it say in the token when she proved herself.

        Raises:
            ProviderUnavailable: it does not say where.
        """
        digest = hashlib.sha256(asked.verifier.encode()).digest()
        wanted = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "prompt": "login",
            "max_age": "0",
        }
        address = self.metadata().authorization_endpoint
        return f"{address}{'&' if '?' in address else '?'}{urlencode(wanted)}"

    def way_out(self, token: str, redirect_uri: str) -> str:
        """Return where her session at the provider is ended; "" if it has no such place.

        ``token``: of her sign-in, so that nobody is asked whether she means it.

        Raises:
            ProviderUnavailable: it does not say where.
        """
        address = self.metadata().end_session_endpoint
        if urlsplit(address).scheme not in {"http", "https"}:
            return ""
        wanted = {
            "id_token_hint": token,
            "client_id": self.client.client_id,
            "post_logout_redirect_uri": redirect_uri,
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(wanted)}"

    def came_back(
        self, asked: Asked, answer: Mapping[str, str], redirect_uri: str
    ) -> tuple[dict[str, Any], str]:
        """Return claims and token of who came back with ``answer``, the query of the address.

        Raises:
            ProviderRefused: another browser's answer, another provider's, a refusal, or a
                token that does not fit.
            ProviderUnavailable: the provider does not answer.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), asked.state.encode()):
            _refuse("the answer is of another sign-in")
        metadata = self.metadata()
        # RFC 9207: another provider's answer is never taken to ours.
        named = answer.get("iss", "")
        wanted = metadata.authorization_response_iss_parameter_supported
        if (named or wanted) and named != self.client.issuer:
            _refuse("the answer is of another provider")
        code = answer.get("code", "")
        if answer.get("error") or not code:
            _refuse("the provider refused")
        token = self._token(metadata, asked, code, redirect_uri)
        return self._checked(token, asked), token

    def metadata(self) -> Metadata:
        """Return what the provider says of itself, asked for once an hour.

        Raises:
            ProviderUnavailable: it does not answer, or speaks for another issuer.
        """
        now = self._now_s()
        with self._lock:
            known = self._metadata if now - self._metadata_at_s < KNOWN_FOR_S else None
        if known is not None:
            return known
        address = f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = Metadata.model_validate(self._fetched(address))
        except ValidationError:
            _unavailable("its configuration is not one")
        if found.issuer != self.client.issuer:
            _unavailable("it speaks for another issuer")
        with self._lock:
            self._metadata, self._metadata_at_s = found, now
        return found

    def _token(self, metadata: Metadata, asked: Asked, code: str, redirect_uri: str) -> str:
        client = self.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": asked.verifier,
        }
        headers = {}
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            headers["Authorization"] = _basic(client)
        else:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret}
        import httpx2  # noqa: PLC0415 - see the module

        try:
            answer = self.http.post(metadata.token_endpoint, data=form, headers=headers)
        except httpx2.HTTPError:
            _unavailable("no answer to the code")
        if answer.status_code >= 500:  # noqa: PLR2004 - its fault
            _unavailable(f"it answers {answer.status_code} to the code")
        try:
            token = answer.json()["id_token"] if answer.is_success else None
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str):
            _refuse("the provider gives nothing for this code")
        return token

    def _checked(self, token: str, asked: Asked) -> dict[str, Any]:
        """Check an ID token (OpenID Connect Core 1.0, 3.1.3.7)."""
        claims = self._verified(token)
        client, now = self.client, self._now_s()
        audience = claims.get("aud")
        all_of_them = audience if isinstance(audience, list) else [audience]
        fits = {
            "issuer": claims.get("iss") == client.issuer,
            "audience": client.client_id in all_of_them,
            "party": claims.get("azp", client.client_id) == client.client_id
            and (len(all_of_them) == 1 or "azp" in claims),
            "end": _number(claims.get("exp")) > now - LEEWAY_S,
            "beginning": 0 < _number(claims.get("iat")) <= now + LEEWAY_S,
            "proof of this sign-in": _number(claims.get("auth_time")) >= asked.at_s - LEEWAY_S,
            "nonce": hmac.compare_digest(
                str(claims.get("nonce", "")).encode(), asked.nonce.encode()
            ),
            "subject": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255,  # noqa: PLR2004 - Core 1.0, 2
            "second factor": not client.amr or client.amr in _list(claims.get("amr")),
        }
        if wrong := [name for name, right in fits.items() if not right]:
            _refuse(f"the token does not fit: {', '.join(wrong)}")
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        """Return what is signed; a key that nobody knows may have come since we looked."""
        # Loaded where a provider is used: few shops have one, and it is large.
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        try:
            kid = _header(token).get("kid")
            keys = self._key_set()
            if kid is not None and all(one.kid != kid for one in keys.keys):
                keys = self._key_set(again=True)
            return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError):
            _refuse("the token is not signed by the provider")

    def _key_set(self, *, again: bool = False) -> Any:  # noqa: ANN401 - a joserfc.jwk.KeySet
        from joserfc.errors import JoseError  # noqa: PLC0415 - see above
        from joserfc.jwk import KeySet  # noqa: PLC0415

        now = self._now_s()
        with self._lock:
            known, age_s = self._keys, now - self._keys_at_s
        if known is not None and age_s < (KEYS_AGAIN_S if again else KNOWN_FOR_S):
            return known
        try:
            found = KeySet.import_key_set(self._fetched(self.metadata().jwks_uri))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError):
            _unavailable("its keys are none")
        with self._lock:
            self._keys, self._keys_at_s = found, now
        return found

    def _fetched(self, address: str) -> dict[str, Any]:
        import httpx2  # noqa: PLC0415 - see the module

        try:
            answer = self.http.get(address)
        except httpx2.HTTPError:
            _unavailable(f"no answer from {address}")
        if not answer.is_success or len(answer.content) > ANSWER_BYTES_MAX:
            _unavailable(f"{address} answers {answer.status_code}")
        try:
            found = answer.json()
        except ValueError:
            _unavailable(f"{address} is not JSON")
        if not isinstance(found, dict):
            _unavailable(f"{address} is not an object")
        return found

    def _now_s(self) -> int:
        return to_us(self.clock.now()) // 1_000_000


def _basic(client: Client) -> str:
    """Return both as RFC 6749, 2.3.1 writes them: encoded before they are joined."""
    joined = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return f"Basic {base64.b64encode(joined.encode()).decode()}"


def _header(token: str) -> dict[str, Any]:
    head = token.partition(".")[0]
    found = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    if not isinstance(found, dict):
        msg = "a header is an object"
        raise ValueError(msg)  # noqa: TRY004 - one error for all that is not a token
    return found


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _refuse(why: str) -> NoReturn:
    _LOG.warning("a sign-in by the identity provider was refused: %s", why)
    raise ProviderRefused(why)


def _unavailable(why: str) -> NoReturn:
    _LOG.warning("the identity provider cannot be used: %s", why)
    raise ProviderUnavailable(why)
