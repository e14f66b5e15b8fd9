"""A wristband held to a real tablet, over a real broker, and the end of it when she has gone."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from cart.carts.service import Shopping, add_line, open_session
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.binding import tapping
from gateway.binding.news import changed
from gateway.binding.tables import BindingRow
from gateway.commands.tables import DeviceCommandRow
from gateway.downlink import Downlink
from gateway.fanout import Fanout
from gateway.ingest.batch import Domain
from gateway.ingest.lanes import Lanes
from gateway.ingest.loop import IngestLoop
from gateway.links import hearing
from gateway.registry.model import Enrolled
from gateway.sessions import SoleSession
from gateway.settings import MqttSettings
from inventory_api.catalogue.queries import sellables
from store_devices.tablet import fetching
from store_devices.tablet.run import Hardware, Tablet
from store_devices.tablet.settings import TabletSettings
from tests.fakes.holders import KnownBands, frame_of
from tests.fakes.shop import JACKET, enrolled, stock_catalogue
from tests.fakes.shop import Tablet as Speaker
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
DANA = 7
GONE_WITHIN_S = 2.0  # of the gateway knowing that she went


@dataclass
class Shop:
    """A gateway's parts at work on a broker, and one tablet with a receiver at it."""

    engine: Engine
    downlink: Downlink
    bands: KnownBands
    tablet: Tablet
    device: Enrolled
    receiver: Speaker
    broker: Mosquitto
    fanout: Fanout

    @property
    def page(self) -> str:
        """The tablet's screen now."""
        return httpx2.get(self.tablet.url).text

    def live(self) -> BindingRow | None:
        """Return the tablet's live binding."""
        with reading(self.engine) as db:
            asked = select(BindingRow).where(col(BindingRow.ended_at).is_(None))
            return db.exec(asked).one_or_none()

    def tap(self) -> None:
        """Let the receiver hear Dana's band, as a receiver says it."""
        heard = {"frame": b64encode(frame_of(DANA)).decode(), "dbm": -31.5}
        event = self.receiver.event("band.presented", {"by": "near", "heard": [heard]})
        message = self.receiver.message(event)
        with MqttClient(self.broker.port, "receiver") as line:
            line.publish(message.topic, message.payload)

    def answers(self) -> list[tuple[str, str]]:
        """Return type and outcome of every command that the tablet has answered."""
        with reading(self.engine) as db:
            rows = db.exec(select(DeviceCommandRow).order_by(DeviceCommandRow.id)).all()
            return [(row.type, row.outcome) for row in rows if row.acked_at is not None]


def tablet_of(device: Enrolled, broker: Mosquitto, folder: Path, nobody_port: int) -> Tablet:
    """Return the tablet as a shop has it; of the server's HTTP there is nothing."""
    identity = fetching.Enrolled(
        device_id=device.device_id,
        kind="tablet",
        location_id=device.location_id,
        partition=device.partition,
        credential=device.credential,
        mqtt_url=broker.url,
        public_url="https://shop.example",
        api_url=f"http://127.0.0.1:{nobody_port}",
    )
    settings = TabletSettings(device_dir=folder / "device", kiosk_port=0, idle_after_s=90)
    return Tablet(settings, identity, hardware=Hardware(), clock=CLOCK, ids=IDS)


@pytest.fixture
def shop(sqlite_url: str, mosquitto: Mosquitto, tmp_path: Path, free_port: int) -> Iterator[Shop]:
    """Everything started, the tablet online."""
    engine = make_engine(sqlite_url)
    stock_catalogue(engine)
    bands = KnownBands()
    domain = Domain(CLOCK, IDS, sellables, bands)
    settings = MqttSettings(data_dir=tmp_path, mqtt_url=mosquitto.url)
    lanes = Lanes(1_000)
    sessions = SoleSession(hearing(settings, lanes))
    fanout = Fanout(settings, "gateway", hears_stock=False)
    downlink = Downlink(engine, domain, sessions.voice, fanout)
    loop = IngestLoop(engine, domain, lanes, ack=sessions.ack, voice=downlink, batch_events=100)
    device = enrolled(engine, CLOCK, IDS)
    receiver = Speaker(enrolled(engine, CLOCK, IDS, "receiver"), CLOCK)
    bands.places[receiver.device.device_id] = device.device_id
    tablet = tablet_of(device, mosquitto, tmp_path, free_port)
    downlink.start()
    loop.start()
    fanout.start()
    sessions.start()
    assert sessions.wait_online(20)
    assert fanout.wait_online(20)
    tablet.start()
    yield Shop(engine, downlink, bands, tablet, device, receiver, mosquitto, fanout)
    tablet.stop()
    loop.stop()
    downlink.stop()
    sessions.stop()
    fanout.stop()
    engine.dispose()


def seconds_since(moment: datetime) -> float:
    """Return how long ago it was."""
    return (CLOCK.now() - moment).total_seconds()


def test_she_taps_and_walks_away(shop: Shop) -> None:
    """Her name and her list are on the screen, in her language, and gone within two seconds."""
    with unit_of_work(shop.engine) as db:
        session = open_session(db, CLOCK, IDS)
        shopping = Shopping(session.cart_id, CLOCK, sellables)
        add_line(db, shopping, operation_id=IDS.new("op"), gtin=JACKET)
        shop.bands.lend(DANA, session.id, "Dana")
    wait_until(lambda: 'data-phase="idle"' in shop.page)
    shop.tap()
    wait_until(lambda: "Dana" in shop.page)
    wait_until(lambda: "Jacket" in shop.page)
    assert '<html lang="he" dir="rtl">' in shop.page
    wait_until(lambda: ("carryover.visit.begin", "done") in shop.answers())
    live = shop.live()
    assert live is not None
    assert live.band_loan_id == "loan-7"
    assert live.visit == shop.tablet.agent.visit_id

    known_at = CLOCK.now()
    with unit_of_work(shop.engine) as db:
        over = tapping.leave(db, CLOCK, IDS, loan_id="loan-7", device_ids=[shop.device.device_id])
    shop.fanout.publish(*map(changed, over))
    for one in over:
        shop.downlink.remind(one.device_id)
    wait_until(lambda: "Dana" not in shop.page)
    assert seconds_since(known_at) < GONE_WITHIN_S
    left = shop.page
    assert "Jacket" not in left
    assert '<html lang="en"' in left
    wait_until(lambda: ("carryover.screen.clear", "done") in shop.answers())
    assert shop.live() is None


def test_a_band_that_nobody_has_is_told_so_on_the_screen(shop: Shop) -> None:
    """Kindly, and nothing begins."""
    wait_until(lambda: 'data-phase="idle"' in shop.page)
    shop.tap()
    wait_until(lambda: "welcome desk" in shop.page)
    assert shop.tablet.agent.visit_id is None
    assert shop.live() is None
