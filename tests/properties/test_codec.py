"""What is true of every message, and of every other run of bytes."""

import json
from base64 import b64encode
from datetime import UTC, timedelta, timezone
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cart.kernel.errors import InvalidGtin, InvalidPayload, PayloadTooLarge
from cart.kernel.gtin import Gtin, check_digit
from gateway.asyncapi_examples import examples
from gateway.wire import codec
from gateway.wire.downlink import Ack, Command, Receipt, Status, StockNotice
from gateway.wire.events import (
    DBM_MAX,
    DBM_MIN,
    PAYLOAD_MAX_BYTES,
    DeviceEvent,
    HeardFrame,
    Wire,
)
from gateway.wire.sightings import Sightings

EVENTS: tuple[type[Wire], ...] = get_args(get_args(DeviceEvent)[0])
COMMANDS: tuple[type[Wire], ...] = get_args(get_args(Command)[0])
PLAIN: tuple[type[Wire], ...] = (Ack, Receipt, Sightings, Status, StockNotice)
REFUSALS = (InvalidGtin, InvalidPayload, PayloadTooLarge)

NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)
# What goes into a field of each name, whatever message it is in: the names mean one thing.
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]))
GTINS = (
    st.text("0123456789", min_size=13, max_size=13)
    .filter(lambda payload: bool(payload.strip("0")))
    .map(lambda payload: Gtin(payload + str(check_digit(payload))))
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "gtin": GTINS,
    "had": st.none() | GTINS,
    "source": NAMES.map("/devices/{}".format),
    "email": st.emails(),
    "frame": st.binary(min_size=17, max_size=17).map(b64encode),
    "dbm": st.floats(DBM_MIN, DBM_MAX),
    "traceparent": st.none() | st.text(max_size=55),
    "tracestate": st.none() | st.text(max_size=512),
}
FIXED = {"specversion": "1.0", "datacontenttype": "application/json"}


@cache
def messages(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Return a strategy of every message of a class, built from what the class declares."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        if name in FIXED:
            fields[name] = st.just(FIXED[name])
        elif name == "source" and "/gateway" in get_args(annotation):
            fields[name] = st.just("/gateway")
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields[name] = messages(annotation)
        elif (one := _model_in(annotation)) is not None:
            fields[name] = st.none() | messages(one)
        elif name == "lines":
            fields[name] = st.lists(messages(get_args(annotation)[0]), max_size=3).map(tuple)
        elif name == "heard":
            fields[name] = st.lists(messages(HeardFrame), min_size=1, max_size=3).map(tuple)
        elif name == "gtins":
            fields[name] = st.lists(FIELDS["gtin"], max_size=3).map(tuple)
        elif name in FIELDS:
            fields[name] = FIELDS[name]
        else:
            fields[name] = _by_schema(model, name)
    return st.builds(model, **fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type there is
    """Return the model of ``Model | None``."""
    found = get_args(annotation)
    models = [one for one in found if isinstance(one, type) and issubclass(one, BaseModel)]
    return models[0] if models and type(None) in found else None


def _by_schema(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    """Return values that the published schema of this field allows."""
    whole = model.model_json_schema()
    return _values(whole["properties"][name], whole.get("$defs", {}))


def _values(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return st.one_of([_values(one, definitions) for one in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    many = _many(schema, definitions)
    return _simple(schema) if many is None else many


def _many(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any] | None:
    """Return values with values in them, None for a schema of plain ones."""
    if schema.get("type") == "array":
        items = _values(schema["items"], definitions)
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=3).map(tuple)
    if schema.get("type") == "object":
        ((keys, values),) = schema["patternProperties"].items()
        names = st.from_regex(keys.strip("^$"), fullmatch=True)
        return st.dictionaries(
            names, _values(values, definitions), max_size=schema["maxProperties"]
        )
    return None


def _simple(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("format") == "date-time":
        return MOMENTS
    if schema["type"] == "integer":
        return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
    if schema["type"] == "number":
        return st.floats(schema["minimum"], schema["maximum"])
    if "pattern" in schema:
        pattern = schema["pattern"].strip("^$").replace("+", "{1,64}")
        return st.from_regex(pattern, fullmatch=True)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(
            st.characters(exclude_categories=["Cs"]), max_size=schema.get("maxLength", 40)
        ),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return simple[schema["type"]]


def _read(model: type[Wire], payload: bytes) -> Wire:
    if model in EVENTS:
        return codec.decode_event(payload)
    return codec.decode_command(payload) if model in COMMANDS else codec.decode(model, payload)


@pytest.mark.parametrize("model", [*EVENTS, *COMMANDS, *PLAIN], ids=lambda one: one.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_every_message_comes_back_as_it_went(model: type[Wire], data: st.DataObject) -> None:
    """Encoded and decoded, a message is equal to itself and of its own class."""
    message = data.draw(messages(model))
    assert _read(model, codec.encode(message)) == message


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_is_refused_in_three_ways_only(payload: bytes) -> None:
    """Bytes from a broken device raise the declared errors, and nothing else ever."""
    for read in (codec.decode_event, codec.decode_command):
        with pytest.raises(REFUSALS):
            read(payload)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@given(st.data())
def test_a_message_with_one_field_spoilt_is_read_or_refused(data: st.DataObject) -> None:
    """Near misses too: any field, here or in its data, replaced by any JSON."""
    name = data.draw(st.sampled_from([model.__name__ for model in EVENTS]))
    spoilt = json.loads(json.dumps(examples()[name]))
    part = data.draw(st.sampled_from([spoilt, spoilt["data"]]))
    part[data.draw(st.sampled_from([*part, "unknown"]))] = data.draw(JSON_VALUES)
    try:
        codec.decode_event(json.dumps(spoilt).encode())
    except REFUSALS:
        return


@given(st.sampled_from([model.__name__ for model in EVENTS]))
def test_a_field_that_nobody_knows_is_refused(name: str) -> None:
    """A misspelt optional field is an error, not silence."""
    for where in ([], ["data"]):
        message = json.loads(json.dumps(examples()[name]))
        part = message
        for step in where:
            part = part[step]
        part["quantitty"] = 2
        with pytest.raises(InvalidPayload, match="quantitty"):
            codec.decode_event(json.dumps(message).encode())


def test_one_byte_over_the_limit_is_refused_unread() -> None:
    """At the limit a message is looked at, beyond it is not."""
    at_limit = b" " * PAYLOAD_MAX_BYTES
    with pytest.raises(InvalidPayload):
        codec.decode_event(at_limit)
    with pytest.raises(PayloadTooLarge):
        codec.decode_event(at_limit + b" ")


def test_a_wrong_code_is_told_apart_from_a_wrong_message() -> None:
    """A misread barcode is the person's business, a wrong message the operator's."""
    message = json.loads(json.dumps(examples()["ItemScanned"]))
    message["data"]["gtin"] = "4006381333932"
    with pytest.raises(InvalidGtin, match="should be 1"):
        codec.decode_event(json.dumps(message).encode())
    message["data"]["quantity"] = 0
    with pytest.raises(InvalidPayload):
        codec.decode_event(json.dumps(message).encode())
