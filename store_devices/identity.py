"""Who this device is: the answer to its enrolment, in one file that only its owner may read."""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cart.kernel.errors import InvalidPayload, Unavailable
from gateway.wire.topics import DeviceAddress
from store_devices.enrolling import Enrolled

FILE: Final = "identity.json"
NEXT_FILE: Final = "next-credential"  # of a rotation under way, which another identity ends
MODE: Final = 0o600  # the credential is in it
FOLDER_MODE: Final = 0o700


def keep(folder: Path, enrolled: Enrolled) -> Path:
    """Write the identity into the device's folder, over the one before; return the file."""
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    path = folder / FILE
    write(path, enrolled.model_dump_json(indent=2, exclude={"certificate"}))
    (folder / NEXT_FILE).unlink(missing_ok=True)
    return path


def write(path: Path, text: str) -> None:
    """Put ``text`` there, whole or not at all, readable by its owner only; then it is on the disk.

    Raises:
        OSError: the disk refuses; what is there is whole, the text before or this one.
    """
    fresh = path.with_name(f".{path.name}.part")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name too, not the bytes alone
    finally:
        os.close(folder)


def load(folder: Path, kind: str = "tablet") -> Enrolled:
    """Return the identity in the device's folder; ``kind`` is the command that makes one.

    Raises:
        Unavailable: there is none; the message says how to get one.
        InvalidPayload: the file is damaged.
    """
    path = folder / FILE
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        msg = f"{folder} has no identity yet: run `store_devices {kind} enrol` first"
        raise Unavailable(msg) from error
    try:
        return Enrolled.model_validate_json(text)
    except ValidationError as error:
        msg = f"{path} is damaged; enrol the device again"
        raise InvalidPayload(msg) from error


def address(enrolled: Enrolled) -> DeviceAddress:
    """Return where this device lives on the broker."""
    return DeviceAddress(enrolled.partition, enrolled.location_id, enrolled.device_id)


def firmware() -> str:
    """Return what this device runs, as its health says it."""
    return version("carryover")
