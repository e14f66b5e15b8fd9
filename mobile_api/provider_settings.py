"""Settings of a retailer's own identity provider (OpenID Connect), by which staff sign in."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from cart.picking.identities import Mapped
from cart.picking.roles import Role
from cart.secrets import for_trying
from gateway.settings import MqttSettings
from mobile_api.staff.provider import Client


class ProviderSettings(MqttSettings):
    """Empty issuer: there is none, and staff sign in by number and PIN alone."""

    oidc_issuer: Annotated[
        str,
        Field(
            description="Issuer of the retailer's OpenID Connect provider, exactly as it writes it"
            " in its tokens: staff may sign in there. Empty: by number and PIN only."
        ),
    ] = ""
    oidc_client_id: Annotated[str, Field(description="As what we are registered there.")] = ""
    oidc_client_secret: Annotated[
        str, Field(description="The secret of that registration.", repr=False)
    ] = ""
    oidc_role_claim: Annotated[
        str, Field(description="Claim of the ID token that has the role, a text or a list.")
    ] = "carryover_role"
    oidc_location_claim: Annotated[
        str, Field(description="Claim that has the location id, a text or a list.")
    ] = "carryover_location"
    oidc_name_claim: Annotated[str, Field(description="Claim that has the name.")] = "name"
    oidc_roles: Annotated[
        str,
        Field(
            description="What the provider calls our roles, `till-staff=associate,store-lead=lead`;"
            " of several the one that may most counts. Empty: it uses our names. Operators are"
            " made by `mobile_api staff operator` only."
        ),
    ] = ""
    oidc_amr: Annotated[
        str,
        Field(
            description="What the token's `amr` has to hold, such as `mfa`: the second factor is"
            " the provider's to ask for. Empty: whatever it deems enough, a password alone"
            " perhaps, and operators too come in by it without a second factor of ours."
        ),
    ] = ""
    oidc_only: Annotated[
        bool,
        Field(description="Nobody signs in by number and PIN; a PIN opens a locked device still."),
    ] = False

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        if not self.oidc_issuer:
            if self.oidc_only:
                msg = "OIDC_ONLY without OIDC_ISSUER would lock everybody out"
                raise ValueError(msg)
            return self
        if not (self.oidc_client_id and self.oidc_client_secret):
            msg = "OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"
            raise ValueError(msg)
        if not self.oidc_issuer.startswith("https://") and not for_trying(self.oidc_issuer):
            msg = "OIDC_ISSUER must be an https address"
            raise ValueError(msg)
        self._roles()
        return self

    def _roles(self) -> dict[str, Role]:
        pairs = [one.strip().rpartition("=") for one in self.oidc_roles.split(",") if one.strip()]
        if not pairs:
            return {one.value: one for one in Role}
        try:
            return {theirs.strip(): Role(ours.strip()) for theirs, _, ours in pairs}
        except ValueError:
            msg = f"OIDC_ROLES: theirs=ours, ours one of {', '.join(Role)}"
            raise ValueError(msg) from None

    @property
    def oidc_client(self) -> Client | None:
        """Return how we are known to the provider; None: there is none."""
        if not self.oidc_issuer:
            return None
        return Client(self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_amr)

    @property
    def oidc_mapped(self) -> Mapped:
        """Return where a token says what we ask."""
        return Mapped(
            self.oidc_role_claim, self.oidc_location_claim, self.oidc_name_claim, self._roles()
        )
