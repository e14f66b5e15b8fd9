"""The marketer's page and the command line: topics, letters, lists that come in and go out."""

import base64
import csv
from pathlib import Path

import dkim  # type: ignore[import-untyped]  # it has no types
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.audit import service as audit
from cart.db import reading, unit_of_work
from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from cart.profile.consent import queries as ledger
from cart.profile.consent.model import Source, Subject
from cart.profile.queries import customer_of
from cart.profile.subscriptions import importing, suppression
from cart.profile.subscriptions.model import Reason
from mobile_api.app import create_app
from mobile_api.cli import app as cli_app
from mobile_api.edge.links import choices_link
from mobile_api.mail.signing import signer
from mobile_api.settings import ApiSettings
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox
from tests.mobile_api.lettering import LAMPS, letters, make_topics, send, states, subscribed, write
from tests.mobile_api.shop import SECRET
from tests.mobile_api.signing_in import ADA, BEN
from tests.mobile_api.staffing import hire, signed_in

HEAD = ",".join(importing.COLUMNS)
GOOD = "{address},lamps,pl,form on old.example,2025-05-01T10:00:00Z,I want news by mail"
FILE = "\n".join(
    [
        HEAD,
        GOOD.format(address="Eve@Example.org"),
        GOOD.format(address="eve@example.org"),
        GOOD.format(address="nobody"),
        GOOD.format(address="gone@example.org"),
        GOOD.format(address=BEN),
        "a@example.org,boots,en,form,2025-05-01T10:00:00Z,Yes",
        "b@example.org,lamps,en,,2025-05-01T10:00:00Z,Yes",
        "c@example.org,lamps,en,form,,Yes",
        "d@example.org,lamps,en,form,2999-05-01T10:00:00Z,Yes",
        "e@example.org,lamps,en,form,2025-05-01T10:00:00Z,",
        "f@example.org,lamps,fr,form,2025-05-01T10:00:00Z,Yes",
        "g@example.org,lamps,en,form,2025-05-01T10:00:00Z,Yes,more",
    ]
)
SAID = (
    *("taken", "already", "malformed", "suppressed", "refused", "no_topic"),
    *("no_proof", "no_proof", "no_proof", "no_proof", "malformed", "malformed"),
)


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, settings: ApiSettings) -> FastAPI:
    """The application over it."""
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


def marketer(app: FastAPI, floor: Floor, role: Role = Role.MARKETER) -> TestClient:
    """Return somebody of the staff who is signed in."""
    return signed_in(TestClient(app), hire(floor, "7", role=role))


def prepare(app: FastAPI, phone: TestClient) -> None:
    """Let an address be suppressed, and let Ben have said no."""
    make_topics(app)
    subscribed(app, phone, email=BEN)
    parts = app.state.parts
    with unit_of_work(parts.engine) as db:
        address = "gone@example.org"
        suppression.suppress(
            db, parts.clock, parts.secret, address, Reason.HARD_BOUNCE, status="5.1.1"
        )
    with reading(parts.engine) as db:
        subject_id = ledger.subject_id_of(db, Subject(customer_id=customer_of(db, BEN) or ""))
    path = f"/letters/by/{choices_link(parts.secret, subject_id or '')}/leave"
    assert phone.post(path).status_code == 200


def test_a_marketer_makes_a_topic_writes_and_sees_counts(app: FastAPI, floor: Floor) -> None:
    """Made, offered to shoppers, written to, closed; each in the audit log, counts only."""
    with TestClient(app) as phone:
        staff = marketer(app, floor)
        form = {"id": LAMPS, "name_en": "Lamps", "name_pl": "Lampy"}
        assert staff.post("/staff/topics", data=form).status_code == 200
        assert staff.post("/staff/topics", data=form).status_code == 409, "it is there"
        assert staff.post("/staff/topics", data=form | {"id": "No Id"}).status_code == 409
        assert "Lampy" in phone.get("/letters", headers={"Accept-Language": "pl"}).text
        subscribed(app, phone)
        said = {"subject_en": "New", "text_en": "Here."}
        assert staff.post(f"/staff/topics/{LAMPS}/write", data=said).status_code == 200
        assert (
            staff.post(f"/staff/topics/{LAMPS}/write", data={**said, "text_en": " "}).status_code
            == 409
        )
        assert staff.post("/staff/topics/none/write", data=said).status_code == 409
        page = staff.get("/staff/topics").text
        assert "<dd>1</dd>" in page
        assert ADA not in page
        assert staff.post(f"/staff/topics/{LAMPS}/close").status_code == 200
        assert "Lamps" not in phone.get("/letters").text
    noted = [(row.action, row.outcome) for row in reversed(floor.look(audit.newest))][1:]
    assert noted == [
        ("topic.make", "done"),
        ("topic.make", "invalid_input"),
        ("topic.make", "invalid_input"),
        ("issue.write", "done"),
        ("issue.write", "invalid_input"),
        ("issue.write", "not_found"),
        ("topic.close", "done"),
    ]


@pytest.mark.parametrize("role", [Role.ASSOCIATE, Role.LEAD, Role.MANAGER])
def test_nobody_else_of_the_staff_writes(app: FastAPI, floor: Floor, role: Role) -> None:
    """Refused, and nothing is there."""
    with TestClient(app) as phone:
        staff = marketer(app, floor, role)
        assert staff.get("/staff/topics").status_code == 403
        form = {"id": LAMPS, "name_en": "Lamps"}
        assert staff.post("/staff/topics", data=form).status_code == 403
        assert phone.post("/staff/topics", data=form).status_code == 401
        assert "Lamps" not in phone.get("/letters").text


def test_a_list_that_comes_in_says_what_became_of_each_row(app: FastAPI, floor: Floor) -> None:
    """On the page: who has proof is taken, with her words in the ledger; all others are not."""
    with TestClient(app) as phone:
        staff = marketer(app, floor)
        prepare(app, phone)
        before = states(app)
        file = {"file": ("old.csv", FILE.encode(), "text/csv")}
        page = staff.post("/staff/topics/import", files=file)
        assert page.status_code == 200
        assert "no proof" not in page.text
        assert page.text.count("it does not say where consent came from") == 5, "and its sum"
        for bad in (b"a,b\n1,2", b"", b"\xff\xfe\0"):
            file = {"file": ("bad.csv", bad, "text/csv")}
            assert staff.post("/staff/topics/import", files=file).status_code == 409
    assert states(app) == before | {(LAMPS, "eve@example.org"): "confirmed"}
    with reading(floor.engine) as db:
        [past] = ledger.history(db, Subject(customer_id=customer_of(db, "eve@example.org") or ""))
    assert (past.text, past.decision.source) == ("I want news by mail", Source.IMPORT)
    assert len(write(app)) == 1
    assert letters(app)[-1].locale == "pl"


def test_the_command_line_takes_in_and_writes_out(
    app: FastAPI, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each row; the file that goes out has no formula in it."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", SECRET)
    with TestClient(app) as phone:
        prepare(app, phone)
    source, out = tmp_path / "old.csv", tmp_path / "new.csv"
    source.write_text(FILE + "\n" + GOOD.format(address="=cmd@example.org"), encoding="utf-8")
    run = CliRunner().invoke(cli_app, ["subscriptions", "import", str(source)])
    assert run.exit_code == 1
    assert [line.split("\t")[1] for line in run.output.splitlines()] == [*SAID, "taken"]
    run = CliRunner().invoke(cli_app, ["subscriptions", "export", "--to", str(out)])
    assert run.exit_code == 0, run.output
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["address"], row["state"]) for row in rows} == {
        (BEN, "left"),
        ("eve@example.org", "confirmed"),
        ("'=cmd@example.org", "confirmed"),
    }
    assert out.stat().st_mode & 0o077 == 0
    assert CliRunner().invoke(cli_app, ["subscriptions", "export", "--to", str(out)]).exit_code == 1


def test_a_mail_is_signed_when_there_is_a_key(
    app: FastAPI, tmp_path: Path, inbox: tuple[Inbox, str]
) -> None:
    """By dkimpy's verifier, with the key from DNS; the ways out are covered, a change is seen."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = tmp_path / "dkim.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    asked: list[bytes] = []

    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert timeout
        asked.append(name)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, dkim_key_file=str(pem))
    app.state.parts.sign_mail = signer(settings)
    with TestClient(app) as phone:
        make_topics(app)
        subscribed(app, phone)
        [letter_id] = write(app)
        server, url = inbox
        assert send(app, letter_id, url) == "sent"
    raw = server.raw[0]
    assert dkim.verify(raw, dnsfunc=dns)
    assert asked == [b"carryover._domainkey.carryover.example."]
    header = raw.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b"")
    covered = header.partition(b"h=")[2].partition(b";")[0].lower()
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(
        covered.replace(b" ", b"").split(b":")
    )
    for old, new in ((b"They are here", b"They are gone"), (b"One-Click", b"Two-Click")):
        assert old in raw
        assert not dkim.verify(raw.replace(old, new), dnsfunc=dns)
    pem.write_text("no key")
    with pytest.raises(ValueError, match="DKIM_KEY_FILE"):
        signer(settings)
