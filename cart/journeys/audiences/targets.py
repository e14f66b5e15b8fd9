"""Where audiences go: a port, and two ways through it. An upload is additions and removals."""

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pydantic_core import to_json

from cart.journeys.audiences.hashing import Style
from cart.kernel.errors import Unavailable

OK_FROM, OK_BELOW = 200, 300
FILE: Final = "file"  # names of the targets that there are
WEBHOOK: Final = "webhook"
# Meta's customer file calls the column so, Google's file template the other way.
COLUMN: Final[Mapping[Style, str]] = {Style.GOOGLE: "Email", Style.META: "email"}


@dataclass(frozen=True, slots=True)
class Upload:
    """``number`` grows with each try of an audience. Hashes are hex SHA-256, in order."""

    audience_id: str
    number: int
    style: Style
    add: Sequence[str]
    remove: Sequence[str]


class AudienceTarget(Protocol):
    """Takes uploads. May block. The same hash added or removed again changes nothing there."""

    def take(self, upload: Upload) -> None:
        """Take it, whole.

        Raises:
            Unavailable: not taken, or nobody knows; it is sent again.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A folder of CSV files for whoever uploads them by hand: ``3-add.csv``, ``3-remove.csv``."""

    folder: Path

    def take(self, upload: Upload) -> None:
        """Write what there is; a file is there whole or not at all."""
        folder = self.folder / upload.audience_id
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for word, hashes in (("remove", upload.remove), ("add", upload.add)):
                if hashes:
                    _write(folder / f"{upload.number}-{word}.csv", COLUMN[upload.style], hashes)
        except OSError as error:
            msg = f"the folder of audiences takes nothing: {error.strerror}"
            raise Unavailable(msg) from error


def _write(path: Path, column: str, hashes: Sequence[str]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[column], *([one] for one in hashes)])
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class Poster(Protocol):
    """Posts bytes to an address outside; keeps from addresses inside, and from waiting long."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer.

        Raises:
            Unavailable: there was none.
        """
        ...


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """An address of the retailer's that passes it on. ``Idempotency-Key``: audience and number."""

    url: str
    post: Poster

    def take(self, upload: Upload) -> None:
        """Post it as JSON; any answer but 2xx is none."""
        body = to_json(
            {
                "audience": upload.audience_id,
                "number": upload.number,
                "style": upload.style.value,
                "remove": list(upload.remove),
                "add": list(upload.add),
            }
        )
        key = f"{upload.audience_id}-{upload.number}"
        status = self.post(
            self.url, body, {"Content-Type": "application/json", "Idempotency-Key": key}
        )
        if not OK_FROM <= status < OK_BELOW:
            msg = f"the audience's address answered {status}"
            raise Unavailable(msg)
