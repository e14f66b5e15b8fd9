"""What is sent to addresses of others: never into our own network, whatever a name says."""

import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from cart.kernel.errors import AddressRefused, Unavailable
from mobile_api.outgoing.posting import ANSWER_MAX_BYTES, WHOLE_MAX_S, Outgoing, is_public
from tests.fakes.clock import FakeClock
from tests.real.certificates import Authority
from tests.real.webhook import Webhook, webhook

HOOK: Final = "hook.example"
BODY: Final = b'{"type": "track"}'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whose certificates are believed."""
    return Authority(tmp_path)


@pytest.fixture
def there(authority: Authority) -> Iterator[Webhook]:
    """A webhook by HTTPS under its name."""
    pair = authority.issue(HOOK)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    with webhook(context) as made:
        yield made


class Names:
    """A resolver whose answers change from one time to the next."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the next answer; the last one stays."""
        assert host
        assert port
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def made(authority: Authority, names: Names, *exempt: str) -> Outgoing:
    """Return what believes in the test's authority."""
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    return Outgoing(
        exempt=frozenset(exempt), resolve=names, trust=trust, monotonic=FakeClock().monotonic
    )


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://hook.example/", "127.0.0.1"),
        ("https://hook.example/", "10.0.0.8"),
        ("https://hook.example/", "169.254.169.254"),
        ("https://hook.example/", "100.64.0.1"),
        ("https://hook.example/", "168.63.129.16"),
        ("https://hook.example/", "0.0.0.0"),
        ("https://hook.example/", "224.0.0.1"),
        ("https://hook.example/", "::1"),
        ("https://hook.example/", "fe80::1%eth0"),
        ("https://hook.example/", "fd00::1"),
        ("https://hook.example/", "::ffff:10.0.0.8"),
        ("https://hook.example/", "64:ff9b::a00:8"),
        ("https://hook.example/", "2002:a00:8::1"),
        ("https://[::1]/", "::1"),
        ("https://2130706433/", "127.0.0.1"),
        ("http://hook.example/", "93.184.215.14"),
        ("ftp://hook.example/", "93.184.215.14"),
        ("https://name:word@hook.example/", "93.184.215.14"),
        ("https://@hook.example/", "93.184.215.14"),
        ("https://hook.example/\r\nx: y", "93.184.215.14"),
        ("https:///nowhere", "93.184.215.14"),
        ("https://hook.example:what/", "93.184.215.14"),
        ("https://hook.example/" + "x" * 2_048, "93.184.215.14"),
    ],
)
def test_nothing_of_our_own_is_asked(authority: Authority, url: str, address: str) -> None:
    """Whatever the name or the number is, and before any connection."""
    with pytest.raises(AddressRefused):
        made(authority, Names([address])).post(url, BODY, {})


def test_one_private_address_among_public_ones_is_enough(authority: Authority) -> None:
    """Which of them would be taken nobody says."""
    outgoing = made(authority, Names(["93.184.215.14", "10.0.0.8"]))
    with pytest.raises(AddressRefused, match=HOOK):
        outgoing.post(f"https://{HOOK}/", BODY, {})


def test_it_goes_to_the_address_that_was_checked(authority: Authority, there: Webhook) -> None:
    """The name is resolved once for each request; TLS and the host are of the name."""
    names = Names(["127.0.0.1"], ["192.0.2.1"])
    outgoing = made(authority, names, HOOK)
    answer = outgoing.post(
        f"https://{HOOK}:{there.port}/v1/batch", BODY, {"content-type": "a/json"}
    )
    assert (answer.status, answer.body, answer.good) == (200, b"{}", True)
    [(said, body)] = there.got
    assert (there.paths, said["host"], body) == (["/v1/batch"], f"{HOOK}:{there.port}", BODY)
    assert names.asked == 1


def test_another_name_has_another_certificate(authority: Authority, there: Webhook) -> None:
    """It is the right machine, and says so of another name."""
    outgoing = made(authority, Names(["127.0.0.1"]), "other.example")
    with pytest.raises(Unavailable, match=r"other\.example"):
        outgoing.post(f"https://other.example:{there.port}/", BODY, {})
    assert there.got == []


@pytest.mark.parametrize("status", [307, 503])
def test_a_refusal_is_an_answer_and_a_redirect_leads_nowhere(
    authority: Authority, there: Webhook, status: int
) -> None:
    """Asked once, and told."""
    there.answers, there.location, there.retry_after = [status], "http://127.0.0.1/inside", "7"
    answer = made(authority, Names(["127.0.0.1"]), HOOK).post(
        f"https://{HOOK}:{there.port}/", BODY, {}
    )
    assert (answer.status, answer.good, answer.retry_after) == (status, False, "7")
    assert len(there.got) == 1


def test_an_endless_answer_is_not_read(authority: Authority, there: Webhook) -> None:
    """One byte more than there is room for."""
    there.answer = b"x" * (ANSWER_MAX_BYTES + 1)
    outgoing = made(authority, Names(["127.0.0.1"]), HOOK)
    with pytest.raises(Unavailable, match="too long"):
        outgoing.post(f"https://{HOOK}:{there.port}/", BODY, {})


def test_nobody_there_is_said(authority: Authority) -> None:
    """A name that is not known, one without an address, and a port that nobody has."""

    def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError(host, port)

    with pytest.raises(Unavailable, match="not known"):
        Outgoing(resolve=unknown).post(f"https://{HOOK}/", BODY, {})
    with pytest.raises(Unavailable, match="no address"):
        made(authority, Names([])).post(f"https://{HOOK}/", BODY, {})
    with pytest.raises(Unavailable, match="does not answer"):
        made(authority, Names(["127.0.0.1"]), HOOK).post(f"https://{HOOK}:9/", BODY, {})


def test_an_answer_in_drops_comes_to_an_end(authority: Authority, there: Webhook) -> None:
    """Each drop in time, all of them not."""
    clock = FakeClock()

    def later() -> float:
        clock.advance(WHOLE_MAX_S + 1)
        return clock.monotonic()

    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    outgoing = Outgoing(
        exempt=frozenset({HOOK}), resolve=Names(["127.0.0.1"]), trust=trust, monotonic=later
    )
    with pytest.raises(Unavailable, match="too long"):
        outgoing.post(f"https://{HOOK}:{there.port}/", BODY, {})


@pytest.mark.parametrize(
    ("address", "public"),
    [("93.184.215.14", True), ("2606:2800:21f:cb07::1", True), ("not one", False), ("", False)],
)
def test_what_is_public(address: str, *, public: bool) -> None:
    """Numbers of the internet, and nothing that is no number."""
    assert is_public(address) is public
