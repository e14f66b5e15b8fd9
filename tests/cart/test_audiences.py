"""Audiences of advertisers: who is in them allows it, and whoever withdraws is taken out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from pydantic_core import from_json
from sqlalchemy import Engine, delete
from sqlmodel import col, select

from cart.db import reading, unit_of_work
from cart.journeys.audiences import rounds, service
from cart.journeys.audiences.hashing import Style, hashed, normalised
from cart.journeys.audiences.tables import AudienceEntryRow, AudienceRow
from cart.journeys.audiences.targets import FileTarget, Upload, WebhookTarget
from cart.journeys.segments.rule import read
from cart.kernel.errors import Unavailable
from cart.profile.consent.model import Purpose
from cart.profile.tables import CustomerEmailRow
from cart.profile.timeline.model import Kind
from tests.cart.people_world import SOFA, People
from tests.fakes.clock import FakeClock

ROUND_S: Final = service.EVERY.total_seconds()


@dataclass
class Books:
    """An advertiser's: it forgets nothing that it was told, and is sometimes away."""

    inside: set[str] = field(default_factory=set)
    away: bool = False
    silent: bool = False  # takes it, and the answer is lost

    def take(self, upload: Upload) -> None:
        """Take an upload."""
        if self.away:
            msg = "away"
            raise Unavailable(msg)
        self.inside = (self.inside | set(upload.add)) - set(upload.remove)
        if self.silent:
            msg = "no answer"
            raise Unavailable(msg)


@pytest.mark.parametrize(
    ("address", "google", "meta"),
    [
        (" Ann.Doe@Example.COM ", "ann.doe@example.com", "ann.doe@example.com"),
        ("Ann.D.oe+shop@gmail.com", "anndoe@gmail.com", "ann.d.oe+shop@gmail.com"),
        ("a.b@googlemail.com", "ab@googlemail.com", "a.b@googlemail.com"),
        ("a.b+c@example.com", "a.b+c@example.com", "a.b+c@example.com"),
    ],
)
def test_addresses_are_made_alike_before_they_are_hashed(
    address: str, google: str, meta: str
) -> None:
    """Dots and plus go for Google's own addresses only, and for Meta never."""
    assert normalised(address, Style.GOOGLE) == google
    assert normalised(address, Style.META) == meta
    assert hashed(address, Style.META) == hashlib.sha256(meta.encode()).hexdigest()


@pytest.fixture
def people(engine: Engine, clock: FakeClock) -> People:
    """Ann and Bob are customers who were here, and Eve has no address; an audience of all."""
    made = People(engine, clock)
    made.shops()
    for name in ("ann", "bob", "eve"):
        made.session(name, customer=name != "eve")
        made.did(name, Kind.SCANNED, SOFA)
    with unit_of_work(engine) as db:
        for name in ("ann", "bob"):
            db.add(
                CustomerEmailRow(
                    address=f"{name}@shop.example",
                    customer_id=f"customer-{name}",
                    verified_at=clock.now(),
                )
            )
    segment = made.begun("seen", read('{"if":"seen","days":300}'))
    made.follow()
    with unit_of_work(engine) as db:
        service.make(
            db, clock, made.ids, segment_id=segment.id, style=Style.META, target="books", by="staff"
        )
    return made


def allow(people: People, name: str, *, granted: bool = True) -> None:
    """Let somebody decide on audiences."""
    people.decides(name, Purpose.AD_AUDIENCES, granted=granted, customer=name != "eve")


def bring(people: People, books: Books) -> int:
    """Do a round, some minutes after the last."""
    assert isinstance(people.clock, FakeClock)
    people.clock.advance(2 * ROUND_S)
    return rounds.bring(people.engine, people.clock, {"books": books})


def of(*names: str) -> set[str]:
    """Return the hashes of these."""
    return {hashed(f"{name}@shop.example", Style.META) for name in names}


def test_only_who_allows_it_is_told_of_and_once(people: People) -> None:
    """Nobody by default; then the differences only; a withdrawal follows with the next round."""
    books = Books()
    assert (bring(people, books), books.inside) == (0, set())
    for name in ("ann", "bob", "eve"):
        allow(people, name)
    assert (bring(people, books), books.inside) == (2, of("ann", "bob"))
    assert bring(people, books) == 0
    allow(people, "ann", granted=False)
    assert (bring(people, books), books.inside) == (1, of("bob"))
    with reading(people.engine) as db:
        assert db.exec(select(AudienceEntryRow.hash)).all() == [*of("bob")]


def test_what_did_not_arrive_is_sent_again(people: People) -> None:
    """Away, or silent after it took it: in the end it is as it should be, also who withdrew."""
    books = Books(away=True)
    allow(people, "ann")
    allow(people, "bob")
    assert bring(people, books) == 0
    books.away, books.silent = False, True
    bring(people, books)
    assert books.inside == of("ann", "bob")
    allow(people, "ann", granted=False)  # though nobody here knows that she is in it
    books.silent = False
    with reading(people.engine) as db:
        assert db.exec(select(AudienceRow.failures)).one() == 2
    bring(people, books)
    bring(people, books)
    assert books.inside == of("bob")


def test_the_erased_are_taken_out(people: People) -> None:
    """Her row names nobody any more, and her hash still goes; an ended audience is emptied."""
    books = Books()
    allow(people, "ann")
    allow(people, "bob")
    bring(people, books)
    with unit_of_work(people.engine) as db:
        db.execute(
            delete(CustomerEmailRow).where(col(CustomerEmailRow.address) == "ann@shop.example")
        )
        for row in db.exec(select(AudienceEntryRow).where(AudienceEntryRow.home == "ann")):
            row.home = None
            db.add(row)
    bring(people, books)
    assert books.inside == of("bob")
    with unit_of_work(people.engine) as db:
        service.end(db, db.exec(select(AudienceRow.id)).one())
    bring(people, books)
    assert books.inside == set()


def test_one_at_a_time_has_an_audience(people: People) -> None:
    """Who comes while another uploads finds nothing to do; after the lease it is tried again."""
    allow(people, "ann")
    with unit_of_work(people.engine) as db:
        [audience_id] = service.due(db, people.clock)
        taken = service.take(db, people.clock, audience_id)
        assert taken is not None
        _, upload = service.plan(db, taken)
        assert service.take(db, people.clock, audience_id) is None
    assert isinstance(people.clock, FakeClock)
    people.clock.advance(service.LEASE.total_seconds())
    books = Books()
    assert rounds.bring(people.engine, people.clock, {"books": books}) == 1
    with unit_of_work(people.engine) as db:
        service.failed(db, people.clock, upload, "too late")  # of the first, which nobody heeds
        assert db.exec(select(AudienceRow.failures)).one() == 0


def test_files_and_webhooks(tmp_path: Path) -> None:
    """A file is whole; an address that does not say 2xx has taken nothing."""
    upload = Upload("aud_1", 3, Style.GOOGLE, ["aa", "bb"], ["cc"])
    FileTarget(tmp_path).take(upload)
    assert (tmp_path / "aud_1" / "3-add.csv").read_text().split() == ["Email", "aa", "bb"]
    assert (tmp_path / "aud_1" / "3-remove.csv").read_text().split() == ["Email", "cc"]
    assert len(list((tmp_path / "aud_1").iterdir())) == 2
    posted = []

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        posted.append((url, from_json(body), headers["Idempotency-Key"]))
        return 500 if len(posted) == 1 else 204

    target = WebhookTarget("https://ads.example/in", post)
    with pytest.raises(Unavailable):
        target.take(upload)
    target.take(upload)
    assert posted[0] == posted[1]
    assert posted[1][1]["remove"] == ["cc"]
    assert posted[1][2] == "aud_1-3"
