"""A device's own certificate: given for its token, renewed by itself, to nobody else."""

import ssl
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.kernel.errors import EnrolmentRefused, InvalidInput
from cart.kernel.ids import RandomIds
from gateway.device_ca.authority import DeviceAuthority, ca_files, make
from gateway.device_ca.service import GOOD_AT_ONCE_MAX, withdrawn_serials
from gateway.device_ca.tables import DeviceCertificateRow
from gateway.registry import service
from gateway.wire.certificate import (
    certificate_in,
    common_name,
    fresh_key,
    held_in,
    proof,
    request_pem,
)
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from store_devices import identity
from store_devices.certifying import FILE, Renewal, keep_certificate, own_certificate
from store_devices.enrolling import Enrolled, enrol
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LOCATION
from tests.mobile_api.shop import SECRET

IDS = RandomIds()
DAY_S = 86_400.0


@dataclass
class Shop:
    """An API with a CA for devices, and a tablet's folder."""

    engine: Engine
    clock: FakeClock
    client: TestClient
    settings: ApiSettings
    folder: Path

    @property
    def way(self) -> httpx2.MockTransport:
        """The device's HTTP, to this API."""

        def carried(asked: httpx2.Request) -> httpx2.Response:
            headers = {"Content-Type": "application/json"}
            answer = self.client.post(asked.url.path, content=asked.content, headers=headers)
            return httpx2.Response(answer.status_code, content=answer.content, headers=headers)

        return httpx2.MockTransport(carried)

    def token(self) -> str:
        """Return leave to enrol."""
        with unit_of_work(self.engine) as db:
            return service.enrol(db, self.clock, IDS, kind="tablet", location_id=LOCATION)

    def enrol(self, folder: Path | None = None) -> Enrolled:
        """Enrol a device as its command line does."""
        key, folder = fresh_key(), folder or self.folder
        made = enrol("http://api", self.token(), "1", csr=request_pem(key), transport=self.way)
        identity.keep(folder, made)
        keep_certificate(folder, key, made.certificate)
        return made

    def renewal(self, made: Enrolled, folder: Path | None = None) -> Renewal:
        """Return who looks after a device's certificate."""
        return Renewal(folder or self.folder, made, self.clock, transport=self.way)

    def known(self) -> list[DeviceCertificateRow]:
        """Return the certificates that the registry knows."""
        with reading(self.engine) as db:
            return list(db.exec(select(DeviceCertificateRow)))


@pytest.fixture
def shop(engine: Engine, clock: FakeClock, tmp_path: Path) -> Shop:
    """One that has made its CA."""
    settings = ApiSettings(data_dir=tmp_path / "var", secret_key=SECRET)
    make(settings, clock.now(), "a test's devices")
    app = create_app(settings, engine=engine, clock=clock, ids=IDS, listen=False, mail=False)
    return Shop(engine, clock, TestClient(app), settings, tmp_path / "tablet")


def test_a_token_gives_a_certificate_for_the_devices_own_key(shop: Shop) -> None:
    """Named by the registry, for clients alone, for ninety days; the key stays on the device."""
    made = shop.enrol()
    path = shop.folder / FILE
    held = held_in(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert common_name(held.certificate) == made.device_id
    usage = held.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    left = held.certificate.not_valid_after_utc - shop.clock.now()
    assert left == timedelta(days=90)
    assert "PRIVATE" not in made.model_dump_json()
    assert own_certificate(shop.folder, None) == path
    ssl.create_default_context().load_cert_chain(path)
    assert ca_files(shop.settings)[1].stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidInput, match="there already"):
        make(shop.settings, shop.clock.now(), "another")


def test_it_is_renewed_by_the_device_before_it_ends(shop: Shop) -> None:
    """At a third of its life, with a fresh key; the one before is good until its end."""
    made = shop.enrol()
    before = held_in((shop.folder / FILE).read_text())
    renewal = shop.renewal(made)
    shop.clock.advance(59 * DAY_S)
    assert not renewal.look()
    shop.clock.advance(2 * DAY_S)
    assert renewal.look()
    after = held_in((shop.folder / FILE).read_text())
    assert after.key.public_key() != before.key.public_key()
    assert common_name(after.certificate) == made.device_id
    assert not renewal.look()
    assert len(shop.known()) == 2
    shop.clock.advance(61 * DAY_S)  # the first has ended, and is forgotten
    assert renewal.look()
    assert len(shop.known()) == 2


def test_a_server_that_is_away_costs_nothing(shop: Shop) -> None:
    """The certificate that is there stays as it is."""
    made = shop.enrol()
    before = (shop.folder / FILE).read_text()
    shop.clock.advance(70 * DAY_S)
    away = httpx2.MockTransport(lambda _: httpx2.Response(500))
    with pytest.raises(Exception, match="is not to be had"):
        Renewal(shop.folder, made, shop.clock, transport=away).look()
    assert (shop.folder / FILE).read_text() == before


def question(shop: Shop, **over: str) -> dict[str, str]:
    """Return what the device in the folder would ask, with something else in it."""
    held = held_in((shop.folder / FILE).read_text())
    me = common_name(held.certificate)
    request = request_pem(fresh_key())
    asked = {
        "device_id": me,
        "csr": request,
        "certificate": (shop.folder / FILE).read_text().partition("KEY-----\n")[2],
        "signature": b64encode(proof(held.key, me, request)).decode(),
    }
    return asked | over


def refused(shop: Shop, asked: dict[str, str]) -> bool:
    """Say whether the API gives no certificate, and none is noted."""
    before = len(shop.known())
    answer = shop.client.post("/api/v1/devices/certificate", json=asked)
    return 400 <= answer.status_code < 500 and len(shop.known()) == before


def test_nobody_else_gets_a_devices_certificate(shop: Shop, tmp_path: Path) -> None:
    """Neither with another's certificate, nor without its key, nor of another authority."""
    shop.enrol()
    other = shop.enrol(tmp_path / "other")
    good = question(shop)
    me = good["device_id"]
    own_key = held_in((shop.folder / FILE).read_text()).key
    forger = ApiSettings(data_dir=tmp_path / "forger", secret_key=SECRET)
    make(forger, shop.clock.now(), "a test's devices")
    authority = DeviceAuthority.of(forger)
    assert authority is not None
    forged = authority.issue(own_key.public_key(), me, shop.clock.now(), timedelta(days=9)).pem
    assert refused(shop, good | {"device_id": other.device_id})
    assert refused(shop, good | {"csr": request_pem(fresh_key())})
    signed = b64encode(proof(fresh_key(), me, good["csr"])).decode()
    assert refused(shop, good | {"signature": signed})
    assert refused(shop, good | {"certificate": forged})
    assert refused(shop, good | {"certificate": "no certificate"})
    credential = identity.load(shop.folder).credential
    by_credential = {"device_id": me, "csr": good["csr"], "credential": credential}
    assert refused(shop, by_credential), "it has a certificate, whose key is the proof"
    assert not refused(shop, good)


def test_a_revoked_device_and_one_that_came_too_late_are_refused(
    shop: Shop, tmp_path: Path
) -> None:
    """What a revoked one has is on the list of withdrawn certificates until it ends."""
    made, late = shop.enrol(), shop.enrol(tmp_path / "late")
    with unit_of_work(shop.engine) as db:
        service.revoke(db, shop.clock, device_id=made.device_id)
        serials = withdrawn_serials(db, shop.clock)
    own = held_in((shop.folder / FILE).read_text()).certificate
    assert serials == [f"{own.serial_number:x}"]
    authority = DeviceAuthority.of(shop.settings)
    assert authority is not None
    listed = x509.load_pem_x509_crl(authority.withdrawn(serials, shop.clock.now()))
    assert listed.get_revoked_certificate_by_serial_number(own.serial_number) is not None
    assert listed.next_update_utc == authority.certificate.not_valid_after_utc
    assert refused(shop, question(shop))
    shop.clock.advance(91 * DAY_S)
    with pytest.raises(EnrolmentRefused):
        shop.renewal(late, tmp_path / "late").look()
    with reading(shop.engine) as db:
        assert withdrawn_serials(db, shop.clock) == []


def test_what_is_asked_for_is_a_key_of_128_bits_that_the_device_has(shop: Shop) -> None:
    """Another curve, RSA, another's key in it: refused, and the token is good still."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    token = shop.token()
    bent = request_pem(fresh_key()).replace("A", "B", 5)
    weak = [
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        for key in (ec.generate_private_key(ec.SECP192R1()), rsa.generate_private_key(65537, 2048))
    ]
    for csr in ("no request", bent, *(one.decode() for one in weak)):
        answer = shop.client.post("/api/v1/devices/enrol", json={"token": token, "csr": csr})
        assert answer.status_code == 422
    made = shop.client.post("/api/v1/devices/enrol", json={"token": token})
    assert made.status_code == 201
    assert made.json()["certificate"] == ""


def test_a_device_that_came_by_credential_gets_its_first_one_by_it(shop: Shop) -> None:
    """Once; so does no device that plays get more than five at once."""
    made = enrol("http://api", shop.token(), "1", transport=shop.way)
    identity.keep(shop.folder, made)
    renewal = shop.renewal(made)
    assert renewal.first()
    assert not renewal.first()
    pem = (shop.folder / FILE).read_text()
    assert common_name(certificate_in(pem)) == made.device_id
    for _ in range(GOOD_AT_ONCE_MAX - 1):
        assert not refused(shop, question(shop))
    assert refused(shop, question(shop))


def test_a_shop_without_a_ca_gives_none(engine: Engine, clock: FakeClock, tmp_path: Path) -> None:
    """Enrolment goes on as before; asking for a certificate is refused in words."""
    settings = ApiSettings(data_dir=tmp_path / "var", secret_key=SECRET)
    app = create_app(settings, engine=engine, clock=clock, ids=IDS, listen=False, mail=False)
    shop = Shop(engine, clock, TestClient(app), settings, tmp_path / "tablet")
    csr = request_pem(fresh_key())
    made = enrol("http://api", shop.token(), "1", csr=csr, transport=shop.way)
    assert made.certificate == ""
    identity.keep(shop.folder, made)
    with pytest.raises(EnrolmentRefused):
        shop.renewal(made).first()
    assert own_certificate(shop.folder, None) is None
