"""What a broker is answered that asks over HTTP: a device's own topics, and nothing else.

The tables of topics are those by which both real brokers are tried.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.kernel.ids import RandomIds
from gateway.registry import service
from gateway.registry.model import KINDS, Enrolled
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.fakes.shop import enrolled
from tests.gateway.test_topic_access import (
    HERE,
    MAY_PUBLISH,
    MAY_READ,
    THERE,
    Devices,
    foreign_topics,
    own_topics,
    place_of,
)
from tests.mobile_api.shop import SECRET

IDS = RandomIds()
HOOK = "the broker says this, thirty-two characters or more"
WILDCARDS = ("#", "+/#", "shop/#", "shop/v1/+/+/+/commands", "shop/v1/stock/#", "$SYS/#")


class Broker:
    """Asks as EMQX does."""

    def __init__(self, client: TestClient, secret: str = HOOK) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {secret}"}

    def login(self, username: str, password: str, clientid: str | None = None) -> str:
        """Return the verdict on a connection."""
        body = {"username": username, "password": password, "clientid": clientid or username}
        answer = self.client.post("/api/v1/broker/authenticate", json=body, headers=self.headers)
        assert answer.status_code == 200
        assert answer.json()["is_superuser"] is False
        return str(answer.json()["result"])

    def device(self, device: Enrolled, clientid: str | None = None) -> str:
        """Return the verdict on a device with its own credential."""
        return self.login(device.device_id, device.credential, clientid)

    def may(self, username: str, action: str, topic: str) -> str:
        """Return the verdict on a topic."""
        body = {"username": username, "action": action, "topic": topic}
        answer = self.client.post("/api/v1/broker/authorise", json=body, headers=self.headers)
        assert answer.status_code == 200
        return str(answer.json()["result"])


@pytest.fixture
def client(engine: Engine, clock: FakeClock, tmp_path: Path) -> TestClient:
    """The application with a hook."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, broker_hook_secret=HOOK)
    app = create_app(settings, engine=engine, clock=clock, ids=IDS, listen=False, mail=False)
    return TestClient(app)


@pytest.fixture
def devices(engine: Engine, clock: FakeClock) -> Devices:
    """One of each kind, one beside it, one elsewhere."""
    places = (HERE, HERE, THERE)
    return Devices(
        *({kind: enrolled(engine, clock, IDS, kind, place) for kind in KINDS} for place in places)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_may_use_its_own_topics_and_no_other(
    client: TestClient, devices: Devices, kind: str
) -> None:
    """The same as at the brokers that have the rules themselves."""
    broker, device = Broker(client), devices.own[kind]
    topics = [*foreign_topics(kind, devices), *own_topics(device), *WILDCARDS]

    def allowed(action: str) -> set[str]:
        answers = {topic: broker.may(device.device_id, action, topic) for topic in topics}
        assert set(answers.values()) == {"allow", "deny"}
        return {topic for topic, answer in answers.items() if answer == "allow"}

    place = place_of(device)
    assert allowed("publish") == {f"{place}/{channel}" for channel in MAY_PUBLISH}
    own = {f"{place}/{channel}" for channel in MAY_READ}
    assert allowed("subscribe") == own | {"shop/v1/stock/mug"}


def test_who_comes_in(client: TestClient, devices: Devices) -> None:
    """With its own credential and name; a server process is another source's affair."""
    broker, device, other = Broker(client), devices.own["tablet"], devices.beside["tablet"]
    assert broker.device(device) == "allow"
    assert broker.device(device, other.device_id) == "deny"
    assert broker.login(device.device_id, other.credential) == "deny"
    assert broker.login("tab-nobody", device.credential) == "deny"
    assert broker.login("", "") == "deny"
    assert [broker.login("server", ""), broker.may("server", "subscribe", "#")] == ["ignore"] * 2
    assert broker.may("tab-nobody", "publish", f"{place_of(device)}/events") == "deny"


def test_a_revoked_device_may_nothing(
    client: TestClient, devices: Devices, engine: Engine, clock: FakeClock
) -> None:
    """Neither come in, nor go on with what it did on a connection that lives."""
    broker, device = Broker(client), devices.own["tablet"]
    topic = f"{place_of(device)}/events"
    assert broker.may(device.device_id, "publish", topic) == "allow"
    with unit_of_work(engine) as db:
        service.revoke(db, clock, device_id=device.device_id)
    assert broker.device(device) == "deny"
    assert broker.may(device.device_id, "publish", topic) == "deny"


def test_the_credential_before_ends_with_the_first_use(
    client: TestClient, devices: Devices, engine: Engine, clock: FakeClock
) -> None:
    """A rotation has no downtime at such a broker either."""
    broker, device = Broker(client), devices.own["tablet"]
    with unit_of_work(engine) as db:
        day = timedelta(days=1)
        fresh = service.rotate(db, clock, IDS, device_id=device.device_id, overlap=day)
    assert broker.device(device) == "allow"
    assert broker.login(device.device_id, fresh) == "allow"
    assert broker.device(device) == "deny"


@pytest.mark.parametrize("secret", ["", "another secret of thirty-two characters", HOOK[:-1]])
def test_nobody_else_is_answered(client: TestClient, devices: Devices, secret: str) -> None:
    """Who does not know the secret learns not even that there is a hook."""
    device = devices.own["tablet"]
    body = {"username": device.device_id, "password": device.credential, "clientid": ""}
    for path in ("authenticate", "authorise"):
        headers = Broker(client, secret).headers
        answer = client.post(f"/api/v1/broker/{path}", json=body, headers=headers)
        assert answer.status_code == 404


def test_without_a_secret_there_is_no_hook(phone: TestClient) -> None:
    """An empty one is not a secret."""
    body = {"username": "tab-1", "action": "publish", "topic": "t"}
    for headers in ({}, {"Authorization": "Bearer "}):
        answer = phone.post("/api/v1/broker/authorise", json=body, headers=headers)
        assert answer.status_code == 404
    with pytest.raises(ValueError, match="BROKER_HOOK_SECRET"):
        ApiSettings(broker_hook_secret="short")
