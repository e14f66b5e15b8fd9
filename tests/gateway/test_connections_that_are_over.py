"""Whoever comes back to the broker again and again keeps no files open of the times before.

paho has two sockets to itself for each client. A circle of references keeps them until the
collector comes, which in a server is seldom: at 1,024 files paho's ``select`` takes no more.
"""

import pytest

from gateway.mqtt import MqttLink, address_of
from gateway.wire.topics import DeviceAddress
from store_devices.connection import Connected, Connection
from store_devices.link import UplinkOptions
from tests.real.broker import Mosquitto
from tests.real.open_files import LISTED, no_collector, open_files

pytestmark = pytest.mark.skipif(not LISTED.exists(), reason="open files are not listed here")

AGAIN = 10
WAIT_S = 20


def test_a_devices_connections_hold_no_files(mosquitto: Mosquitto) -> None:
    """Ten, one after another, each up and closed: as many files as before."""
    address = DeviceAddress("p01", "harbour-street", "tablet-1")
    options = UplinkOptions(mosquitto.url, address, "secret", firmware="1.0")
    with no_collector():
        before = open_files()
        for _ in range(AGAIN):
            connection = Connection(options, "secret")
            connection.open(options)
            assert isinstance(connection.inbox.get(timeout=WAIT_S), Connected)
            connection.close()
            del connection
        assert open_files() <= before


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_gateways_links_hold_no_files(mosquitto: Mosquitto, version: str) -> None:
    """The sessions of partitions come and go with their leases, all day long."""
    came: list[object] = []
    with no_collector():
        before = open_files()
        for _ in range(AGAIN):
            link = MqttLink(
                lambda: address_of(mosquitto.url, version),
                client_id="gateway-p01",
                subscriptions=[("shop/v1/p01/+/+/events", 1)],
                on_message=came.append,
                by_hand=True,
            )
            link.start()
            assert link.wait_online(WAIT_S)
            link.stop()
            link.stop()  # whoever ends a process may end it twice
            del link
        assert open_files() <= before
