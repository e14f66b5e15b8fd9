"""HTTP: items by their code, products, locations, and the snapshot for devices."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel

from cart.db import reading
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.gtin import CODE_LENGTH_MAX
from inventory_api.catalogue import queries
from inventory_api.catalogue.model import ItemView, LocationView, ProductView
from inventory_api.catalogue.snapshot import Snapshots
from inventory_api.parts import InventoryParts

JSON_LINES: Final = "application/jsonl"
BLOCK_BYTES: Final = 1 << 16
IF_NONE_MATCH_LENGTH_MAX: Final = 1_000
# PostgreSQL has no NUL in its texts, and would answer a question about one with an error.
NO_NUL: Final = r"^[^\x00]+$"


class LocationsOut(BaseModel):
    """Every location."""

    locations: list[LocationView]


def catalogue_router(parts: InventoryParts) -> APIRouter:
    """Return the routes about products and locations."""
    router = APIRouter(tags=["catalogue"])
    snapshots = Snapshots(parts.engine, parts.data_dir / "snapshots")

    @router.get("/catalogue/items/{code:path}")
    def item(
        code: Annotated[str, PathParameter(max_length=CODE_LENGTH_MAX, pattern=NO_NUL)],
    ) -> ItemView:
        """Look up a GTIN (8, 12, 13 or 14 digits), a GS1 Digital Link (percent-encoded) or a SKU.

        Answers with the variant's SKU and GTIN, and the whole product around it.
        """
        with reading(parts.engine) as db:
            return queries.item(db, code)

    @router.get("/catalogue/products/{product_id}")
    def product(
        product_id: Annotated[str, PathParameter(max_length=ID_LENGTH_MAX, pattern=NO_NUL)],
    ) -> ProductView:
        """Return a product with its variants, prices, pictures and reviews."""
        with reading(parts.engine) as db:
            return queries.product(db, product_id)

    @router.get("/locations")
    def locations() -> LocationsOut:
        """Return every location, with opening hours, zones and bays."""
        with reading(parts.engine) as db:
            return LocationsOut(locations=queries.locations(db))

    @router.get(
        "/catalogue/snapshot",
        response_class=Response,
        responses={
            200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}},
            304: {"description": "The kept snapshot is the present one."},
        },
    )
    def snapshot(
        if_none_match: Annotated[str, Header(max_length=IF_NONE_MATCH_LENGTH_MAX)] = "",
        accept_encoding: Annotated[str, Header(max_length=IF_NONE_MATCH_LENGTH_MAX)] = "",
    ) -> Response:
        """Return the whole catalogue for a device: JSON Lines, one product per line."""
        edition = snapshots.current()
        tag = f'W/"{edition.tag}"'  # weak: the same lines, compressed or not
        headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
        if edition.tag in _tags(if_none_match) or if_none_match.strip() == "*":
            return Response(status_code=304, headers=headers)
        if "gzip" in accept_encoding.lower():
            headers["Content-Encoding"] = "gzip"
            return FileResponse(edition.path, media_type=JSON_LINES, headers=headers)
        return StreamingResponse(_plain(edition.path), media_type=JSON_LINES, headers=headers)

    return router


def _tags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/").strip('"') for part in header.split(",")}


def _plain(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
