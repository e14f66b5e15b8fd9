"""Questions about stock that come at once are answered together, each its own, each as of now."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
from fastapi import FastAPI

from cart.db import unit_of_work
from cart.kernel.clock import SystemClock
from inventory_api.stock import service
from inventory_api.stock.model import Reason
from tests.mobile_api.served import serving
from tests.mobile_api.shop import HERE

PATH = "/api/v1/availability"
QUESTIONS: tuple[dict[str, list[str]], ...] = (
    {"skus": ["lamp-red"], "location_ids": [HERE]},
    {"skus": ["mug", "lamp-red", "mug"], "location_ids": ["mill-lane", HERE]},
    {"skus": ["nobody"], "location_ids": [HERE, "nowhere"]},
)


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without when it was read."""
    lines = [{**line, "as_of": ""} for line in answer["availability"]]
    return {**answer, "as_of": "", "availability": lines}


def test_each_gets_the_answer_it_would_get_alone(system_app: FastAPI) -> None:
    """Also where questions name the same things, repeat themselves, or name what is unknown."""
    with serving(system_app) as url:

        def ask(number: int) -> dict[str, Any]:
            with httpx2.Client(base_url=url) as client:
                answer = client.post(PATH, json=QUESTIONS[number % len(QUESTIONS)])
                assert answer.status_code == 200, answer.text
                return _told(answer.json())

        alone = [ask(number) for number in range(len(QUESTIONS))]
        with ThreadPoolExecutor(12) as pool:
            together = list(pool.map(ask, range(60)))
    assert together == [alone[number % len(QUESTIONS)] for number in range(60)]


def test_what_was_booked_before_a_question_is_in_its_answer(system_app: FastAPI) -> None:
    """However many ask meanwhile: an acknowledged movement is never missing from a later answer."""
    parts = system_app.state.parts
    ending = threading.Event()
    with serving(system_app) as url, httpx2.Client(base_url=url) as client:

        def crowd() -> int:
            count = 0
            with httpx2.Client(base_url=url) as other:
                while not ending.is_set():
                    count += other.post(PATH, json=QUESTIONS[1]).status_code == 200
            return count

        with ThreadPoolExecutor(4) as pool:
            others = [pool.submit(crowd) for _ in range(4)]
            for number in range(20):
                with unit_of_work(parts.engine) as db:
                    booked = service.move(
                        db,
                        SystemClock(),
                        location_id=HERE,
                        sku="lamp-red",
                        delta=1,
                        reason=Reason.RECEIVED,
                        reference=f"delivery-{number}",
                    )
                (line,) = client.post(PATH, json=QUESTIONS[0]).json()["availability"]
                assert (line["available"], line["version"]) == (booked.available, booked.version)
            ending.set()
            assert all(one.result() for one in others)
