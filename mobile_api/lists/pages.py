"""Pages of saved lists: the shopper's own, and one opened by its link."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from cart.carts.queries import saved_lists
from cart.carts.tables import ListRequestRow, SavedListRow
from cart.db import reading
from mobile_api.carts.basket import ShownLine, Wanted, shown, totals
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, list_link, list_of_link
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.lists import queries
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ListCard:
    """A list on the page of lists."""

    row: SavedListRow
    pieces: int
    link: str
    preview: tuple[ShownLine, ...]
    mail: ListRequestRow | None


@router.get("/lists")
def my_lists(request: Request, wired: Wired, visitor: CurrentVisitor) -> HTMLResponse:
    """Show the lists kept by this phone."""
    spoken = words(locale_of(request))
    cards: list[ListCard] = []
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        rows = saved_lists(db, shopper.id) if shopper else []
        ids = [row.id for row, _ in rows]
        previews = queries.previews(db, ids)
        mails = queries.last_requests(db, ids)
        every: list[Wanted] = [one for preview in previews.values() for one in preview]
        lines = {
            line.gtin: line for line in shown(db, wired.lookup, spoken, every, here_id=None)[0]
        }
        for row, pieces in rows:
            preview = tuple(lines[one.gtin] for one in previews.get(row.id, []))
            link = f"/l/{list_link(wired.secret, row.id)}"
            cards.append(ListCard(row, int(pieces), link, preview, mails.get(row.id)))
    return page(request, "lists.html", {"cards": cards, "page_id": "lists"})


@router.get("/l/{link}")
def shared_list(
    request: Request,
    link: Annotated[str, Path(max_length=LINK_LENGTH_MAX)],
    wired: Wired,
    visitor: CurrentVisitor,
) -> HTMLResponse:
    """Show a list to whoever has its link, on any device."""
    list_id = list_of_link(wired.secret, link)
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        row = queries.open_list(db, list_id)
        wanted = queries.wanted(db, list_id)
        here_id = wanted[-1].location_id if wanted else None
        lines, here, _ = shown(db, wired.lookup, spoken, wanted, here_id=here_id)
        shopper = visitor.find(db, wired.clock)
    context = {
        "row": row,
        "lines": lines,
        "here": here,
        "pieces": sum(line.quantity for line in lines),
        "totals": totals(lines),
        "link": link,
        "own": shopper is not None and shopper.id == row.session_id,
        "page_id": "list",
    }
    return page(request, "list.html", context, headers={"X-Robots-Tag": "noindex"})
