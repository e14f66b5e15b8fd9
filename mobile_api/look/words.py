"""One language's voice: texts with plurals, prices, numbers, times."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import dates, numbers

from cart.kernel import i18n
from cart.kernel.money import Money

TEXTS = Path(__file__).parent.parent / "texts"
METRES_PER_KM = 1000
JUST_NOW = timedelta(seconds=5)
KM_WITH_TENTHS_MAX = 10  # nearer than this, half a kilometre matters


@dataclass(frozen=True, slots=True)
class Words:
    """What templates and the mail use to speak ``locale``."""

    locale: str
    texts: NullTranslations

    @property
    def direction(self) -> str:
        """``rtl`` or ``ltr``."""
        return i18n.direction(self.locale)

    def gettext(self, text: str) -> str:
        """Return the text in this language."""
        return self.texts.gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the form for ``count``; ``%(num)s`` in it becomes the number."""
        return self.texts.ngettext(one, many, count) % {"num": self.number(count)}

    def money(self, money: Money) -> str:
        """Return an amount as this language writes it."""
        return i18n.format_money(money, self.locale)

    def number(self, value: float) -> str:
        """Return a number as this language writes it."""
        return i18n.format_number(value, self.locale)

    def percent(self, share: float) -> str:
        """Return a share, 0 to 1, in whole percent as this language writes it."""
        return str(numbers.format_percent(share, locale=self.locale))

    def moment(self, moment: datetime, zone: str = "UTC") -> str:
        """Return date and time."""
        return i18n.format_moment(moment, self.locale, zone)

    def ago(self, age: timedelta) -> str:
        """Return how long ago something was, in its largest unit: ``3 minutes ago``."""
        whole = timedelta(seconds=round(age.total_seconds()))
        if whole < JUST_NOW:  # also what a clock that runs ahead calls the future
            return self.gettext("just now")
        return str(dates.format_timedelta(-whole, add_direction=True, locale=self.locale))

    def span(self, length: timedelta) -> str:
        """Return how long something took, in its largest unit: ``25 minutes``; at least one."""
        minutes = max(timedelta(minutes=1), length)
        return str(dates.format_timedelta(minutes, threshold=1.5, locale=self.locale))

    def clock_time(self, moment: datetime, zone: str = "UTC") -> str:
        """Return the time of day."""
        return i18n.format_time(moment, self.locale, zone)

    def minute(self, moment: datetime, zone: str = "UTC") -> str:
        """Return date and time of day, without seconds: what people call a moment by."""
        day = self.day(moment.astimezone(ZoneInfo(zone)).date())
        return f"{day}, {self.clock_time(moment, zone)}"

    def weekday(self, moment: datetime, zone: str = "UTC") -> str:
        """Return the day's name, as it stands in a sentence about when something is."""
        return str(dates.format_datetime(moment, "EEEE", ZoneInfo(zone), locale=self.locale))

    def day(self, day: date) -> str:
        """Return a date without a time."""
        return str(dates.format_date(day, "long", locale=self.locale))

    def distance(self, metres: float) -> str:
        """Return ``650 m`` or ``2.4 km`` in this language's digits and unit."""
        if metres < METRES_PER_KM:
            return self.gettext("%(count)s m") % {"count": self.number(round(metres, -1))}
        km = metres / METRES_PER_KM
        rounded = round(km, 1) if km < KM_WITH_TENTHS_MAX else round(km)
        return self.gettext("%(count)s km") % {"count": self.number(rounded)}

    def of(self, texts: dict[str, str] | None, fallback: str) -> str:
        """Return a feed's text in this language, else in the fallback's."""
        return i18n.of_language(texts, fallback, self.locale)


@lru_cache(maxsize=len(i18n.LOCALES))
def words(locale: str) -> Words:
    """Return the words of a language that we speak."""
    return Words(locale, i18n.texts(TEXTS, locale))
