"""Where audiences may go from this process: a folder, and the webhook of the settings."""

from collections.abc import Mapping

from cart.journeys.audiences.targets import FILE, WEBHOOK, AudienceTarget, FileTarget, WebhookTarget
from cart.kernel.errors import AddressRefused, Unavailable
from mobile_api.outgoing.posting import Outgoing
from mobile_api.settings import ApiSettings


def targets(settings: ApiSettings, outgoing: Outgoing) -> Mapping[str, AudienceTarget]:
    """Return the targets by their names."""

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            return outgoing.post(url, body, headers).status
        except AddressRefused as error:
            raise Unavailable(error.message) from error

    found: dict[str, AudienceTarget] = {FILE: FileTarget(settings.data_dir / "audiences")}
    if settings.audience_url:
        found[WEBHOOK] = WebhookTarget(settings.audience_url, post)
    return found
