"""Every table says what it holds of people, and the page for operators says the same."""

from dataclasses import replace

import pytest
from sqlmodel import SQLModel

from cart.db.migrate import load_tables
from cart.kernel.i18n import LOCALES
from cart.personal.model import Erasure, Holding, Scope, faults
from mobile_api.look.words import words
from mobile_api.rights.exporting import PARTS
from mobile_api.rights.labels import COLUMNS, NO, TABLES, YES
from mobile_api.rights.registry import REGISTRY


def columns() -> dict[str, list[str]]:
    """Return the columns of every table that the code declares."""
    load_tables()
    return {table.name: list(table.columns.keys()) for table in SQLModel.metadata.tables.values()}


def test_every_table_and_column_is_a_decision() -> None:
    """A table that is not in the registry, or a column that nobody has thought of, fails here."""
    assert faults(REGISTRY, columns()) == []


def test_an_id_is_found_before_it_is_looked_for() -> None:
    """What finds rows is revealed by some row, or is where a search begins."""
    revealed = {reveal.scope for one in REGISTRY for reveal in one.reveals} | {Scope.CUSTOMER}
    used = {scope for one in REGISTRY for _, scope in one.found}
    used |= {each.scope for one in REGISTRY for each in one.inside}
    assert used <= revealed


def test_what_an_erasure_empties_is_what_an_export_shows_or_a_key() -> None:
    """An address in any column of a row that stays is emptied."""
    staying = [one for one in REGISTRY if one.erasure in (Erasure.BLANK, Erasure.KEEP)]
    kept = {
        f"{one.table}.{column}"
        for one in staying
        for column in one.shown
        if column in {"email", "address", "customer_id"} and column not in one.blanks
    }
    assert kept == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_that_is_shown_has_a_name_in_every_language(locale: str) -> None:
    """A page for people: no table and no column stands there by its name in the database."""
    said = words(locale).gettext
    shown = {column for one in REGISTRY for column in one.shown}
    assert shown == COLUMNS.keys()
    assert {table for _, names in PARTS for table in names} == TABLES.keys()
    if locale != "en":
        english = {*COLUMNS.values(), *TABLES.values(), YES, NO} - {"E-mail"}
        assert [text for text in english if said(text) == text] == []


LIST = Holding(
    "list",
    holds="her list",
    found=(("owner", Scope.SESSION),),
    shown=("name",),
    hidden=("owner",),
    erasure=Erasure.DELETE,
    kept="a year",
)


@pytest.mark.parametrize(
    ("holding", "there", "said"),
    [
        (LIST, ["owner", "name", "phone"], "list: neither shown nor hidden: ['phone']"),
        (LIST, ["owner"], "list: no such column: ['name']"),
        (replace(LIST, found=()), ["owner", "name"], "list: does not say how"),
        (replace(LIST, kept=""), ["owner", "name"], "list: does not say for how long"),
        (replace(LIST, erasure=Erasure.KEEP), ["owner", "name"], "list: does not say why"),
        (replace(LIST, erasure=Erasure.NONE), ["owner", "name"], "list: does not say what"),
        (replace(LIST, blanks={"name": ""}), ["owner", "name"], "list: what is emptied"),
        (Holding("list", why="goods"), ["id", "email"], "list: sounds personal: ['email']"),
        (Holding("list"), ["id"], "list: does not say why"),
    ],
)
def test_what_is_missing_is_said(holding: Holding, there: list[str], said: str) -> None:
    """Each way to leave something out has its own sentence."""
    assert any(one.startswith(said) for one in faults([holding], {"list": there}))


def test_a_table_that_nobody_registered_is_said() -> None:
    """Neither too many nor too few."""
    assert faults([], {"diary": ["text"]}) == ["diary: not registered"]
    assert faults([LIST, LIST], {"list": ["owner", "name"]}) == ["list: registered twice"]
    assert faults([LIST], {}) == ["list: there is no such table"]
