"""What stands in docs/ is what the code says, and the device contract is sound."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.asyncapi import document
from gateway.wire import codec, downlink, topics
from gateway.wire.events import EVENTS_OF_KIND, PAYLOAD_MAX_BYTES, EventType, Wire
from gateway.wire.sightings import Sightings
from mobile_api.settings import ApiSettings
from tests.contracts.documents import DOCS, DOCUMENTS, settings_classes

PLAIN: dict[str, type[Wire]] = {
    "Sightings": Sightings,
    "Status": downlink.Status,
    "Ack": downlink.Ack,
    "Receipt": downlink.Receipt,
    "StockNotice": downlink.StockNotice,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_document_is_what_the_code_says(name: str) -> None:
    """Nobody has to remember to write it anew: this fails until ``make docs`` has run."""
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert kept == DOCUMENTS[name](), f"docs/{name} is out of date: run `make docs`"


def _references(node: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_every_reference_in_the_contract_resolves() -> None:
    """Each $ref points at something in the same document."""
    whole = document()
    references = set(_references(whole))
    assert len(references) > 30
    for reference in references:
        node: Any = whole
        assert reference.startswith("#/")
        for step in reference[2:].split("/"):
            assert step in node, reference
            node = node[step]


def test_the_contract_has_what_asyncapi_3_requires() -> None:
    """The required fields of version 3.0.0, and names in the shape it allows."""
    whole = document()
    assert whole["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(whole["info"])
    allowed = {"id", "info", "servers", "defaultContentType", "channels", "operations"}
    assert set(whole) <= allowed | {"asyncapi", "components"}
    for server in whole["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for operation in whole["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert all(
            each["$ref"].startswith(f"{channel}/messages/") for each in operation["messages"]
        )
    for group in whole["components"].values():
        assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in group)
    for channel in whole["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])


def test_every_example_decodes() -> None:
    """The gateway and the device would take each example as it stands; none is too large."""
    for name, message in document()["components"]["messages"].items():
        for example in message["examples"]:
            payload = json.dumps(example["payload"]).encode()
            if name in PLAIN:
                assert isinstance(codec.decode(PLAIN[name], payload), PLAIN[name])
                continue
            event = message["name"] in set(EventType)
            decoded = codec.decode_event(payload) if event else codec.decode_command(payload)
            assert type(decoded).__name__ == name
            assert json.loads(codec.encode(decoded)).items() >= example["payload"].items()
            assert len(payload) <= PAYLOAD_MAX_BYTES


def test_the_contract_names_every_channel_type_and_kind() -> None:
    """A channel, event or kind that is new in the code cannot be missing here."""
    whole = document()
    assert set(whole["channels"]) == {*topics.Channel, "stock"}
    names = {message["name"] for message in whole["components"]["messages"].values()}
    assert names >= {*EventType, *downlink.CommandType}
    sent = {
        kind
        for message in whole["components"]["messages"].values()
        for kind in message.get("x-sent-by-kinds", [])
    }
    assert sent == set(EVENTS_OF_KIND)


def test_every_setting_says_what_it_means() -> None:
    """No variable without a sentence."""
    mute = [
        f"{one.__name__}.{name}"
        for one in settings_classes()
        for name, field in one.model_fields.items()
        if not field.description
    ]
    assert mute == []


def test_every_setting_of_the_api_is_in_the_document() -> None:
    """Also those that it has from another module."""
    told = DOCUMENTS["settings.md"]()
    fields = ApiSettings.model_fields
    variables = [str(one.validation_alias or name).upper() for name, one in fields.items()]
    assert [one for one in variables if f"| `{one}` |" not in told] == []


def test_what_documents_run_with_python_can_be_run() -> None:
    """A package of ours is a program of its own name; only what has a main is run by ``-m``."""
    pages = [*DOCS.rglob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CHANGELOG.md"]
    ours = "cart|firmware_sim|gateway|inventory_api|mobile_api|store_devices|tests"
    dead = []
    for page in pages:
        for name in re.findall(rf"python3? -m ((?:{ours})[\w.]*)", page.read_text("utf-8")):
            path = DOCS.parent / name.rstrip(".").replace(".", "/")
            main = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
            if not main.is_file() or (
                not path.is_dir() and "__main__" not in main.read_text("utf-8")
            ):
                dead.append(f"{page.name}: {name}")
    assert dead == []
