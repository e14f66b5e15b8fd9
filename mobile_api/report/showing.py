"""The report as its page shows it: groups in words, bars, whiskers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cart.journeys.lift import Interval, purchase_lift, revenue_lift
from cart.journeys.numbers import Numbers
from cart.journeys.report.model import ALL_SEEN, EVERYWHERE, SPANS, Counted, Seen, Step, coarse
from cart.kernel.money import Money
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words
from mobile_api.report.drawing import Scale, Whisker, bars
from mobile_api.report.sheets import CURRENCY, Report, large_enough

STEPS: Final[Mapping[Step, str]] = {
    Step.SCANNED: N_("Scanned or tried on"),
    Step.KEPT: N_("Kept: on her phone, or a list"),
    Step.CHECKOUT: N_("Opened a checkout"),
    Step.ORDERED: N_("Ordered"),
    Step.COLLECTED: N_("Collected or shipped"),
}
SHORT: Final[Mapping[Step, str]] = {
    Step.SCANNED: N_("Scanned"),
    Step.KEPT: N_("Kept it"),
    Step.CHECKOUT: N_("Checkout"),
    Step.ORDERED: N_("Ordered"),
    Step.COLLECTED: N_("Collected"),
}
DEVICES: Final[Mapping[str, str]] = {
    ALL_SEEN: N_("All devices"),
    Seen.TABLET: N_("Tablet"),
    Seen.MIRROR: N_("Mirror"),
    Seen.BAND: N_("Wristband"),
    Seen.PHONE: N_("Phone"),
    Seen.OTHER: N_("Otherwise"),
}
SPAN_WORDS: Final[Mapping[str, str]] = {
    "within_quarter_hour": N_("Within 15 minutes"),
    "within_hour": N_("15 to 60 minutes"),
    "within_day": N_("1 to 24 hours"),
    "within_week": N_("1 to 7 days"),
    "later": N_("Later"),
}
_POINTS: Final = 100  # of a share: a percentage point is a hundredth


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its words, its number in words ("" if too few), of all in percent."""

    label: str
    number: str
    share: str
    length: int


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: what it is about, and a number for each column ("" if too few)."""

    label: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lift:
    """A journey's lift: in words and as whiskers; None where there is none to show."""

    name: str
    title: str
    treated: str
    held_out: str
    bought: str
    spent: str
    bought_drawn: Whisker | None
    spent_drawn: Whisker | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the page. ``points``, ``money``: the ends of the two scales, in words."""

    funnel: Sequence[Bar]
    columns: Sequence[str]
    devices: Sequence[Line]
    shops: Sequence[Line]
    spans: Sequence[Bar]
    times: Sequence[Line]
    orders: str
    lifts: Sequence[Lift]
    points: str
    money: str

    @property
    def empty(self) -> bool:
        """Say whether there is no group that is large enough."""
        return not any(one.number for one in self.funnel)


def shown(report: Report, seen: str, spoken: Words) -> Shown:
    """Return the report in words, of people who began with this kind of device."""
    place = report.windows[0].location_id if len(report.windows) == 1 else EVERYWHERE
    group = report.counted.get((place, seen))
    timed, spans = (group.timed, group.spans) if group else (0, [0] * len(SPANS))
    reached = group.reached if group else [0] * len(Step)
    lifts, points, money = _lifts(report.journeys, spoken)
    return Shown(
        funnel=_bars(STEPS.values(), reached, reached[0], spoken),
        columns=[spoken.gettext(one) for one in SHORT.values()],
        devices=[
            _line(spoken.gettext(label), report.counted.get((place, one)), spoken)
            for one, label in DEVICES.items()
        ],
        shops=[
            _line(
                report.names[one.location_id],
                report.counted.get((one.location_id, seen)),
                spoken,
            )
            for one in report.windows
        ]
        if len(report.windows) > 1
        else [],
        spans=_bars((SPAN_WORDS[one] for one in SPANS), spans, timed, spoken),
        times=[
            _times(spoken.gettext(label), report.counted.get((place, one)), spoken)
            for one, label in DEVICES.items()
        ],
        orders=spoken.number(sum(report.orders.values())),
        lifts=lifts,
        points=points,
        money=money,
    )


def _number(people: int | None, spoken: Words) -> str:
    return "" if people is None else spoken.number(people)


def _bars(labels: Iterable[str], numbers: Sequence[int], whole: int, spoken: Words) -> list[Bar]:
    """Return a bar for each number; of ``whole``, in percent, as far as it may be shown."""
    people = [coarse(one) for one in numbers]
    most = coarse(whole) or 1
    return [
        Bar(
            spoken.gettext(label),
            _number(number, spoken),
            spoken.percent(number / most) if number else "",
            length,
        )
        for label, number, length in zip(labels, people, bars(people), strict=True)
    ]


def _line(label: str, group: Counted | None, spoken: Words) -> Line:
    reached = group.reached if group else [0] * len(Step)
    return Line(label, tuple(_number(coarse(one), spoken) for one in reached))


def _times(label: str, group: Counted | None, spoken: Words) -> Line:
    people = coarse(group.timed) if group else None
    if group is None or people is None:
        return Line(label, ("", "", ""))
    lengths = (
        "" if one is None else spoken.span(timedelta(seconds=one))
        for one in (group.median_s, group.p90_s)
    )
    return Line(label, (spoken.number(people), *lengths))


def _lifts(journeys: Sequence[Numbers], spoken: Words) -> tuple[list[Lift], str, str]:
    pairs = [
        (one, purchase_lift(one.treated, one.held_out), revenue_lift(one.treated, one.held_out))
        if large_enough(one)
        else (one, None, None)
        for one in journeys
    ]
    bought = Scale.of([one for _, one, _ in pairs if one])
    spent = Scale.of([one for _, _, one in pairs if one])
    lifts = [
        Lift(
            name=one.name,
            title=one.title,
            treated=_number(coarse(one.treated.people), spoken),
            held_out=_number(coarse(one.held_out.people), spoken),
            bought=_points(more, spoken) if more else "",
            spent=_money(worth, spoken) if worth else "",
            bought_drawn=bought.whisker(more) if more else None,
            spent_drawn=spent.whisker(worth) if worth else None,
        )
        for one, more, worth in pairs
    ]
    top = spoken.money(Money(round(spent.top), CURRENCY))
    return lifts, spoken.number(round(bought.top * _POINTS, 1)), top


def _points(one: Interval, spoken: Words) -> str:
    value, low, high = (
        spoken.number(round(share * _POINTS, 1)) for share in (one.value, one.low, one.high)
    )
    return f"{value} ({low} … {high})"


def _money(one: Interval, spoken: Words) -> str:
    value, low, high = (
        spoken.money(Money(round(minor), CURRENCY)) for minor in (one.value, one.low, one.high)
    )
    return f"{value} ({low} … {high})"
