"""What is fuzzed. A target takes bytes and says how they were judged: "taken", or the refusal.

Whatever else leaves a target is a finding: an error that is not of our tree would
have ended a thread or been a 500.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import cbor2
from PIL import Image
from sqlalchemy import Engine
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from cart.db import make_engine, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.errors import CarryoverError, PasskeyRefused
from cart.kernel.gtin import Gtin
from cart.kernel.ids import SeededIds
from cart.profile.tables import PasskeyRow
from gateway.asyncapi_examples import examples
from gateway.broker.packets import Decoder, ProtocolError, Publish, publish
from gateway.ingest.batch import Domain, process
from gateway.ingest.fence import Unfenced
from gateway.ingest.read import Item, read
from gateway.ingest.stations import stations_heard
from gateway.mqtt import Incoming
from gateway.wire import codec
from gateway.wire.downlink import Ack, Receipt, Status, StockNotice
from gateway.wire.events import Wire
from gateway.wire.sightings import Sightings
from gateway.wire.topics import UP, Channel
from inventory_api.catalogue import queries
from inventory_api.feeds.kinds import Kind
from inventory_api.feeds.service import Importing
from mobile_api.sign_in.authenticator import Place, made, signed
from store_devices.vision.picture import pixels_of
from store_devices.vision.reading import read_photo
from tests.fakes.authenticator import Passkey
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LAMP, Tablet, enrolled, stock_catalogue
from tests.inventory_api.feed_desk import COUNT, LOCATION, REVIEW, VARIANT

TAKEN: Final = "taken"
Act = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Target:
    """``make``: prepares once, in an empty folder. ``seeds``: what mutation begins with.

    ``weight``: its part of a run, by what one input costs. ``bytes_max``: longer ones
    only repeat what shorter ones did. ``json``: it is worth to change it as JSON.
    """

    make: Callable[[Path], Act]
    seeds: Callable[[], Iterable[bytes]]
    weight: int
    bytes_max: int
    json: bool = False


def with_reason(code: str, reason: str) -> str:
    """Return the code of a refusal that says why."""
    assert reason, f"{code} without a reason"
    return code


def judged(act: Callable[[], object]) -> str:
    """Do it; return "taken", or the code of the refusal, which must have words."""
    try:
        act()
    except CarryoverError as refusal:
        return with_reason(refusal.code, refusal.message)
    return TAKEN


# Messages of devices: the topic on the first line, the payload below it. Nothing there: the
# device's own topic of events; the word of a channel: its own topic of that.

BATCH: Final = 50
STANDING: Final[dict[Channel | None, type[Wire]]] = {Channel.STATUS: Status, Channel.ACKS: Ack}
UPWARD: Final = {
    "Status": Channel.STATUS,
    "Ack": Channel.ACKS,
    "Sightings": Channel.SIGHTINGS,
    "DeviceHealth": Channel.TELEMETRY,
}
NAME: Final = b"DEVICE"  # stands for the one that is enrolled


def _events(folder: Path) -> Act:
    """Read, and put what can be read into a database, fifty at a time.

    States and acks go where the gateway takes them; sightings are read, as presence does first.
    """
    engine, clock = _database(folder), FakeClock()
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, clock, SeededIds(1)), clock)
    topics = {str(one): tablet.address.topic(one) for one in UP} | {
        "": tablet.address.topic(Channel.EVENTS)
    }
    own_name = tablet.device.device_id.encode()
    domain = Domain(clock, SeededIds(2), queries.sellables)
    waiting: list[Item] = []

    def act(data: bytes) -> str:
        topic, _, payload = data.partition(b"\n")
        said = topic.decode("utf-8", "replace")
        payload = payload.replace(NAME, own_name)
        item = read(Incoming(topics.get(said, said), payload, 1, 1, False, 1))  # noqa: FBT003
        if item.error is None and item.channel is Channel.SIGHTINGS:
            return judged(lambda: codec.decode(Sightings, payload))
        waiting.append(item)
        if len(waiting) >= BATCH:
            batch = list(waiting)
            waiting.clear()
            standing = [one for one in batch if one.channel in STANDING]
            with unit_of_work(engine) as db:
                process(db, domain, [one for one in batch if one.channel not in STANDING])
            stations_heard(engine, domain, Unfenced(), standing)
        if item.error is None and item.channel in STANDING:
            return judged(lambda: codec.decode(STANDING[item.channel], payload))
        if item.error is not None:
            return with_reason(item.error.code, item.error.message)
        return TAKEN

    return act


def _event_seeds() -> Iterable[bytes]:
    for one in examples().values():
        if str(one.get("source", "")).startswith("/devices/"):
            yield b"\n" + json.dumps({**one, "source": "/devices/DEVICE"}).encode()
    for name, channel in UPWARD.items():
        said = examples()[name]
        own = {"source": "/devices/DEVICE"} if "source" in said else {}
        yield channel.encode() + b"\n" + json.dumps({**said, **own}).encode()
    yield b"store/v1/p/00/l/device/events\n{}"


OF_KIND: Final[dict[bytes, type[Wire]]] = {
    b"a": Ack,
    b"r": Receipt,
    b"s": Status,
    b"n": StockNotice,
    b"i": Sightings,
}


def _to_devices(_folder: Path) -> Act:
    """What a device reads: commands, receipts, states, notices of stock."""

    def act(data: bytes) -> str:
        kind, payload = data[:1], data[1:]
        model = OF_KIND.get(kind)
        if model is None:
            return judged(lambda: codec.decode_command(payload))
        return judged(lambda: codec.decode(model, payload))

    return act


def _to_device_seeds() -> Iterable[bytes]:
    for one in examples().values():
        for kind in b"acinrs":
            yield bytes([kind]) + json.dumps(one).encode()


def _packets(_folder: Path) -> Act:
    """Bytes from the network, as the embedded broker takes them apart."""

    def act(data: bytes) -> str:
        decoder = Decoder(2_000)
        try:
            for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
                decoder.add(piece)
                list(decoder.packets())
        except ProtocolError as refusal:
            return with_reason("protocol_error", str(refusal))
        return TAKEN

    return act


def _packet_seeds() -> Iterable[bytes]:
    yield bytes.fromhex("101000044d5154540402003c000474657374")  # CONNECT, as MQTT 3.1.1 has it
    yield bytes.fromhex("820800010003612f6201")  # SUBSCRIBE
    yield publish(Publish("a/b", b"x", 1, retain=False, packet_id=7))
    yield bytes.fromhex("c000e000")  # PINGREQ, DISCONNECT


# Codes, as scanned or typed.


def _codes(folder: Path) -> Act:
    """A GTIN, a Digital Link or anything else that a shopper's camera can see."""
    engine = _database(folder)
    stock_catalogue(engine)

    def act(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        found = judged(lambda: Gtin.parse(text))
        if len(data) % 16 == 0:  # the catalogue asks the database: one in sixteen
            with unit_of_work(engine) as db:
                judged(lambda: queries.item(db, text[:2_048]))
        return found

    return act


def _code_seeds() -> Iterable[bytes]:
    code = str(LAMP)
    for text in (
        code, code[1:], "96385074", f"https://shop.example/01/{code}",
        f"https://id.gs1.org/01/{code}/10/LOT/21/S1?17=261231&x=%20", f"(01){code}",
        f"]C101{code}", "http://[::1]/01/", "https://shop.example/8006/" + "1" * 18,
    ):  # fmt: skip
        yield text.encode()


# Files of a retailer: kind and form in the first byte, the file after it.


def _feeds(folder: Path) -> Act:
    """Take a whole file into a database."""
    engine = _database(folder)
    importing = Importing(engine, FakeClock(), SeededIds(3), folder / "data")
    kinds = list(Kind)

    def act(data: bytes) -> str:
        first = data[0] if data else 0
        kind = kinds[first % len(kinds)]
        path = folder / ("feed.csv" if first // len(kinds) % 2 else "feed.jsonl")
        path.write_bytes(data[1:])

        def take() -> None:
            outcome = importing.take(kind, path)
            assert outcome.rows > 0, "a file without rows is refused"

        return judged(take)

    return act


def _feed_seeds() -> Iterable[bytes]:
    for number, row in enumerate((LOCATION, VARIANT, COUNT, REVIEW)):
        line = json.dumps(row)
        yield bytes([number]) + f"{line}\n{line}\n".encode()
        flat = [name for name, value in row.items() if not isinstance(value, dict | list)]
        cells = [str(row[name]) for name in flat]
        yield bytes([number + 4]) + f"{';'.join(flat)}\n{';'.join(cells)}\n".encode()


# Photographs.


def _photos(_folder: Path) -> Act:
    """What the server does with an upload: header, pixels, codes."""

    def act(data: bytes) -> str:
        return judged(lambda: read_photo(pixels_of(data), monotonic=time.monotonic, budget_s=0.05))

    return act


def _photo_seeds() -> Iterable[bytes]:
    bars = Image.new("L", (96, 48), 255)
    for x in range(10, 86, 4):
        bars.paste(0, (x, 4, x + 2, 44))
    for form in ("PNG", "JPEG", "WEBP"):
        to = BytesIO()
        bars.save(to, form)
        yield to.getvalue()


def _database(folder: Path) -> Engine:
    engine = make_engine(f"sqlite:///{folder}/fuzz.db")
    upgrade(engine)
    return engine


def _passkeys(_: Path) -> Act:
    place, challenge = Place("localhost", "http://localhost"), b"challenge"
    kept = PasskeyRow(
        id="passkey",
        customer_id="c",
        credential_id="AAAA",
        public_key="AAAA",
        created_at=FakeClock().now(),
    )

    def act(data: bytes) -> str:
        kind, sent = data[:1], bytes_to_base64url(data[1:])
        known = {"clientDataJSON": _client_data("webauthn.create"), "attestationObject": sent}
        if kind == b"1":
            known = {"clientDataJSON": sent, "attestationObject": "AAAA"}
        credential = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": known}
        if kind in {b"0", b"1"}:
            came = made(place, challenge, credential)
            return with_reason(came.code, str(came)) if isinstance(came, PasskeyRefused) else TAKEN
        kept.public_key = sent if kind == b"2" else _PUBLIC_KEY
        credential["response"] = {
            "clientDataJSON": _client_data("webauthn.get"),
            "authenticatorData": sent,
            "signature": "AAAA",
        }
        answer = signed(place, challenge, credential, kept, owner=kept.customer_id)
        assert isinstance(answer, PasskeyRefused), "nobody signed this"
        return with_reason(answer.code, str(answer))

    return act


def _client_data(kind: str) -> str:
    said = {
        "type": kind,
        "challenge": bytes_to_base64url(b"challenge"),
        "origin": "http://localhost",
    }
    return bytes_to_base64url(json.dumps(said).encode())


def _passkey_seeds() -> Iterable[bytes]:
    passkey = Passkey("localhost", "http://localhost")
    options = {"challenge": "AAAA", "user": {"id": "AAAA"}}
    made_by_it = base64url_to_bytes(passkey.make(options)["response"]["attestationObject"])
    yield b"0" + made_by_it
    for fmt in (b"packed", b"tpm", b"apple", b"android-safetynet"):
        said = cbor2.loads(made_by_it) | {"fmt": fmt.decode(), "attStmt": {"alg": -7, "sig": b"x"}}
        yield b"0" + cbor2.dumps(said)
    yield b"1" + base64url_to_bytes(_client_data("webauthn.create"))
    data = base64url_to_bytes(passkey.sign(options)["response"]["authenticatorData"])
    yield b"2" + data
    yield b"3" + data


_PUBLIC_KEY: Final = "pQECAyYgASFYIA" + "A" * 42 + "IlggAA" + "A" * 42

TARGETS: Final = {
    "events": Target(_events, _event_seeds, 5, 4_096, json=True),
    "to-devices": Target(_to_devices, _to_device_seeds, 25, 2_048, json=True),
    "packets": Target(_packets, _packet_seeds, 31, 512),
    "codes": Target(_codes, _code_seeds, 33, 300),
    "feeds": Target(_feeds, _feed_seeds, 1, 4_096),
    "passkeys": Target(_passkeys, _passkey_seeds, 4, 1_024),
    "photos": Target(_photos, _photo_seeds, 1, 4_096),
}
