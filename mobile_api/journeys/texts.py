"""Two ways to let a text go: a file to look at, and a webhook that passes it on.

Satisfy ``cart.journeys.ports.Texts``. Who really sends SMS or WhatsApp is a service of the
operator's; a text has one id, so what is told again after a crash is known there.
"""

import json
import logging
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic_core import to_json

from cart.journeys.ports import Text, TextNotTaken
from cart.kernel.clock import Clock
from mobile_api.outgoing.sending import NotDelivered, Sender

FOLDER: Final = "texts"
FILES_KEPT: Final = timedelta(days=30)  # they are for looking at
SHOWN_DIGITS: Final = 3  # of a number, in the file: enough to know one's own
FILE_BYTES_MAX: Final = 10_000_000  # some tens of thousands of texts a day; a shop has fewer
_LOG = logging.getLogger(__name__)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl")


@dataclass(frozen=True, slots=True)
class FileTexts:
    """Writes each text once into the file of the day on which it was asked for.

    Nobody is reached by it. Of a number the last digits alone are written: the file is not a
    list of numbers.
    """

    folder: Path
    clock: Clock

    def send(self, text: Text) -> None:
        """Write a line of JSON, unless the text has one."""
        path = self.folder / f"{text.asked_at:%Y-%m-%d}.jsonl"
        line = json.dumps(
            {
                "id": text.id,
                "channel": text.channel.value,
                "to": "…" + text.to[-SHOWN_DIGITS:],
                "locale": text.locale,
                "text": text.text,
            },
            ensure_ascii=False,
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            forget(self.folder, self.clock)
            if path.exists() and _has(path, text.id):
                return
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            msg = f"the folder of texts takes nothing: {error.strerror}"
            raise TextNotTaken(msg) from error


def overdue(folder: Path, clock: Clock) -> list[Path]:
    """Return the files of days that are longer ago than they are kept."""
    oldest = f"{clock.now() - FILES_KEPT:%Y-%m-%d}.jsonl"
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if _DAY.fullmatch(one.name) and one.name < oldest)


def forget(folder: Path, clock: Clock) -> int:
    """Delete those files; return how many. One that cannot be deleted is said, and waits."""
    gone = 0
    for one in overdue(folder, clock):
        try:
            one.unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning("%s is kept too long: %s", one.name, error.strerror)
        else:
            gone += 1
    return gone


def _has(path: Path, text_id: str) -> bool:
    """Say whether a file has a text. A line that was cut off by a crash is none."""
    if path.stat().st_size > FILE_BYTES_MAX:
        msg = f"{path.name} is full"
        raise TextNotTaken(msg)
    start = json.dumps({"id": text_id}, ensure_ascii=False)[:-1]
    with path.open(encoding="utf-8") as file:
        return any(line.startswith(start) and line.endswith("}\n") for line in file)


@dataclass(frozen=True, slots=True)
class WebhookTexts:
    """Posts each text to an address of the operator's, signed where there is a secret."""

    sender: Sender
    url: str
    secret: str

    def send(self, text: Text) -> None:
        """Post it as JSON; the same ``Idempotency-Key`` whenever it is posted again."""
        body = to_json(
            {
                "id": text.id,
                "channel": text.channel.value,
                "to": text.to,
                "locale": text.locale,
                "text": text.text,
            }
        )
        try:
            self.sender.post(
                self.url,
                body,
                message_id=text.id,
                secret=self.secret,
                headers={"Idempotency-Key": text.id},
            )
        except NotDelivered as error:
            raise TextNotTaken(str(error)) from error
