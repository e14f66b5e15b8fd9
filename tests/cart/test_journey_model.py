"""A journey as it is written down: what is read, what is refused, and where a run goes next."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.journeys.guards import (
    GUARDS,
    MESSAGES_MAX,
    Facts,
    Piece,
    Reason,
    Refusal,
    refusal,
)
from cart.journeys.model import (
    OF_GOODS,
    Channel,
    Fact,
    Split,
    Template,
    TriggerKind,
    arm_of,
    held_out,
    looked,
    read,
)
from cart.journeys.moving import End, Move, Standing, arm_for, entry_refused, go_on
from cart.kernel.errors import InvalidInput

SECRET: Final = b"a secret of more than thirty-two bytes"
NOW: Final = datetime(2026, 3, 3, 12, tzinfo=UTC)
REMINDER: Final = """
name = "cart-reminder"
version = 1
title = "A cart that waits"

[trigger]
kind = "cart_idle"
after_hours = 24

[[steps]]
kind = "condition"
holds = "customer"

[[steps]]
id = "which"
kind = "split"
shares = { early = 50, late = 50 }

[[steps]]
id = "late"
kind = "wait"
hours = 6

[[steps]]
id = "early"
kind = "message"

[[steps]]
kind = "exit"
"""
ALL: Final = Standing(bought=False, facts=frozenset(Fact))


def test_the_examples_of_the_document_can_be_loaded() -> None:
    """Each whole definition in it, by every trigger's word that it explains."""
    page = (Path(__file__).parents[2] / "docs" / "journeys.md").read_text(encoding="utf-8")
    # The first one goes on with shortened steps, which say what they are by comments.
    found = [read(one) for one in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    assert {"back-again", "cheaper"} <= {one.name for one in found}
    assert {one.trigger.kind for one in found} >= OF_GOODS
    assert {one for each in found for one in each.channels} >= {Channel.MAIL, Channel.PUSH}
    assert all(f"`{kind}`" in page for kind in TriggerKind)


def test_a_definition_is_read_with_its_defaults() -> None:
    """What is left out is the cautious choice: one in ten gets nothing."""
    one = read(REMINDER)
    assert (one.name, one.version, one.trigger.after_hours) == ("cart-reminder", 1, 24)
    assert (one.holdout_percent, one.again_after_days, one.goal_days) == (10, 30, 14)
    assert [step.kind for step in one.steps] == ["condition", "split", "wait", "message", "exit"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("after_hours = 24", "after_hours = 24\npercent = 5", "cart_idle has none"),
        ("version = 1", "version = 1\ncolour = 'red'", "colour: Extra inputs are not permitted"),
        ("hours = 6", "hours = 0", "step 3 hours: Input should be greater than or equal to 1"),
        ("hours = 6", "hours = '6'", "step 3 hours: Input should be a valid integer"),
        ('kind = "exit"', 'kind = "leap"', "step 5: Input tag 'leap'"),
        ("late = 50", "late = 40", "step 2 shares: they come to 90, not to 100"),
        ("late = 50", "never = 50", "step 2: no step called never stands below it"),
        ('id = "early"', 'id = "which"', "two steps are called which"),
        ('holds = "customer"', 'holds = "rich"', "step 1 holds: Input should be"),
        ('holds = "customer"', 'holds = "customer"\notherwise = "gone"', "step 1: no step called"),
        ('kind = "cart_idle"', 'kind = "full_moon"', "trigger kind: Input should be"),
        ("version = 1", "version = 1\nagain_after_days = 3", "again_after_days is less than"),
        (
            'kind = "message"',
            'kind = "message"\ntemplate = "care"',
            "step 4 template: care fits only the trigger ordered",
        ),
        ('kind = "message"', 'kind = "message"\ntemplate = "ode"', "step 4 template: Input should"),
        ("[trigger]", "[trigger", "not TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, said: str) -> None:
    """Steps are counted as their writer counts them."""
    with pytest.raises(InvalidInput) as refused:
        read(REMINDER.replace(old, new))
    assert said in str(refused.value)


@pytest.mark.parametrize("kind", list(TriggerKind))
def test_thanks_fit_what_was_ordered_and_a_reminder_everything(kind: TriggerKind) -> None:
    """What only waits at the desk is not thanked for: once she has it, that journey is over."""
    about = REMINDER.replace('"cart_idle"', f'"{kind}"')
    assert read(about).templates == (Template.REMINDER,)
    thanks = about.replace('kind = "message"', 'kind = "message"\ntemplate = "care"')
    one, faults = looked(thanks)
    if kind is TriggerKind.ORDERED:
        assert one is not None
        assert (one.templates, one.template_of("early")) == ((Template.CARE,), Template.CARE)
    else:
        assert [(fault.code, fault.step, fault.field) for fault in faults] == [
            ("template_unfit", 3, "template")
        ]


def test_a_step_never_leads_upwards() -> None:
    """So every run ends."""
    looped = REMINDER.replace('kind = "exit"', 'kind = "condition"\nholds = "customer"\n')
    with pytest.raises(InvalidInput, match="step 5: no step called which stands below it"):
        read(looped + 'otherwise = "which"\n')


def test_a_run_goes_on_to_its_next_wait_message_or_end() -> None:
    """Conditions and splits take no time."""
    one = read(REMINDER)
    assert go_on(one, 0, ALL, NOW, lambda _: "late") == Move(3, NOW + timedelta(hours=6))
    early = go_on(one, 0, ALL, NOW, lambda _: "early")
    assert (early.step, early.message) == (3, one.steps[3])
    assert go_on(one, 4, ALL, NOW, lambda _: "late").end is End.EXIT
    assert go_on(one, 5, ALL, NOW, lambda _: "late").end is End.DONE
    stranger = Standing(bought=False)
    assert go_on(one, 0, stranger, NOW, lambda _: "late").end is End.CONDITION


def test_whoever_has_bought_is_done_wherever_she_is() -> None:
    """The reminder that stops."""
    one, bought = read(REMINDER), Standing(bought=True, facts=frozenset(Fact))
    ends = {go_on(one, step, bought, NOW, lambda _: "late").end for step in range(6)}
    assert ends == {End.BOUGHT}
    assert entry_refused(one, bought) is End.BOUGHT
    assert entry_refused(one, Standing(bought=False)) is End.NOTHING_LEFT
    assert entry_refused(one, ALL) is None


@given(st.text(min_size=1, max_size=40))
def test_a_person_is_always_held_out_or_never(person: str) -> None:
    """Also in another version; her arm of a split stays, too."""
    one = read(REMINDER)
    later = read(REMINDER.replace("version = 1", "version = 2"))
    assert held_out(SECRET, one, person) == held_out(SECRET, later, person)
    split = one.steps[1]
    assert isinstance(split, Split)
    assert arm_of(SECRET, one, split, person) == arm_for(SECRET, later, person)(split)


def test_as_many_are_held_out_as_the_definition_says() -> None:
    """One in ten of 5000, within four standard deviations (85); a split goes half and half."""
    one = read(REMINDER)
    split = one.steps[1]
    assert isinstance(split, Split)
    people = [f"session-{number}" for number in range(5_000)]
    assert abs(sum(held_out(SECRET, one, each) for each in people) - 500) < 85
    early = sum(arm_of(SECRET, one, split, each) == "early" for each in people)
    assert abs(early - 2_500) < 142
    nobody = read(REMINDER.replace("version = 1", "version = 1\nholdout_percent = 0"))
    assert not any(held_out(SECRET, nobody, each) for each in people[:500])


def facts(**changed: object) -> Facts:
    """Return facts with which a message is sent, but for what is changed."""
    good: dict[str, object] = {
        "now": NOW,
        "active": True,
        "held_out": False,
        "bought": False,
        "consents": True,
        "address": "ada@example.org",
        "suppressed": "",
        "pieces": (Piece("1", 2), Piece("2", 0)),
        "sent_lately": MESSAGES_MAX - 1,
        "zone": ZoneInfo("Europe/Dublin"),
    }
    return Facts(**(good | changed))  # type: ignore[arg-type]  # as the test says


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"active": False}, Reason.SWITCHED_OFF),
        ({"bought": True}, Reason.BOUGHT),
        ({"order_over": True}, Reason.ORDER_OVER),
        ({"consents": False}, Reason.NO_CONSENT),
        ({"address": ""}, Reason.NO_ADDRESS),
        ({"suppressed": "hard bounce"}, Reason.SUPPRESSED),
        ({"pieces": ()}, Reason.NOTHING_LEFT),
        ({"pieces": (Piece("1", 0),)}, Reason.OUT_OF_STOCK),
        ({"sent_lately": MESSAGES_MAX}, Reason.TOO_MANY),
        ({"held_out": True}, Reason.HELD_OUT),
    ],
)
def test_each_guard_alone_stops_a_message(changed: dict[str, object], reason: Reason) -> None:
    """Without this one guard it would have been sent."""
    assert refusal(facts()) is None
    assert refusal(facts(**changed)) == Refusal(reason)
    assert [guard(facts(**changed)) for guard in GUARDS].count(None) == len(GUARDS) - 1


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("Europe/Dublin", datetime(2026, 3, 3, 20, 59, tzinfo=UTC), None),
        (
            "Europe/Dublin",
            datetime(2026, 3, 3, 21, tzinfo=UTC),
            datetime(2026, 3, 4, 9, tzinfo=UTC),
        ),
        (
            "Asia/Jerusalem",  # two hours ahead
            datetime(2026, 3, 3, 19, tzinfo=UTC),
            datetime(2026, 3, 4, 7, tzinfo=UTC),
        ),
        (
            "Europe/Warsaw",  # clocks go forward in this very night
            datetime(2026, 3, 28, 23, tzinfo=UTC),
            datetime(2026, 3, 29, 7, tzinfo=UTC),
        ),
        (
            "America/New_York",
            datetime(2026, 3, 4, 12, tzinfo=UTC),
            datetime(2026, 3, 4, 14, tzinfo=UTC),
        ),
    ],
)
def test_at_night_a_message_waits_for_nine_in_the_morning_where_she_is(
    zone: str, now: datetime, until: datetime | None
) -> None:
    """Put off, not dropped."""
    said = refusal(facts(now=now, zone=ZoneInfo(zone)))
    assert said == (None if until is None else Refusal(Reason.QUIET_HOURS, until))
