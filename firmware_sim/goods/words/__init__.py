"""The words of the demo range, read from the TOML files beside this one. Composes nothing."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

HERE: Final = Path(__file__).parent
LANGUAGES: Final = ("en", "he", "pl")


@dataclass(frozen=True)
class Text:
    """One text in the three languages of the shop."""

    en: str
    he: str
    pl: str

    def others(self) -> dict[str, str]:
        """Return what the feeds carry beside the English."""
        return {"he": self.he, "pl": self.pl}


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Material(_Row):
    """What a thing is made of, and the care it asks for."""

    name: tuple[str, str, str]
    care: tuple[str, str, str]


class Form(_Row):
    """A table of range.toml; see the head of that file."""

    category: str
    kind: str
    size_mm: tuple[int, int, int]
    weight_g: int
    sizes: tuple[str, ...] = ("",)
    view: tuple[float, float, float] | None = None
    whole: tuple[str, ...] = ()  # styles of which a close-up shows nothing
    about: tuple[str, str, str]
    items: tuple[tuple[str, str, str, str, int, str, str, str], ...]


@lru_cache(maxsize=1)
def forms() -> Mapping[str, Form]:
    """Return the assortment by form."""
    return {name: Form.model_validate(table) for name, table in _read("range").items()}


@lru_cache(maxsize=1)
def materials() -> Mapping[str, Material]:
    """Return the materials by id."""
    return {name: Material.model_validate(table) for name, table in _read("materials").items()}


@lru_cache(maxsize=1)
def colours() -> Mapping[str, tuple[Text, str]]:
    """Return names and hex value of the colours by id."""
    rows = TypeAdapter(dict[str, tuple[str, str, str, str]]).validate_python(_read("colours"))
    return {name: (Text(en, he, pl), hue) for name, (en, he, pl, hue) in rows.items()}


@lru_cache(maxsize=1)
def reviews() -> Mapping[str, Mapping[str, object]]:
    """Return what people write, by language."""
    return _read("reviews")


def _read(name: str) -> dict[str, dict[str, object]]:  # rows are validated by the callers
    with (HERE / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)
