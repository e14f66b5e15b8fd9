"""One question to the server over HTTP: a bounded answer in bounded time, or why there is none."""

from typing import Any, Final, TypeVar

import httpx2
from pydantic import TypeAdapter, ValidationError

from cart.kernel.errors import Unavailable

TIMEOUT_S: Final = 5.0  # a person waits before the screen; of a stream, per block
ANSWER_MAX_BYTES: Final = 4_194_304

T = TypeVar("T")


def ask(
    http: httpx2.Client,
    method: str,
    path: str,
    *,
    json: object = None,
    limit_bytes: int = ANSWER_MAX_BYTES,
    refusals: bool = False,
) -> httpx2.Response:
    """Return the answer, read to its end. ``refusals``: a 4xx is an answer as well.

    Raises:
        Unavailable: no answer, one that is too long, or a 4xx or 5xx.
    """
    try:
        with http.stream(method, path, json=json) as answer:
            if not (refusals and answer.is_client_error):
                answer.raise_for_status()
            body = bytearray()
            for block in answer.iter_bytes():
                body += block
                if len(body) > limit_bytes:
                    msg = f"{path} answers more than {limit_bytes} bytes"
                    raise Unavailable(msg)
    except httpx2.HTTPError as error:
        msg = f"{path} is not to be had: {error}"
        raise Unavailable(msg) from error
    headers = {"Content-Type": answer.headers.get("Content-Type", "")}
    return httpx2.Response(answer.status_code, headers=headers, content=bytes(body))


def json_in(answer: httpx2.Response) -> Any:  # noqa: ANN401 - checked by the caller
    """Return the body as JSON.

    Raises:
        Unavailable: it is none.
    """
    try:
        return answer.json()
    except ValueError as error:
        msg = "the answer is no JSON"
        raise Unavailable(msg) from error


def checked(adapter: TypeAdapter[T], value: object) -> T:
    """Return ``value`` as what the adapter says it is.

    Raises:
        Unavailable: it is something else.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        msg = f"the answer is not as agreed: {error.errors()[0]['msg']}"
        raise Unavailable(msg) from error
