"""A shop is not opened with the secrets of an example, nor with a bank whose money is nobody's."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings import MqttSettings
from mobile_api.settings import ApiSettings

DRAWN = "q0Zc8m3hXv2Tt7LrW9yNf5KaJbE4uGdP"
OPEN = {"public_url": "https://list.quayside.shop", "secret_key": DRAWN}
STRIPE = {
    "payment_provider": "stripe",
    "stripe_secret_key": "sk_live_x",
    "stripe_webhook_secret": "whsec_x",
}


def made(folder: Path, **values: Any) -> ApiSettings:  # noqa: ANN401 - settings of all kinds
    """Return the settings of an API."""
    return ApiSettings(data_dir=folder, **values)


@pytest.mark.parametrize("key", ["x" * 40, "change-me-change-me-change-me-0123", "ab" * 20])
def test_a_key_that_was_typed_opens_no_shop(tmp_path: Path, key: str) -> None:
    """Only where it is tried: on this machine, in a private network, under a reserved name."""
    with pytest.raises(ValidationError, match="SECRET_KEY looks like an example"):
        made(tmp_path, **{**OPEN, **STRIPE, "secret_key": key})
    for address in ("http://127.0.0.1:8000", "http://192.168.1.20", "https://shop.example"):
        assert made(tmp_path, public_url=address, secret_key=key).key() == key.encode()


def test_a_drawn_key_opens_it(tmp_path: Path) -> None:
    """And one that the process draws itself."""
    assert made(tmp_path, **OPEN, **STRIPE).secure
    own = made(tmp_path, **{**OPEN, **STRIPE, "secret_key": ""})
    assert len(own.key()) >= 32


def test_the_test_bank_is_not_for_the_public(tmp_path: Path) -> None:
    """Unless the operator says so, knowing what it means."""
    with pytest.raises(ValidationError, match="PAYMENT_PROVIDER=stripe, or SANDBOX_IN_PUBLIC"):
        made(tmp_path, **OPEN)
    assert made(tmp_path, **OPEN, sandbox_in_public=True).payment_provider == "sandbox"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("database_url", "postgresql://carryover:carryover@db.quayside.shop/carryover"),
        ("mqtt_url", "mqtts://server:SECRET@broker.quayside.shop:8883"),
        ("smtp_url", "smtp://user:password@mail.quayside.shop:587"),
        ("smtp_url", "smtp://user:p%61ssword@mail.quayside.shop:587"),
    ],
)
def test_passwords_of_the_documents_reach_no_other_machine(
    tmp_path: Path, name: str, url: str
) -> None:
    """The address is named, its password is not said; on loopback it may be what it likes."""
    with pytest.raises(ValidationError, match=f"{name.upper()}: its password") as refused:
        made(tmp_path, **{name: url})
    assert url not in refused.value.errors()[0]["msg"]
    here = url.replace("db.quayside.shop", "127.0.0.1").replace("broker.quayside.shop", "[::1]")
    made(tmp_path, **{name: here.replace("mail.quayside.shop", "localhost")})
    made(tmp_path, **{name: url.replace(url.split(":")[2].split("@", maxsplit=1)[0], DRAWN)})


def test_the_gateway_asks_the_same(tmp_path: Path) -> None:
    """Its settings are checked by the same rule."""
    with pytest.raises(ValidationError, match="MQTT_URL: its password"):
        MqttSettings(data_dir=tmp_path, mqtt_url="mqtt://server:SECRET@broker.quayside.shop")
