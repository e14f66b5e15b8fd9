"""The welcome desk has a fresh band set up: the page, what it tells, and what came of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.kernel.clock import to_us
from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from gateway.bands.sealing import Sealing
from gateway.bands.setting_up import LASTS, NOT_AGREED
from gateway.commands import service as commands
from gateway.commands.tables import DeviceCommandRow
from gateway.floor.tables import FloorReceiverRow
from gateway.notices import DeskChanged, DeviceAsked, Notice
from gateway.presence.joining import ShopBands
from gateway.registry import service as devices
from gateway.registry.model import Seen
from gateway.wire.band import PERIOD_S, BandKey, BandState
from gateway.wire.band_asked import SetUpFault
from gateway.wire.band_exchange import KeyPair
from gateway.wire.codec import decode_command
from gateway.wire.downlink import Ack, AckOutcome, SetUpBand
from mobile_api.app import create_app
from mobile_api.bands.setting_up import FAULTS
from mobile_api.bells import Bells
from mobile_api.look.words import words
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import signed_in

HTML: Final = {"Accept": "text/html"}
PAGE: Final = "/staff/bands"
ASKED: Final = "/api/v1/staff/bands/set-up"
CONFLICT: Final = 409
IDS = RandomIds()


class Desk:
    """A desk with a reader, a browser beside it, and what is told."""

    def __init__(self, floor: Floor, folder: Path) -> None:
        self.floor = floor
        settings = ApiSettings(data_dir=folder, secret_key=SECRET, public_url="http://testserver")
        self.app: FastAPI = create_app(
            settings, engine=floor.engine, clock=floor.clock, ids=IDS, listen=False, mail=False
        )
        self.secret: bytes = self.app.state.parts.secret
        self.told: list[Notice] = []
        told = self.told

        class Noting(Bells):
            def hear(self, notice: Notice) -> None:
                told.append(notice)
                super().hear(notice)

        self.app.state.parts.bells = Noting()

    def reader(self, desk: str, place: str = HERE, *, online: bool = True) -> str:
        """Put a receiver at a desk; return its id."""
        clock = self.floor.clock

        def act(db: Session) -> str:
            token = devices.enrol(db, clock, IDS, kind="receiver", location_id=place)
            device_id = devices.redeem(db, clock, IDS, token=token).device_id
            devices.seen(db, [Seen(device_id, to_us(clock.now()), online=online)])
            db.add(
                FloorReceiverRow(device_id=device_id, location_id=place, x_m=1, y_m=1, desk=desk)
            )
            return device_id

        return self.floor.do(act)

    def asked(self) -> list[DeviceCommandRow]:
        """Return what receivers were asked."""
        return self.floor.look(lambda db: list(db.exec(select(DeviceCommandRow))))

    def answer(self, outcome: AckOutcome, detail: str = "") -> None:
        """Let the receiver answer what was asked last."""
        row, clock = max(self.asked(), key=lambda one: one.issued_at), self.floor.clock
        bands = ShopBands(clock, IDS, Sealing(self.secret))
        ack = Ack(command_id=row.id, outcome=outcome, detail=detail or self._agreed(row))

        def act(db: Session) -> None:
            commands.settle(db, clock, device_id=row.device_id, ack=ack)
            if outcome is AckOutcome.DONE:
                bands.set_up(db, location_id=HERE, command_id=row.id)

        self.floor.do(act)

    @staticmethod
    def _agreed(row: DeviceCommandRow) -> str:
        command, band = decode_command(row.payload.encode()), KeyPair(bytes(range(32)))
        assert isinstance(command, SetUpBand)
        key = BandKey(band.secret_with_shop(bytes.fromhex(command.data.key)))
        frame = key.frame(command.data.clock_s // PERIOD_S, 0, BandState())
        return f"{band.public.hex()} {frame.hex()} 1.2"


@pytest.fixture
def desk(engine: Engine, clock: FakeClock, tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(Floor(engine, clock), tmp_path)


@pytest.fixture
def page(desk: Desk) -> Iterator[TestClient]:
    """The browser of somebody there."""
    token = desk.floor.enter("1", Role.ASSOCIATE).token
    with signed_in(TestClient(desk.app, headers=HTML), token) as client:
        yield client


def test_a_band_is_set_up_and_can_be_handed_out_at_once(desk: Desk, page: TestClient) -> None:
    """Pressed: its reader is told; done: the number, and one button more; noted in the log."""
    device_id = desk.reader("till-1")
    assert 'value="till-1"' in page.get(PAGE).text
    shown = page.post(f"{PAGE}/set-up", data={"desk": "till-1"})
    assert (shown.status_code, "Hold one new wristband" in shown.text) == (200, True)
    assert desk.told == [DeviceAsked(device_id), DeskChanged(HERE)]
    assert page.get(ASKED).json() == {
        "standing": "waiting", "number": None, "fault": "", "html": None,
    }  # fmt: skip
    page.post(f"{PAGE}/set-up", data={"desk": "till-1"})  # pressed again
    assert len(desk.asked()) == 1
    desk.answer(AckOutcome.DONE)
    done = page.get(ASKED, params={"html": "true"}).json()
    assert (done["standing"], done["number"]) == ("done", 1)
    assert "It is wristband 1." in done["html"]
    assert 'name="number" value="1"' in done["html"]
    look = page.post(f"{PAGE}/look", data={"number": "1", "verb": "out"})
    assert "Hand out wristband 1" in look.text
    noted = [one for one in desk.floor.look(audit.newest) if one.action == "band.set_up"]
    assert {(one.on_kind, one.on_id, one.outcome) for one in noted} == {("desk", "till-1", "done")}


def test_why_it_was_not_is_said_in_three_languages(desk: Desk, page: TestClient) -> None:
    """With the button to try again beside it."""
    desk.reader("till-1")
    for tries, fault in enumerate([*sorted(FAULTS), SetUpFault.LATE.value], start=1):
        page.post(f"{PAGE}/set-up", data={"desk": "till-1"})
        assert len(desk.asked()) == tries
        desk.answer(AckOutcome.FAILED, fault)
        said = set()
        for language in ("en", "he", "pl"):
            spoken = {"Accept-Language": language}
            found = page.get(ASKED, params={"html": "true"}, headers=spoken).json()
            assert found["standing"] == "failed"
            assert found["fault"] in found["html"]
            assert 'id="set-up"' in found["html"]
            said.add(found["fault"])
        assert len(said) == 3
        desk.floor.clock.advance(1)


def test_a_reader_that_never_answers_is_given_up(desk: Desk, page: TestClient) -> None:
    """After its time the page says so, and asks anew."""
    desk.reader("till-1")
    page.post(f"{PAGE}/set-up", data={"desk": "till-1"})
    desk.floor.clock.advance(LASTS.total_seconds() + 6)
    assert "did not answer in time" in page.get(PAGE).text
    page.post(f"{PAGE}/set-up", data={"desk": "till-1"})
    assert len(desk.asked()) == 2


def test_refusals_are_said_and_noted_and_ask_nobody(desk: Desk, page: TestClient) -> None:
    """A reader that is away; a desk of elsewhere; no desk at all."""
    assert "No reader stands at a desk here" in page.get(PAGE).text
    desk.reader("till-1", online=False)
    desk.reader("till-2", THERE)
    away = page.post(f"{PAGE}/set-up", data={"desk": "till-1"})
    assert (away.status_code, "is not connected" in away.text) == (CONFLICT, True)
    elsewhere = page.post(f"{PAGE}/set-up", data={"desk": "till-2"})
    assert elsewhere.status_code == CONFLICT
    assert (desk.asked(), desk.told) == ([], [])
    noted = [one for one in desk.floor.look(audit.newest) if one.action == "band.set_up"]
    assert [one.outcome for one in reversed(noted)] == ["desk_reader_away", "invalid_input"]
    assert page.get(ASKED).json()["standing"] is None


def test_every_fault_has_words() -> None:
    """Of the receiver and of the registry; translated."""
    assert {*SetUpFault, NOT_AGREED} - {*FAULTS} == {SetUpFault.LATE}
    for text in FAULTS.values():
        assert len({words(one).gettext(text) for one in ("en", "he", "pl")}) == 3
