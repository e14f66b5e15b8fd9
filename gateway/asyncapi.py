"""The device contract as an AsyncAPI 3.0 document, made from ``gateway.wire``.

Seen from a device: it *sends* events, telemetry, sightings, status and acks, and
*receives* receipts, commands and stock notices. Owns no rule: topics, limits and schemas are read
from the wire's own classes, so the document cannot say anything else.
"""

from typing import Any, Final, get_args

from pydantic.json_schema import models_json_schema

from gateway.asyncapi_examples import examples
from gateway.wire import topics
from gateway.wire.codec import COMMAND_MAX_BYTES
from gateway.wire.downlink import Ack, Command, Receipt, Status, StockNotice
from gateway.wire.events import EVENTS_OF_KIND, PAYLOAD_MAX_BYTES, DeviceEvent, DeviceHealth, Wire
from gateway.wire.sightings import Sightings
from gateway.wire.topics import Channel

VERSION: Final = "1.0.0"  # of the contract; its first number is the one in the topics
CLOUDEVENT: Final = "application/cloudevents+json"
JSON: Final = "application/json"
MQTT_BINDING: Final = "0.2.0"
DESCRIPTION: Final = """\
What a device in the shop says to the gateway, and what it hears. Seen from the
device: "send" is published by the device, "receive" is what it subscribes to.

Events and commands are CloudEvents 1.0 in structured JSON. MQTT 3.1.1 and 5
both work. Unknown fields are refused. A device may use its own topics only.

An event is safe when a receipt covers its sequence, not when the broker
acknowledged it: keep it until then, and send it again when no receipt comes.
The same (source, id) counts once."""

# Channel → what is said there, who says it, how large it may be.
Row = tuple[str, tuple[type[Wire], ...], str, int, str]


def _members(union: Any) -> tuple[type[Wire], ...]:  # noqa: ANN401 - an Annotated union has no type
    found: tuple[type[Wire], ...] = get_args(get_args(union)[0])
    return found


def _rows() -> dict[Channel, Row]:
    return {
        Channel.EVENTS: (
            "What people do with the device. Older devices say here how they are, too. QoS 1.",
            _members(DeviceEvent), "send", PAYLOAD_MAX_BYTES, CLOUDEVENT,
        ),
        Channel.TELEMETRY: (
            "How the device is; may wait while people are served. A spool of its own. QoS 1.",
            (DeviceHealth,), "send", PAYLOAD_MAX_BYTES, CLOUDEVENT,
        ),
        Channel.SIGHTINGS: (
            "Which wristbands a receiver hears; other kinds say nothing here. QoS 0.",
            (Sightings,), "send", PAYLOAD_MAX_BYTES, JSON,
        ),
        Channel.STATUS: (
            "Whether the device is online. Retained; the last will says that it is not.",
            (Status,), "send", PAYLOAD_MAX_BYTES, JSON,
        ),
        Channel.ACKS: (
            "The device's answer to a command.", (Ack,), "send", PAYLOAD_MAX_BYTES, JSON,
        ),
        Channel.RECEIPTS: (
            "Everything of a spool through a sequence is stored and can be forgotten.",
            (Receipt,), "receive", PAYLOAD_MAX_BYTES, JSON,
        ),
        Channel.COMMANDS: (
            "What the device is to do; it answers on acks.",
            _members(Command), "receive", COMMAND_MAX_BYTES, CLOUDEVENT,
        ),
    }  # fmt: skip


def _summary(model: type[Wire]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _message(model: type[Wire], content_type: str, example: dict[str, Any]) -> dict[str, Any]:
    name = example.get("type", model.__name__)
    message: dict[str, Any] = {
        "name": name,
        "title": model.__name__,
        "summary": _summary(model),
        "contentType": content_type,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": [{"name": model.__name__, "payload": example}],
    }
    kinds = sorted(kind for kind, allowed in EVENTS_OF_KIND.items() if name in allowed)
    if kinds:
        message["x-sent-by-kinds"] = kinds
    return message


def _channel(
    address: str, description: str, models: tuple[type[Wire], ...], max_bytes: int
) -> dict[str, Any]:
    names = [part[1:-1] for part in address.split("/") if part.startswith("{")]
    return {
        "address": address,
        "description": description,
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
        "messages": {
            model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in models
        },
        "x-message-max-bytes": max_bytes,
    }


def _operation(
    channel: str, action: str, models: tuple[type[Wire], ...], *, qos: int, retain: bool
) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [
            {"$ref": f"#/channels/{channel}/messages/{model.__name__}"} for model in models
        ],
        "bindings": {"mqtt": {"qos": qos, "retain": retain, "bindingVersion": MQTT_BINDING}},
    }


def _parameters() -> dict[str, Any]:
    return {
        "partition": {
            "description": "Given at enrolment; the same for every device of a location.",
            "enum": [f"p{number:02d}" for number in range(topics.PARTITIONS)],
        },
        "location": {"description": f"The shop. {topics.NAME.pattern}"},
        "device": {"description": f"The device's id, also its user name. {topics.NAME.pattern}"},
        "product": {"description": f"A product of the catalogue. {topics.NAME.pattern}"},
    }


def _server() -> dict[str, Any]:
    status = topics.DeviceAddress("{partition}", "{location}", "{device}").topic(Channel.STATUS)
    return {
        "host": "broker.shop.example:1883",
        "protocol": "mqtt",
        "description": "The address comes with the enrolment. MQTT 3.1.1 or 5, TLS when"
        " the broker has it.",
        "security": [{"$ref": "#/components/securitySchemes/device"}],
        "bindings": {
            "mqtt": {
                "clientId": "{device}",
                "cleanSession": False,
                "keepAlive": 30,
                "lastWill": {
                    "topic": status,
                    "qos": 1,
                    "message": '{"online":false}',
                    "retain": True,
                },
                "bindingVersion": MQTT_BINDING,
            }
        },
    }


def document() -> dict[str, Any]:
    """Return the whole document as plain data, in reading order."""
    shown = examples()
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    models: list[type[Wire]] = []
    for channel, (description, members, action, max_bytes, content_type) in _rows().items():
        address = topics.DeviceAddress("{partition}", "{location}", "{device}").topic(channel)
        channels[channel.value] = _channel(address, description, members, max_bytes)
        operations[f"{action}{channel.value.title()}"] = _operation(
            channel.value,
            action,
            members,
            qos=0 if channel is Channel.SIGHTINGS else 1,
            retain=channel is Channel.STATUS,
        )
        for model in members:
            messages[model.__name__] = _message(model, content_type, shown[model.__name__])
        models += members
    channels["stock"] = _channel(
        topics.stock("{product}"),
        "Stock of a product has changed, at any location. A higher version is newer.",
        (StockNotice,),
        PAYLOAD_MAX_BYTES,
    )
    operations["receiveStock"] = _operation("stock", "receive", (StockNotice,), qos=0, retain=False)
    messages["StockNotice"] = _message(StockNotice, JSON, shown["StockNotice"])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Carryover device contract",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {"shop": _server()},
        "channels": channels,
        "operations": operations,
        "components": {
            "parameters": _parameters(),
            "messages": messages,
            "schemas": _schemas([*models, StockNotice]),
            "securitySchemes": {
                "device": {
                    "type": "userPassword",
                    "description": "User: the device's id. Password: the credential that its"
                    " enrolment gave it, once.",
                }
            },
        },
    }


def _schemas(models: list[type[Wire]]) -> dict[str, Any]:
    _, described = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = described["$defs"]
    return schemas
