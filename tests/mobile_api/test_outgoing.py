"""Outgoing requests go where they are meant to go, and nowhere that only this server can reach."""

import ssl
from collections.abc import Sequence
from dataclasses import replace

import pytest
import trustme

from cart.kernel.errors import InvalidInput
from mobile_api.outgoing.addresses import is_public, target_of
from mobile_api.outgoing.sending import ANSWER_BYTES_MAX, NotDelivered, Sender, signature
from tests.fakes.clock import FakeClock
from tests.real.webhook import webhook

HOST = "cdp.shop.test"


def loopback(_host: str, _port: int) -> Sequence[str]:
    """Answer for the network: every name is this machine."""
    return ["127.0.0.1"]


def sender(clock: FakeClock) -> Sender:
    """Return a sender for which HOST may be private."""
    return Sender(clock, private_host=HOST, resolve=loopback)


def post(one: Sender, url: str, body: bytes = b"{}") -> None:
    """Send something."""
    one.post(url, body, message_id="m1", secret="k" * 32, headers={"X-Mine": "1"})


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "no address"),
    ],
)
def test_what_only_this_server_reaches_is_not_called(address: str) -> None:
    """Also where it is hidden in an IPv6 address; one bad address of several is enough."""
    assert not is_public(address)
    with pytest.raises(InvalidInput, match="not a public address"):
        target_of(
            "https://cdp.example/v1", private_host="", resolve=lambda *_: ["1.1.1.1", address]
        )


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_a_public_address_is_called_and_no_other(address: str) -> None:
    """The one that was looked up is the one that is connected to."""
    found = target_of("https://cdp.example/v1?x=1", private_host="", resolve=lambda *_: [address])
    assert (found.address, found.host, found.port) == (address, "cdp.example", 443)
    assert found.path == "/v1?x=1"


@pytest.mark.parametrize(
    "url",
    [
        "http://cdp.example/v1",
        "ftp://cdp.example/v1",
        "file:///etc/passwd",
        "https:///v1",
        "https://me:word@cdp.example/v1",
        "https://cdp.example/v1#part",
        "https://cdp.example/" + "a" * 2_000,
        f"http://{HOST}.evil.example/",
    ],
)
def test_other_addresses_than_https_are_refused(url: str) -> None:
    """Before anything is looked up."""

    def never(_host: str, _port: int) -> Sequence[str]:
        raise AssertionError(url)

    with pytest.raises(InvalidInput):
        target_of(url, private_host=HOST, resolve=never)


def test_loopback_is_not_called_even_by_its_name(clock: FakeClock) -> None:
    """Nothing is sent."""
    with webhook() as there:
        one = Sender(clock, resolve=loopback)
        with pytest.raises(InvalidInput):
            post(one, f"https://cdp.example:{there.port}/v1")
        assert there.got == []


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


def test_an_endless_answer_is_cut_off(clock: FakeClock) -> None:
    """Nobody fills this server's memory by answering."""
    with webhook() as there:
        there.answers, there.answer = [500], b"x" * (ANSWER_BYTES_MAX * 50)
        with pytest.raises(NotDelivered) as refused:
            post(sender(clock), f"http://{HOST}:{there.port}/v1")
    assert len(str(refused.value)) < 400


def test_who_does_not_answer_is_not_waited_for(clock: FakeClock, free_port: int) -> None:
    """Nobody listens; or a host has no address."""
    with pytest.raises(NotDelivered, match=HOST):
        post(sender(clock), f"http://{HOST}:{free_port}/v1")
    nowhere = replace(sender(clock), resolve=lambda *_: [])
    with pytest.raises(NotDelivered, match="no address"):
        post(nowhere, f"http://{HOST}/v1")


def test_over_tls_the_name_has_to_be_the_hosts(clock: FakeClock) -> None:
    """The address is pinned; who answers there has to prove the name nevertheless."""
    ca = trustme.CA()
    trust = ssl.create_default_context()
    ca.configure_trust(trust)
    for name in (HOST, "somebody.else.test"):
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name).configure_cert(served)
        with webhook(served) as there:
            one = replace(sender(clock), trust=trust)
            url = f"https://{HOST}:{there.port}/v1"
            if name == HOST:
                post(one, url)
            else:
                with pytest.raises(NotDelivered):
                    post(one, url)
            assert len(there.got) == (1 if name == HOST else 0)
