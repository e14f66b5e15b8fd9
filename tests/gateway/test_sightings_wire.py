"""What receivers say of bands: taken as it is meant, and refused in words where it is not."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cart.kernel.errors import InvalidPayload
from gateway.wire.codec import decode, decode_event, encode
from gateway.wire.events import PAYLOAD_MAX_BYTES, PRESENTED_MAX, BandPresented, HeardFrame
from gateway.wire.sightings import SIGHTINGS_MAX, Sightings

FRAME = bytes(range(17))
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def said(**change: Any) -> bytes:  # noqa: ANN401 - whatever somebody may send
    """Return sightings of one frame, with something about it changed."""
    heard = {"frame": base64.b64encode(FRAME).decode(), "dbm": -60.5, "packets": 3} | change
    return json.dumps({"at": NOW.isoformat(), "heard": [heard]}).encode()


def presented(heard: list[dict[str, Any]]) -> bytes:
    """Return an event of a receiver."""
    return json.dumps(
        {
            "specversion": "1.0", "id": "e-1", "source": "/devices/rcv-1", "time": NOW.isoformat(),
            "type": "carryover.band.presented", "spool": "s-1", "sequence": 1,
            "data": {"by": "near", "heard": heard},
        }
    ).encode()  # fmt: skip


def test_a_frame_comes_through_as_it_was_on_the_air() -> None:
    """Every byte of it, in sightings and in an event, there and back."""
    (heard,) = decode(Sightings, said()).heard
    assert heard == HeardFrame.model_validate(
        {"frame": base64.b64encode(FRAME), "dbm": -60.5, "packets": 3}
    )
    assert heard.frame == FRAME
    again = decode(Sightings, encode(Sightings(at=NOW, heard=(heard,))))
    assert again.heard == (heard,)
    event = decode_event(presented([json.loads(said())["heard"][0]]))
    assert isinstance(event, BandPresented)
    assert event.data.heard[0].frame == FRAME


def test_a_full_message_is_within_what_is_taken() -> None:
    """As many frames as may be in one message, each as long as it can get in text."""
    heard = HeardFrame.model_validate(
        {"frame": base64.b64encode(b"\xff" * 17), "dbm": -101.123456789, "packets": 1_000}
    )
    full = encode(Sightings(at=NOW, heard=(heard,) * SIGHTINGS_MAX))
    assert len(full) <= PAYLOAD_MAX_BYTES
    assert len(decode(Sightings, full).heard) == SIGHTINGS_MAX


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"frame": base64.b64encode(FRAME[:-1]).decode()}, "heard.0.frame"),
        ({"frame": base64.b64encode(FRAME + b"x").decode()}, "heard.0.frame"),
        ({"frame": "not base64!"}, "heard.0.frame"),
        ({"dbm": -127.5}, "heard.0.dbm"),
        ({"dbm": 21}, "heard.0.dbm"),
        ({"dbm": float("nan")}, "heard.0.dbm"),
        ({"packets": 0}, "heard.0.packets"),
        ({"packets": 1.5}, "heard.0.packets"),
        ({"customer": "c-1"}, "heard.0.customer"),
    ],
    ids=str,
)
def test_what_is_no_sighting_is_refused_by_name(change: dict[str, Any], field: str) -> None:
    """The first field at fault is in the words."""
    with pytest.raises(InvalidPayload, match=field):
        decode(Sightings, said(**change))


def test_nobody_presents_nothing_or_a_crowd() -> None:
    """A reader names one band at least, and no more than a hand's reach holds."""
    one = json.loads(said())["heard"][0]
    for heard in ([], [one] * (PRESENTED_MAX + 1)):
        with pytest.raises(InvalidPayload, match=r"data\.heard"):
            decode_event(presented(heard))
