"""Bytes to messages and back; the size limit is here, so nothing larger is ever parsed."""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cart.kernel.errors import CarryoverError, InvalidGtin, InvalidPayload, PayloadTooLarge
from gateway.wire.downlink import Command
from gateway.wire.events import PAYLOAD_MAX_BYTES, DeviceEvent, Wire

_EVENT: TypeAdapter[DeviceEvent] = TypeAdapter(DeviceEvent)
_COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
# A cart of 200 lines with long names; commands are ours, so this only catches mistakes.
COMMAND_MAX_BYTES = 131_072

M = TypeVar("M", bound=Wire)


def decode_event(payload: bytes) -> DeviceEvent:
    """Return the event in ``payload`` (UTF-8 JSON).

    Raises:
        PayloadTooLarge: over PAYLOAD_MAX_BYTES.
        InvalidGtin: all is well but the code.
        InvalidPayload: anything else; the message names the first field at fault.
    """
    _check_size(payload, PAYLOAD_MAX_BYTES)
    try:
        return _EVENT.validate_json(payload)
    except ValidationError as error:
        raise _explained(error) from error


def decode_command(payload: bytes) -> Command:
    """Return the command in ``payload``.

    Raises:
        PayloadTooLarge: over COMMAND_MAX_BYTES.
        InvalidPayload: not a command of this version.
    """
    _check_size(payload, COMMAND_MAX_BYTES)
    try:
        return _COMMAND.validate_json(payload)
    except ValidationError as error:
        raise _explained(error) from error


def decode(model: type[M], payload: bytes) -> M:
    """Return a plain message (receipt, status, ack, notice) of type ``model``.

    Raises:
        PayloadTooLarge: over PAYLOAD_MAX_BYTES.
        InvalidPayload: it is not one.
    """
    _check_size(payload, PAYLOAD_MAX_BYTES)
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise _explained(error) from error


def encode(message: Wire) -> bytes:
    """Return compact UTF-8 JSON; fields that are None are left out."""
    return message.__pydantic_serializer__.to_json(message, exclude_none=True)


def _check_size(payload: bytes, limit_bytes: int) -> None:
    if len(payload) > limit_bytes:
        msg = f"the message has {len(payload)} bytes; the limit is {limit_bytes}"
        raise PayloadTooLarge(msg, size_bytes=len(payload), limit_bytes=limit_bytes)


def _explained(error: ValidationError) -> CarryoverError:
    details: list[Any] = error.errors(include_url=False, include_context=False)
    first = details[0]
    where = ".".join(str(part) for part in first["loc"]) or "the message"
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    msg = f"{where}: {first['msg']}{more}"
    if all(detail["type"] == InvalidGtin.code for detail in details):
        return InvalidGtin(msg)
    return InvalidPayload(msg, field=where)
