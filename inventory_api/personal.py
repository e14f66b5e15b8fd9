"""What the tables of the catalogue and the stock hold of people: next to nothing."""

from typing import Final

from cart.personal.model import Holding

_GOODS: Final = "goods and shops, of nobody"

HELD: Final = (
    *(Holding(table, why=_GOODS) for table in ("bay", "catalogue_version", "price", "variant")),
    Holding("price_change", why=_GOODS),
    Holding("stock", why=_GOODS),
    Holding("stock_mark", plain=("name",), why=_GOODS),
    Holding("location", plain=("name", "name_i18n", "address"), why=_GOODS),
    Holding("zone", plain=("name", "name_i18n"), why=_GOODS),
    Holding("product", plain=("name", "name_i18n"), why=_GOODS),
    Holding("picture", plain=("name",), why=_GOODS),
    Holding("feed_run", plain=("file_name",), why="a file of the retailer's"),
    Holding(
        "movement", why="goods of an attempt to pay, by its id: after an erasure that is nobody's"
    ),
    Holding(
        "reservation",
        why="goods of an attempt to pay, by its id: after an erasure that is nobody's",
    ),
    Holding(
        "review",
        plain=("author", "text"),
        why="published under a name of the author's choice and taken from the retailer's feed:"
        " it is erased there, and the next feed erases it here",
    ),
)
