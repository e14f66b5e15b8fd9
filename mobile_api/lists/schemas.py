"""What the lists' API takes and gives."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictBool, StringConstraints

from cart.carts.tables import ListRequestRow
from cart.db.columns import NAME_LENGTH_MAX
from cart.kernel.email import EMAIL_LENGTH_MAX
from cart.kernel.gtin import Gtin
from mobile_api.carts.schemas import Taken

ListName = Annotated[str, StringConstraints(max_length=NAME_LENGTH_MAX, strip_whitespace=True)]


class SaveList(Taken):
    """Keep the cart as a list; ``gtin``: only that line; ``move``: and take it off the cart."""

    name: ListName = ""
    gtin: Gtin | None = None
    move: StrictBool = False


class RenameList(Taken):
    """Another name for a list; empty: it is called by its date again."""

    name: ListName


class MailList(Taken):
    """Send the list to this address, once."""

    email: Annotated[str, Field(max_length=EMAIL_LENGTH_MAX)]
    locale: Literal["en", "he", "pl"] | None = None


class ListOut(BaseModel):
    """A saved list. ``link`` opens it on any device."""

    id: str
    name: str
    link: str
    deleted: bool = False


class MailOut(BaseModel):
    """A mail that was asked for. ``state``: requested, sent or failed (with ``failure``)."""

    id: str
    list_id: str
    state: str
    failure: str = ""


def mail_out(row: ListRequestRow) -> MailOut:
    """Return a mail request for the API; the address is not told again."""
    return MailOut(id=row.id, list_id=row.list_id, state=row.state, failure=row.failure)
