"""What the tablet asks of the server over HTTP: snapshot, shops, pictures, stock.

Owns the addresses and shapes of those requests; keeps nothing. Every answer
is bounded in size and time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

import httpx2
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from cart.kernel.errors import Unavailable
from store_devices.asking import ANSWER_MAX_BYTES, TIMEOUT_S, ask, checked, json_in
from store_devices.tablet.catalogue import Edition
from store_devices.tablet.goods import Location, Product

LINE_MAX_BYTES: Final = 1_048_576  # one product with hundreds of variants and its reviews
SNAPSHOT_MAX_BYTES: Final = 1_073_741_824  # a hundred thousand variants are some 150 MB
PICTURE_MAX_BYTES: Final = 4_194_304

_LOCATIONS: Final = TypeAdapter(list[Location])


class StockFigure(BaseModel):
    """Pieces of one SKU at one location that may be promised, and as of when."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    location_id: str
    sku: str
    available: Annotated[int, Field(ge=0)]
    version: int
    as_of: AwareDatetime


_FIGURES: Final = TypeAdapter(list[StockFigure])


class Server:
    """The API process at ``api_url``."""

    def __init__(self, api_url: str, *, transport: httpx2.BaseTransport | None = None) -> None:
        self._http = httpx2.Client(base_url=api_url, timeout=TIMEOUT_S, transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def snapshot(self, etag: str) -> "Snapshot":
        """Ask for the catalogue; see :class:`Snapshot`. Use as a context manager."""
        return Snapshot(self._http, etag)

    def locations(self) -> list[Location]:
        """Return the shops.

        Raises:
            Unavailable: no answer, or not such a one.
        """
        return checked(_LOCATIONS, _rows(self._ask("GET", "/api/v1/locations"), "locations"))

    def picture(self, name: str) -> bytes:
        """Return a picture's bytes.

        Raises:
            Unavailable: no answer, or there is no such picture.
        """
        return self._ask("GET", f"/pictures/{name}", limit_bytes=PICTURE_MAX_BYTES).content

    def availability(self, skus: list[str], location_ids: list[str]) -> list[StockFigure]:
        """Return what is available-to-promise of these SKUs at these locations.

        Raises:
            Unavailable: no answer, or not such a one.
        """
        question = {"skus": skus, "location_ids": location_ids}
        answer = self._ask("POST", "/api/v1/availability", json=question)
        return checked(_FIGURES, _rows(answer, "availability"))

    def _ask(
        self, method: str, path: str, *, json: object = None, limit_bytes: int = ANSWER_MAX_BYTES
    ) -> httpx2.Response:
        return ask(self._http, method, path, json=json, limit_bytes=limit_bytes)


class Snapshot:
    """The catalogue as it streams in. ``with server.snapshot(etag) as snapshot``.

    ``edition`` says which it is; ``news`` is False when the kept one is still
    right. ``products`` yields them and counts in ``refused`` the lines that are
    no product.

    Raises:
        Unavailable: no answer; also in the middle of ``products``.
    """

    def __init__(self, http: httpx2.Client, etag: str) -> None:
        headers = {"If-None-Match": etag} if etag else {}
        self._etag = etag
        self._opening = http.stream("GET", "/api/v1/catalogue/snapshot", headers=headers)
        self.refused = 0

    def __enter__(self) -> Self:
        """Ask."""
        try:
            self._answer = self._opening.__enter__()
            self.news = self._answer.status_code != httpx2.codes.NOT_MODIFIED
            if self.news:
                self._answer.raise_for_status()
        except httpx2.HTTPError as error:
            msg = f"the catalogue is not to be had: {error}"
            raise Unavailable(msg) from error
        self.edition = Edition(self._answer.headers.get("ETag", self._etag), datetime.now(UTC))
        return self

    def __exit__(self, *failure: object) -> None:
        """Hang up."""
        self._opening.__exit__(None, None, None)

    def products(self) -> Iterator[Product]:
        """Yield what comes, one product per line."""
        size_bytes = 0
        try:
            for line in self._answer.iter_lines():
                size_bytes += len(line)
                if size_bytes > SNAPSHOT_MAX_BYTES:
                    msg = f"the catalogue is longer than {SNAPSHOT_MAX_BYTES} bytes"
                    raise Unavailable(msg)
                if not line.strip():
                    continue
                try:
                    yield Product.model_validate_json(line[:LINE_MAX_BYTES])
                except ValidationError:
                    self.refused += 1  # one bad product does not keep the others from the shop
        except httpx2.HTTPError as error:
            msg = f"the catalogue broke off: {error}"
            raise Unavailable(msg) from error


def _rows(answer: httpx2.Response, field: str) -> Any:  # noqa: ANN401 - checked by the caller
    body = json_in(answer)
    return body.get(field) if isinstance(body, dict) else body
