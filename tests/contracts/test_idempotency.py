"""Every POST of the API that changes something is done once: it takes an Idempotency-Key.

Those that take none are named here, each with what makes a repeat harmless instead.
"""

import json
from typing import Final

import pytest

from tests.contracts.documents import DOCS

HEADER: Final = "idempotency-key"
CHANGES_NOTHING: Final = "changes nothing"
SIGNED_NEWS: Final = "from another system, signed, with an id of its own: a repeat changes nothing"
CHALLENGE: Final = "a fresh challenge, bound to this browser; the last one asked for counts"
OPENS: Final = "its answer brings what opens something, which no kept answer may hold"
WITHOUT: Final = {
    "/api/v1/availability": CHANGES_NOTHING,
    "/api/v1/cart/scan": CHANGES_NOTHING,
    "/api/v1/staff/find": CHANGES_NOTHING,
    "/api/v1/broker/authenticate": CHANGES_NOTHING,
    "/api/v1/broker/authorise": CHANGES_NOTHING,
    "/api/v1/account/export": "changes nothing of hers; how often it is made is limited",
    "/api/v1/payments/{provider}/webhook": SIGNED_NEWS,
    "/api/v1/mail/bounces": SIGNED_NEWS,
    "/api/v1/account/passkey-options": CHALLENGE,
    "/api/v1/sign-in/passkey/options": CHALLENGE,
    "/api/v1/sign-in/code": "a fresh code each time, as often as the limits let; the last counts",
    "/api/v1/sign-in": f"{OPENS}; the code is used once, and its repeat is the same sign-in",
    "/api/v1/sign-in/passkey": f"{OPENS}; a challenge is answered once",
    "/api/v1/account/passkeys": "a challenge is answered once, and a passkey is kept once",
    "/api/v1/account/sign-out": "signed out is signed out; a repeat is refused as a stranger's",
    "/api/v1/account/joinings/{joining_id}/undo": "a joining is undone once: its id is the key",
    "/api/v1/account/erasure": "a wish that waits is the same wish; it signs her out",
    "/api/v1/devices/enrol": f"{OPENS}; a token enrols one device",
    "/api/v1/devices/certificate": "one more certificate for a key that the device has",
    "/api/v1/looks/begin": f"{OPENS}; saying yes twice is saying yes",
    "/api/v1/looks/{look_id}/share": f"{OPENS}; a link too many ends by itself, or with Withdraw",
    "/api/v1/mirrors/looks": f"{OPENS}; a grant that got lost ends within the hour, unused",
}  # fmt: skip
OPERATIONS: Final = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["paths"]
POSTS: Final = {path: methods["post"] for path, methods in OPERATIONS.items() if "post" in methods}


def _key(operation: dict[str, list[dict[str, object]]]) -> bool | None:
    """Say whether it requires a key; None: it takes none."""
    for one in operation.get("parameters", []):
        if str(one["name"]).lower() == HEADER and one["in"] == "header":
            return bool(one.get("required"))
    return None


@pytest.mark.parametrize("path", sorted(POSTS.keys() - WITHOUT.keys()))
def test_a_post_takes_an_idempotency_key(path: str) -> None:
    """It cannot be left out, either; whoever adds a POST without one has to say here why."""
    assert _key(POSTS[path]) is True


def test_what_takes_none_is_named_with_its_reason_and_is_there() -> None:
    """No name outlives its route, and none has a key by now."""
    assert WITHOUT.keys() <= POSTS.keys()
    assert [path for path in WITHOUT if _key(POSTS[path]) is not None] == []
    assert all(WITHOUT.values())
    assert len(POSTS) > 2 * len(WITHOUT)
