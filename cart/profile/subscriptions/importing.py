"""Lists that come from elsewhere, and go there: CSV, with a report for each row.

A row says where its consent came from, when, and in which words: without them nobody can show
that there was one, and it is refused. Who has refused here stays refused, whatever a list says.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from io import StringIO
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError
from sqlmodel import Session, col, select

from cart.db.columns import NAME_LENGTH_MAX
from cart.kernel.clock import Clock
from cart.kernel.email import EMAIL_LENGTH_MAX, normal_address
from cart.kernel.errors import InvalidEmail, NotFound
from cart.kernel.ids import Ids
from cart.profile import service as profile
from cart.profile.consent import queries as ledger
from cart.profile.consent import service as consents
from cart.profile.consent.model import TEXT_LENGTH_MAX as WORDING_LENGTH_MAX
from cart.profile.consent.model import VERSIONS, How, Shown, Subject, holds
from cart.profile.consent.model import Source as ConsentSource
from cart.profile.queries import customer_of
from cart.profile.subscriptions import queries, service, suppression
from cart.profile.subscriptions.model import (
    TOPIC_ID_LENGTH_MAX,
    Reason,
    Source,
    State,
)
from cart.profile.subscriptions.tables import SubscriptionRow

COLUMNS: Final = ("address", "topic", "language", "consent_from", "consented_at", "wording")
EXPORTED: Final = (
    *("address", "topic", "state", "language", "source", "consent_from"),
    *("asked_at", "confirmed_at", "left_at"),
)
EXPORTED_AT_ONCE: Final = 500  # rows in memory
FORMULA: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
)  # what a spreadsheet would run: OWASP, CSV injection


class Said(StrEnum):
    """What became of a row."""

    TAKEN = "taken"
    ALREADY = "already"  # she has it
    MALFORMED = "malformed"
    NO_TOPIC = "no_topic"
    NO_PROOF = "no_proof"
    SUPPRESSED = "suppressed"
    REFUSED = "refused"  # she has said no here


@dataclass(frozen=True, slots=True)
class Reported:
    """A row of the report. ``line``: of the file, the heading being 1."""

    line: int
    address: str
    said: Said


def _text(length_max: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=length_max)


class Row(BaseModel):
    """A row as it has to be."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, _text(EMAIL_LENGTH_MAX)]
    topic: Annotated[str, _text(TOPIC_ID_LENGTH_MAX)]
    language: Literal["en", "he", "pl"]
    consent_from: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=NAME_LENGTH_MAX)
    ]
    consented_at: AwareDatetime | Literal[""]
    wording: Annotated[str, StringConstraints(strip_whitespace=True, max_length=WORDING_LENGTH_MAX)]


def rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield (line, row) of a file; a heading is needed, other columns make a row malformed."""
    reader = csv.DictReader(StringIO(text, newline=""), restkey="more", restval="", strict=False)
    for number, row in enumerate(reader, start=2):
        yield number, dict(row)


def take(
    db: Session,
    clock: Clock,
    ids: Ids,
    secret: bytes,
    *,
    line: int,
    given: Mapping[str, object],
) -> Reported:
    """Take one row in, or say why not."""
    shown = str(given.get("address", ""))[:EMAIL_LENGTH_MAX]
    try:
        row = Row.model_validate(given)
        address = normal_address(row.address)
    except (ValidationError, InvalidEmail):
        return Reported(line, shown, Said.MALFORMED)
    said = _without_proof(db, clock, row)
    if said is None and suppression.reason_of(db, secret, address) is not None:
        said = Said.SUPPRESSED
    said = said or _decided_here(db, row, address)
    if said is None:
        _keep(db, clock, ids, row, address)
        said = Said.TAKEN
    return Reported(line, address, said)


def _without_proof(db: Session, clock: Clock, row: Row) -> Said | None:
    try:
        service.topic(db, row.topic)
    except NotFound:
        return Said.NO_TOPIC
    at = row.consented_at
    proved = row.consent_from and row.wording and at != "" and at <= clock.now()
    return None if proved else Said.NO_PROOF


def _decided_here(db: Session, row: Row, address: str) -> Said | None:
    known, customer_id = queries.of_address(db, row.topic, address), customer_of(db, address)
    if customer_id is not None:
        decided = ledger.all_standing(db, Subject(customer_id=customer_id), [service.PURPOSE])
        standing = decided[service.PURPOSE]
        if standing is not None and not holds(standing):
            return Said.REFUSED
    if known is not None and known.state == State.LEFT and known.left_at is not None:
        return Said.REFUSED
    return Said.ALREADY if known is not None and known.state == State.CONFIRMED else None


def _keep(db: Session, clock: Clock, ids: Ids, row: Row, address: str) -> None:
    customer_id = profile.become(db, clock, ids, address=address)
    subject = Subject(customer_id=customer_id)
    shown = Shown(VERSIONS[service.PURPOSE].current, row.language, row.wording)
    if not holds(ledger.all_standing(db, subject, [service.PURPOSE])[service.PURPOSE]):
        seen = ledger.own_numbers(db, subject).get(service.PURPOSE, 0)
        how = How(ConsentSource.IMPORT, shown)
        consents.grant(db, clock, ids, subject, service.PURPOSE, how=how, seen=seen)
    fresh = service.own_row(
        db,
        clock,
        ids,
        topic_id=row.topic,
        address=address,
        source=Source.IMPORT,
        locale=row.language,
    )
    assert row.consented_at != ""  # noqa: S101 - there is proof; the other type is a time
    fresh.source, fresh.asked_at = Source.IMPORT, row.consented_at
    fresh.proof = row.consent_from
    service.set_confirmed(fresh, clock, customer_id, shown.hash_for(service.PURPOSE))
    db.add(fresh)
    db.flush()


def suppress(db: Session, clock: Clock, secret: bytes, address: str) -> bool:
    """Take an address of an earlier system's suppression list over; say whether that is new.

    Raises:
        InvalidEmail: it is no address.
    """
    normal = normal_address(address)
    return suppression.suppress(db, clock, secret, normal, Reason.IMPORTED, status="")


def export(db: Session) -> Iterator[str]:
    """Yield the lines of a CSV of all subscriptions, the heading first."""
    yield _line(EXPORTED)
    reached = ""
    while found := db.exec(
        select(SubscriptionRow)
        .where(col(SubscriptionRow.id) > reached)
        .order_by(col(SubscriptionRow.id))
        .limit(EXPORTED_AT_ONCE)
    ).all():
        for one in found:
            times = (one.asked_at, one.confirmed_at, one.left_at)
            said = (one.address, one.topic_id, one.state, one.locale, one.source, one.proof)
            yield _line((*said, *(_when(at) for at in times)))
        reached = found[-1].id


def _when(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else ""


def _line(cells: tuple[str, ...]) -> str:
    out = StringIO(newline="")
    csv.writer(out).writerow([f"'{one}" if one.startswith(FORMULA) else one for one in cells])
    return out.getvalue()
