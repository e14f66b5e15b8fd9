"""A whole tablet: its page on one side, a real broker on the other, no server's HTTP at all."""

from datetime import UTC, datetime
from pathlib import Path

import httpx2

from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from gateway.wire.codec import encode
from gateway.wire.downlink import AckOutcome, CartData, ShowCart, ShownLine
from gateway.wire.events import DeviceTakenUp, ItemScanned
from gateway.wire.topics import DeviceAddress
from store_devices.enrolling import Enrolled
from store_devices.tablet.run import Hardware, Tablet
from store_devices.tablet.settings import TabletSettings
from tests.fakes.gateway_end import GatewayEnd
from tests.real.broker import Mosquitto

WAIT_S = 20


def test_a_scan_goes_up_and_the_cart_comes_down(
    mosquitto: Mosquitto, tmp_path: Path, free_port: int
) -> None:
    """HTTP to spool to broker; a cart back to the page; and an orderly end."""
    identity = Enrolled(
        device_id="tab-1",
        kind="tablet",
        location_id="harbour-street",
        partition="p12",
        credential="secret",
        mqtt_url=mosquitto.url,
        public_url="https://shop.example",
        api_url=f"http://127.0.0.1:{free_port}",  # nobody is there
    )
    settings = TabletSettings(device_dir=tmp_path / "device", kiosk_port=0, idle_after_s=90)
    far_end = GatewayEnd(mosquitto.port, DeviceAddress("p12", "harbour-street", "tab-1"))
    far_end.start()
    tablet = Tablet(settings, identity, hardware=Hardware(), clock=SystemClock(), ids=RandomIds())
    tablet.start()
    origin = tablet.url.rstrip("/")
    with httpx2.Client(base_url=origin, headers={"Origin": origin}) as page:
        page.post("/do/scan", data={"code": "4006381333931", "reader": "hid"})
        said = far_end.wait_for(3, WAIT_S)
        (taken,) = [event for event in said if isinstance(event, DeviceTakenUp)]
        (scanned,) = [event for event in said if isinstance(event, ItemScanned)]
        line = ShownLine(
            gtin=Gtin("4006381333931"),
            quantity=1,
            name="Dockside mug",
            price_minor=1400,
            currency="EUR",
        )
        data = CartData(
            visit=taken.data.visit,
            version=1,
            spool=scanned.spool,
            stored_through=scanned.sequence,
            lines=(line,),
        )
        far_end.command(encode(ShowCart(id="c1", time=datetime.now(UTC), data=data)))
        assert far_end.acks.get(timeout=WAIT_S).outcome is AckOutcome.DONE
        drawn = page.get("/").text
        assert "Dockside mug" in drawn
        assert "€14.00" in drawn
    tablet.stop()
    while far_end.statuses.get(timeout=WAIT_S).online:
        pass
    far_end.stop()
