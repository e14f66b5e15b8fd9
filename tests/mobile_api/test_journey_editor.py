"""The page on which journeys are written: by form and as text, checked, saved, undone."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.db import reading
from cart.journeys import loading, numbers
from cart.journeys.model import Definition, looked, read
from cart.journeys.writing import numbered, raw_of, written
from cart.kernel.errors import NotFound
from cart.picking.roles import Role
from mobile_api.edge.problems import TITLES
from mobile_api.journeys import faults, form, telling
from mobile_api.look.words import words
from tests.cart.floor import Floor
from tests.cart.journeying import REMINDER, Street
from tests.fakes.clock import FakeClock
from tests.mobile_api.staffing import app_over, hire, marketer_of, signed_in

NEW: Final = "/staff/journeys/new"
EDIT: Final = "/staff/journeys/cart-reminder/edit"
BRANCHING: Final = """
name = "branching"
version = 1
title = "Two ways \\"and\\" one"
[trigger]
kind = "list_sent_not_bought"
after_hours = 5
[[steps]]
id = "allowed"
kind = "condition"
holds = "consents"
otherwise = "gone"
[[steps]]
id = "which"
kind = "split"
shares = { early = 30, late = 70 }
[[steps]]
id = "late"
kind = "wait"
hours = 24
[[steps]]
id = "early"
kind = "message"
[[steps]]
kind = "condition"
holds = "in_stock"
[[steps]]
id = "gone"
kind = "exit"
"""


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    return app_over(floor, tmp_path)


@pytest.fixture
def marketer(app: FastAPI, floor: Floor) -> TestClient:
    """A browser of a marketer."""
    return marketer_of(app, floor)


def fields(page: str) -> dict[str, Any]:
    """Return what the page's form would post, as a browser without scripts reads it."""
    [body] = re.findall(r'<form class="stack"[^>]*id="journey".*?</form>', page, re.DOTALL)
    found: dict[str, list[str]] = {}
    parts = r"<input\b[^>]*>|<select\b.*?</select>|<textarea\b.*?</textarea>"
    for part in re.findall(parts, body, re.DOTALL):
        name = re.search(r'name="(\w+)"', part)
        assert name is not None
        if part.startswith("<select"):
            chosen = re.search(r'value="([^"]*)" selected', part) or re.search(
                r'value="([^"]*)"', part
            )
            value = chosen[1] if chosen else ""
        elif part.startswith("<textarea"):
            value = re.sub(r"^<textarea[^>]*>|</textarea>$", "", part)
        else:
            value = (re.search(r'value="([^"]*)"', part) or ["", ""])[1]
        for code, sign in (("&#34;", '"'), ("&#39;", "'"), ("&lt;", "<"), ("&amp;", "&")):
            value = value.replace(code, sign)
        found.setdefault(name[1], []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def press(client: TestClient, path: str, sent: Mapping[str, Any], do: str) -> Any:  # noqa: ANN401
    """Press a button of the form."""
    return client.post(path, data={**sent, "do": do})


def sources(floor: Floor, name: str) -> list[str]:
    """Return the texts of a journey's versions, the oldest first."""
    with reading(floor.engine) as db:
        return [row.source for row in reversed(numbers.versions(db, name))]


def noted(floor: Floor) -> list[tuple[str, str, str]]:
    """Return what was noted of journeys, the oldest first."""
    with reading(floor.engine) as db:
        rows = [row for row in reversed(audit.newest(db)) if row.on_kind == "journey"]
    return [(row.action, row.on_id, row.outcome) for row in rows]


def test_from_an_empty_form_to_a_saved_journey(marketer: TestClient, floor: Floor) -> None:
    """Add, move, remove, check, save: only the last writes, and the journey is off."""
    sent = fields(marketer.get(NEW).text) | {"title": "Come back", "name": "come-back"}
    sent = fields(press(marketer, NEW, sent, "add-wait--1").text)
    assert sent["kind"] == ["wait", "message"]
    sent = fields(press(marketer, NEW, sent, "add-exit-1").text)
    sent = fields(press(marketer, NEW, sent, "add-condition-1").text)
    assert sent["kind"] == ["wait", "message", "condition", "exit"]
    sent = fields(press(marketer, NEW, sent, "up-2").text)
    sent = fields(press(marketer, NEW, sent, "down-0").text)
    assert sent["kind"] == ["condition", "wait", "message", "exit"]
    sent["otherwise"][0] = "exit-1"
    sent["id"][3] = "goodbye"  # what leads to it follows
    sent["hours"][1] = "48"
    sent = fields(press(marketer, NEW, sent, "remove-9").text)
    assert sent["otherwise"][0] == "goodbye"
    checked = press(marketer, NEW, sent, "check")
    assert checked.status_code == 200
    for said in ("Wait 48 hours", "otherwise to step 4, goodbye", "Save as version 1"):
        assert said in checked.text
    assert sources(floor, "come-back") == []
    for _ in range(2):  # pressed twice is saved once
        saved = press(marketer, NEW, fields(checked.text), "save")
        assert saved.headers["location"] == "/staff/journeys/come-back/edit?saved=1"
    [source] = sources(floor, "come-back")
    one = read(source)
    assert [step.kind for step in one.steps] == ["condition", "wait", "message", "exit"]
    assert (one.title, one.version, one.trigger.after_hours) == ("Come back", 1, 24)
    with reading(floor.engine) as db:
        assert not loading.find(db, "come-back").active
    assert noted(floor) == [
        ("journey.try", "come-back", "done"),
        ("journey.load", "come-back", "done"),
        ("journey.load", "come-back", "done"),
    ]
    assert "Version 1 is saved" in marketer.get(saved.headers["location"]).text


def test_faults_stand_beside_the_field_and_nothing_typed_is_lost(
    marketer: TestClient, floor: Floor
) -> None:
    """In her language, with a link to the field; nothing is saved, and that she tried is noted."""
    sent = fields(marketer.get(NEW).text)
    sent = fields(press(marketer, NEW, sent, "add-wait-0").text)
    sent = fields(press(marketer, NEW, sent, "add-split-1").text)
    sent |= {"title": "", "name": "Not A Name", "hours": ["", "soon", ""], "after_hours": "0"}
    sent["percent"][8] = "60"
    refused = press(marketer, NEW, sent, "save")
    assert refused.status_code == 400
    for anchor, said in (
        ("title", "This is missing."),
        ("name", "Small letters without accents"),
        ("trigger-after-hours", "1 is the least."),
        ("step-1-hours", "This has to be a whole number."),
    ):
        assert f'<a href="#{anchor}">' in refused.text
        assert f'id="{anchor}-fault-1">{said}' in refused.text
        assert f'aria-describedby="{anchor}-fault-1"' in refused.text
    again = fields(refused.text)
    assert {name: again[name] for name in sent if name != "do"} == sent
    polish = marketer.post(NEW, data={**sent, "do": "check"}, headers={"Accept-Language": "pl"})
    assert "To musi być liczba całkowita." in polish.text
    assert "Input should" not in polish.text
    sent |= {"title": "T", "name": "good", "hours": ["", "5", ""], "after_hours": "2"}
    shares = press(marketer, NEW, sent, "check").text
    assert "There is no step called" in shares or "This is missing" in shares
    with reading(floor.engine) as db:
        assert numbers.all_numbers(db, "EUR") == []
    assert noted(floor) == [("journey.load", "", "invalid_input")]


def test_the_text_and_the_form_are_the_same_journey(marketer: TestClient, floor: Floor) -> None:
    """Text to form and back is the same definition; comments are kept when the text is saved."""
    sent = fields(marketer.get(NEW).text)
    text = fields(press(marketer, NEW, sent, "toml").text)
    assert text["way"] == "toml"
    text["source"] = "# why: it was asked for\n" + BRANCHING
    as_form = fields(press(marketer, NEW, text, "form").text)
    assert as_form["way"] == "form"
    back = fields(press(marketer, NEW, as_form, "toml").text)
    assert read(back["source"]) == read(BRANCHING)
    broken = press(marketer, NEW, text | {"source": BRANCHING + "\nkind ="}, "form")
    assert broken.status_code == 400
    assert "The text is not TOML" in broken.text
    assert fields(broken.text)["source"].endswith("\nkind =")
    assert press(marketer, NEW, text, "save").status_code == 303
    assert sources(floor, "branching") == [text["source"]]


def test_what_starts_it_and_by_which_way_it_goes_are_chosen(
    marketer: TestClient, floor: Floor
) -> None:
    """A percentage is asked for where a lower price starts it, and kept where none does."""
    sent = fields(marketer.get(NEW).text) | {"title": "Less", "name": "less"}
    assert sent["cheaper"] == "5"
    sent |= {"trigger": "price_drop", "channel": "sms"}
    checked = press(marketer, NEW, sent, "check").text
    assert "By how many percent less, at least" in checked
    assert "Send the reminder · SMS" in checked
    assert "This cannot be tried over the past" in checked
    refused = press(marketer, NEW, fields(checked) | {"cheaper": "lots"}, "save")
    assert refused.status_code == 400
    assert 'name="cheaper" inputmode="numeric" maxlength="7" value="lots"' in refused.text
    saved = press(marketer, NEW, fields(refused.text) | {"cheaper": "12"}, "save")
    assert saved.status_code == 303, saved.text
    [one] = [read(source) for source in sources(floor, "less")]
    assert (one.trigger.kind.value, one.trigger.percent) == ("price_drop", 12)
    assert one.channels == ("sms",)
    again = fields(marketer.get("/staff/journeys/less/edit").text)
    assert (again["way"], again["channel"], again["cheaper"]) == ("form", "sms", "12")


def test_thanks_are_offered_and_fit_what_was_ordered(marketer: TestClient, floor: Floor) -> None:
    """Under another trigger it is said beside the choice, in her language; nothing is saved."""
    sent = fields(marketer.get(NEW).text) | {"title": "Care", "name": "care-tips"}
    assert sent["template"] == "reminder"
    assert "Thanks, and how to look after it" in marketer.get(NEW).text
    sent |= {"template": "care"}
    for language, said in (
        ("en", "Thanks fit only a journey that begins when she has ordered."),
        ("pl", "Podziękowanie pasuje tylko do ścieżki"),
        ("he", "תודה מתאימה רק למסע"),
    ):
        headers = {"Accept-Language": language}
        refused = marketer.post(NEW, data={**sent, "do": "save"}, headers=headers)
        assert refused.status_code == 400
        assert f'id="step-0-template-fault-1">{said}' in refused.text
        assert fields(refused.text)["template"] == "care"
    assert fields(refused.text)["trigger"] == "cart_idle"
    checked = press(marketer, NEW, sent | {"trigger": "ordered"}, "check").text
    assert "Send thanks, and how to look after it · E-mail" in checked
    assert press(marketer, NEW, fields(checked), "save").status_code == 303
    [source] = sources(floor, "care-tips")
    assert 'template = "care"' in source
    assert read(source).templates == ("care",)
    again = fields(marketer.get("/staff/journeys/care-tips/edit").text)
    assert (again["way"], again["template"]) == ("form", "care")


def test_two_who_save_at_once_lose_nothing(marketer: TestClient, floor: Floor) -> None:
    """The second is told what the other saved, keeps what she typed, and saves it as the next."""
    Street(floor.engine, floor.clock).load(REMINDER)
    hers, his = (fields(marketer.get(EDIT).text) for _ in range(2))
    his |= {"title": "His"}
    hers |= {"title": "Hers"}
    assert press(marketer, EDIT, his, "save").status_code == 303
    conflict = press(marketer, EDIT, hers, "save")
    assert conflict.status_code == 409
    for said in ("Somebody saved version 2", "Title: His", "Title: Hers", "Save as version 3"):
        assert said in conflict.text
    assert len(sources(floor, "cart-reminder")) == 2
    assert press(marketer, EDIT, fields(conflict.text), "save").status_code == 303
    titles = [read(source).title for source in sources(floor, "cart-reminder")]
    assert titles == ["A cart that waits", "His", "Hers"]
    taken = fields(marketer.get(NEW).text) | {"name": "cart-reminder", "title": "Mine"}
    answer = press(marketer, NEW, taken, "save")
    assert answer.status_code == 409
    assert TITLES["journey_name_taken"] in answer.text
    assert fields(answer.text)["title"] == "Mine"
    outcomes = [outcome for _, _, outcome in noted(floor)]
    assert outcomes.count("journey_saved") == outcomes.count("journey_name_taken") == 1


def test_what_was_changed_is_shown_and_undone(marketer: TestClient, floor: Floor) -> None:
    """The versions say what each changed; an older one opens in the form, and is the next."""
    Street(floor.engine, floor.clock).load(REMINDER)
    sent = fields(marketer.get(EDIT).text)
    sent["hours"][1] = "48"
    checked = press(marketer, EDIT, sent, "check").text
    assert re.search(r'class="gone".*Wait 72 hours', checked)
    assert re.search(r'class="new".*Wait 48 hours', checked)
    press(marketer, EDIT, sent, "save")
    page = marketer.get(EDIT).text
    assert "Wait 72 hours" in page
    assert "Open version 1" in page
    older = fields(marketer.get(EDIT, params={"version": "1"}).text)
    assert (older["hours"][1], older["after"]) == ("72", "2")
    assert press(marketer, EDIT, older, "save").status_code == 303
    first, second, third = (read(source) for source in sources(floor, "cart-reminder"))
    assert telling.changes(first, third, words("en")) == []
    assert second.steps != third.steps
    assert marketer.get(EDIT, params={"version": "9"}).status_code == 404
    assert press(marketer, "/staff/journeys/none/edit", sent, "save").status_code == 404


def test_a_text_keeps_the_journeys_name_and_gets_its_number(
    marketer: TestClient, floor: Floor
) -> None:
    """Whatever number stands in the text, it is the next one; another name is another journey."""
    Street(floor.engine, floor.clock).load(REMINDER)
    text = {"way": "toml", "after": "1", "source": REMINDER.replace("72", "10")}
    other = text | {"source": REMINDER.replace("cart-reminder", "other")}
    assert "A journey keeps its name" in press(marketer, EDIT, other, "save").text
    assert press(marketer, EDIT, text, "save").status_code == 303
    assert read(sources(floor, "cart-reminder")[-1]).version == 2
    with reading(floor.engine) as db, pytest.raises(NotFound):
        loading.find(db, "other")


def test_others_of_the_staff_do_not_write_journeys(app: FastAPI, floor: Floor) -> None:
    """It is the marketer's alone, and nothing is written."""
    Street(floor.engine, floor.clock).load(REMINDER)
    sent = {"way": "toml", "after": "1", "source": REMINDER.replace("72", "10")}
    for number, role in (("7", Role.MANAGER), ("8", Role.ASSOCIATE)):
        with signed_in(TestClient(app), hire(floor, number, role=role)) as other:
            for path in (NEW, EDIT):
                assert other.get(path).status_code == 403
                assert press(other, path, sent, "save").status_code == 403
    assert len(sources(floor, "cart-reminder")) == 1


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_every_fault_has_words(locale: str) -> None:
    """In each language each fault is a sentence, and none is the model's own English."""
    bad = (
        'name = "x"\nversion = 1\ntitle = "t"\ncolour = 1\nagain_after_days = 2\n'
        '[trigger]\nkind = "none"\nafter_hours = 9999\n[[steps]]\nkind = "leap"\n[[steps]]\n'
        'kind = "wait"\nhours = "x"\n[[steps]]\nkind = "split"\nid = "s"\nshares = { a = 1 }\n'
    )
    _, found = looked(bad)
    assert len(found) == 6
    _, twice = looked(BRANCHING.replace('id = "late"', 'id = "early"').replace("70", "60"))
    assert {one.code for one in twice} == {"shares_not_100", "called_twice", "not_below"}
    spoken = words(locale)
    said = faults.told((*found, *twice), spoken)
    assert all(one.text and "%" not in one.text.replace(" %", "") for one in said)
    assert spoken.gettext(faults.OTHER) not in {one.text for one in said}
    if locale != "en":
        english = {one.text for one in faults.told((*found, *twice), words("en"))}
        assert english.isdisjoint(one.text for one in said)
        mine = telling.lines(read(BRANCHING), spoken)
        assert set(mine[1:]).isdisjoint(telling.lines(read(BRANCHING), words("en"))[1:])


def test_a_way_is_drawn_beside_the_steps_that_it_passes() -> None:
    """From the condition to the end outside, the split's two ways inside; none crosses another."""
    nodes = telling.path(read(BRANCHING), words("en"))
    assert [node.lanes for node in nodes] == [
        ("", "", "from"),
        ("from", "from", "pass"),
        ("to", "pass", "pass"),
        ("", "to", "pass"),
        ("", "", "pass"),
        ("", "", "to"),
    ]
    assert [node.ends for node in nodes] == [False, True, False, False, False, True]


NAMES: Final = [f"n{one}" for one in range(6)]


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Return journeys as they may be written, ways and all."""
    number = draw(st.integers(1, 6))
    trigger = draw(st.sampled_from(["price_drop", "ordered"]))
    steps: list[dict[str, Any]] = []
    for place in range(number):
        below = NAMES[place + 1 : number]
        kinds = ["wait", "exit", "message", "condition", *(["split"] if len(below) > 1 else [])]
        step: dict[str, Any] = {"kind": draw(st.sampled_from(kinds)), "id": NAMES[place]}
        if step["kind"] == "wait":
            step["hours"] = draw(st.integers(1, 1440))
        if step["kind"] == "message":
            step["channel"] = draw(st.sampled_from(["mail", "push", "sms", "whatsapp"]))
            if trigger == "ordered":
                step["template"] = draw(st.sampled_from(["reminder", "care"]))
        if step["kind"] == "condition":
            step["holds"] = draw(st.sampled_from(["customer", "in_stock"]))
            if draw(st.booleans()) and below:
                step["otherwise"] = draw(st.sampled_from(below))
        if step["kind"] == "split":
            share = draw(st.integers(1, 99))
            step["shares"] = {below[0]: share, below[-1]: 100 - share}
        steps.append(step)
    if sum(step["kind"] == "message" for step in steps) > 5:
        steps[0] = {"kind": "exit", "id": NAMES[0]}
    title = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
    raw = {
        "name": "any",
        "version": draw(st.integers(1, 999)),
        "title": title,
        "trigger": {
            "kind": trigger,
            "after_hours": draw(st.integers(1, 1440)),
            "percent": draw(st.integers(1, 90)) if trigger == "price_drop" else None,
        },
        "steps": steps,
    }
    return Definition.model_validate(raw)


@given(definitions())
@settings(max_examples=60)
def test_what_is_written_is_read_again(one: Definition) -> None:
    """As TOML, by the form, and with another number; whatever the title is made of."""
    text = written(raw_of(one))
    assert read(text) == one
    assert read(numbered(text, one.version + 1)).version == one.version + 1
    draft = form.of_definition(one)
    # A title with white space around it is no journey that the form could write.
    assert draft is not None or one.title != one.title.strip()
