"""Languages: which one a person reads, her prices and dates, and the texts.

Text catalogues are gettext ``.po`` files read as they are at start: no
compiled file to forget. English text is the key.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, dates, negotiate_locale, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from cart.kernel.money import Money

LOCALES: Final = ("en", "he", "pl")
FALLBACK: Final = "en"
ACCEPTED_MAX = 20  # entries of an Accept-Language header that are looked at
# Written prices remembered: a shop has a few hundred, in each language.
PRICES_KEPT_MAX: Final = 4_096
NUMBERS_KEPT_MAX: Final = 4_096  # counts and distances: a cart of fifteen lines says thirty
_LEFT_TO_RIGHT: Final = "\u200e"  # the mark: what follows runs on as digits do
_BABEL: Final = {code: Locale.parse(code) for code in LOCALES}


def choose(explicit: str | None, accept_language: str = "") -> str:
    """Return the language to speak: the chosen one, else the browser's, else English."""
    if explicit in LOCALES:
        return str(explicit)
    wanted: list[tuple[float, str]] = []
    for entry in accept_language.split(",")[:ACCEPTED_MAX]:
        tag, _, quality = entry.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        # Browsers of long standing still say "iw" for Hebrew.
        wanted.append((-weight, tag.replace("iw", "he", 1) if tag.startswith("iw") else tag))
    ordered = [tag for _, tag in sorted(wanted, key=lambda pair: pair[0])]
    return negotiate_locale(ordered, LOCALES, sep="-") or FALLBACK


def direction(locale: str) -> str:
    """Return ``rtl`` or ``ltr``."""
    return _BABEL[locale].text_direction


def language_name(locale: str) -> str:
    """Return the language's own name for itself."""
    return (_BABEL[locale].display_name or locale).capitalize()


@lru_cache(maxsize=PRICES_KEPT_MAX)
def format_money(money: Money, locale: str) -> str:
    """Return the amount as this language writes it: ``€189.00``, ``189,00 €``.

    A minus stays before its digits, also where text runs from right to left.
    """
    written = numbers.format_currency(money.amount, money.currency, locale=_BABEL[locale])
    return written.replace("-", f"{_LEFT_TO_RIGHT}-") if direction(locale) == "rtl" else written


@lru_cache(maxsize=NUMBERS_KEPT_MAX)
def format_number(value: float, locale: str) -> str:
    """Return a number as this language writes it."""
    return numbers.format_decimal(value, locale=_BABEL[locale])


def format_moment(moment: datetime, locale: str, zone: str = "UTC", style: str = "medium") -> str:
    """Return date and time of an aware moment in a time zone (IANA name)."""
    return dates.format_datetime(moment, style, tzinfo=ZoneInfo(zone), locale=_BABEL[locale])


def format_time(moment: datetime, locale: str, zone: str = "UTC") -> str:
    """Return the time of day, without seconds."""
    return dates.format_time(moment, "short", tzinfo=ZoneInfo(zone), locale=_BABEL[locale])


def of_language(texts: dict[str, str] | None, fallback: str, locale: str) -> str:
    """Return the text in ``locale`` from a feed's ``*_i18n`` field, else ``fallback``."""
    return (texts or {}).get(locale) or fallback


@lru_cache(maxsize=32)
def texts(folder: Path, locale: str) -> NullTranslations:
    """Return the translations in ``folder/{locale}.po``; English needs no file.

    Raises:
        FileNotFoundError: a language other than English has no file.
    """
    if locale == FALLBACK:
        return NullTranslations()
    with (folder / f"{locale}.po").open("rb") as source:
        catalogue = read_po(source, locale=locale, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(fp=compiled)


def missing(folder: Path, locale: str, used: Sequence[str]) -> list[str]:
    """Return those of ``used`` that ``folder/{locale}.po`` does not translate."""
    with (folder / f"{locale}.po").open("rb") as source:
        catalogue = read_po(source, locale=locale)
    done = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalogue
        if message.string
        and all(message.string if isinstance(message.string, (tuple, list)) else (message.string,))
    }
    return sorted(set(used) - done)
