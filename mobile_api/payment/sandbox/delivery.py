"""Posts the test bank's webhooks to the shop, again and again until they are taken.

A thread of its own with a real HTTP request: the way is the one that a real
provider's message takes. What is due stands in the bank's books, so a restart
goes on where it was.
"""

import http.client
import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from cart.kernel.clock import Clock
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.signing import HEADER, sign

logger = logging.getLogger(__name__)
LOOK_S: Final = 0.5  # between looks: a payment is told of within this, as a real provider's is
TIMEOUT_S: Final = 10
STOP_WAIT_S: Final = 12  # one post may be under way
TAKEN: Final = range(200, 300)
# body and headers, to the status of the answer; raises OSError where nobody answers
Post = Callable[[bytes, dict[str, str]], int]


def http_post(url: str) -> Post:
    """Return a function that posts to ``url``."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection

    def post(body: bytes, headers: dict[str, str]) -> int:
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", parts.path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()
        return answer.status

    return post


class Delivery:
    """The postman."""

    def __init__(self, bank: Bank, clock: Clock, *, secret: bytes, post: Post) -> None:
        self._bank, self._clock, self._secret, self._post = bank, clock, secret, post
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the post that is under way."""
        self._stop.set()
        self._thread.join(STOP_WAIT_S)

    def deliver_due(self) -> list[int]:
        """Post what is due now; return the answers' statuses, 0 where nobody answered."""
        answers = []
        for due in self._bank.take_due():
            headers = {
                "content-type": "application/json",
                HEADER: sign(self._secret, due.body, self._clock.now()),
            }
            try:
                status = self._post(due.body, headers)
            except OSError as error:
                logger.info("the shop does not answer: %s", error)
                status = 0
            if status in TAKEN:
                self._bank.delivered(due)
            answers.append(status)
        return answers

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.deliver_due()
            except sqlite3.Error:
                logger.exception("the test bank's books cannot be read; trying again")
