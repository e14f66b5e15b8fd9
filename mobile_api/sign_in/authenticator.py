"""What an authenticator is asked, and whether its answer is one: WebAuthn level 3, by a library.

The library is loaded when somebody uses a passkey, not with the application.
Knows of keys and challenges, not of rows. The relying party is PUBLIC_URL's host; a bare
IP address cannot be one (WebAuthn level 3, 5.1.2), so there are no passkeys then.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from cart.kernel.errors import PasskeyRefused
from cart.profile.model import CHALLENGE_LIFETIME
from cart.profile.passkeys import Made

logger = logging.getLogger(__name__)
NAME: Final = "Carryover"
TIMEOUT_MS: Final = int(CHALLENGE_LIFETIME.total_seconds() * 1000)


class Kept(Protocol):
    """What is kept of a passkey, whoever it is of."""

    id: str
    credential_id: str
    public_key: str
    sign_count: int


@dataclass(frozen=True, slots=True)
class Place:
    """The relying party: its id is a host, its origin what the browser says it talks to."""

    id: str
    origin: str


def place_of(base_url: str) -> Place | None:
    """Return the relying party of a public address, None where browsers allow none."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return None
    if parts.scheme != "https" and host != "localhost":
        return None
    return Place(host, f"{parts.scheme}://{parts.netloc}")


def asked_to_make(
    place: Place,
    challenge: bytes,
    *,
    owner: str,
    name: str,
    has: Sequence[Kept],
    discoverable: bool = True,
) -> dict[str, Any]:
    """Return the options of ``navigator.credentials.create``. ``name``: what her list shows.

    ``discoverable``: it is to be found without saying who she is.
    """
    from webauthn import generate_registration_options, options_to_json  # noqa: PLC0415
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=place.id,
        rp_name=NAME,
        user_id=owner.encode(),
        user_name=name,
        user_display_name=name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED
            if discoverable
            else ResidentKeyRequirement.DISCOURAGED,
            # A found phone that is unlocked by nobody opens nothing.
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id)) for one in has
        ],
    )
    made: dict[str, Any] = json.loads(options_to_json(options))
    return made


def asked_to_sign(place: Place, challenge: bytes, has: Sequence[Kept] = ()) -> dict[str, Any]:
    """Return the options of ``navigator.credentials.get``: without ``has`` the same for everybody.

    ``has``: one of these is asked for; whose they are is known by then.
    """
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415
    from webauthn.helpers.structs import (  # noqa: PLC0415
        PublicKeyCredentialDescriptor,
        UserVerificationRequirement,
    )

    options = generate_authentication_options(
        rp_id=place.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id)) for one in has
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    made: dict[str, Any] = json.loads(options_to_json(options))
    return made


def made(place: Place, challenge: bytes, credential: dict[str, Any]) -> Made | PasskeyRefused:
    """Return the passkey that was made, or why its answer is none."""
    from webauthn import verify_registration_response  # noqa: PLC0415
    from webauthn.helpers import bytes_to_base64url  # noqa: PLC0415

    try:
        said = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=place.id,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001 - see _refused
        return _refused(error)
    return Made(
        bytes_to_base64url(said.credential_id),
        bytes_to_base64url(said.credential_public_key),
        said.sign_count,
        said.credential_backed_up,
    )


def signed(
    place: Place,
    challenge: bytes,
    credential: dict[str, Any],
    passkey: Kept,
    *,
    owner: str,
    named: bool = True,
) -> tuple[int, bool] | PasskeyRefused:
    """Return the passkey's count and whether it is backed up, or why it did not sign this.

    ``named``: it has to say whose it is; one that is not discoverable may not.
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url  # noqa: PLC0415

    try:
        said = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=place.id,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001 - see _refused
        return _refused(error, passkey)
    handle = credential["response"].get("userHandle")
    if (named or handle is not None) and handle != bytes_to_base64url(owner.encode()):
        return PasskeyRefused("the passkey was made for somebody else")
    return said.new_sign_count, said.credential_backed_up


def _refused(error: Exception, passkey: Kept | None = None) -> PasskeyRefused:
    # Bytes of strangers that are no CBOR, or CBOR of something else, come up from the library as
    # IndexError, AttributeError and more: whatever it is, this is no answer to what was asked.
    # A library's text may quote what came in; its kind is what an operator needs.
    logger.warning(
        "passkey refused: %s%s", type(error).__name__, f" of {passkey.id}" if passkey else ""
    )
    return PasskeyRefused("the passkey did not answer what this browser was asked")
