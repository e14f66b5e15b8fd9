"""The scan page, what a code stands for, and the photo that the server reads."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from sqlmodel import Session

from cart.db import reading
from cart.kernel.errors import InvalidInput, NotFound, PayloadTooLarge, UnreadablePhoto
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from inventory_api.catalogue import queries as catalogue
from mobile_api.carts.basket import Wanted, shown
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.products.pages import here_of
from mobile_api.products.shops import StockWords
from mobile_api.scan.reader import PHOTO_BYTES_MAX
from mobile_api.wiring import Parts, Wired

router = APIRouter()
# Multipart adds a few hundred bytes around the photo.
PHOTO_REQUEST_BYTES_MAX = PHOTO_BYTES_MAX + 4_096
Code = Annotated[str, Query(max_length=2_048)]


@dataclass(frozen=True, slots=True)
class Found:
    """What a code stands for; ``fault``: why it stands for nothing, in the reader's words."""

    fault: str = ""
    gtin: str = ""
    sku: str = ""
    product_id: str = ""
    name: str = ""
    variant: str = ""
    price: Money | None = None
    picture: str | None = None
    alt: str = ""
    stock: StockWords | None = None


class PhotoOut(BaseModel):
    """The code in a photo; ``others``: further codes in it."""

    gtin: str
    others: list[str]


def _found(
    request: Request, wired: Parts, db: Session, visitor: CurrentVisitor, code: str
) -> Found:
    spoken = words(locale_of(request))
    try:
        item = catalogue.item(db, code)
    except (InvalidInput, NotFound) as error:
        return Found(fault=spoken.gettext(TITLES.get(error.code, TITLES["unknown_gtin"])))
    here_id, currency = here_of(db, visitor.find(db, wired.clock))
    want = Wanted(Gtin(item.gtin), item.sku, 1, None, currency)
    line = shown(db, wired.lookup, spoken, [want], here_id=here_id)[0][0]
    return Found(
        gtin=line.gtin,
        sku=line.sku,
        product_id=line.product_id,
        name=line.name,
        variant=line.variant,
        price=line.each,
        picture=line.picture,
        alt=line.alt,
        stock=line.stock,
    )


@router.get("/scan", dependencies=[allow(Role.ANYONE)], include_in_schema=False)
def scan_page(
    request: Request, wired: Wired, visitor: CurrentVisitor, code: Code = ""
) -> HTMLResponse:
    """Show the scan page; ``code``: what was typed where scripts do not run."""
    found = None
    if code.strip():
        with reading(wired.engine) as db:
            found = _found(request, wired, db, visitor, code.strip())
    context = {"found": found, "code": code[:64], "page_id": "scan"}
    return page(request, "scan.html", context)


@router.get("/scan/found", dependencies=[allow(Role.ANYONE)], include_in_schema=False)
def found_part(request: Request, wired: Wired, visitor: CurrentVisitor, code: Code) -> HTMLResponse:
    """Give the part of the page that shows what a code stands for."""
    with reading(wired.engine) as db:
        found = _found(request, wired, db, visitor, code.strip())
    return page(request, "_found.html", {"found": found})


@router.post(
    "/api/v1/cart/scan",
    dependencies=[allow(Role.ANYONE)],
    tags=["cart"],
    max_body_size=PHOTO_REQUEST_BYTES_MAX,
)
def read_photo(
    wired: Wired,
    photo: Annotated[UploadFile, File(description="JPEG, PNG or WebP, at most 12 MB.")],
) -> PhotoOut:
    """Read the barcode in a photo. Changes nothing: the code is added like any other."""
    content = photo.file.read(PHOTO_BYTES_MAX + 1)
    if len(content) > PHOTO_BYTES_MAX:
        msg = f"a photo may have {PHOTO_BYTES_MAX >> 20} MB at most"
        raise PayloadTooLarge(msg, limit_bytes=PHOTO_BYTES_MAX)
    codes = wired.photos.read(content)
    if not codes:
        msg = "there is no barcode to read in this photo"
        raise UnreadablePhoto(msg)
    return PhotoOut(gtin=codes[0], others=codes[1:])
