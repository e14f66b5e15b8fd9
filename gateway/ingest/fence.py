"""Which messages of a batch are this process's to do. Alone: all of them."""

from collections.abc import Sequence
from typing import Protocol

from sqlmodel import Session

from gateway.ingest.read import Item
from gateway.mqtt import Incoming


class Fence(Protocol):
    """Asked at the start of every transaction that a message causes."""

    def ours(self, db: Session, items: Sequence[Item]) -> Sequence[Item]:
        """Return the items that are ours until this transaction commits, in their order.

        The others are set aside: not done, not acknowledged. They come again to
        whoever is to do them.
        """
        ...


class Unfenced:
    """Nobody else is there."""

    def ours(self, db: Session, items: Sequence[Item]) -> Sequence[Item]:  # noqa: ARG002
        """Return all."""
        return items


def left_out(items: Sequence[Item], ours: Sequence[Item]) -> list[Incoming]:
    """Return the messages of ``items`` that are not among ``ours``."""
    if len(items) == len(ours):
        return []
    kept = {id(item) for item in ours}
    return [item.message for item in items if id(item) not in kept]
