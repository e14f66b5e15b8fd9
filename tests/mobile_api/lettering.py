"""What tests of letters about topics begin with: topics, somebody who has one, an issue."""

import re
from typing import Any, Final

from fastapi import FastAPI
from sqlmodel import Session, col, select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.profile.subscriptions import sending, service
from cart.profile.subscriptions.sending import Written
from cart.profile.subscriptions.tables import SubscriptionRow, SuppressionRow, TopicLetterRow
from mobile_api.mail.sweep import MailSweep
from mobile_api.mail.topic_letters import letter_mail
from mobile_api.mail.workflow import try_once
from tests.mobile_api.inbox import part
from tests.mobile_api.signing_in import ADA

LAMPS, BOATS = "lamps", "boats"
NAMES: Final = {
    LAMPS: {"en": "Lamps & light", "pl": "Lampy i światło", "he": "מנורות ואור"},
    BOATS: {"en": "Boats", "pl": "Łodzie", "he": "סירות"},
}
CONFIRM: Final = re.compile(r"http://testserver(/letters/confirm/\S+)")


def make_topics(app: FastAPI) -> None:
    """Make two topics."""
    parts = app.state.parts
    with unit_of_work(parts.engine) as db:
        for topic_id, names in NAMES.items():
            service.make_topic(db, parts.clock, topic_id=topic_id, names=names, abouts={"en": "x"})


def ask(phone: TestClient, email: str = ADA, topics: tuple[str, ...] = (LAMPS,)) -> Any:  # noqa: ANN401
    """Ask for letters on the page."""
    form = {"email": email, "topic": list(topics)}
    return phone.post("/letters", data=form, follow_redirects=False)


def letters(app: FastAPI) -> list[TopicLetterRow]:
    """Return every letter, in the order in which they were made."""
    with reading(app.state.parts.engine) as db:
        return list(db.exec(select(TopicLetterRow).order_by(col(TopicLetterRow.id))).all())


def states(app: FastAPI) -> dict[tuple[str, str], str]:
    """Return the state of each subscription, by topic and address."""
    with reading(app.state.parts.engine) as db:
        rows = db.exec(select(SubscriptionRow)).all()
        return {(one.topic_id, one.address): one.state for one in rows}


def suppressed(app: FastAPI) -> list[str]:
    """Return the reasons on the suppression list."""
    with reading(app.state.parts.engine) as db:
        return sorted(db.exec(select(SuppressionRow.reason)).all())


def read(app: FastAPI, letter_id: str) -> Any:  # noqa: ANN401 - a message
    """Compose a letter as it would leave now."""
    with reading(app.state.parts.engine) as db:
        return letter_mail(app.state.parts, db, letter_id)


def confirm_path(app: FastAPI) -> str:
    """Return the path in the newest mail that asks back."""
    newest = [one for one in letters(app) if one.kind == "confirm"][-1]
    found = CONFIRM.search(part(read(app, newest.id), "plain"))
    assert found
    return found.group(1)


def fields(html: str) -> dict[str, str]:
    """Return the hidden fields of a page with one form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def press(phone: TestClient, path: str) -> Any:  # noqa: ANN401 - a response
    """Open the page that confirms and press its button."""
    form = fields(phone.get(path).text)
    return phone.post(path, data=form, follow_redirects=False)


def subscribed(app: FastAPI, phone: TestClient, *topics: str, email: str = ADA) -> None:
    """Ask and confirm."""
    assert ask(phone, email, topics or (LAMPS,)).status_code == 303
    assert press(phone, confirm_path(app)).headers["location"].endswith("?done=true")


def write(app: FastAPI, topic_id: str = LAMPS, subject: str = "New lamps") -> list[str]:
    """Write an issue and make its letters; return their ids."""
    parts = app.state.parts
    texts = {
        "en": Written(subject, "They are here.\n\nCome & see <them>."),
        "pl": Written("Lampy", "Już są."),
    }
    with unit_of_work(parts.engine) as db:
        issue = sending.write_issue(
            db, parts.clock, parts.ids, topic_id=topic_id, texts=texts, staff_id="staff_1"
        )
        issue_id = issue.id
    MailSweep(parts).fan_out()
    return [one.id for one in letters(app) if one.issue_id == issue_id]


def send(app: FastAPI, letter_id: str, url: str) -> str:
    """Try once to send a letter, as its workflow does; return the outcome, settled if it is one."""
    parts = app.state.parts
    parts.smtp_url = url
    return try_once(parts, "letter", letter_id).outcome.value


def letter(app: FastAPI, letter_id: str) -> TopicLetterRow:
    """Return a letter as it is."""
    with Session(app.state.parts.engine) as db:
        return db.get_one(TopicLetterRow, letter_id)
