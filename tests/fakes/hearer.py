"""A device that does nothing with what it is told."""

from gateway.wire.downlink import Command, StockNotice
from store_devices.link import Answer, LinkState


class DeafHearer:
    """Says done to every command."""

    def command(self, command: Command) -> Answer:
        """Say done."""
        del command
        return Answer()

    def stock(self, notice: StockNotice) -> None:
        """Pass over it."""

    def link(self, state: LinkState) -> None:
        """Pass over it."""
