"""HTTP: items by their code, products, locations, and the snapshot for devices."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
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


class CatalogueDesk:
    """What the routes of one process share: ``app.state.catalogue``."""

    def __init__(self, parts: InventoryParts) -> None:
        self.engine = parts.engine
        self.snapshots = Snapshots(parts.engine, parts.data_dir / "snapshots")


def desk_of(request: Request) -> CatalogueDesk:
    """Return what the process has for these routes."""
    found: CatalogueDesk = request.app.state.catalogue
    return found


router = APIRouter(tags=["catalogue"])


@router.get("/catalogue/items/{code:path}")
def item(
    request: Request,
    code: Annotated[str, PathParameter(max_length=CODE_LENGTH_MAX, pattern=NO_NUL)],
) -> ItemView:
    """Look up a GTIN (8, 12, 13 or 14 digits), a GS1 Digital Link (percent-encoded) or a SKU.

    Answers with the variant's SKU and GTIN, and the whole product around it.
    """
    with reading(desk_of(request).engine) as db:
        return queries.item(db, code)


@router.get("/catalogue/products/{product_id}")
def product(
    request: Request,
    product_id: Annotated[str, PathParameter(max_length=ID_LENGTH_MAX, pattern=NO_NUL)],
) -> ProductView:
    """Return a product with its variants, prices, pictures and reviews."""
    with reading(desk_of(request).engine) as db:
        return queries.product(db, product_id)


@router.get("/locations")
def locations(request: Request) -> LocationsOut:
    """Return every location, with opening hours, zones and bays."""
    with reading(desk_of(request).engine) as db:
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
    request: Request,
    if_none_match: Annotated[str, Header(max_length=IF_NONE_MATCH_LENGTH_MAX)] = "",
    accept_encoding: Annotated[str, Header(max_length=IF_NONE_MATCH_LENGTH_MAX)] = "",
) -> Response:
    """Return the whole catalogue for a device: JSON Lines, one product per line."""
    edition = desk_of(request).snapshots.current()
    tag = f'W/"{edition.tag}"'  # weak: the same lines, compressed or not
    headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
    if edition.tag in _tags(if_none_match) or if_none_match.strip() == "*":
        return Response(status_code=304, headers=headers)
    if "gzip" in accept_encoding.lower():
        headers["Content-Encoding"] = "gzip"
        return FileResponse(edition.path, media_type=JSON_LINES, headers=headers)
    return StreamingResponse(_plain(edition.path), media_type=JSON_LINES, headers=headers)


def _tags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/").strip('"') for part in header.split(",")}


def _plain(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
