"""What of a batch is still ours, asked in the batch's own transaction.

A gateway that slept past its lease finds another holder in the row and does nothing. One
whose lease is being taken makes the taker wait for its commit. So two gateways never
work on one partition at the same time, whatever either believes.
"""

from collections.abc import Callable, Sequence

from sqlmodel import Session

from gateway.ingest.read import Item
from gateway.leases.queries import held_until_commit


class LeaseFence:
    """The fence of member ``me``.

    ``since``: on which connection the present tenure of a partition began. What came on
    an earlier one has been done by another holder meanwhile.
    """

    def __init__(self, me: str, since: Callable[[str], float]) -> None:
        self._me = me
        self._since = since

    def ours(self, db: Session, items: Sequence[Item]) -> Sequence[Item]:
        """Return the items whose partitions are ours until the commit, in their order."""
        partitions = {partition_of(item) for item in items}
        held = held_until_commit(db, self._me, partitions)
        since = {name: self._since(name) for name in held}
        return [
            item
            for item in items
            if (name := partition_of(item)) in held and item.message.generation >= since[name]
        ]


def partition_of(item: Item) -> str:
    """Return the partition on whose session a message came; its device may be nobody's."""
    return item.address.partition if item.address else item.message.topic.split("/")[2]
