"""One language's voice on the kiosk: texts with plurals, prices, times, measures."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Final

from babel import numbers

from cart.kernel import i18n
from cart.kernel.money import Money

TEXTS: Final = Path(__file__).parent / "texts"
GRAMS_PER_KG: Final = 1000


@dataclass(frozen=True, slots=True)
class Words:
    """What the templates use to speak ``locale``; times are those of ``zone`` (IANA name)."""

    locale: str
    zone: str
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

    def rating(self, value: float) -> str:
        """Return an average of one to five stars, always with its tenth: ``5.0``."""
        return str(numbers.format_decimal(value, format="0.0", locale=self.locale))

    def at(self, moment: datetime) -> str:
        """Return the time of day in the shop."""
        return i18n.format_time(moment, self.locale, self.zone)

    def cm(self, millimetres: int) -> str:
        """Return a length in centimetres."""
        return self.gettext("%(count)s cm") % {"count": self.number(millimetres / 10)}

    def kg(self, grams: int) -> str:
        """Return a weight in kilograms."""
        count = self.number(round(grams / GRAMS_PER_KG, 1))
        return self.gettext("%(count)s kg") % {"count": count}

    def of(self, texts: dict[str, str], fallback: str) -> str:
        """Return a catalogue text in this language, else in the fallback's."""
        return i18n.of_language(texts, fallback, self.locale)


@lru_cache(maxsize=32)
def words(locale: str, zone: str) -> Words:
    """Return the words of a language that we speak, with the times of ``zone``."""
    return Words(locale, zone, i18n.texts(TEXTS, locale))
