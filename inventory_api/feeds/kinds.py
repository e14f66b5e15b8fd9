"""Which kinds of feed there are, and which kind a file is."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Final

from cart.kernel.errors import UnusableFeed

SUFFIXES: Final = (".jsonl", ".ndjson", ".csv")


class Kind(StrEnum):
    """In the order in which they build on each other."""

    LOCATIONS = "locations"
    CATALOGUE = "catalogue"
    COUNTS = "counts"
    REVIEWS = "reviews"


def kind_of(path: Path) -> Kind:
    """Return the kind that a file's name says: ``counts.csv``, ``2026-11-22-counts.jsonl``.

    Raises:
        UnusableFeed: the name says none, or more than one.
    """
    words = set(re.split(r"[^a-z]+", path.stem.lower()))
    found = [kind for kind in Kind if kind.value in words]
    if len(found) != 1:
        msg = (
            f"{path.name}: its name does not say what it is; name it after one of"
            f" {', '.join(Kind)}, or give --kind"
        )
        raise UnusableFeed(msg, file=path.name)
    return found[0]


def files_of(paths: list[Path], kind: Kind | None) -> list[tuple[Kind, Path]]:
    """Return the feeds among these files and folders, in the order to take them.

    In a folder, files whose name says no kind are left alone. ``kind``: what the
    files named one by one are, whatever they are called.

    Raises:
        UnusableFeed: a path that is not there, a file of another format or
            without a kind, or a folder without feeds.
    """
    found: list[tuple[Kind, Path]] = []
    for path in paths:
        if path.is_dir():
            found += _in_folder(path)
        elif not path.is_file():
            msg = f"{path}: there is no such file or folder"
            raise UnusableFeed(msg, file=str(path))
        elif path.suffix.lower() not in SUFFIXES:
            msg = f"{path.name}: a feed is CSV or JSON Lines ({', '.join(SUFFIXES)})"
            raise UnusableFeed(msg, file=path.name)
        else:
            found.append((kind or kind_of(path), path))
    order = list(Kind)
    return sorted(found, key=lambda feed: order.index(feed[0]))


def _in_folder(folder: Path) -> list[tuple[Kind, Path]]:
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            try:
                found.append((kind_of(path), path))
            except UnusableFeed:
                continue
    if not found:
        msg = f"{folder}: no feed in it; files are named after {', '.join(Kind)}"
        raise UnusableFeed(msg, file=str(folder))
    return found
