"""Webhooks are signed, and delivered when their target has said so."""

from collections.abc import Sequence

import pytest

from cart.kernel.errors import AddressRefused
from mobile_api.outgoing.posting import Outgoing
from mobile_api.outgoing.sending import BODY_BYTES_MAX, NotDelivered, Sender, signature
from tests.fakes.clock import FakeClock
from tests.real.webhook import webhook

HOST = "cdp.shop.test"


def loopback(_host: str, _port: int) -> Sequence[str]:
    """Answer for the network: every name is this machine."""
    return ["127.0.0.1"]


def sender(clock: FakeClock) -> Sender:
    """Return a sender for which HOST may be private."""
    return Sender(clock, Outgoing(exempt=frozenset({HOST}), resolve=loopback))


def post(one: Sender, url: str, body: bytes = b"{}") -> None:
    """Send something."""
    one.post(url, body, message_id="m1", secret="k" * 32, headers={"X-Mine": "1"})


def test_what_arrives_is_signed(clock: FakeClock) -> None:
    """Whoever has the secret can tell that it is ours, and when it was said."""
    with webhook() as there:
        post(sender(clock), f"http://{HOST}:{there.port}/v1", b'{"a": 1}')
        [(said, body)] = there.got
    assert (body, said["host"], said["x-mine"]) == (b'{"a": 1}', f"{HOST}:{there.port}", "1")
    at = said["webhook-timestamp"]
    assert at == str(int(clock.now().timestamp()))
    assert said["webhook-signature"] == signature("k" * 32, "m1", at, body)
    assert said["webhook-signature"] != signature("k" * 32, "m1", at, b'{"a": 2}')


@pytest.mark.parametrize("status", [302, 307, 400, 500])
def test_only_a_yes_is_a_delivery(clock: FakeClock, status: int) -> None:
    """A redirect is not followed: it leads where nobody has judged the address."""
    with webhook() as elsewhere, webhook() as there:
        there.answers, there.location = [status], f"http://{HOST}:{elsewhere.port}/"
        with pytest.raises(NotDelivered, match=str(status)):
            post(sender(clock), f"http://{HOST}:{there.port}/v1")
        assert (len(there.got), len(elsewhere.got)) == (1, 0)


def test_who_does_not_answer_is_not_waited_for(clock: FakeClock, free_port: int) -> None:
    """Nobody listens."""
    with pytest.raises(NotDelivered, match=HOST):
        post(sender(clock), f"http://{HOST}:{free_port}/v1")


def test_what_is_too_long_or_leads_inside_is_not_sent(clock: FakeClock) -> None:
    """Nothing leaves."""
    with webhook() as there:
        url = f"https://cdp.example:{there.port}/v1"
        with pytest.raises(NotDelivered, match="more than"):
            post(sender(clock), url, b"x" * (BODY_BYTES_MAX + 1))
        with pytest.raises(AddressRefused):
            post(sender(clock), url)
        assert there.got == []
