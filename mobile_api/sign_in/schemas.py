"""What signing in takes and gives as JSON."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from cart.kernel.email import EMAIL_LENGTH_MAX
from cart.profile.tables import CREDENTIAL_ID_LENGTH_MAX
from mobile_api.carts.schemas import Taken

TYPED_LENGTH_MAX: Final = 64  # six digits, as people group them and mail programs paste them
# An authenticator that proves its make sends certificates along; without, it is 300 bytes.
BYTES_LENGTH_MAX: Final = 32_768
BASE64URL: Final = r"^[A-Za-z0-9_-]+$"
CredentialId = Annotated[str, Field(pattern=BASE64URL, max_length=CREDENTIAL_ID_LENGTH_MAX)]
Bytes = Annotated[str, Field(pattern=BASE64URL, max_length=BYTES_LENGTH_MAX)]


class AskForCode(Taken):
    """Where the code is to go."""

    email: Annotated[str, Field(max_length=EMAIL_LENGTH_MAX)]


class CodeOut(BaseModel):
    """A code is on its way, to anybody who asks. Keep the cookie: it is good with that alone."""

    good_for_s: int


class UseCode(Taken):
    """What the mail says."""

    code: Annotated[str, Field(max_length=TYPED_LENGTH_MAX)]


class SignedInOut(BaseModel):
    """The phone is signed in; its cookie is a new one."""

    signed_in: Literal[True] = True


class PasskeyOptionsOut(BaseModel):
    """What to call `navigator.credentials` with, or the phone's own way to passkeys.

    `publicKey` is the standard's JSON; its challenge is good in this browser, once, for
    five minutes.
    """

    public_key: Annotated[dict[str, Any], Field(serialization_alias="publicKey")]


class _Credential(BaseModel):
    """The standard's JSON of an answer. Authenticators and browsers may add members to it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: CredentialId
    raw_id: Annotated[CredentialId, Field(alias="rawId")]
    type: Literal["public-key"]


class Attestation(BaseModel):
    """What a passkey that was made says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    client_data: Annotated[Bytes, Field(alias="clientDataJSON")]
    attestation_object: Annotated[Bytes, Field(alias="attestationObject")]


class Assertion(BaseModel):
    """What a passkey that signed says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    client_data: Annotated[Bytes, Field(alias="clientDataJSON")]
    authenticator_data: Annotated[Bytes, Field(alias="authenticatorData")]
    signature: Bytes
    user_handle: Annotated[Bytes | None, Field(alias="userHandle")] = None


class MadePasskey(_Credential):
    """The answer of `navigator.credentials.create`."""

    response: Attestation


class SignedByPasskey(_Credential):
    """The answer of `navigator.credentials.get`."""

    response: Assertion
